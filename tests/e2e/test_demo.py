"""`lilac demo`, as `make demo` runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.platform import Process, clean_environment, eventually, lilac


def below(directory: Path) -> list[int]:
    """The processes that work below a directory."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if Path(os.readlink(cwd)).is_relative_to(directory):
                found.append(int(cwd.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_the_demo_trains_for_real_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = subprocess.run(
        [lilac(), "demo", "--runtime", "process", "--dir", str(tmp_path / "demo")],
        env=clean_environment(tmp_path, {}),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = re.search(r"held-out accuracy: (0\.\d+)", done.stdout)
    assert accuracy is not None
    assert float(accuracy.group(1)) > 0.9
    assert "Timings" in done.stdout
    assert "/docs" in done.stdout
    assert eventually(lambda: not below(tmp_path), 10, "everything to have ended")


@pytest.mark.slow
def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path) -> None:
    demo = Process(
        [lilac(), "demo", "--runtime", "process", "--dir", str(tmp_path / "demo")],
        env=clean_environment(tmp_path, {}),
        log=tmp_path / "demo.log",
    )
    demo.wait_for(re.compile("Job submitted|epoch"), 120)
    demo.signal(signal.SIGINT)
    assert demo._gone(60) == 130
    assert eventually(lambda: not below(tmp_path), 10, "everything to have ended")
