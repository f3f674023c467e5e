"""What holds for the whole repository: nothing foreign in it, every module explained, its commands where it says."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lilac

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MARKERS = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
# Parts of names of package registries and their file hosts, so put together that this file does not match itself.
HOSTS = re.compile(
    "|".join(
        [
            r"(^|[^\w.-])pypi\.(org|python\.org)",
            "files" + r"\.pythonho" + r"sted",
            "registry" + r"\.npmjs",
            "proxy" + r"\.golang",
            "(deb|security|archive)" + r"\.(debian|ubuntu)\.",
            r"--(extra-)?index" + "-url",
        ]
    ),
    re.MULTILINE,
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_hold_names_versions_and_hashes_only(name: str) -> None:
    for line in text_of(ROOT / name).splitlines():
        assert re.match(r"[A-Za-z0-9._-]+==[\w.!+-]+( ; .+)? \\$|    --hash=sha256:[0-9a-f]{64}( \\)?$", line), line


def test_both_lock_files_agree() -> None:
    runtime, development = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", text_of(ROOT / name), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert {name: development.get(name) for name in runtime} == runtime


def test_no_tracked_file_names_a_package_registry() -> None:
    found = {str(path.relative_to(ROOT)) for path in tracked() if HOSTS.search(text_of(path))}
    assert found - {str(Path(__file__).relative_to(ROOT))} == set()


def test_the_licence_is_there_and_is_the_declared_one() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text_of(ROOT / "LICENSE")


def test_every_module_opens_with_a_docstring() -> None:
    silent = [str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(ast.parse(text_of(path)))]
    assert silent == []


def test_nothing_is_left_to_do_in_the_source() -> None:
    found = [str(path.relative_to(ROOT)) for path in SOURCES if any(word in text_of(path) for word in MARKERS)]
    assert found == []


def test_every_package_that_is_imported_is_declared() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    optional = [name for names in project["optional-dependencies"].values() for name in names]
    declared = {_normal(re.split(r"[^\w.-]", name)[0]) for name in (*project["dependencies"], *optional)}
    providers = importlib.metadata.packages_distributions()
    missing: dict[str, str] = {}
    for path in SOURCES:
        for module in _imported(path) - sys.stdlib_module_names - {"lilac"}:
            if declared.isdisjoint(map(_normal, providers.get(module, ()))):
                missing[module] = str(path.relative_to(ROOT))
    assert missing == {}


def test_the_build_machine_runs_the_command_that_the_readme_names() -> None:
    assert "make test" in text_of(ROOT / ".ci" / "run")
    assert "make test" in text_of(ROOT / "README.md")


def test_the_layers_hold() -> None:
    done = subprocess.run([_program("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_command_says_its_version() -> None:
    done = subprocess.run([_program("lilac"), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lilac {lilac.__version__}\n"


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## [Unreleased]" in text_of(ROOT / "CHANGELOG.md")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            modules.add(node.module.split(".")[0])
    return modules
