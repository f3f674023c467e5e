"""Preemption, shrinking, growth and loss, as the control plane applies them with agents that obey."""

from __future__ import annotations

from lilac.control.directory import QueueWanted
from lilac.model.ids import JobId
from lilac.store import events as event_store
from lilac.store import jobs as job_store
from tests.integration.control.stand import ROOT, FakeAgent, Stand


async def kinds(stand: Stand, job_id: str) -> list[str]:
    found = await stand.platform.db.read(lambda conn: event_store.list_events(conn, limit=1000))
    return [event.kind.value for event in found if event.job_id == job_id and event.kind.value != "replica.changed"]


async def live_ranks(stand: Stand, job_id: str) -> list[int]:
    live = await stand.platform.db.read(job_store.live_replicas)
    return [replica.key.rank for replica in live if replica.key.job_id == job_id]


async def test_a_preemptible_job_makes_room_and_comes_back_with_its_turn(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    first = await stand.submit(preemptible=True, max_retries=0)
    await agent.run_until_running()
    behind = await stand.submit()
    urgent = await stand.submit(priority=1, name="urgent")
    await stand.settle()
    found = await stand.job(first)
    assert (found.state, found.reason, found.retries) == ("queued", "preempted", 0)
    assert found.message == "Stopped to make room for job urgent, which has a higher priority."
    # the room is not free yet, and nobody else may have it
    assert [await stand.state(job) for job in (behind, urgent)] == ["queued", "queued"]
    await agent.beat()  # it is told to stop, and does
    await agent.beat()
    await agent.run_until_running()
    assert [await stand.state(job) for job in (first, behind, urgent)] == ["queued", "queued", "running"]
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    await agent.run_until_running()
    assert [await stand.state(job) for job in (first, behind)] == ["running", "queued"]
    assert await kinds(stand, first) == [
        "job.submitted",
        "job.assigned",
        "job.running",
        "job.preempted",
        "job.assigned",
        "job.running",
    ]
    await stand.check()


async def test_who_is_not_preemptible_and_who_is_of_equal_priority_is_left_alone(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=2000)
    await agent.beat()
    fixed, equal = await stand.submit(), await stand.submit(preemptible=True, priority=1)
    await agent.run_until_running()
    urgent = await stand.submit(priority=1)
    assert [await stand.state(job) for job in (fixed, equal, urgent)] == ["running", "running", "queued"]


async def test_a_queue_may_do_without_preemption(stand: Stand) -> None:
    wanted = QueueWanted(name="calm", priority=-1, cluster_targets=("default",), more={"preemption": False})
    calm = (await stand.platform.directory.create_queue(ROOT, wanted)).queue.id
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    first = await stand.submit(preemptible=True)
    await agent.run_until_running()
    urgent = await stand.submit(queue_id=calm)
    assert [await stand.state(job) for job in (first, urgent)] == ["running", "queued"]


async def test_nobody_stops_for_a_job_that_was_cancelled_meanwhile(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=1000)
    await agent.beat()
    first = await stand.submit(preemptible=True)
    await agent.run_until_running()
    urgent = await stand.submit(priority=1)
    await stand.platform.jobs.cancel(stand.user, urgent)
    assert await stand.state(urgent) == "cancelled"
    assert await stand.state(first) in ("running", "queued")
    for _ in range(4):
        await agent.beat()
        await agent.run_until_running()
    assert await stand.state(first) == "running"
    await stand.check()


async def test_an_elastic_job_shrinks_before_anybody_is_stopped_and_grows_again(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=4000)
    await agent.beat()
    elastic = await stand.submit(size=(1, 3))
    victim = await stand.submit(preemptible=True)
    await agent.run_until_running()
    assert await live_ranks(stand, elastic) == [0, 1, 2]
    urgent = await stand.submit(priority=1, cpu=2000)
    await stand.settle()
    await agent.beat()
    await agent.beat()
    await agent.run_until_running()
    assert [await stand.state(job) for job in (elastic, victim, urgent)] == ["running"] * 3
    assert await live_ranks(stand, elastic) == [0]
    assert (await stand.job(elastic)).attempt == 1
    await stand.check()
    agent.become("succeeded", (urgent, 1, 0), exit_code=0)
    await agent.beat()
    await agent.run_until_running()
    assert await live_ranks(stand, elastic) == [0, 3, 4]
    (entry,) = [e for e in agent.reply["replicas"] if (e["job_id"], e["rank"]) == (elastic, 4)]
    assert entry["world_size"] == 3
    for rank in (0, 3, 4):
        agent.become("succeeded", (elastic, 1, rank), exit_code=0)
    await agent.beat()
    assert await stand.state(elastic) == "succeeded"
    await stand.check()


async def test_an_elastic_job_goes_on_when_a_node_is_lost(stand: Stand) -> None:
    first, second = FakeAgent(stand, "node-1", cpu=1000), FakeAgent(stand, "node-2", cpu=1000)
    await first.beat()
    await second.beat()
    job = await stand.submit(size=(1, 2))
    for agent in (first, second):
        await agent.run_until_running()
    stand.clock.now += 60
    await first.beat()
    await stand.pass_time(60)
    found = await stand.job(job)
    assert (found.state, found.attempt, found.retries) == ("running", 1, 0)
    assert len(await live_ranks(stand, job)) == 1
    await second.beat()  # it comes back: what it held has left, and the job grows onto it
    await second.run_until_running()
    assert sorted(await live_ranks(stand, job)) == [0, 2] or sorted(await live_ranks(stand, job)) == [1, 2]
    assert (await stand.job(JobId(job))).attempt == 1
    await stand.check()


async def test_after_a_restart_shrunk_replicas_are_still_leaving(stand: Stand) -> None:
    agent = FakeAgent(stand, cpu=2000)
    await agent.beat()
    elastic = await stand.submit(size=(1, 2))
    await agent.run_until_running()
    urgent = await stand.submit(priority=1)
    await stand.settle()
    await stand.restart()
    await stand.check()
    assert await stand.state(elastic) == "running"
    await agent.beat()
    await agent.beat()
    await agent.run_until_running()
    assert await stand.state(urgent) == "running"
    await stand.check()
