"""`~/.lilac/config.toml` and the variables over it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lilac.client import config
from lilac.model.errors import InvalidInput


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".lilac" / "config.toml"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_with_nothing_configured_there_are_defaults(path: Path) -> None:
    settings = config.load(path, {})
    assert (settings.api_endpoint, settings.api_key) == (config.DEFAULT_ENDPOINT, None)
    assert not path.exists()


def test_each_variable_overrides_its_own_key_only(path: Path) -> None:
    _write(path, 'api_endpoint = "http://file"\napi_key = "from-file"\n')
    settings = config.load(path, {"LILAC_API_ENDPOINT": "http://env"})
    assert (settings.api_endpoint, settings.api_key) == ("http://env", "from-file")
    settings = config.load(path, {"LILAC_USER_API_KEY": "from-env"})
    assert (settings.api_endpoint, settings.api_key) == ("http://file", "from-env")
    assert settings.key_source == "LILAC_USER_API_KEY"


def test_loading_never_writes(path: Path) -> None:
    before = _write(path, 'api_endpoint = "http://file"\n').stat()
    config.load(path, {"LILAC_API_ENDPOINT": "http://env", "LILAC_USER_API_KEY": "k"})
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_an_empty_variable_counts_as_not_set(path: Path) -> None:
    _write(path, 'api_endpoint = "http://file"\n')
    assert config.load(path, {"LILAC_API_ENDPOINT": ""}).api_endpoint == "http://file"


def test_home_decides_where_the_file_is(tmp_path: Path) -> None:
    _write(tmp_path / ".lilac" / "config.toml", 'api_key = "here"\n')
    assert config.load(environ={"HOME": str(tmp_path)}).api_key == "here"


def test_a_saved_file_is_for_its_owner_only(path: Path) -> None:
    config.save(api_endpoint="http://x", api_key="secret", path=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert config.load(path, {}).api_key == "secret"
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_saving_keeps_what_it_does_not_know(path: Path) -> None:
    _write(path, 'api_endpoint = "http://old"\ntheme = "dark"\n')
    config.save(api_endpoint="http://new", api_key=None, path=path)
    assert 'theme = "dark"' in path.read_text()
    assert "api_key" not in path.read_text()


def test_a_failed_save_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.save(api_endpoint="http://old", api_key=None, path=path)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        config.save(api_endpoint="http://new", api_key=None, path=path)
    assert config.load(path, {}).api_endpoint == "http://old"
    assert len(list(path.parent.iterdir())) == 1


def test_broken_toml_is_told_with_file_line_and_key(path: Path) -> None:
    _write(path, 'api_endpoint = "http://x"\napi_key = lilac\n')
    with pytest.raises(InvalidInput) as caught:
        config.load(path, {})
    assert str(path) in str(caught.value)
    assert "line 2 (api_key)" in str(caught.value)
    assert "lilac configure" in str(caught.value)


def test_a_value_of_the_wrong_kind_is_told_with_file_line_and_key(path: Path) -> None:
    _write(path, "# mine\napi_endpoint = 8080\n")
    with pytest.raises(InvalidInput, match=r"config\.toml, line 2: api_endpoint must be text in quotes, not 8080"):
        config.load(path, {})


def test_a_file_that_is_not_text_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not a text file"):
        config.load(path, {})
