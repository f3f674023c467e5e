"""How far a pull is, from the agent's report to the job and the node as the API shows them; nothing of it is stored."""

from __future__ import annotations

from tests.integration.control.conftest import Clients
from tests.integration.control.stand import FakeAgent, Stand


async def test_progress_shows_in_the_job_while_it_starts_and_the_disk_in_the_node(
    stand: Stand, client: Clients
) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit(name="digits")
    await stand.settle()
    await agent.beat()
    web = await client(await stand.admin())
    events = len((await web.get("/events?limit=1000")).json()["events"])

    async def told(progress: object) -> object:
        for replica in agent.held.values():
            replica["progress"] = progress
        await agent.send(agent.body() | {"disk": {"total_mb": 1000, "free_mb": 400}})
        return (await web.get(f"/training_jobs/{job}")).json()["progress"]

    pulling = {"step": "pull", "done": 5, "total": 9}
    await told(None)
    before = len((await web.get("/events?limit=1000")).json()["events"])
    assert before >= events
    assert await told(pulling) == pulling
    assert await told(pulling | {"done": 7}) == pulling | {"done": 7}
    assert len((await web.get("/events?limit=1000")).json()["events"]) == before
    (node,) = (await web.get("/nodes")).json()["nodes"]
    assert node["disk"] == {"total_mb": 1000, "free_mb": 400}
    agent.become("running")
    await agent.beat()
    assert (await web.get(f"/training_jobs/{job}")).json()["progress"] is None
    assert (await web.get("/training_jobs")).json()["jobs"][0]["progress"] is None


async def test_an_agent_cannot_speak_about_jobs_that_it_does_not_hold(stand: Stand, client: Clients) -> None:
    holder, other = FakeAgent(stand), FakeAgent(stand, name="other", cpu=1)
    await holder.beat()
    await other.beat()
    job = await stand.submit(name="digits")
    await stand.settle()
    await holder.beat()
    ((key, _),) = holder.held.items()
    other.held[key] = {"state": "preparing", "progress": {"step": "pull", "done": 1, "total": 2}}
    await other.send(other.body())
    web = await client(await stand.admin())
    assert (await web.get(f"/training_jobs/{job}")).json()["progress"] is None
