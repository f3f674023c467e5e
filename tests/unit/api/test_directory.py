"""Clusters, nodes and queues by hand: names for ids, conflicts, real numbers of use, drain and removal."""

from __future__ import annotations

import uuid

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lilac.control import directory
from lilac.model.accounts import Role
from lilac.model.errors import InvalidInput
from lilac.model.states import NodeState
from lilac.store import clusters as store
from lilac.store import events as event_store
from tests.unit.api.house import ROOT, House


async def kinds(house: House) -> list[tuple[str, str]]:
    found = await house.db.read(lambda conn: event_store.list_events(conn, limit=100))
    return [(event.kind.value, event.actor) for event in found]


async def test_a_cluster_is_found_by_id_and_by_name(admin: httpx2.AsyncClient) -> None:
    cluster = (await admin.post("/clusters", json={"cluster_name": "east"})).json()["cluster_id"]
    for ref in (cluster, cluster.upper(), cluster.replace("-", ""), "{" + cluster + "}", "east"):
        assert (await admin.get(f"/clusters/{ref}")).json()["cluster_id"] == cluster


async def test_a_cluster_name_is_given_once(admin: httpx2.AsyncClient) -> None:
    await admin.post("/clusters", json={"cluster_name": "east"})
    reply = await admin.post("/clusters", json={"cluster_name": "east"})
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a/b", "x" * 256, "00000000-0000-4000-8000-000000000005"])
async def test_names_that_cannot_be_told_from_something_else_are_refused(admin: httpx2.AsyncClient, name: str) -> None:
    assert (await admin.post("/clusters", json={"cluster_name": name})).status_code == 422
    body = {"name": name, "priority": 1, "cluster_targets": []}
    assert (await admin.post("/queues", json=body)).status_code == 422


async def test_a_queue_with_a_slash_from_before_is_reached_and_keeps_its_name(
    admin: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"name": "a/b", "priority": 1, "cluster_targets": []}
    with monkeypatch.context() as before:
        before.setattr(directory, "_check_no_slash", lambda name, field_name: None)
        made = (await admin.post("/queues", json=body)).json()
    assert (await admin.get("/queues/a%2Fb")).json()["id"] == made["id"]
    assert (await admin.put("/queues/a%2fb", json={**body, "priority": 7})).json()["priority"] == 7
    assert (await admin.patch("/queues/a%2Fb", json={"name": "c/d"})).status_code == 422
    assert (await admin.patch("/queues/a%2Fb", json={"name": "c"})).json()["name"] == "c"


async def test_what_is_used_is_what_jobs_asked_for(house: House, admin: httpx2.AsyncClient) -> None:
    east = await house.add_cluster()
    await admin.post("/queues", json={"name": "q", "priority": 1, "cluster_targets": ["east"]})
    queue = await house.queue_id("q")
    node, idle = await house.add_node(east), await house.add_node(east, "gpu-2")
    await house.add_node(east, "gone", state=NodeState.LOST)
    jobs = [await house.add_job(queue, node_id=node, gpu_uuids=["GPU-gpu-1-0"]) for _ in range(1)]
    jobs.append(await house.add_job(queue, node_id=node))
    info = (await admin.get("/clusters/east/info")).json()
    assert (info["total_nodes"], info["busy_nodes"], info["job_info"]) == (2, 1, {"total_running_jobs": 2})
    assert info["cpu_info"] == {"total_millicores": 32_000, "used_millicores": 4000}
    assert info["memory_info"] == {"total_memory_mb": 128_000, "used_memory_mb": 8192}
    assert info["gpu_info"] == {"total_gpus": 4, "used_gpus": 1}
    shown = (await admin.get(f"/nodes/{node}")).json()
    assert shown["node_status"] == "busy"
    assert shown["free"] == {"cpu_millicores": 12_000, "memory_mb": 55_808, "gpus": 1}
    assert [gpu["job_id"] for gpu in shown["gpus"]] == [jobs[0], None]
    assert sorted(shown["jobs"]) == sorted(jobs)
    assert (await admin.get(f"/nodes/{idle}")).json()["node_status"] == "available"
    nodes = (await admin.get("/nodes")).json()["nodes"]
    assert [(one["name"], one["node_status"]) for one in nodes] == [
        ("gone", "lost"),
        ("gpu-1", "busy"),
        ("gpu-2", "available"),
    ]


