"""The simulator finds what it is there to find: with one guard of the product taken out, a seed breaks within moments.

Each case names the guard and what the broken seed must say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from lilac.control import logs, nodes, projection
from lilac.model import lifecycle
from lilac.model.jobs import ReplicaReport
from lilac.model.states import ReplicaState, is_terminal
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


CASES: dict[Callable[[Patch], None], str] = {
    without_holding_what_still_stops: r"now holds|given out twice|kept",
    without_counting_memory: r"now holds|over-committed",
    without_losing_replicas_with_their_node: r"which is lost|do not come to their end|a background service",
    without_order_of_output: r"output of",
    without_following_commits: r"kept|turns of the loop|do not come to their end",
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
