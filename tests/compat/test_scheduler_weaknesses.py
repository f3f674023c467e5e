"""What the original's scheduler gets wrong, one test for each row of the wire contract's table 5.3 (S1 to S16), and the
promises of 7.1 that concern placement. Each tells how it is here.
"""

from __future__ import annotations

import httpx2
import pytest
from sqlalchemy import Engine, event

from lilac.control import records
from lilac.control.directory import QueueWanted
from lilac.model.errors import Unsatisfiable
from lilac.model.ids import JobId, NodeId
from lilac.model.lifecycle import start
from lilac.model.limits import Limits, QueueOrder
from lilac.model.resources import GpuRequest, ResourceRequest
from lilac.model.states import JobState
from lilac.store import jobs as job_store
from lilac.store.database import Transaction
from tests.integration.control.stand import ROOT, FakeAgent, OriginalAgent, Stand


async def states(stand: Stand, *jobs: str) -> list[str]:
    return [await stand.state(job) for job in jobs]


async def why(stand: Stand, job: str) -> tuple[str, str]:
    detail = await stand.platform.jobs.detail(ROOT, job)
    assert detail.waiting is not None
    return str(detail.waiting.code), detail.waiting.message


async def end_one(agent: FakeAgent) -> None:
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    await agent.run_until_running()


async def test_s1_a_busy_queue_cannot_starve_another_that_ages(stand: Stand) -> None:
    wanted = QueueWanted(name="poor", priority=2, cluster_targets=("default",), more={"ageing_s": 60})
    poor = (await stand.platform.directory.create_queue(ROOT, wanted)).queue.id
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    await stand.submit()
    await agent.run_until_running()
    old = await stand.submit(queue_id=poor)
    for _ in range(4):  # the busy queue always has another job, and each runs for a minute
        await stand.submit()
        await stand.submit()
        await stand.pass_time(60)
        await end_one(agent)
        if await stand.state(old) == "running":
            return
    raise AssertionError("it was starved")


async def test_s1_a_big_job_is_not_starved_by_small_ones_behind_it(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=4000)
    await agent.beat()
    await stand.submit(cpu=2000, time_limit_s=100)
    await agent.run_until_running()
    big = await stand.submit(cpu=4000)
    endless, brief = await stand.submit(), await stand.submit(time_limit_s=50)
    assert await states(stand, big, endless, brief) == ["queued", "queued", "starting"]
    assert (await why(stand, endless))[0] == "reserved"


async def test_s2_users_share_keep_to_limits_and_make_room(stand: Stand) -> None:
    await stand.platform.directory.edit_queue(
        ROOT, "default", {"order": QueueOrder.FAIR, "user_limits": Limits(running_jobs=2)}
    )
    bob = await stand.add_user("bob")
    agent = FakeAgent(stand, cpu=3000)
    await agent.beat()
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": True})
    ada_s = [await stand.submit(preemptible=True) for _ in range(3)]
    bob_s = [await stand.submit(by=bob) for _ in range(2)]
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": False})
    assert await states(stand, *ada_s, *bob_s) == ["starting", "starting", "queued", "starting", "queued"]
    assert (await why(stand, ada_s[2]))[0] == "limit"
    await agent.run_until_running()
    urgent = await stand.submit(by=bob, priority=1)
    await stand.settle()
    await agent.beat()
    await agent.beat()
    await agent.run_until_running()
    assert await states(stand, ada_s[0], ada_s[1], urgent) == ["running", "queued", "running"]


async def test_s3_a_job_that_can_never_run_is_told_so_and_refused_on_demand(stand: Stand) -> None:
    agent = FakeAgent(stand, gpus=1)
    await agent.beat()
    job = await stand.submit(gpus=2)
    code, message = await why(stand, job)
    assert code == "never_fits"
    assert "needs 2 × GPU on one node; no node in the clusters of queue default has that" in message
    with pytest.raises(Unsatisfiable, match="Not submitted: needs 2 × GPU"):
        await stand.platform.jobs.submit(stand.user, stand.spec(gpus=2), strict=True)


