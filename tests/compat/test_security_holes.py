"""The holes of the original that section 7.2 of the wire contract lists, each closed: one test for each of them."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lilac.agent.docker_config import container_config
from lilac.agent.wire import Assignment
from lilac.api.app import create_app
from lilac.control.principals import Principal
from lilac.model.accounts import Role
from lilac.model.clusters import RuntimeName
from lilac.model.ids import JobId, ReplicaKey
from tests.fixtures.platform import Agent as AgentProcess
from tests.fixtures.platform import Server
from tests.integration.control.stand import PASSWORD, ROOT, Stand

BEAT = {
    "memory_info": 64_000,
    "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 16_000},
    "gpu_info": None,
    "job_info": None,
}


class Callers:
    """Clients of a stand's API, each with its own credential."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self._transport = httpx2.ASGITransport(create_app(stand.platform))

    def with_key(self, key: str | None) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.AsyncClient(transport=self._transport, base_url="http://lilac.test", headers=headers)

    async def person(self, who: Principal) -> httpx2.AsyncClient:
        return self.with_key((await self.stand.platform.accounts.keys.create(who)).text)


@pytest.fixture
def callers(stand: Stand) -> Callers:
    return Callers(stand)


async def test_queues_are_not_made_changed_or_deleted_without_a_credential(stand: Stand, callers: Callers) -> None:
    body = {"name": "mine", "priority": 0, "cluster_targets": [stand.cluster_id]}
    async with callers.with_key(None) as nobody:
        for method, path in (
            ("GET", ""),
            ("POST", ""),
            ("PUT", f"/{stand.queue_id}"),
            ("DELETE", f"/{stand.queue_id}"),
        ):
            assert (await nobody.request(method, f"/queues{path}", json=body)).status_code == 401
    assert [use.queue.name for use in await stand.platform.directory.queues()] == ["default"]


async def test_the_state_of_a_job_is_not_changed_without_a_credential_or_by_another_member(
    stand: Stand, callers: Callers
) -> None:
    job = await stand.submit()
    path, body = f"/training_jobs/{job}/status", {"status": "cancelled"}
    async with callers.with_key(None) as nobody:
        assert (await nobody.patch(path, json=body)).status_code == 401
    async with await callers.person(await stand.add_user("eve")) as eve:
        assert (await eve.patch(path, json=body)).status_code in (403, 404)
    assert await stand.state(job) == "queued"


async def test_nobody_sees_or_cancels_what_is_not_theirs(stand: Stand, callers: Callers) -> None:
    job = await stand.submit(name="secret-project")
    async with await callers.person(await stand.add_user("eve")) as eve:
        listed = await eve.get("/training_jobs")
        assert listed.json()["jobs"] == []
        assert (await eve.get(f"/training_jobs/{job}")).status_code == 404
        assert (await eve.get(f"/training_jobs/{job}/logs")).status_code == 404
        assert (await eve.post(f"/training_jobs/{job}/cancel")).status_code == 404
        assert "secret-project" not in (await eve.get("/events?after=0")).text
    assert await stand.state(job) == "queued"


async def test_a_node_belongs_to_the_cluster_of_the_key_that_it_came_with(stand: Stand, callers: Callers) -> None:
    other = await stand.platform.directory.create_cluster(ROOT, "other")
    keys = [(await stand.platform.accounts.keys.create_for_cluster(ROOT, c)).text for c in (stand.cluster_id, other.id)]
    node_id = str(uuid.uuid4())
    async with callers.with_key(keys[0]) as own, callers.with_key(keys[1]) as foreign:
        assert (await own.post(f"/node/{node_id}/status", json=BEAT)).status_code == 200
        assert (await foreign.post(f"/node/{node_id}/status", json=BEAT)).status_code == 403


async def test_pages_of_other_origins_get_no_answer_that_they_may_read(stand: Stand, callers: Callers) -> None:
    async with await callers.person(stand.user) as ada:
        origin = {"Origin": "https://elsewhere.example"}
        for reply in (await ada.get("/queues", headers=origin), await ada.options("/queues", headers=origin)):
            assert "access-control-allow-origin" not in reply.headers
            assert "access-control-allow-credentials" not in reply.headers


