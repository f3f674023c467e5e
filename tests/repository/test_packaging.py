"""Packages hold the built web interface, although the repository does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lilac.api.routers import ui

ROOT = Path(__file__).parents[2]
WEB = {"index.html": "<!doctype html>", "assets/index-1a2b.js": "1", "assets/index-1a2b.js.br": "2"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packaged, with a web interface that was built there."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "web"))
    for name, text in WEB.items():
        path = copy / "src" / "lilac" / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return copy


def build(checkout: Path, target: str, directory: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(directory)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    [made] = directory.iterdir()
    return made


def test_the_wheel_holds_the_built_interface_where_the_server_looks_for_it(checkout: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(checkout, "wheel", tmp_path)) as wheel:
        names = set(wheel.namelist())
        package = Path("lilac") / ui.BUILT.name
        assert {str(package / name) for name in WEB} <= names
        assert wheel.read(str(package / "index.html")) == WEB["index.html"].encode()
        assert "lilac/api/app.py" in names
        assert not any("__pycache__" in name for name in names)


def test_so_does_the_source_distribution(checkout: Path, tmp_path: Path) -> None:
    with tarfile.open(build(checkout, "sdist", tmp_path)) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {f"src/lilac/web/{name}" for name in WEB} <= names


def test_a_checkout_without_the_interface_can_be_packaged(checkout: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(checkout, bare, ignore=shutil.ignore_patterns("web"))
    with zipfile.ZipFile(build(bare, "wheel", tmp_path / "out")) as wheel:
        assert not any(name.startswith("lilac/web/") for name in wheel.namelist())
        assert "lilac/api/app.py" in wheel.namelist()
