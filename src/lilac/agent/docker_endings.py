"""How a container ended, from what its engine says and what was seen meanwhile. Pure.

An exit code alone does not tell whose doing an end was: 137 is a program that was killed, by the limit of its memory,
by somebody with `docker stop`, by an engine that was shut down, or by its machine. What can be told apart:

| what happened | reason | tried again |
| --- | --- | --- |
| it ended by itself with a code | `error` | no |
| its main process needed more than its memory | `out_of_memory` | no |
| a child of it did, and it ended with a code of its own for that | `error`, with a word about it | no |
| somebody removed the container before its end | lost, `vanished` | yes |
| somebody stopped or killed it on the node, not Lilac | `engine` | yes |
| the engine ended its containers when it was stopped (without live-restore) | `engine` | yes |
| the machine was started anew | `engine` | yes |

A program that exits with 0 has succeeded, whatever was going on around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lilac.agent.docker_log import parse_time
from lilac.agent.runtime import End, beside_out_of_memory, end_sentence
from lilac.model.states import FailureReason

REMOVED = "Its container was removed from outside, and left no exit code."
ENDING_SIGNALS = frozenset({2, 3, 9, 15})
_UNKNOWN_CODE = 255
"""What an engine tells of a container whose end it missed."""
_CLOCK_SLACK_S = 1.0
"""An engine ends its containers while it still listens, and is away a moment later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the agent saw beside the container's own state. Times are seconds since 1970."""

    now: float
    stopping: bool = False
    """Lilac asked it to end."""
    killed_by: int | None = None
    """A signal that ends programs, sent through the engine by somebody else."""
    died_code: int | None = None
    """The exit code as an event told it."""
    engine_away: tuple[float, float] | None = None
    """From when to when the engine last did not answer."""
    engine_keeps: bool = True
    """Whether containers outlive a stop of the engine (live-restore)."""
    unwatched: bool = False
    """It had ended when this life of the agent began."""
    rebooted: bool = False
    """The machine was started anew since the replica was received."""
    disk_full: bool = False
    """The engine's disk is full now."""


def end_of_removed(seen: Seen) -> End:
    """The end of a container that is not there any more."""
    if seen.died_code is None or (seen.killed_by is not None and not seen.stopping):
        return End(exit_code=None, exited_at=seen.now, message=REMOVED)
    return End(exit_code=seen.died_code, exited_at=seen.now)


def end_of(state: Mapping[str, Any], seen: Seen) -> End:
    """The end of a container in this state (`State` of its details)."""
    code = int(state["ExitCode"])
    exited_at = parse_time(state.get("FinishedAt") or "") or seen.now
    oom = bool(state.get("OOMKilled"))
    if code == 0 or seen.stopping:
        return End(exit_code=code, exited_at=exited_at)
    if oom and code == 137:
        return End(exit_code=code, exited_at=exited_at, reason=FailureReason.OUT_OF_MEMORY)
    if (why := _outside(code, exited_at, seen)) is not None:
        return End(exit_code=code, exited_at=exited_at, reason=FailureReason.ENGINE, message=why)
    message = None
    if oom:
        message = beside_out_of_memory(code)
    elif state.get("Error"):
        message = f"The engine says: {str(state['Error'])[:300]}"
    elif seen.disk_full:
        message = f"{end_sentence(code).rstrip('.')}, while the disk of the node's Docker engine was full."
    return End(exit_code=code, exited_at=exited_at, message=message)


def seen_through_init(end: End, image: str, head: bytes) -> End:
    """Tell a program that cannot be run from one that ended with 126 or 127: with an init the engine's start succeeds,
    and only the init's own words at the head of the output say that it had nothing to run."""
    match = _INIT_FAILED.search(head) if end.exit_code in (126, 127) else None
    if match is None:
        return end
    program, why = (part.decode("utf-8", "replace") for part in match.groups())
    message = f"The program {program} in the image {image} cannot be started: {why}."
    if "exec format error" in why.lower():
        message += " It is not built for this node's processor."
    return replace(end, reason=FailureReason.START, message=message)


_INIT_FAILED = re.compile(rb"^\[FATAL tini \(\d+\)\] exec (.+) failed: ([^\n]+)", re.MULTILINE)


def _outside(code: int, exited_at: float, seen: Seen) -> str | None:
    """Whose doing it was, if not the program's own."""
    by_signal = code in (128 + 9, 128 + 15, _UNKNOWN_CODE)
    if seen.rebooted:
        return f"Its node was started anew, and it ended with that (exit code {code})."
    away = seen.engine_away
    if not seen.engine_keeps and away is not None and away[0] - _CLOCK_SLACK_S <= exited_at <= away[1]:
        return (
            f"The node's Docker engine was stopped, and its containers with it (exit code {code}). With the engine's "
            "setting live-restore they go on."
        )
    if seen.killed_by is not None:
        # An engine that takes its containers along sends them signals while it still answers.
        who = "docker stop or docker kill" if seen.engine_keeps else "docker stop, docker kill or the end of its engine"
        return (
            f"Its container was stopped on the node from outside ({who}, signal {seen.killed_by}), not by Lilac; it "
            f"ended with exit code {code}."
        )
    if not seen.engine_keeps and seen.unwatched and by_signal:
        return f"It was ended while neither agent nor engine of its node ran (exit code {code})."
    return None