async def test_a_node_is_drained_and_resumed_with_its_events(house: House, admin: httpx2.AsyncClient) -> None:
    east = await house.add_cluster()
    node = await house.add_node(east)
    for _ in range(2):
        assert (await admin.post("/nodes/gpu-1/drain")).json()["node_status"] == "draining"
    stored = await house.db.read(store.get_node, node)
    assert stored is not None
    assert stored.cordoned
    for _ in range(2):
        assert (await admin.post(f"/nodes/{node}/resume")).json()["node_status"] == "available"
    assert (await kinds(house)).count(("node.changed", "user:ada")) == 2


async def test_draining_a_lost_node_is_remembered_for_its_return(house: House, admin: httpx2.AsyncClient) -> None:
    node = await house.add_node(await house.add_cluster(), state=NodeState.LOST)
    assert (await admin.post(f"/nodes/{node}/drain")).json()["node_status"] == "lost"
    stored = await house.db.read(store.get_node, node)
    assert stored is not None
    assert (stored.cordoned, stored.state) == (True, NodeState.LOST)


async def test_only_lost_nodes_are_removed(house: House, admin: httpx2.AsyncClient) -> None:
    east = await house.add_cluster()
    await house.add_node(east)
    await house.add_node(east, "gone", state=NodeState.LOST)
    assert (await admin.delete("/nodes/gpu-1")).status_code == 409
    removed = await admin.delete("/nodes/gone")
    assert (removed.status_code, removed.content) == (200, b"")
    assert (await admin.delete("/nodes/gone")).status_code == 404
    assert ("node.changed", "user:ada") in await kinds(house)


async def test_a_name_that_two_nodes_have_is_a_conflict_unless_one_is_lost(
    house: House, admin: httpx2.AsyncClient
) -> None:
    east = await house.add_cluster()
    await house.add_node(east, "twin")
    await house.add_node(east, "twin", state=NodeState.LOST)
    assert (await admin.get("/nodes/twin")).json()["node_status"] == "available"
    await house.add_node(east, "twin")
    reply = await admin.get("/nodes/twin")
    assert (reply.status_code, len(reply.json()["ids"])) == (409, 2)


async def test_a_cluster_in_use_is_not_deleted(house: House, admin: httpx2.AsyncClient) -> None:
    east = await house.add_cluster()
    await house.add_node(east)
    reply = await admin.delete("/clusters/east")
    assert reply.status_code == 409
    assert "gpu-1" in reply.json()["error"]


async def test_deleting_a_cluster_takes_keys_lost_nodes_and_targets_along(
    house: House, admin: httpx2.AsyncClient
) -> None:
    east = await house.add_cluster()
    await house.add_node(east, state=NodeState.LOST)
    key = await house.cluster_key(east)
    await house.accounts.authenticate(key)
    await admin.post("/queues", json={"name": "q", "priority": 1, "cluster_targets": ["east"]})
    deleted = await admin.delete("/clusters/east")
    assert (deleted.status_code, deleted.content) == (200, b"")
    async with house.client(key) as node:
        assert (await node.post(f"/node/{uuid.uuid4()}/status", json={})).status_code == 401
    assert (await admin.get("/queues/q")).json()["cluster_targets"] == []
    told = [kind for kind, _ in await kinds(house)][-3:]
    assert told == ["node.changed", "queue.changed", "cluster.deleted"]


async def test_deleting_what_is_gone_already_is_no_failure_but_a_wrong_name_is(admin: httpx2.AsyncClient) -> None:
    for noun in ("clusters", "queues"):
        assert (await admin.delete(f"/{noun}/{uuid.uuid4()}")).status_code == 200
        assert (await admin.delete(f"/{noun}/never")).status_code == 404


