"""The demo's stage: what it starts it ends, and nothing else. Short Python programs stand in for the platform."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from running import Run

from lilac.cli.demo import stage as staging
from lilac.cli.demo import train_digits
from lilac.cli.demo.stage import Stage, stop_kept
from lilac.model.errors import Conflict, Unavailable

SERVER = "import signal; print('username: admin'); print('Listening on http://x', flush=True); signal.pause()"
BROKEN_SERVER = "import sys; print('Error: The port is taken.', file=sys.stderr)"
# An agent whose job lives in a session of its own and is orphaned, like the jobs of a real one.
JOB = """
import subprocess, sys
words = [sys.executable, '-c', 'import signal; signal.pause()']
nowhere = subprocess.DEVNULL
print(subprocess.Popen(words, start_new_session=True, stdout=nowhere, stderr=nowhere).pid)
"""
AGENT = f"""
import subprocess, signal, sys
pid = subprocess.run([sys.executable, '-c', {JOB!r}], capture_output=True, text=True).stdout
open('job.pid', 'w').write(pid)
print('ready', flush=True)
signal.pause()
"""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(staging, "lilac", lambda: [sys.executable, "-c"])
    stage = Stage(tmp_path / "demo", {})
    stage.prepare()
    yield stage
    stage.strike()


def _started_agent(stage: Stage) -> int:
    """Start the stand-in of an agent and return the process of its job."""
    stage.start_agent([AGENT])
    log = stage.directory / "agent.log"
    deadline = time.monotonic() + 20
    while "ready" not in log.read_text():
        assert time.monotonic() < deadline
        os.sched_yield()
    return int((stage.directory / "job.pid").read_text())


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_striking_the_stage_ends_all_processes_and_their_orphans(stage: Stage) -> None:
    assert stage.start_server([SERVER]) == ["username: admin", "Listening on http://x"]
    job = _started_agent(stage)
    assert _runs(job)
    stage.strike()
    assert not _runs(job)
    assert psutil.Process().children(recursive=True) == []


def test_a_kept_platform_runs_on_until_it_is_stopped(stage: Stage) -> None:
    stage.start_server([SERVER])
    stage.start_agent([SERVER])
    stage.keep({"endpoint": "http://x"})
    stage.strike()
    assert [process.poll() for process in stage.kept] == [None, None]
    assert stop_kept(stage.directory)
    assert all(process.poll() is not None for process in stage.kept)
    assert not stop_kept(stage.directory)


def test_a_process_that_only_has_the_same_number_is_left_alone(stage: Stage) -> None:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as stranger:
        noted = f'{{"processes": [{{"pid": {stranger.pid}, "created": 1.0}}]}}'
        (stage.directory / "running.json").write_text(noted)
        assert not stop_kept(stage.directory)
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)


def test_a_server_that_does_not_start_is_told_with_its_last_words(stage: Stage) -> None:
    with pytest.raises(Unavailable, match=r"did not start: The port is taken\. \(its log: "):
        stage.start_server([BROKEN_SERVER])


def test_an_agent_that_dies_is_told_at_once(stage: Stage) -> None:
    stage.start_agent(["import sys; print('Error: The key is not known.', file=sys.stderr)"])
    with pytest.raises(Unavailable, match="the agent ended: The key is not known"):
        stage.wait_for(queue.Queue(), "its report")


def test_a_directory_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(Conflict, match="holds other things"):
        Stage(tmp_path, {}).prepare()
    assert (tmp_path / "thesis.txt").exists()


def test_a_second_demo_begins_afresh(stage: Stage) -> None:
    (stage.directory / "old").write_text("old")
    stage.prepare()
    assert not (stage.directory / "old").exists()


def test_nothing_to_stop_is_no_failure(lilac: Run, tmp_path: Path) -> None:
    done = lilac("demo", "--stop", "--dir", str(tmp_path / "none"))
    assert (done.code, done.out) == (0, "No platform of the demo is running.\n")


def test_without_a_container_engine_the_demo_says_what_it_tried(
    lilac: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    done = lilac("demo", "--runtime", "docker", "--dir", str(tmp_path / "demo"))
    assert done.code == 6
    assert "no container engine answers" in done.err
    assert "--runtime process" in done.err


@pytest.mark.slow
def test_the_training_learns_and_tells_the_accuracy_it_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    monkeypatch.setattr(sys, "argv", ["train_digits.py", "--epochs", "8"])
    assert train_digits.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("loss" in line for line in lines) == 8
    assert "held-out accuracy: 0.9" in lines[-1]
