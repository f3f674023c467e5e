"""What happens at the same time, in the wrong order, or around a restart: one test for each way to lose a job."""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lilac.control.directory import QueueWanted
from lilac.model.errors import Conflict, Forbidden
from lilac.model.ids import ClusterId, JobId, NodeId
from lilac.model.states import JobState, NodeState, ReplicaState
from lilac.store import attempts as attempt_store
from lilac.store import events as event_store
from lilac.store import jobs as job_store
from lilac.store import listing
from tests.integration.control.stand import ROOT, FakeAgent, Stand, cancelled_at_once


async def test_a_job_that_is_cancelled_while_it_is_placed_stays_cancelled(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    jobs = await asyncio.gather(*(stand.submit(cpu=100, memory=10) for _ in range(30)))
    await asyncio.gather(*(stand.platform.jobs.cancel(stand.user, job) for job in jobs))
    assert {await stand.state(job) for job in jobs} == {"cancelled"}
    await stand.check()
    await agent.beat()
    await agent.beat()
    assert await stand.platform.db.read(job_store.live_replicas) == []
    await stand.check()


async def test_cancelling_a_job_that_ended_long_ago_touches_nobody_else(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    old = await stand.submit()
    await agent.run_until_running()
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    new = await stand.submit()
    await agent.run_until_running()
    with pytest.raises(Conflict, match="already succeeded"):
        await stand.platform.jobs.cancel(stand.user, old)
    await agent.beat()
    assert [e["desired"] for e in agent.reply["replicas"]] == ["run"]
    assert (await stand.state(old), await stand.state(new)) == ("succeeded", "running")


async def test_what_ended_on_a_node_is_not_run_again_when_the_node_is_lost(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    done, stopped, running = [await stand.submit(name=name) for name in ("done", "stopped", "running")]
    await agent.run_until_running()
    agent.become("succeeded", (done, 1, 0), exit_code=0)
    await agent.beat()
    await stand.platform.jobs.cancel(stand.user, stopped)
    await stand.pass_time(100)
    assert [await stand.state(job) for job in (done, stopped, running)] == ["succeeded", "cancelled", "queued"]
    await stand.check()


async def test_a_node_that_comes_back_stops_what_was_replaced(stand: Stand) -> None:
    first, second = FakeAgent(stand, "node-1"), FakeAgent(stand, "node-2")
    await first.beat()
    job = await stand.submit()
    await first.run_until_running()
    await stand.pass_time(91)
    await second.beat()
    await second.run_until_running()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 2)
    first.become("succeeded", exit_code=0)
    await first.beat()  # the old attempt says that it succeeded, and is told nothing but to forget it
    assert (first.held, await stand.state(job)) == ({}, "running")
    await stand.check()


async def test_an_outage_of_the_server_costs_no_job(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    await stand.platform.stop()
    stand.clock.now += 3600
    await stand.restart()
    await stand.pass_time(60)
    assert await stand.state(job) == "running"
    await agent.beat()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 1)


async def test_an_agent_that_was_installed_anew_says_that_its_job_vanished(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    agent.wipe()
    await agent.beat()
    await agent.beat()
    found = await stand.job(job)
    assert (found.retries, found.attempt) == (1, 1)
    await agent.run_until_running()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 2)


async def test_a_replica_reported_lost_without_a_reason_is_tried_again(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    agent.become("lost")
    await agent.beat()
    assert (await stand.job(job)).retries == 1


async def test_a_report_about_a_job_that_the_node_does_not_hold_changes_nothing(stand: Stand) -> None:
    holder, liar = FakeAgent(stand, "node-1"), FakeAgent(stand, "node-2")
    await holder.beat()
    job = await stand.submit()
    await holder.run_until_running()
    liar.held[(job, 1, 0)] = {"state": "succeeded", "exit_code": 0}
    liar.held[(str(uuid.uuid4()), 1, 0)] = {"state": "running"}
    await liar.beat()
    assert (liar.held, await stand.state(job)) == ({}, "running")
    await stand.check()


async def test_a_late_report_changes_neither_replicas_nor_inventory(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    late = agent.body()
    agent.memory = 16_000
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    await agent.send(late)
    assert await stand.state(job) == "succeeded"
    assert (await stand.platform.directory.node(agent.node_id)).node.inventory.memory_mb == 16_000
    last_of_its_life = agent.body()
    agent.restart()
    agent.memory = 32_000
    await agent.beat()
    await agent.send(last_of_its_life)
    assert (await stand.platform.directory.node(agent.node_id)).node.inventory.memory_mb == 32_000


async def test_two_reports_of_a_new_node_at_once_make_one_node(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await asyncio.gather(*(agent.send(agent.body()) for _ in range(5)))
    joined = await stand.platform.db.read(event_store.list_events, limit=100, node_id=NodeId(agent.node_id))
    assert [str(told.kind) for told in joined] == ["node.joined"]


async def test_a_refused_node_leaves_nothing_behind(stand: Stand) -> None:
    agent = FakeAgent(stand)
    agent.stand.cluster_id, real = ClusterId(str(uuid.uuid4())), stand.cluster_id
    with pytest.raises(Exception, match="There is no cluster"):
        await agent.beat()
    stand.cluster_id = real
    gc.collect()
    assert len(stand.platform.nodes._joining) == 0
    await agent.beat()
    stand.cluster_id = (await stand.platform.directory.create_cluster(ROOT, "other")).id
    with pytest.raises(Forbidden, match="belongs to another cluster"):
        await agent.beat()


async def test_a_time_limit_that_passed_while_the_server_was_down_is_kept(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit(time_limit_s=50)
    await agent.run_until_running()
    await stand.platform.stop()
    stand.clock.now += 51
    await stand.restart()
    await stand.platform.deadlines.end_due()
    found = await stand.job(job)
    assert (found.state, str(found.reason)) == (JobState.FAILED, "time_limit")
    await agent.beat()
    assert agent.held[(job, 1, 0)]["state"] == "stopped"
    await stand.check()


async def test_limits_that_are_not_awaited_any_more_are_forgotten(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    for _ in range(5):
        await stand.submit(time_limit_s=100_000)
        await agent.run_until_running()
        agent.become("succeeded", exit_code=0)
        await agent.beat()
    assert len(stand.platform.projection.deadlines) == 0


async def test_a_queue_with_waiting_jobs_can_be_paused_and_not_deleted(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    directory = stand.platform.directory
    queue_id = await stand.add_queue("night")
    wanted = QueueWanted(name="night", priority=0, cluster_targets=("default",), paused=True)
    await directory.replace_queue(ROOT, queue_id, wanted)
    job = await stand.submit(queue_id=queue_id)
    assert await stand.state(job) == "queued"
    with pytest.raises(Conflict, match="1 jobs wait"):
        await directory.delete_queue(ROOT, queue_id)
    wanted = QueueWanted(name="night", priority=0, cluster_targets=("default",), paused=False)
    await directory.replace_queue(ROOT, queue_id, wanted)
    assert await stand.state(job) == "starting"
    await directory.delete_queue(ROOT, queue_id)
    await stand.check()
    await agent.run_until_running()
    await stand.pass_time(100)
    assert await stand.state(job) == "queued"
    _, told = await stand.platform.jobs.explain(stand.user, job)
    assert told is not None
    assert "queue" in told.reason.message
    await stand.check()


async def test_a_drained_node_that_is_lost_and_back_is_still_drained(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    directory = stand.platform.directory
    await directory.drain_node(ROOT, agent.node_id)
    await stand.pass_time(100)
    assert (await directory.node(agent.node_id)).node.state is NodeState.LOST
    await agent.beat()
    assert (await directory.node(agent.node_id)).node.state is NodeState.DRAINING
    job = await stand.submit()
    assert await stand.state(job) == "queued"
    await directory.resume_node(ROOT, agent.node_id)
    assert await stand.state(job) == "starting"
    await stand.check()


async def test_what_is_changed_by_hand_counts_from_the_moment_of_its_commit(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    for _ in range(20):
        await stand.platform.directory.drain_node(ROOT, agent.node_id)
        await stand.check()
        await stand.platform.directory.resume_node(ROOT, agent.node_id)
        await stand.check()
    queue_id = await stand.add_queue("night")
    assert stand.platform.jobs.queue("night").id == queue_id


async def test_a_removed_node_that_reports_again_joins_again(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    await stand.pass_time(100)
    await stand.platform.directory.remove_node(ROOT, agent.node_id)
    await stand.check()
    await agent.beat()
    await stand.check()
    job = await stand.submit()
    assert await stand.state(job) == "starting"


async def test_callers_that_go_away_leave_records_and_memory_equal(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    for _ in range(30):
        await cancelled_at_once(stand.submit(cpu=100, memory=10))
        await cancelled_at_once(agent.send(agent.body()))
    jobs = await stand.platform.db.read(listing.list_jobs, listing.JobFilter(), limit=100)
    await asyncio.gather(*(cancelled_at_once(stand.platform.jobs.cancel(ROOT, job.id)) for job in jobs))
    await stand.check()


async def test_waiting_for_a_job_leaves_nothing_behind(stand: Stand) -> None:
    jobs = stand.platform.jobs
    job = await stand.submit(cpu=1_000_000)
    await jobs.wait_ended(stand.user, job, 0.01)
    await asyncio.gather(*(cancelled_at_once(jobs.wait_ended(stand.user, job, 60)) for _ in range(5)))
    ended = asyncio.create_task(jobs.wait_ended(stand.user, job, 60))
    await asyncio.sleep(0.01)
    await jobs.cancel(stand.user, job)
    assert (await ended).state is JobState.CANCELLED
    await jobs.wait_ended(stand.user, job, 60)
    assert stand.platform.bus._job_waiters == {}


async def test_callers_that_wait_are_let_go_at_once_when_the_server_stops(stand: Stand) -> None:
    job = await stand.submit(cpu=1_000_000)
    waiting = asyncio.create_task(stand.platform.jobs.wait_ended(stand.user, job, 300))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    stand.platform.release_waiters()
    assert (await waiting).state is JobState.QUEUED
    assert time.monotonic() - began < 1


async def test_settling_waits_for_what_is_known_and_not_for_what_comes_meanwhile(stand: Stand) -> None:
    busy = True

    async def keep_busy() -> None:
        while busy:
            stand.platform.loop.wake()
            await asyncio.sleep(0)

    task = asyncio.create_task(keep_busy())
    job = await stand.submit(cpu=1_000_000)
    async with asyncio.timeout(1):
        await stand.settle()
    detail = await stand.platform.jobs.detail(stand.user, job)
    busy = False
    await task
    assert detail.waiting is not None


async def test_a_report_about_many_replicas_costs_few_queries(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=100_000, memory=100_000)
    await agent.beat()
    for _ in range(100):
        await stand.submit(cpu=100, memory=10)
    await stand.settle()
    await agent.beat()
    agent.become("running")
    selects: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("SELECT"):
            selects.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await agent.send(agent.body())
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(selects) <= 6, selects
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    await stand.check()
    states = [r.state for r in await stand.platform.db.read(_all_replicas)]
    assert states == [ReplicaState.SUCCEEDED] * 100


def _all_replicas(conn):  # type: ignore[no-untyped-def]
    jobs = listing.list_jobs(conn, listing.JobFilter(), limit=1000)
    return [replica for job in jobs for replica in attempt_store.all_replicas_of(conn, JobId(job.id))]


async def test_news_of_two_attempts_in_one_report_leave_the_job_as_its_last_attempt_says(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit(size=2)
    await agent.run_until_running()
    lost = {"state": "lost", "reason": "vanished", "message": "gone"}
    agent.held[(job, 1, 0)] = lost
    body = agent.body()
    await agent.send(body)  # the first attempt is over; its other replica is still being stopped
    await stand.settle()
    assert (await stand.job(job)).attempt == 2
    body = agent.body()
    body["replicas"] = [
        {"job_id": job, "attempt": 2, "rank": 0, **lost},
        {"job_id": job, "attempt": 1, "rank": 1, "state": "stopped"},
    ]
    await agent.send(body)
    await stand.settle()
    assert ((await stand.job(job)).attempt, await stand.state(job)) == (3, "starting")
    await stand.check()
