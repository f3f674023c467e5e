"""The seam between the agent and what really runs replicas: containers of an engine, or plain processes.

A runtime starts, watches, signals and cleans up. It tells what happens through an `Observer`, each end exactly once
per life of the agent; it never decides. Everything it must know after a restart of the agent lies in the journal
entry or in the engine, so `adopt` finds it again.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lilac.agent.journal import Entry
from lilac.agent.sessions import Session
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.ids import ReplicaKey
from lilac.model.states import FailureReason
from lilac.tunnel.frames import Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a replica ended. `exit_code` is None where nobody can know it any more."""

    exit_code: int | None
    exited_at: float
    reason: FailureReason | None = None
    """Where it is more than just an exit code: `out_of_memory`, or `start` if the program never ran."""
    message: str | None = None
    of_itself: bool = False
    """Whether it is known that it ended before it was asked to."""


class StartFailure(Exception):
    """The replica could not be started; the text is one sentence for people."""

    def __init__(self, reason: FailureReason, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit_code = exit_code


class Observer(Protocol):
    """Who is told. All calls come from the event loop's thread."""

    def progressed(
        self,
        key: ReplicaKey,
        *,
        message: str | None = None,
        progress: Mapping[str, Any] | None = None,
        **times: float,
    ) -> None:
        """A step was taken (`pull_started`, `created`, …), or there is something to say about the waiting; `progress`
        tells how far a long step is, as the wire has it."""
        ...

    def published(self, key: ReplicaKey, ports: Mapping[str, Mapping[str, Any]]) -> None:
        """Where the replica's ports can be reached: `8080/tcp` to host and port."""
        ...

    def ended(self, key: ReplicaKey, end: End) -> None:
        """The replica is over and no more of it runs."""
        ...

    def wrote(self, key: ReplicaKey) -> None:
        """`entry.output` has grown."""
        ...

    def has_room(self, key: ReplicaKey) -> bool:
        """Whether more may be added to `entry.output` now; it waits for the control plane otherwise."""
        ...


class Runtime(Protocol):
    """One way of running replicas on this machine."""

    @property
    def name(self) -> RuntimeName: ...

    async def open(self, observer: Observer) -> None:
        """Make ready. Does not fail because an engine is away: that is for the single replica to tell."""
        ...

    async def start(self, entry: Entry) -> float:
        """Start the replica and return when it started; `StartFailure` if it cannot be. After a
        cancelled start the replica may be half there, until `remove`."""
        ...

    async def adopt(self, entry: Entry) -> float | None:
        """Take over a replica of an earlier life of the agent: return when it started (its end, also one that is
        already past, comes through the observer), or None if it certainly never started."""
        ...

    async def terminate(self, entry: Entry) -> None:
        """Ask it politely, by its stop signal."""
        ...

    async def kill(self, entry: Entry) -> None:
        """End it (SIGKILL)."""
        ...

    async def remove(self, entry: Entry) -> None:
        """Remove what there is of a replica outside of the journal, also one that was only half started."""
        ...

    async def main_process(self, entry: Entry) -> int | None:
        """The process number of its first process, as this machine counts; None if it cannot be told now."""
        ...

    async def open_session(self, entry: Entry, opening: Opening) -> Session:
        """Run a command beside a running replica, or reach a port of it; `SessionRefused` if that cannot be."""
        ...

    async def guarded(self, entry: Entry) -> Mapping[str, Any] | None:
        """What a guardian must know to end this running replica; None if it does not run any more."""
        ...

    async def end_all_of(self, assignment: Assignment) -> None:
        """Make sure that nothing of a replica runs that the journal does not know."""
        ...

    async def sweep(self, is_known: Callable[[ReplicaKey], bool]) -> None:
        """End and remove replicas of this node that nobody knows: left by a life whose journal is gone."""
        ...

    async def close(self) -> None:
        """Let go; what runs goes on running."""
        ...


def end_sentence(code: int) -> str:
    """Say an exit code other than 0 in words."""
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            pass
        else:
            return f"The process ended by signal {name} (exit code {code})."
    return f"The process ended with exit code {code}."


def beside_out_of_memory(code: int) -> str:
    """Say that not the main process was killed for its memory, but another one."""
    return f"The process ended with exit code {code}, after another process of the replica had run out of memory."
