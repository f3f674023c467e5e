"""What members see of each other: nothing of jobs, by whatever route. And what a cluster's key is not good for."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing

import pytest

from lilac.api.routers.events import EventFilter, stream
from lilac.control.history import sight_of
from lilac.model.accounts import Role
from lilac.model.ids import ClusterId
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import ROOT, FakeAgent, Stand

SECRET = "s3cr3t-of-ada"


@pytest.fixture
async def job(stand: Stand) -> str:
    """A running job of ada's, with output."""
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit(name="adas-work", env={"TOKEN": SECRET})
    await agent.run_until_running()
    return job


async def test_a_job_of_somebody_else_does_not_exist(stand: Stand, client: Clients, job: str) -> None:
    bob = await client(await stand.add_user("bob"))
    for name in (job, "adas-work"):
        for method, path in (
            ("GET", ""), ("GET", "/explain"), ("GET", "/logs"), ("GET", "/logs?follow=true"), ("GET", "/events"),
            ("GET", "/wait?timeout_s=0"), ("POST", "/cancel"), ("POST", "/logs"),
        ):  # fmt: skip
            reply = await bob.request(method, f"/training_jobs/{name}{path}", json={"logs": "x"})
            assert reply.status_code == 404, (method, path, reply.text)
            assert SECRET not in reply.text
    assert (await bob.patch(f"/training_jobs/{job}/status", json={"status": "failed"})).status_code == 403
    assert await stand.state(job) == "running"


async def test_lists_hold_only_ones_own_jobs(stand: Stand, client: Clients, job: str) -> None:
    bob = await client(await stand.add_user("bob"))
    queue, cluster = stand.queue_id, stand.cluster_id
    waiting = await stand.submit(name="adas-next", cpu=1_000_000)
    for path in (
        "/training_jobs", f"/training_jobs?id={job}", "/training_jobs?name=adas-work", "/training_jobs?owner=ada",
        "/training_jobs?owner=nobody-at-all", f"/training_jobs?queue_id={queue}", "/training_jobs?status=running",
        f"/queues/{queue}/jobs", f"/clusters/{cluster}/jobs", "/training_jobs?owner=me",
    ):  # fmt: skip
        reply = await bob.get(path)
        assert reply.status_code == 200, (path, reply.text)
        assert not any(reply.json()[key] for key in ("jobs", "cluster_jobs") if key in reply.json()), path
        assert "adas" not in reply.text
        assert waiting not in reply.text


async def test_the_history_shows_members_their_own_jobs_only(stand: Stand, client: Clients, job: str) -> None:
    bob = await stand.add_user("bob")
    own = await stand.submit(by=bob, name="bobs-work", cpu=1_000_000)
    http = await client(bob)
    for query in ("", "?after=0&limit=1000", f"?job_id={job}", "?kind=job.submitted,job.running"):
        reply = await http.get(f"/events{query}")
        assert job not in reply.text
        assert "adas-work" not in reply.text
        assert "ada" not in {event["actor"].removeprefix("user:") for event in reply.json()["events"]}
    seen = (await http.get("/events?after=0&limit=1000")).json()["events"]
    assert {event["job_id"] for event in seen} == {None, own}
    assert {event["kind"] for event in seen} >= {"node.joined", "queue.created", "user.created", "key.created"}
    assert {event["user_id"] for event in seen} == {None, bob.user_id}


async def test_the_stream_shows_members_their_own_jobs_only(stand: Stand, job: str) -> None:
    bob = await stand.add_user("bob")
    frames = stream(stand.platform, EventFilter(sight=sight_of(bob)), 0)
    text = (await anext(frames)).decode()
    await stand.submit(name="adas-next")
    own = await stand.submit(by=bob, name="bobs-work")
    async with aclosing(frames), asyncio.timeout(10):
        while own not in text:
            text += (await anext(frames)).decode()
    assert "adas" not in text
    assert job not in text


