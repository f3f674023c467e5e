"""Whose doing the end of a container was."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lilac.agent.docker_endings import Seen, end_of, end_of_removed, seen_through_init
from lilac.agent.runtime import End

AT = 1_764_000_000.0
FINISHED = "2025-11-24T16:00:00Z"


TAKES = {"engine_keeps": False}


def state(code: int, **more: Any) -> dict[str, Any]:
    return {"ExitCode": code, "FinishedAt": FINISHED, "OOMKilled": False, "Error": "", **more}


@pytest.mark.parametrize(
    ("told", "seen", "reason", "words"),
    [
        (state(0), {"killed_by": 15, "rebooted": True}, None, None),
        (state(3), {}, None, None),
        (state(137), {}, None, None),
        (state(137, OOMKilled=True), {}, "out_of_memory", None),
        (state(137, OOMKilled=True), {"killed_by": 9}, "out_of_memory", None),
        (state(3, OOMKilled=True), {}, None, "had run out of memory"),
        (state(137), {"killed_by": 9}, "engine", "docker stop or docker kill, signal 9"),
        (state(143), {"killed_by": 15}, "engine", "not by Lilac"),
        (state(143), {"killed_by": 15, "stopping": True}, None, None),
        (
            state(137),
            {"engine_away": (AT - 5, math.inf), **TAKES},
            "engine",
            "and its containers with it",
        ),
        (state(1), {"engine_away": (AT - 5, AT + 5), **TAKES}, "engine", "live-restore"),
        (state(1), {"engine_away": (AT - 5, AT + 5)}, None, None),
        (state(143), {"killed_by": 15, **TAKES}, "engine", "or the end of its engine"),
        (state(1), {"engine_away": (AT - 90, AT - 60), **TAKES}, None, None),
        (state(1), {"engine_away": (AT + 60, math.inf), **TAKES}, None, None),
        (state(255), {"unwatched": True, **TAKES}, "engine", "neither agent nor engine"),
        (state(255), {"unwatched": True}, None, None),
        (state(1), {"unwatched": True, **TAKES}, None, None),
        (state(255), {"rebooted": True}, "engine", "started anew"),
        (state(127, Error="no such thing"), {}, None, "The engine says: no such thing"),
        (state(1), {"disk_full": True}, None, "exit code 1, while the disk of the node's Docker engine was full."),
    ],
)
def test_an_end_is_told_by_all_that_was_seen(
    told: dict[str, Any], seen: dict[str, Any], reason: str | None, words: str | None
) -> None:
    end = end_of(told, Seen(now=AT + 1, **seen))
    assert (end.exit_code, end.exited_at) == (told["ExitCode"], AT)
    assert (str(end.reason) if end.reason is not None else None) == reason
    assert (end.message is None) if words is None else (words in (end.message or ""))


def test_a_container_that_is_gone_tells_its_code_only_if_it_ended_by_itself() -> None:
    assert end_of_removed(Seen(now=AT)).exit_code is None
    assert end_of_removed(Seen(now=AT, died_code=3)).exit_code == 3
    by_hand = end_of_removed(Seen(now=AT, died_code=137, killed_by=9))
    assert by_hand.exit_code is None
    assert "removed from outside" in (by_hand.message or "")


@pytest.mark.parametrize(
    ("code", "output", "words"),
    [
        (127, b"[FATAL tini (7)] exec nope failed: No such file or directory\n", "program nope in the image x cannot"),
        (126, b"[FATAL tini (7)] exec /bin/app failed: Exec format error\n", "not built for this node's processor"),
        (127, b"sh: nope: not found\n", None),
        (1, b"[FATAL tini (7)] exec nope failed: No such file or directory\n", None),
    ],
)
def test_a_program_that_cannot_be_run_is_told_from_one_that_ended(code: int, output: bytes, words: str | None) -> None:
    end = seen_through_init(End(exit_code=code, exited_at=AT), "x", output)
    assert (str(end.reason) if end.reason else None) == ("start" if words else None)
    assert (words or "") in (end.message or "")
