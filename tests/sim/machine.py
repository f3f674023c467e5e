"""A node's machine: what really runs on it, and what survives the death of its agent, of itself, and of its disk.

A job says by its command what it does: `work SECONDS EXIT_CODE PULL_SECONDS STUBBORN_SECONDS`; without, it is done
in a moment. Its output are numbered lines
that follow from the replica's name alone. `Truth` is told of every begin and end, and judges them (`proof`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from lilac.agent.wire import Assignment
from lilac.model.ids import ReplicaKey
from lilac.model.states import FailureReason, ReplicaState, is_terminal

_LATER_S = 30.0
"""How much longer each further rank of a job that fails goes on, so that the first one's end finds it at work."""


class Witness(Protocol):
    def begins(self, machine: str, key: ReplicaKey, gpus: tuple[str, ...], *, exclusive: bool = False) -> None: ...

    def ends(self, machine: str, key: ReplicaKey) -> None: ...

    def has_shipped(self, key: ReplicaKey, size: int) -> None: ...


@dataclass(eq=False)
class Work:
    """One replica as the agent's journal and the engine know it."""

    assignment: Assignment
    state: ReplicaState = ReplicaState.PREPARING
    exit_code: int | None = None
    reason: FailureReason | None = None
    message: str | None = None
    times: dict[str, float] = field(default_factory=dict[str, float])
    output: bytes = b""
    shipped: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    lease_until: float = 0.0
    """Until when an exclusive replica may run, by the machine's own steady clock."""

    @property
    def key(self) -> ReplicaKey:
        return self.assignment.key

    @property
    def ended(self) -> bool:
        return is_terminal(self.state)

    def report(self) -> dict[str, Any]:
        return {
            "job_id": self.key.job_id,
            "attempt": self.key.attempt,
            "rank": self.key.rank,
            "state": str(self.state),
            "exit_code": self.exit_code,
            "reason": str(self.reason) if self.reason is not None else None,
            "message": self.message,
            "times": dict(self.times),
        }


def output_of(key: ReplicaKey, lines: int) -> bytes:
    return b"".join(b"%s %d\n" % (str(key).encode(), n) for n in range(lines))


class Machine:
    """Hardware and engine. `changed` is whom to tell of news: the agent that lives, if one does."""

    def __init__(
        self, name: str, *, cpu: int, memory: int, gpus: int, rng: Random, witness: Witness, now: Callable[[], float]
    ) -> None:
        self.name = name
        self.cpu = cpu
        self.memory = memory
        self.gpus = [f"{name}-gpu-{n}" for n in range(gpus)]
        self.rng = rng
        self.witness = witness
        self.skew_s = 0.0
        self._now = now
        self.disk: dict[ReplicaKey, Work] = {}
        self.changed: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self._now() + self.skew_s

    def start(self, assignment: Assignment, *, contact_at: float = 0.0) -> None:
        """Note it in the journal, and begin; an exclusive one has its guardian, which outlives the agent."""
        work = self.disk[assignment.key] = Work(assignment, times={"received": self.clock()})
        work.lease_until = contact_at + assignment.lease_s
        work.task = asyncio.ensure_future(self._run(work))
        if assignment.exclusive:
            guardian = asyncio.ensure_future(self._guard(work))
            work.task.add_done_callback(lambda _: guardian.cancel())

    async def _guard(self, work: Work) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := work.lease_until - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_s)
        work.stopping.set()

    def power_off(self, *, lose_disk: bool = False) -> None:
        """Nothing runs any more; what was in memory is gone."""
        for work in self.disk.values():
            if work.task is not None and not work.task.done():
                work.task.cancel()
            if not work.ended:
                self._end(work, ReplicaState.LOST, None, FailureReason.VANISHED, "It was gone after a restart.")
        if lose_disk:
            self.disk.clear()

    async def _run(self, work: Work) -> None:
        seconds, code, pull, stubborn = _script(work.assignment)
        if code:
            seconds += _LATER_S * work.key.rank
        if await _first(work.stopping, pull):
            self._end(work, ReplicaState.STOPPED, None, None, "It was stopped before it had started.")
            return
        while self._gpus_in_use(work):
            if await _first(work.stopping, 0.5):
                self._end(work, ReplicaState.STOPPED, None, None, "It was stopped before it had started.")
                return
        if code == 125:
            self._end(work, ReplicaState.FAILED, None, FailureReason.IMAGE, "There is no such image.")
            return
        exclusive = work.assignment.exclusive
        if exclusive and work.lease_until <= asyncio.get_running_loop().time():
            await work.stopping.wait()
            self._end(work, ReplicaState.STOPPED, None, None, "It was stopped before it had started.")
            return
        self.witness.begins(self.name, work.key, work.assignment.gpu_uuids, exclusive=exclusive)
        work.state = ReplicaState.RUNNING
        work.times["started"] = self.clock()
        self.changed()
        lines = 0
        asked = False
        for part in range(3):
            asked = await _first(work.stopping, seconds / 3)
            if asked:
                break
            lines = part + 1
            work.output = output_of(work.key, lines)
            self.changed()
        if asked:
            grace_s = work.assignment.grace_s - (0.5 if exclusive else 0.0)  # a guardian kills a little early
            await asyncio.sleep(min(stubborn, max(0.0, grace_s)))
            self._end(work, ReplicaState.STOPPED, 143, None, None)
        elif code:
            reason = FailureReason.OUT_OF_MEMORY if code == 137 else FailureReason.ERROR
            self._end(work, ReplicaState.FAILED, code, reason, None)
        else:
            self._end(work, ReplicaState.SUCCEEDED, 0, None, None)

    def _gpus_in_use(self, work: Work) -> bool:
        mine = set(work.assignment.gpu_uuids)
        others = (w for w in self.disk.values() if w is not work and w.state is ReplicaState.RUNNING)
        return any(mine & set(other.assignment.gpu_uuids) for other in others)

    def _end(
        self, work: Work, state: ReplicaState, code: int | None, reason: FailureReason | None, message: str | None
    ) -> None:
        if work.state is ReplicaState.RUNNING:
            self.witness.ends(self.name, work.key)
        work.state, work.exit_code, work.reason, work.message = state, code, reason, message
        work.times["exited"] = self.clock()
        self.changed()


def _script(assignment: Assignment) -> tuple[float, int, float, float]:
    command = assignment.command
    if command is None:
        return 10.0, 0, 0.0, 0.0
    assert command[0] == "work"
    return float(command[1]), int(command[2]), float(command[3]), float(command[4])


async def _first(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came before the time was over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
