"""The simulator finds what it is there to find: with one guard of the product taken out, a seed breaks within moments.

Each case names the guard and what the broken seed must say. Where the product has a second guard that makes the
absence of the first harmless, both are taken out, and the case says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import RootTransaction

from lilac.control import exclusivity, logs, nodes, projection
from lilac.model import lifecycle
from lilac.model.jobs import Job, ReplicaReport
from lilac.model.states import JobState, ReplicaState, is_terminal
from lilac.scheduling import capacity
from tests.sim.__main__ import STEPS
from tests.sim.world import Broken, simulate

MOST_SEEDS = 30
Patch = pytest.MonkeyPatch


def without_holding_what_still_stops(patch: Patch) -> None:
    """The scheduler takes for free what an ended attempt still uses."""
    hold = projection.Projection._hold

    def forgetful(self: Any, work: lifecycle.Work) -> None:
        hold(self, work)
        if work.attempt is not None and is_terminal(work.attempt.state):
            for replica in work.replicas:
                self.board.release(work.job.id, work.attempt.number, replica.key.rank)

    patch.setattr(projection.Projection, "_hold", forgetful)


def without_counting_memory(patch: Patch) -> None:
    """More is placed on a node than it has."""
    real = capacity.Capacity.set_free

    def generous(self: Any, node_id: Any, free: capacity.Free) -> None:
        real(self, node_id, capacity.Free(free.cpu, self.nodes[node_id].memory_mb, free.gpus))

    patch.setattr(capacity.Capacity, "set_free", generous)


def without_losing_replicas_with_their_node(patch: Patch) -> None:
    """A lost node's replicas stay as they are."""
    patch.setattr(nodes, "lost_with_node", lambda key, name: ReplicaReport(key=key, state=ReplicaState.ASSIGNED))


def without_order_of_output(patch: Patch) -> None:
    """What an agent repeats is stored again."""
    real = logs.DirectoryLogs._append

    def repeating(self: Any, key: Any, offset: int | None, data: bytes, end: bool) -> Any:
        return real(self, key, None, data, end)

    patch.setattr(logs.DirectoryLogs, "_append", repeating)


def without_following_commits(patch: Patch) -> None:
    """What a report changed is stored, and now and then not brought to board and fleet."""
    real = projection.Projection.take
    calls = [0]

    def sleepy(self: Any, work: lifecycle.Work) -> None:
        calls[0] += 1
        if calls[0] % 20:
            real(self, work)

    patch.setattr(projection.Projection, "take", sleepy)


def without_the_fence(patch: Patch) -> None:
    """A report about an older attempt is taken as one about the job.

    A second guard makes this harmless: whatever is left of an attempt that ended was told to stop, and how such a
    replica ends never touches the job. Both are taken out.
    """
    alive = lambda work: work.attempt is not None and not is_terminal(work.job.state)  # noqa: E731
    patch.setattr(lifecycle.Work, "current", property(alive))
    _with_a_say_for_what_is_left(patch)


def without_finality(patch: Patch) -> None:
    """What is left of the last attempt changes a job that has ended. The same second guard is taken out."""
    last = lambda work: work.attempt is not None and work.attempt.number == work.job.attempt  # noqa: E731
    patch.setattr(lifecycle.Work, "current", property(last))
    patch.setattr(lifecycle, "JOB_TRANSITIONS", {old: frozenset(JobState) for old in JobState})
    _with_a_say_for_what_is_left(patch)


def _with_a_say_for_what_is_left(patch: Patch) -> None:
    """The end of a replica of an ended attempt counts as if it had not been told to stop."""
    real = lifecycle.report

    def credulous(work: lifecycle.Work, told: ReplicaReport, now: float) -> lifecycle.Outcome | None:
        if work.attempt is None or not is_terminal(work.attempt.state):
            return real(work, told, now)
        stopping = {replica.key for replica in work.replicas if replica.stop_wanted}
        outcome = real(replace(work, replicas=tuple(r.evolve(stop_wanted=False) for r in work.replicas)), told, now)
        if outcome is None:
            return None
        replicas = tuple(r.evolve(stop_wanted=True) if r.key in stopping else r for r in outcome.work.replicas)
        return replace(outcome, work=replace(outcome.work, replicas=replicas))

    patch.setattr(nodes, "report", credulous)


def without_one_retry_budget(patch: Patch) -> None:
    """A job is tried again however often it failed."""
    patch.setattr(Job, "retried", lambda self, failure: 0)


def without_refusing_output_after_the_end(patch: Patch) -> None:
    """Output is taken after its readers were told that it is complete."""
    real = logs.DirectoryLogs._append

    def welcoming(self: Any, key: Any, offset: int | None, data: bytes, end: bool) -> Any:
        self._load(key).ended = False
        return real(self, key, offset, data, end)

    patch.setattr(logs.DirectoryLogs, "_append", welcoming)


def without_waiting_for_the_end_of_exclusive_replicas(patch: Patch) -> None:
    """An exclusive job begins elsewhere as soon as its node is lost."""
    patch.setattr(exclusivity.Exclusivity, "gone_at", lambda self, station, held: station.last_seen + self.lost_after_s)


def without_durable_commits(patch: Patch) -> None:
    """Now and then what was answered is not in the database."""
    real = RootTransaction.commit
    calls = [0]

    def forgetful(self: RootTransaction) -> None:
        calls[0] += 1
        if calls[0] % 20:
            real(self)
        else:
            self.rollback()

    patch.setattr(RootTransaction, "commit", forgetful)


CASES: dict[Callable[[Patch], None], str] = {
    without_holding_what_still_stops: r"now holds|given out twice|kept",
    without_counting_memory: r"now holds|over-committed",
    without_losing_replicas_with_their_node: r"which is lost|do not come to their end|a background service",
    without_order_of_output: r"output of",
    without_following_commits: r"kept|turns of the loop|do not come to their end",
    without_the_fence: r"live attempts|from \w+ to|is about attempt|do not come to their end|has succeeded, but",
    without_finality: r"from \w+ to \w+|do not come to their end|live attempts|deadlines",
    without_one_retry_budget: r"tries it again after",
    without_refusing_output_after_the_end: r"was complete and has changed",
    without_waiting_for_the_end_of_exclusive_replicas: r"exclusive: .* begins",
    without_durable_commits: r"is lost|follows event|kept|no row|history",
}


@pytest.mark.parametrize("mutate", CASES, ids=lambda case: case.__name__)
def test_a_missing_guard_is_found(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    found = _first_broken()
    assert found is not None, f"{MOST_SEEDS} seeds hold: {mutate.__doc__}"
    assert re.search(CASES[mutate], found), found
    assert re.search(r"python -m tests.sim --seed \d+ --steps \d+ -v", found)


def _first_broken() -> str | None:
    for seed in range(MOST_SEEDS):
        try:
            simulate(seed, STEPS)
        except Broken as broken:
            return str(broken)
    return None
