"""Nodes taken out of service and back, labelled, removed, and looked back on."""

from __future__ import annotations

from typing import Any

from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand


async def test_a_drained_node_finishes_what_it_has_and_is_then_drained(stand: Stand, client: Clients) -> None:
    root = await client(await stand.admin())
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    shown = (await root.post("/nodes/node-1/drain")).json()
    assert (shown["node_status"], shown["drained"], shown["drain_deadline"]) == ("draining", False, None)
    waiting = await stand.submit()
    await stand.pass_time(60)
    assert [await stand.state(each) for each in (job, waiting)] == ["running", "queued"]
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    shown = (await root.get("/nodes/node-1")).json()
    assert (shown["node_status"], shown["drained"], await stand.state(waiting)) == ("draining", True, "queued")
    await root.post("/nodes/node-1/resume")
    assert await stand.state(waiting) == "starting"


async def test_at_the_deadline_what_runs_waits_again_and_costs_no_retry(stand: Stand, client: Clients) -> None:
    root = await client(await stand.admin())
    first, second = FakeAgent(stand, "node-1", cpu=1000), FakeAgent(stand, "node-2", cpu=1000)
    await first.beat()
    job = await stand.submit(max_retries=0)
    await first.run_until_running()
    assert (await root.post("/nodes/node-1/drain", json={"deadline_s": 50})).json()["drain_deadline"] is not None
    await stand.pass_time(40)
    await first.beat()
    assert await stand.state(job) == "running"
    await stand.restart()  # a deadline is kept by whoever comes after
    await first.beat()
    await stand.pass_time(11)
    found = await stand.job(job)
    assert (found.state, found.reason, found.retries) == ("queued", "drained", 0)
    assert found.message == "Stopped because node node-1 is drained."
    await second.beat()
    await second.run_until_running()
    assert (await stand.state(job), (await stand.job(job)).attempt) == ("running", 2)
    await first.beat()
    await first.beat()
    assert first.held == {}
    await stand.check()


async def test_eviction_takes_only_what_is_on_the_node_from_an_elastic_job(stand: Stand) -> None:
    agents = [FakeAgent(stand, f"node-{n}", cpu=1000) for n in (1, 2)]
    for agent in agents:
        await agent.beat()
    job = await stand.submit(size=(1, 2))
    for agent in agents:
        await agent.run_until_running()
    await stand.platform.directory.drain_node(ROOT, "node-2", 60)
    await stand.pass_time(60)
    await agents[1].beat()
    await agents[1].beat()
    assert agents[1].held == {}
    found = await stand.job(job)
    assert (found.state, found.attempt) == ("running", 1)
    await stand.check()


async def test_a_resumed_node_keeps_what_it_has(stand: Stand) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    await stand.platform.directory.drain_node(ROOT, "node-1", 30)
    await stand.platform.directory.resume_node(ROOT, "node-1")
    await stand.pass_time(60)
    assert await stand.state(job) == "running"


async def test_labels_of_administrators_go_over_those_of_the_agent_and_select_nodes(
    stand: Stand, client: Clients
) -> None:
    root = await client(await stand.admin())
    agent = FakeAgent(stand)
    await agent.send({**agent.body(), "labels": {"rack": "a", "disk": "ssd"}})
    job = await stand.submit(node_selector={"rack": "b"})
    assert await stand.state(job) == "queued"
    shown = (await root.patch("/nodes/node-1", json={"labels": {"rack": "b"}})).json()
    assert shown["labels"] == {"rack": "b", "disk": "ssd"}
    assert await stand.state(job) == "starting"
    assert (await root.patch("/nodes/node-1", json={"labels": {" ": "x"}})).status_code == 422
    await stand.restart()
    await agent.send({**agent.body(), "labels": {"rack": "c", "disk": "ssd"}})
    assert (await stand.platform.directory.node("node-1")).node.labels["rack"] == "b"
    stand_now = (await stand.platform.directory.label_node(ROOT, "node-1", {"rack": None})).node
    assert stand_now.labels["rack"] == "c"
    await stand.check()


async def test_a_removed_node_joins_anew_when_its_agent_comes_back(stand: Stand, client: Clients) -> None:
    root = await client(await stand.admin())
    agent = FakeAgent(stand)
    await agent.beat()
    assert (await root.delete("/nodes/node-1")).status_code == 409
    await stand.pass_time(100)
    assert (await root.delete("/nodes/node-1")).status_code == 200
    await agent.beat()
    assert (await root.get("/nodes/node-1")).json()["node_status"] == "available"
    await stand.check()


async def test_a_node_tells_its_history_and_its_jobs_in_pages(stand: Stand, client: Clients) -> None:
    root, bob = await client(await stand.admin()), await client(await stand.add_user("bob"))
    agent = FakeAgent(stand)
    await agent.beat()
    jobs = [await stand.submit() for _ in range(3)]
    await agent.run_until_running()
    agent.become("succeeded", exit_code=0)
    await agent.beat()
    first = (await root.get("/nodes/node-1/jobs?limit=2")).json()
    assert [job["job_id"] for job in first["jobs"]] == [jobs[2], jobs[1]]
    rest = (await root.get(f"/nodes/node-1/jobs?limit=2&before={first['next']}")).json()
    assert ([job["job_id"] for job in rest["jobs"]], rest["next"]) == ([jobs[0]], None)
    assert (await bob.get("/nodes/node-1/jobs")).json()["jobs"] == []
    kinds = [event["kind"] for event in (await bob.get("/nodes/node-1/events")).json()["events"]]
    assert kinds == ["node.joined"]
    assert "job.assigned" in [e["kind"] for e in (await root.get("/nodes/node-1/events")).json()["events"]]


class WithDisk(FakeAgent):
    low = False

    def body(self, wait_s: float = 0) -> dict[str, Any]:
        return super().body(wait_s) | {"disk": {"total_mb": 1000, "free_mb": 10, "low": self.low}}


async def test_a_node_whose_disk_is_low_gets_no_container_until_it_is_not(stand: Stand) -> None:
    node = WithDisk(stand)
    node.low = True
    await node.beat()
    job = await stand.submit()
    await stand.settle()
    assert await stand.state(job) == "queued"
    reason = await stand.platform.jobs.waiting.reason(await stand.job(job))
    assert reason is not None
    assert "too little free disk for containers" in reason.message
    await stand.restart()
    node.restart()
    await node.beat()
    await stand.settle()
    assert await stand.state(job) == "queued"
    await stand.check()
    node.low = False
    await node.beat()
    await stand.settle()
    assert await stand.state(job) == "starting"
    await node.run_until_running()
    node.low = True  # what runs goes on
    await node.beat()
    assert await stand.state(job) == "running"
    await stand.check()
