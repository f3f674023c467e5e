"""Settings: where they come from, which outweighs which, and what wrong ones say."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lilac.control import settings
from lilac.model.errors import InvalidInput


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"LILAC_{name.upper()}", raising=False)
    monkeypatch.delenv("LILAC_CONFIG_FILE", raising=False)
    monkeypatch.setenv("LILAC_DATA_DIR", str(tmp_path))


def test_flags_outweigh_variables_which_outweigh_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('host = "10.0.0.1"\nport = 1\nlog_level = "debug"\n')
    monkeypatch.setenv("LILAC_HOST", "10.0.0.2")
    monkeypatch.setenv("LILAC_PORT", "2")
    loaded = settings.load(port=3)
    assert (loaded.host, loaded.port, loaded.log_level) == ("10.0.0.2", 3, "debug")


def test_a_file_can_be_named_by_flag_or_variable_and_must_be_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = tmp_path / "elsewhere.toml"
    named.write_text("port = 4\n")
    assert settings.load(named).port == 4
    monkeypatch.setenv("LILAC_CONFIG_FILE", str(named))
    assert settings.load().port == 4
    with pytest.raises(InvalidInput, match="There is no file /nowhere"):
        settings.load("/nowhere")


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("prot = 4\n")
    with pytest.raises(InvalidInput, match="unknown setting 'prot'"):
        settings.load()


def test_half_of_tls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must be set together"):
        settings.load(tls_cert_file=tmp_path / "cert.pem")


def test_every_setting_but_secrets_is_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    from lilac.api import main
    from lilac.cli.server import server

    seen: list[settings.Settings] = []
    monkeypatch.setattr(main, "serve", seen.append)
    done = CliRunner().invoke(
        server,
        ["start", "--port", "9", "--allow-sign-up", "--allowed-usernames", "ada", "--allowed-usernames", "bob"],
    )
    assert done.exit_code == 0, done.output
    assert (seen[0].port, seen[0].allow_sign_up, seen[0].allowed_usernames) == (9, True, ["ada", "bob"])
    help_text = CliRunner().invoke(server, ["start", "--help"]).output
    flags = {f"--{name.replace('_', '-')}" for name in settings.Settings.model_fields}
    assert {flag for flag in flags if flag not in help_text} == {"--admin-password", "--secrets-key"}
    wrong = CliRunner().invoke(server, ["start", "--log-level", "loud"])
    assert wrong.exit_code == 2