async def test_nobody_signs_up_unless_that_is_allowed(callers: Callers) -> None:
    async with callers.with_key(None) as nobody:
        reply = await nobody.post("/auth/signup", json={"username": "eve", "password": PASSWORD})
        assert reply.status_code == 403


async def test_keys_of_people_and_of_clusters_do_not_open_each_others_doors(stand: Stand, callers: Callers) -> None:
    cluster_key = (await stand.platform.accounts.keys.create_for_cluster(ROOT, stand.cluster_id)).text
    async with callers.with_key(cluster_key) as node, await callers.person(stand.user) as ada:
        assert (await node.get("/training_jobs")).status_code == 403
        assert (await node.get("/queues")).status_code == 403
        assert (await ada.post(f"/node/{uuid.uuid4()}/status", json=BEAT)).status_code == 403


async def test_wrong_passwords_are_slowed_down(stand: Stand, callers: Callers) -> None:
    async with callers.with_key(None) as nobody:
        statuses = [
            (await nobody.post("/auth/login", json={"username": "ada", "password": f"wrong {n}"})).status_code
            for n in range(stand.settings.login_max_failures + 1)
        ]
        assert statuses[-1] == 429
        right = await nobody.post("/auth/login", json={"username": "ada", "password": PASSWORD})
        assert right.status_code == 429, "the right one has to wait too, so guessing tells nothing"


@pytest.mark.slow
def test_what_is_secret_lies_in_files_of_its_owner_alone(tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        key = server.api.cluster_key()
        with AgentProcess(tmp_path / "agent", server.address, key) as agent:
            job = server.api.submit("/bin/sh", "-c", "sleep 60", env={"TOKEN": "hunter2"})
            server.api.wait_until(job, "running")
            open_files = [
                path
                for root in (tmp_path / "server/data", tmp_path / "agent/state")
                for path in root.rglob("*")
                if path.is_file() and _readable_by_others(path, root)
            ]
            assert open_files == []
            server.api.post(f"/training_jobs/{job}/cancel")
            server.api.wait(job)
            agent.end_replicas()


def test_a_container_gets_its_gpus_its_limits_and_no_privileges() -> None:
    def host(**more: Any) -> dict[str, Any]:
        key = ReplicaKey(JobId("j"), 1, 0)
        return container_config(Assignment(key=key, runtime=RuntimeName.DOCKER, image="i", **more), {})["HostConfig"]

    plain, with_gpus = host(cpu_millicores=500, memory_mb=64), host(gpu_uuids=("GPU-1",))
    assert (plain["NanoCpus"], plain["Memory"], plain["Privileged"]) == (500_000_000, 64 << 20, False)
    assert plain["PidsLimit"] > 0
    assert "no-new-privileges" in plain["SecurityOpt"]
    assert "DeviceRequests" not in plain, "a job without GPUs gets none"
    assert [request["DeviceIDs"] for request in with_gpus["DeviceRequests"]] == [["GPU-1"]]


async def test_roles_are_what_the_table_says_for_a_viewer(stand: Stand, callers: Callers) -> None:
    job = await stand.submit()
    async with await callers.person(await stand.add_user("vera", Role.VIEWER)) as vera:
        assert (await vera.get(f"/training_jobs/{job}")).status_code == 200
        assert (await vera.post(f"/training_jobs/{job}/cancel")).status_code == 403
        assert (await vera.get("/users")).status_code == 403
    await asyncio.sleep(0)
    assert await stand.state(job) == "queued"


def _readable_by_others(path: Path, root: Path) -> bool:
    """Whether every folder down to the file, from the root on, lets others through, and the file lets them read."""
    folders = [folder for folder in (path.parent, *path.parent.parents) if folder.is_relative_to(root)]
    return bool(path.stat().st_mode & 0o004) and all(folder.stat().st_mode & 0o001 for folder in folders)
