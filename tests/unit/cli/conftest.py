from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "client")]

from running import Done, Run  # noqa: E402
from standin import USER_KEY, StandIn, furnish  # noqa: E402

from lilac.cli.main import main  # noqa: E402


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn().running() as server:
        yield furnish(server)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with nothing of the person's who runs the tests."""
    for name in list(os.environ):
        if name.startswith("LILAC_") or name in ("NO_COLOR", "DOCKER_HOST"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path


@pytest.fixture
def lilac(
    stand_in: StandIn, home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Run a command line in this process against the stand-in; `typed` is its standard input."""
    monkeypatch.setenv("LILAC_API_ENDPOINT", stand_in.url)
    monkeypatch.setenv("LILAC_USER_API_KEY", USER_KEY)

    def run(*words: str, typed: str = "") -> Done:
        source = home / "standard-input"
        source.write_text(typed)
        with source.open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            code = main(list(words))
        captured = capfdbinary.readouterr()
        return Done(code, captured.out.decode(), captured.err.decode())

    return run
