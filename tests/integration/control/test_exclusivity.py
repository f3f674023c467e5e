"""Exclusive jobs: no second attempt before it is certain that nothing of the first one runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from lilac.control.exclusivity import Exclusivity
from lilac.control.fleet import Fleet, Held
from lilac.model.ids import ClusterId, QueueId
from lilac.model.states import NodeState
from lilac.model.surroundings import Feature
from tests.conformance import builders as make
from tests.integration.control.stand import ROOT, FakeAgent, Stand, open_stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


class Able(FakeAgent):
    """Knows of leases."""

    def body(self, wait_s: float = 0) -> dict[str, object]:
        return {**super().body(wait_s), "features": [str(feature) for feature in Feature]}


async def running(stand: Stand, **more: object) -> tuple[str, Able, Able]:
    first, second = Able(stand, "one"), Able(stand, "two")
    await first.beat()
    job = await stand.submit(exclusive=True, grace_s=20, **more)
    await first.run_until_running()
    await second.beat()
    assert await stand.state(job) == "running"
    return job, first, second


async def test_the_replacement_waits_for_loss_lease_and_grace(stand: Stand) -> None:
    job, first, second = await running(stand)
    assert first.reply["replicas"][0]["exclusive"] is True
    assert first.reply["replicas"][0]["lease_s"] == pytest.approx(60)
    for _ in range(10):
        await stand.pass_time(16)
        await second.beat()
        assert second.held == {}
    assert await stand.state(job) == "queued"
    told = await stand.platform.jobs.detail(ROOT, job)
    assert told.waiting is not None
    assert told.waiting.code == "previous_attempt"
    assert "is exclusive, and its attempt 1 may still run on one, which has been silent for" in told.waiting.message
    _, explained = await stand.platform.jobs.explain(ROOT, job)
    assert explained is not None
    assert explained.reason.message == told.waiting.message
    await stand.pass_time(11)  # 171 s after the last contact: 90 + 60 + 20 have passed
    await second.beat()
    assert [key[1] for key in second.held] == [2]
    await stand.check()


async def test_a_node_that_is_back_and_has_stopped_it_makes_way_at_once(stand: Stand) -> None:
    job, first, second = await running(stand)
    await stand.pass_time(100)
    await second.beat()
    first.become("stopped", exit_code=143)
    await first.beat()
    await stand.settle()
    await second.beat()
    await first.beat()
    assert [key[1] for key in (*first.held, *second.held)] == [2]
    assert await stand.state(job) == "starting"


async def test_what_comes_back_alive_is_stopped_first(stand: Stand) -> None:
    job, first, second = await running(stand)
    await stand.pass_time(100)
    await first.send(first.body())
    await stand.pass_time(85)  # no certainty by time while the node speaks
    await first.send(first.body())
    await second.beat()
    assert await stand.state(job) == "queued"
    assert second.held == {}
    await first.beat()  # obeys: stops it
    await first.beat()
    await stand.settle()
    assert await stand.state(job) == "starting"


async def test_a_restarted_control_plane_still_holds_the_job_back(stand: Stand) -> None:
    job, _, second = await running(stand)
    await stand.pass_time(100)
    await stand.restart()
    second.restart()
    await second.beat()
    await stand.settle()
    await second.beat()
    assert await stand.state(job) == "queued"
    assert second.held == {}
    for _ in range(11):
        await stand.pass_time(16)
        await second.beat()
    assert [key[1] for key in second.held] == [2]


async def test_other_jobs_are_replaced_as_soon_as_their_node_is_lost(stand: Stand) -> None:
    first, second = Able(stand, "one"), Able(stand, "two")
    await first.beat()
    await stand.submit()
    await first.run_until_running()
    await second.beat()
    await stand.pass_time(80)
    await second.beat()
    await stand.pass_time(11)
    await second.beat()
    assert [key[1] for key in second.held] == [2]


async def test_a_node_whose_agent_knows_no_leases_gets_no_exclusive_job(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit(exclusive=True)
    told = await stand.platform.jobs.detail(ROOT, job)
    assert told.waiting is not None
    assert "does not know exclusive yet" in told.waiting.message


class TwoClocks:
    """The clock on the wall, which somebody sets, and one that only runs."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.run_s = 0.0
        stand.monotonic = lambda: self.run_s

    async def pass_time(self, seconds: float) -> None:
        self.run_s += seconds
        await self.stand.pass_time(seconds)

    async def jump(self, seconds: float) -> None:
        """Somebody sets the clock, and nothing happens but what is due for it."""
        await self.stand.pass_time(seconds)


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0], ids=["forward", "backward"])
@pytest.mark.parametrize("when", ["before the loss", "after the loss"])
async def test_a_clock_that_is_set_brings_no_replacement_early_nor_late(stand: Stand, jump_s: float, when: str) -> None:
    clocks = TwoClocks(stand)
    await stand.restart()
    job, _, second = await running(stand)
    await clocks.pass_time(10)
    await second.beat()
    if when == "before the loss":
        await clocks.jump(jump_s)
        assert await stand.state(job) == "running"  # nobody was silent
        await clocks.pass_time(90)
    else:
        await clocks.pass_time(90)
        await clocks.jump(jump_s)
    assert await stand.state(job) == "queued"
    await second.beat()
    for _ in range(4):  # up to 164 s after the last contact
        await clocks.pass_time(16)
        await second.beat()
        await stand.settle()
        assert second.held == {}
    await clocks.pass_time(8)  # 172: 90 + 60 + 20 have passed
    await second.beat()
    assert [key[1] for key in second.held] == [2]
    await stand.check()


async def test_a_clock_that_was_set_while_the_control_plane_was_down_counts_for_nothing(stand: Stand) -> None:
    clocks = TwoClocks(stand)
    await stand.restart()
    job, _, second = await running(stand)
    await clocks.pass_time(100)
    stand.clock.now += 86_400
    await stand.restart()
    second.restart()
    await second.beat()
    for _ in range(10):
        await clocks.pass_time(16)
        await second.beat()
        assert second.held == {}
    assert await stand.state(job) == "queued"
    await clocks.pass_time(11)
    await second.beat()
    assert [key[1] for key in second.held] == [2]


def test_what_other_replicas_may_have_heard_counts_from_the_loss() -> None:
    node = make.a_node(ClusterId("c"), state=NodeState.AVAILABLE)
    clock = iter([0.0, 500.0])
    fleet = Fleet(lambda: next(clock))
    station = fleet.put_node(node, seen=0.0)
    job = make.a_job(QueueId("q"))
    held = Held(make.a_replica(job.id, node_id=node.id), replace(job.spec, grace_s=20), 1)
    fleet.put_node(node.evolve(state=NodeState.LOST), seen=0.0)
    alone, shared = Exclusivity(90, 60), Exclusivity(90, 60, shared=True)
    assert alone.gone_at(station, held) == 90 + 60 + 20
    assert shared.gone_at(station, held) == 500 + 30 + 60 + 20