async def test_viewers_see_all_jobs_and_no_accounts_and_no_environment(stand: Stand, client: Clients, job: str) -> None:
    viewer = await client(await stand.add_user("vera", Role.VIEWER))
    events = (await viewer.get("/events?after=0&limit=1000")).json()["events"]
    assert job in {event["job_id"] for event in events}
    accounts = [e for e in events if e["kind"].startswith(("user.", "key."))]
    assert {event["data"].get("username", "vera") for event in accounts} <= {"vera"}
    shown = (await viewer.get(f"/training_jobs/{job}")).json()
    assert (shown["job_name"], shown["env"]) == ("adas-work", None)
    for method, path in (("POST", "/cancel"), ("POST", "/logs")):
        assert (await viewer.request(method, f"/training_jobs/{job}{path}", json={"logs": ""})).status_code == 403


async def test_the_environment_is_shown_to_its_owner_and_to_administrators(
    stand: Stand, client: Clients, job: str
) -> None:
    for who in (stand.user, await stand.add_user("root2", Role.ADMIN)):
        http = await client(who)
        assert (await http.get(f"/training_jobs/{job}")).json()["env"] == {"TOKEN": SECRET}
        assert SECRET in (await http.get("/training_jobs")).text
        assert SECRET not in (await http.get("/events?after=0&limit=1000")).text


async def test_a_key_of_another_cluster_is_good_for_nothing_here(stand: Stand, client: Clients) -> None:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    other = (await stand.platform.directory.create_cluster(ROOT, "other")).id
    own, foreign = [await client(await _cluster_key(stand, ClusterId(one))) for one in (stand.cluster_id, other)]
    path = f"/node/{agent.node_id}/logs/{job}/1/0?offset=0"
    binary = {"content-type": "application/octet-stream"}
    assert (await foreign.post(path, content=b"lies", headers=binary)).status_code == 403
    assert (await foreign.post(f"/node/{agent.node_id}/status", json=agent.body())).status_code == 403
    for node, id_, attempt in (
        (str(uuid.uuid4()), job, "1"), (agent.node_id, str(uuid.uuid4()), "1"), (agent.node_id, job, "2"),
    ):  # fmt: skip
        reply = await foreign.post(f"/node/{node}/logs/{id_}/{attempt}/0?offset=0", content=b"lies", headers=binary)
        assert reply.status_code in (403, 404)
    assert (await own.post(path, content=b"truth", headers=binary)).json() == {"offset": 5}
    for get in ("/training_jobs", f"/training_jobs/{job}/logs", "/queues", "/events", "/account/details"):
        assert (await own.get(get)).status_code == 403
    assert (await (await client(stand.user)).get(f"/training_jobs/{job}/logs")).text == "truth"


async def test_output_that_an_agent_ships_cannot_be_written_into(stand: Stand, client: Clients, job: str) -> None:
    ada = await client(stand.user)
    reply = await ada.post(f"/training_jobs/{job}/logs", json={"logs": "injected"})
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert (await ada.get(f"/training_jobs/{job}/logs")).text == ""


async def _cluster_key(stand: Stand, cluster_id: ClusterId) -> str:
    return (await stand.platform.accounts.keys.create_for_cluster(ROOT, cluster_id)).text


async def test_who_holds_a_gpu_is_told_by_name_to_whom_may_see_the_job(stand: Stand, client: Clients) -> None:
    agent = FakeAgent(stand, gpus=2)
    await agent.beat()
    job = await stand.submit(name="mine", gpus=1)
    await agent.run_until_running()
    mine, theirs = await client(stand.user), await client(await stand.add_user("bob"))
    for path, key in (("/nodes", "nodes"), ("/clusters/default/nodes", "cluster_nodes"), ("/nodes/node-1", None)):
        for caller, seen in ((mine, ("mine", "ada")), (theirs, (None, None))):
            told = (await caller.get(path)).json()
            node = told if key is None else told[key][0]
            holders = [(gpu["job_id"], gpu["job_name"], gpu["owner"]) for gpu in node["gpus"]]
            assert sorted(holders, key=str) == sorted([(job, *seen), (None, None, None)], key=str)
