"""How the progress of a starting job looks."""

from __future__ import annotations

import io
import sys
import threading
from typing import Any

import pytest

from lilac.cli import progress
from lilac.cli.progress import Watch, in_words, line

GB = 1 << 30


def test_words_and_bar() -> None:
    half = {"step": "pull", "done": GB // 2, "total": 2 * GB}
    assert in_words(half) == "Pulling the image: 512.0 MB of 2.0 GB (25%)"  # pyright: ignore[reportArgumentType]
    assert line(half, 200).startswith("[######------------------] Pulling")  # pyright: ignore[reportArgumentType]
    assert len(line(half, 40)) == 40  # pyright: ignore[reportArgumentType]
    unknown = {"step": "pull", "done": 2048, "total": None}
    assert line(unknown, 80) == "Pulling the image: 2.0 kB"  # pyright: ignore[reportArgumentType]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Jobs:
    """Answers with one state after the other, and lets the test wait for the last."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked_last = threading.Event()

    @property
    def jobs(self) -> Jobs:
        return self

    def get(self, job_id: str) -> dict[str, Any]:
        if len(self.answers) > 1:
            return self.answers.pop(0)
        self.asked_last.set()
        return self.answers[0]


def starting(done: int) -> dict[str, Any]:
    return {"job_status": "starting", "progress": {"step": "pull", "done": done, "total": 100}}


def test_a_terminal_sees_the_bar_until_the_output_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "FIRST_LOOK_S", 0.0)
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.01)
    jobs = Jobs({"job_status": "queued"}, starting(10), starting(50), {"job_status": "running"})
    with Watch(jobs, "j"):  # pyright: ignore[reportArgumentType]
        assert jobs.asked_last.wait(30)
    assert "10 B of 100 B (10%)" in terminal.getvalue()
    assert "(50%)" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_where_there_is_no_terminal_nothing_is_asked_or_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with Watch(None, "j") as watch:  # pyright: ignore[reportArgumentType]
        watch.stop()
    assert plain.getvalue() == ""
