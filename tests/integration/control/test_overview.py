"""The first page: figures of what is and was lately, and what needs a person, each as far as one may see it."""

from __future__ import annotations

import pytest

from lilac.control.overview import LATELY_S
from lilac.model.accounts import Role
from lilac.store import events as event_store
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand

EMPTY = {
    "total": 0,
    "lost_nodes": [],
    "unhealthy_gpus": [],
    "low_disks": [],
    "stuck_jobs": [],
    "paused_queues": [],
    "expiring_keys": [],
}


async def test_the_overview_counts_what_is_and_what_ended_in_the_last_day(stand: Stand, client: Clients) -> None:
    ada, bob = await client(stand.user), await client(await stand.add_user("bob"))
    root = await client(await stand.admin())
    agent = FakeAgent(stand, cpu=2000, memory=10_000, gpus=2)
    await agent.beat()
    await stand.submit(cpu=500, gpus=1)
    await agent.run_until_running()
    waiting = await stand.submit(cpu=2000)
    await stand.settle()
    told = (await ada.get("/overview")).json()
    assert told["jobs"] == {"waiting": 1, "starting": 0, "running": 1}
    assert told["last_day"] == {"succeeded": 0, "failed": 0, "cancelled": 0}
    assert told["nodes"] == {"available": 0, "busy": 1, "draining": 0, "lost": 0}
    assert told["capacity"] == {"cpu_millicores": 2000, "memory_mb": 10_000, "gpus": 2}
    assert told["allocated"]["cpu_millicores"] == 500
    assert told["allocated"]["gpus"] == 1
    await ada.post(f"/training_jobs/{waiting}/cancel")
    agent.become("failed", exit_code=1)
    await agent.beat()
    assert (await ada.get("/overview")).json()["last_day"] == {"succeeded": 0, "failed": 1, "cancelled": 1}
    assert (await root.get("/overview")).json()["last_day"] == {"succeeded": 0, "failed": 1, "cancelled": 1}
    assert (await bob.get("/overview")).json()["last_day"] == {"succeeded": 0, "failed": 0, "cancelled": 0}
    stand.clock.now += LATELY_S + 1200
    assert (await ada.get("/overview")).json()["last_day"] == {"succeeded": 0, "failed": 0, "cancelled": 0}


async def test_after_a_restart_the_last_day_is_counted_from_the_history(stand: Stand, client: Clients) -> None:
    for gap_s in (0, LATELY_S, 60):
        stand.clock.now += gap_s
        await stand.platform.jobs.cancel(stand.user, await stand.submit(cpu=100))
    await stand.restart()
    told = await stand.platform.overview.for_person(stand.user)
    assert told["last_day"]["cancelled"] == 2


@pytest.mark.parametrize("before", [0.0, 1.5, 100.0])
async def test_the_last_event_before_a_time_is_found_by_halving(stand: Stand, before: float) -> None:
    for _ in range(20):
        stand.clock.now += 1
        await stand.submit(cpu=1)
    at = stand.clock.now - before
    found = await stand.platform.db.read(event_store.last_before, at)
    every = await stand.platform.db.read(event_store.list_events, limit=1000)
    assert found == max((event.seq for event in every if event.at < at), default=0)


async def test_nothing_needs_anybody_where_all_is_well(stand: Stand, client: Clients) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    told = (await (await client(stand.user)).get("/attention")).json()
    told.pop("at")
    assert told == EMPTY


async def test_what_needs_somebody_is_told_to_whom_may_see_it(stand: Stand, client: Clients) -> None:
    bob = await stand.add_user("bob")
    ada, other, root = await client(stand.user), await client(bob), await client(await stand.admin())
    viewer = await client(await stand.add_user("vera", Role.VIEWER))
    agent = FakeAgent(stand, cpu=2000)
    await agent.beat()
    giants = [await stand.submit(cpu=64_000) for _ in range(2)]
    night = await stand.add_queue("night")
    await root.post("/queues/night/pause")
    await stand.submit(cpu=100, queue_id=night)
    body = {
        "name": "wide",
        "definition": "debian:12",
        "queue_id": "default",
        "resource_requirements": {"cpu_millicores": 32_000, "memory_mb": 10},
        "array": "0-99",
    }
    array = (await other.post("/training_jobs", json=body)).json()["id"]
    await stand.settle()
    soon, later = stand.clock.now + 86_400, stand.clock.now + 30 * 86_400
    for name, ends in (("soon", soon), ("later", later), ("never", None)):
        await stand.platform.accounts.keys.create(stand.user, name=name, expires_at=ends)
    await stand.platform.accounts.keys.create_for_cluster(ROOT, stand.cluster_id, name="agents", expires_at=soon)

    mine = (await ada.get("/attention")).json()
    assert [(e["job_id"], e["jobs"], e["owner"], e["code"]) for e in mine["stuck_jobs"]] == [
        (giants[0], 2, "ada", "never_fits")
    ]
    assert "node-1" in mine["stuck_jobs"][0]["message"]
    assert [(e["name"], e["waiting_jobs"]) for e in mine["paused_queues"]] == [("night", 1)]
    assert [e["name"] for e in mine["expiring_keys"]] == ["soon"]
    assert mine["total"] == 3
    theirs = (await other.get("/attention")).json()
    assert [(e["job_id"], e["job_name"], e["jobs"]) for e in theirs["stuck_jobs"]] == [(array, "wide", 100)]
    assert theirs["expiring_keys"] == []
    for everybody, keys in ((root, ["agents"]), (viewer, [])):
        told = (await everybody.get("/attention")).json()
        assert {e["owner"] for e in told["stuck_jobs"]} == {"ada", "bob"}
        assert [e["name"] for e in told["expiring_keys"]] == keys


async def test_lost_nodes_bad_gpus_and_full_disks_need_somebody(stand: Stand, client: Clients) -> None:
    agent, other = FakeAgent(stand, gpus=2), FakeAgent(stand, name="node-2")
    await agent.beat()
    await other.beat()
    stand.clock.now += stand.settings.node_lost_after_s + 1
    body = agent.body()
    body["gpus"][1] |= {"healthy": False, "problem": "Xid 79"}
    body["disk"] = {"total_mb": 100_000, "free_mb": 900}
    await agent.send(body)
    await stand.platform.nodes.lose_silent()
    told = (await (await client(stand.user)).get("/attention")).json()
    assert [each["name"] for each in told["lost_nodes"]] == ["node-2"]
    assert [(e["node_name"], e["uuid"], e["problem"]) for e in told["unhealthy_gpus"]] == [
        ("node-1", "node-1-1", "Xid 79")
    ]
    assert [(each["node_name"], each["free_mb"]) for each in told["low_disks"]] == [("node-1", 900)]
    assert told["total"] == 3
    overview = (await (await client(stand.user)).get("/overview")).json()
    assert (overview["nodes"]["lost"], overview["unhealthy_gpus"]) == (1, 1)