async def test_a_queue_may_name_clusters_and_keeps_their_order(house: House, admin: httpx2.AsyncClient) -> None:
    west, east = await house.add_cluster("west"), await house.add_cluster("east")
    body = {"name": "q", "priority": 5, "cluster_targets": ["west", east]}
    made = (await admin.post("/queues", json=body)).json()
    assert made["cluster_targets"] == [west, east]
    body = {"name": "q", "priority": 5, "cluster_targets": [east, "west"]}
    assert (await admin.put("/queues/q", json=body)).json()["cluster_targets"] == [east, west]
    assert [kind for kind, _ in await kinds(house)][-2:] == ["queue.created", "queue.changed"]


async def test_queues_with_wrong_targets_or_a_taken_name_are_refused(house: House, admin: httpx2.AsyncClient) -> None:
    await house.add_cluster("east")
    await admin.post("/queues", json={"name": "other", "priority": 1, "cluster_targets": []})
    await admin.post("/queues", json={"name": "q", "priority": 1, "cluster_targets": []})
    for method, path in (("POST", "/queues"), ("PUT", "/queues/q")):
        for targets, name, status in (
            (["nowhere"], "new", 404),
            ([str(uuid.uuid4())], "new", 404),
            (["east", "east"], "new", 409),
            (["east"], "other", 409),
        ):
            body = {"name": name, "priority": 1, "cluster_targets": targets}
            assert (await admin.request(method, path, json=body)).status_code == status
    assert (await admin.put("/queues/never", json={**body, "name": "new"})).status_code == 404


async def test_replacing_keeps_the_pause_unless_told(admin: httpx2.AsyncClient) -> None:
    body = {"name": "q", "priority": 1, "cluster_targets": [], "paused": True}
    assert (await admin.post("/queues", json=body)).json()["paused"] is True
    del body["paused"]
    assert (await admin.put("/queues/q", json=body)).json()["paused"] is True
    assert (await admin.put("/queues/q", json={**body, "paused": False})).json()["paused"] is False


async def test_a_queue_with_waiting_jobs_is_not_deleted_and_lists_them_oldest_first(
    house: House, admin: httpx2.AsyncClient
) -> None:
    node = await house.add_node(await house.add_cluster())
    await admin.post("/queues", json={"name": "q", "priority": 1, "cluster_targets": []})
    queue = await house.queue_id("q")
    waiting = [await house.add_job(queue) for _ in range(3)]
    running = await house.add_job(queue, node_id=node)
    assert (await admin.get("/queues/q")).json()["waiting_jobs"] == 3
    listed = (await admin.get("/queues/q/jobs")).json()["jobs"]
    assert [job["job_id"] for job in listed] == waiting
    in_cluster = (await admin.get("/clusters/east/jobs")).json()["cluster_jobs"]
    assert [job["job_id"] for job in in_cluster] == [running]
    reply = await admin.delete("/queues/q")
    assert (reply.status_code, reply.json()["waiting_jobs"]) == (409, 3)


async def test_people_are_managed_by_administrators(house: House, admin: httpx2.AsyncClient) -> None:
    made = await admin.post("/users", json={"username": "bob", "password": "long enough", "role": "viewer"})
    assert made.status_code == 201
    assert made.json()["role"] == "viewer"
    changed = await admin.patch("/users/bob", json={"role": "member", "disabled": True})
    assert (changed.json()["role"], changed.json()["disabled"]) == ("member", True)
    users = (await admin.get("/users")).json()["users"]
    assert [user["username"] for user in users] == ["ada", "bob"]
    assert (await admin.patch("/users/carl", json={"role": "member"})).status_code == 404
    assert (await admin.patch("/users/bob", json={"role": "king"})).status_code == 422


async def test_a_login_is_held_back_with_the_time_to_wait(house: House) -> None:
    await house.add_user("ada", Role.ADMIN)
    async with house.client() as client:
        body = {"username": "ada", "password": "wrong"}
        statuses = [(await client.post("/auth/login", json=body)).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        reply = await client.post("/auth/login", json=body)
        assert reply.headers["retry-after"] == "1"
        assert reply.json()["code"] == "too_many_requests"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(name=st.text(max_size=300))
async def test_any_name_is_taken_or_refused_with_a_reason(house: House, name: str) -> None:
    try:
        cluster = await house.directory.create_cluster(ROOT, name)
    except InvalidInput:
        return
    found = await house.directory.cluster(name)
    assert found == cluster
    await house.directory.delete_cluster(ROOT, name)