async def test_s4_a_pass_over_a_long_line_asks_the_store_nothing(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    await stand.submit()
    await agent.run_until_running()
    for _ in range(100):
        await stand.submit()
    await stand.settle()
    asked: list[str] = []

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        passes = stand.platform.loop.passes
        stand.platform.loop.wake()
        await stand.settle()
        assert stand.platform.loop.passes > passes
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert asked == []


async def test_s5_a_job_that_was_placed_meanwhile_is_not_placed_again(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": True})
    job = await stand.job(await stand.submit())
    place = (0, NodeId(agent.node_id), ())

    def two_schedulers(tx: Transaction) -> list[bool]:
        decided = [start(job, [place], planned_at=stand.clock.now, now=stand.clock.now) for _ in range(2)]
        placed = [records.save_start(tx, job, outcome) for outcome in decided]
        tx.after(stand.platform.projection.take, decided[0].work)
        return placed

    assert await stand.platform.db.write(two_schedulers) == [True, False]
    await stand.check()


async def test_s6_a_placement_is_written_whole_or_not_at_all(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": True})
    job = await stand.job(await stand.submit())
    begun = start(job, [(0, NodeId(agent.node_id), ())], planned_at=stand.clock.now, now=stand.clock.now)

    def crash(tx: Transaction) -> None:
        records.save_start(tx, job, begun)
        raise RuntimeError("the power fails here")

    with pytest.raises(RuntimeError):
        await stand.platform.db.write(crash)
    assert (await stand.state(job.id), await stand.platform.db.read(job_store.live_replicas)) == ("queued", [])
    await stand.restart()
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": False})
    await agent.run_until_running()
    assert (await stand.state(job.id), (await stand.job(job.id)).attempt) == ("running", 1)
    await stand.check()


async def test_s7_a_job_that_is_cancelled_before_its_placement_is_written_stays_cancelled(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    await stand.platform.directory.edit_queue(ROOT, "default", {"paused": True})
    job = await stand.job(await stand.submit())
    late = start(job, [(0, NodeId(agent.node_id), ())], planned_at=stand.clock.now, now=stand.clock.now)
    await stand.platform.jobs.cancel(stand.user, job.id)
    assert await stand.platform.db.write(records.save_start, job, late) is False
    assert await stand.state(job.id) == "cancelled"
    await stand.check()


async def test_s8_what_ended_is_not_run_again_because_its_node_is_lost(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    done, failed, cancelled = [await stand.submit() for _ in range(3)]
    await agent.run_until_running()
    agent.become("succeeded", (done, 1, 0), exit_code=0)
    agent.become("failed", (failed, 1, 0), exit_code=1)
    await agent.beat()
    await stand.platform.jobs.cancel(stand.user, cancelled)
    await stand.pass_time(100)
    assert await states(stand, done, failed, cancelled) == ["succeeded", "failed", "cancelled"]


async def test_s9_cancelling_an_old_job_touches_nobody_else(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    old = await stand.submit()
    await agent.run_until_running()
    await end_one(agent)
    innocent = await stand.submit()
    await agent.run_until_running()
    with pytest.raises(Exception, match="already succeeded"):
        await stand.platform.jobs.cancel(stand.user, old)
    await agent.beat()
    assert await stand.state(innocent) == "running"


async def test_s10_an_outage_of_the_server_kills_and_repeats_nothing(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    await stand.platform.stop()
    stand.clock.now += 600
    await stand.restart()
    await stand.pass_time(80)
    await agent.beat()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 1)
    await stand.check()


async def test_s11_a_report_of_a_replaced_attempt_changes_nothing(stand: Stand) -> None:
    cut_off, other = FakeAgent(stand, "node-1", cpu=1000), FakeAgent(stand, "node-2", cpu=1000)
    await cut_off.beat()
    job = await stand.submit()
    await cut_off.run_until_running()
    await stand.pass_time(91)
    await other.beat()
    await other.run_until_running()
    cut_off.become("failed", exit_code=1)
    await cut_off.beat()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 2)
    assert cut_off.held == {}


async def test_s12_a_job_that_ended_by_another_way_leaves_its_node_free(stand: Stand) -> None:
    agent = OriginalAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await stand.settle()
    await agent.beat()
    await stand.platform.jobs.force_state(ROOT, JobId(job), JobState.FAILED)
    for _ in range(3):
        await agent.beat()
    following = await stand.submit()
    await stand.settle()
    assert await agent.beat() == following
    await stand.check()


async def test_s13_neither_starting_nor_running_lasts_for_ever(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    slow = await stand.submit(max_retries=1)
    await stand.settle()
    await agent.beat()
    for attempt in (1, 2):
        assert (await stand.state(slow), (await stand.job(slow)).attempt) == ("starting", attempt)
        for _ in range(3600 // 80):  # the node lives, and never gets it running
            await stand.pass_time(80)
            await agent.beat()
        await agent.beat()
    found = await stand.job(slow)
    assert (found.state, found.retries, found.reason) == ("failed", 1, "engine")
    assert "did not start it within 3600 s" in (found.message or "")
    limited = await stand.submit(time_limit_s=60)
    await agent.run_until_running()
    await stand.pass_time(60)
    assert ((await stand.job(limited)).state, (await stand.job(limited)).reason) == ("failed", "time_limit")
    await stand.check()


async def test_s14_a_container_that_fails_fails_its_job(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    agent.become("failed", exit_code=3, reason="error", message="Exited with code 3.")
    await agent.beat()
    found = await stand.job(job)
    assert (found.state, found.exit_code, found.message) == ("failed", 3, "Exited with code 3.")


async def test_s15_a_job_that_kills_its_nodes_is_given_up_after_its_retries(stand: Stand) -> None:
    job = await stand.submit(max_retries=2)
    for number in range(1, 4):
        agent = FakeAgent(stand, f"node-{number}")
        await agent.beat()
        await stand.pass_time(5)
        await agent.run_until_running()
        assert (await stand.job(job)).attempt == number
        await stand.pass_time(91)
    found = await stand.job(job)
    assert (found.state, found.retries, found.reason) == ("failed", 2, "node_lost")
    assert "No retries left (2 allowed)" in (found.message or "")


async def test_s16_a_node_that_changed_is_seen_as_it_is(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    job = await stand.submit(cpu=2000)
    assert await stand.state(job) == "queued"
    agent.cpu = 2000
    await agent.beat()
    assert await stand.state(job) == "starting"


async def test_7_1_several_jobs_share_a_node_by_what_they_ask_for(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=4000, memory=4000, gpus=4)
    await agent.beat()
    jobs = [await stand.submit(gpus=2), await stand.submit(gpus=1), await stand.submit(gpus=2), await stand.submit()]
    assert await states(stand, *jobs) == ["starting", "starting", "queued", "starting"]
    assert await why(stand, jobs[2]) == (
        "resources",
        "needs 2 × GPU on one node; the best is node-1 with 1 free of 4",
    )
    live = await stand.platform.db.read(job_store.live_replicas)
    uuids = [uuid for replica in live for uuid in replica.gpu_uuids]
    assert len(uuids) == len(set(uuids)) == 3
    await stand.check()


@pytest.mark.parametrize(
    ("request_", "fits"),
    [
        (GpuRequest(1, "H100"), True),
        (GpuRequest(1, None, 80), True),
        (GpuRequest(1, "A100"), False),
        (GpuRequest(1, "H100", 141), False),
    ],
)
async def test_7_1_gpu_model_and_memory_decide(stand: Stand, request_: GpuRequest, fits: bool) -> None:
    agent = FakeAgent(stand, gpus=1)
    await agent.beat()
    spec = stand.spec()
    job = await stand.platform.jobs.submit(
        stand.user,
        type(spec)(
            name="gpu", queue_id=spec.queue_id, image="debian:12", resources=ResourceRequest(1000, 1000, request_)
        ),
    )
    assert await stand.state(job.id) == ("starting" if fits else "queued")


async def test_7_1_nodes_are_drained_removed_and_looked_back_on_and_queues_edited(
    stand: Stand, api: httpx2.AsyncClient
) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    assert (await api.post("/nodes/node-1/drain")).json()["drained"] is True
    assert (await api.patch("/queues/default", json={"priority": 9, "paused": True})).json()["priority"] == 9
    await stand.pass_time(100)
    assert (await api.delete("/nodes/node-1")).status_code == 200
    kinds = [e["kind"] for e in (await api.get(f"/events?node_id={agent.node_id}")).json()["events"]]
    assert kinds == ["node.joined", "node.changed", "node.lost", "node.changed"]
