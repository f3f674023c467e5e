"""An original Lilac agent and the original CLI against this server: section 2 of the wire contract, its checklist 9.1,
and the shapes of jobs (1.8). The agent is played by the words and rules of tables 2.3 to 2.5.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import httpx2
import pytest

from lilac.control.times import from_rfc3339
from tests.integration.control.stand import Stand

CREATED = {
    *("id", "name", "definition", "status", "node_id", "queue_id", "resource_requirements", "created_at", "updated_at"),
}
JOB = {
    *("job_id", "job_name", "job_status", "node_id", "queue_id", "resource_requirements", "created_at", "updated_at"),
}


class Agent:
    """Speaks HTTP as the original does and obeys as table 2.5 says; `killed` are the jobs it was made to stop."""

    def __init__(self, api: httpx2.AsyncClient, key: str) -> None:
        self.api, self.key = api, key
        self.node_id = str(uuid.uuid4())
        self.job: str | None = None
        self.status = ""
        self.killed: list[str] = []

    async def send(self, **more: Any) -> httpx2.Response:
        body = {
            "memory_info": 64_000,
            "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 16_000},
            "gpu_info": {"manufacturer": "Nvidia", "model": "H100", "count": 1, "memory_mb": 81_559},
            "job_info": {"current_job_id": self.job, "status": self.status} if self.job else None,
            **more,
        }
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.api.post(f"/node/{self.node_id}/status", json=body, headers=headers)

    async def beat(self, **more: Any) -> Any:
        """One heartbeat, obeyed; what is assigned by the reply."""
        reply = await self.send(**more)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        assigned = reply.json()["assigned_job"]
        wanted = assigned["id"] if assigned else None
        if wanted != self.job:
            if self.job is not None:
                self.killed.append(self.job)
            self.job, self.status = wanted, "running"
        return assigned


@pytest.fixture
async def agent(stand: Stand, api: httpx2.AsyncClient) -> Agent:
    key = (await api.post(f"/clusters/{stand.cluster_id}/api-keys", json={})).json()["key"]
    return Agent(api, key)


async def submit(api: httpx2.AsyncClient, **more: Any) -> Any:
    """What the original CLI posts."""
    queues = (await api.get("/queues")).json()
    body = {
        "name": "n1",
        "definition": "registry.example/train:7",
        "queue_id": queues[0]["id"],
        "resource_requirements": {"cpu_millicores": 2000, "memory_mb": 4096, "gpus": None},
        **more,
    }
    reply = await api.post("/training_jobs", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()


async def state_of(stand: Stand, job: str) -> str:
    return await stand.state(job)


async def test_the_happy_path_is_that_of_the_table(stand: Stand, api: httpx2.AsyncClient, agent: Agent) -> None:
    assert await agent.beat() is None
    job = (await submit(api))["id"]
    assert await state_of(stand, job) == "starting"
    assert await agent.beat() == {"id": job, "docker_uri": "registry.example/train:7"}
    assert (await agent.beat())["id"] == job
    assert await state_of(stand, job) == "running"
    assert (await agent.beat())["id"] == job
    agent.status = "succeeded"
    assert await agent.beat() is None
    assert await state_of(stand, job) == "succeeded"
    assert await agent.beat() is None
    following = (await submit(api))["id"]
    await stand.settle()
    assert (await agent.beat())["id"] == following
    await stand.check()


async def test_a_cancelled_job_is_taken_from_the_agent_at_its_next_beat(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    assert (await api.post(f"/training_jobs/{job}/cancel")).json() is None
    waiting = (await submit(api))["id"]
    await stand.settle()
    assert await agent.beat() is None
    assert agent.killed == [job]
    assert await agent.beat() is None
    await stand.settle()
    assert (await agent.beat())["id"] == waiting
    assert await state_of(stand, job) == "cancelled"
    await stand.check()


async def test_a_job_that_the_agent_does_not_know_any_more_is_run_again(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    agent.job = None  # its process was restarted
    assert await agent.beat() is None
    await stand.settle()
    assert (await agent.beat())["id"] == job
    assert (await stand.job(job)).attempt == 2


async def test_an_original_agent_gets_one_job_at_a_time(stand: Stand, api: httpx2.AsyncClient, agent: Agent) -> None:
    await agent.beat()
    jobs = [(await submit(api))["id"] for _ in range(3)]
    await stand.settle()
    assert (await agent.beat())["id"] == jobs[0]
    assert [await state_of(stand, job) for job in jobs] == ["starting", "queued", "queued"]
    await stand.check()


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_1_routes_are_at_the_root_and_under_api(api: httpx2.AsyncClient, agent: Agent, prefix: str) -> None:
    job = (await submit(api))["id"]
    for path in ("queues", "clusters", "training_jobs", f"training_jobs/{job}", "account/details", "account/api-keys"):
        assert (await api.get(f"{prefix}/{path}?")).status_code == 200
    headers = {"Authorization": f"Bearer {agent.key}"}
    body = {"memory_info": 1, "cpu_info": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 1}}
    reply = await api.post(f"{prefix}/node/{uuid.uuid4()}/status", json=body, headers=headers)
    assert (reply.status_code, reply.json()) == (200, {"assigned_job": None})


ROUTES = """
POST auth/login|POST auth/signup|GET auth/logout|GET account/details|GET users/{user}|GET account/api-keys
POST account/api-keys|DELETE account/api-keys/{id}|POST clusters|GET clusters|GET clusters/{cluster}
DELETE clusters/{id}
GET clusters/{cluster}/info|GET clusters/{cluster}/nodes|GET clusters/{cluster}/jobs|POST clusters/{cluster}/api-keys
GET clusters/{cluster}/api-keys|DELETE clusters/{cluster}/api-keys/{id}|GET nodes/{id}|POST node/{id}/status|POST queues
GET queues|GET queues/{queue}|PUT queues/{queue}|DELETE queues/{id}|GET queues/{queue}/jobs|POST training_jobs
GET training_jobs|GET training_jobs/{job}|PATCH training_jobs/{job}/status|POST training_jobs/{job}/logs
POST training_jobs/{job}/cancel
"""


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_1_every_route_of_the_original_is_there(stand: Stand, api: httpx2.AsyncClient, prefix: str) -> None:
    """It is known and takes the method: what a call without a body is answered with is not of interest here."""
    known = {"cluster": stand.cluster_id, "queue": stand.queue_id, "user": stand.user.user_id, "id": uuid.uuid4()}
    known["job"] = (await submit(api))["id"]
    for route in ROUTES.replace("\n", "|").strip("|").split("|"):
        method, path = route.split(" ")
        reply = await api.request(method, f"{prefix}/{path.format(**known)}")
        assert reply.status_code != 405, route
        assert reply.status_code < 500, route
        assert "There is nothing at" not in reply.text, route


async def test_an_original_agent_gets_no_job_that_is_more_than_an_image(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    """It would run the image as it is, without the command."""
    await agent.beat()
    job = (await submit(api, command=["python", "train.py"]))["id"]
    assert await state_of(stand, job) == "queued"
    told = (await api.get(f"/training_jobs/{job}/explain")).json()
    assert "original Lilac" in str(told)
    plain = (await submit(api))["id"]
    assert await state_of(stand, plain) == "starting"


async def test_2_queues_are_a_bare_array_and_a_submission_is_201(api: httpx2.AsyncClient) -> None:
    for name, priority in (("late", 9), ("early", -9)):
        body = {"name": name, "priority": priority, "cluster_targets": []}
        assert (await api.post("/queues", json=body)).status_code == 200
    queues = (await api.get("/queues")).json()
    assert [queue["name"] for queue in queues] == ["early", "default", "late"]
    assert uuid.UUID((await submit(api, queue_id=queues[1]["id"]))["id"])


@pytest.mark.parametrize("gpus", [None, {"count": 1}, {"count": 1, "model": None, "memory_gb": None}])
async def test_3_both_shapes_of_jobs(stand: Stand, api: httpx2.AsyncClient, agent: Agent, gpus: Any) -> None:
    asked = {"cpu_millicores": 2000, "memory_mb": 4096, "gpus": gpus}
    created = await submit(api, resource_requirements=asked)
    shown_gpus = None if gpus is None else {"count": 1, "model": None, "memory_gb": None}
    assert set(created) == CREATED
    assert (created["status"], created["node_id"]) == ("queued", None)
    assert created["resource_requirements"] == {**asked, "gpus": shown_gpus}
    listed = (await api.get("/training_jobs", params={"name": "n1", "status": "queued"})).json()["jobs"]
    single = (await api.get(f"/training_jobs/{created['id']}")).json()
    waiting = (await api.get(f"/queues/{created['queue_id']}/jobs")).json()["jobs"]
    for job in (listed[0], single, waiting[0]):
        assert set(job) >= JOB
        assert (job["job_id"], job["job_status"], job["node_id"]) == (created["id"], "queued", None)
        assert job["resource_requirements"]["gpus"] == shown_gpus
        assert from_rfc3339(job["created_at"]) is not None
    await agent.beat()
    await stand.settle()
    await agent.beat()
    on_cluster = (await api.get(f"/clusters/{stand.cluster_id}/jobs")).json()["cluster_jobs"]
    assert (on_cluster[0]["job_status"], on_cluster[0]["node_id"]) == ("starting", agent.node_id)
    assert (await api.get("/training_jobs", params={"status": ""})).status_code in (400, 422)


async def test_4_words_and_fields_that_are_not_known_are_accepted(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    cpu = {"manufacturer": "Loongson", "architecture": "riscv64", "millicores": 8000, "flags": []}
    gpu = {"manufacturer": "Moore Threads", "model": "S4000", "count": 1, "memory_mb": 48_000}
    assert await agent.beat(cpu_info=cpu, gpu_info=gpu, colour="blue") is None
    node = (await api.get(f"/nodes/{agent.node_id}")).json()
    assert (node["cpu"]["manufacturer"], node["gpu"]["model"], node["node_status"]) == (
        "Loongson",
        "S4000",
        "available",
    )
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat(cpu_info=cpu, gpu_info=gpu)
    agent.status = "acknowledged"
    assert (await agent.beat(cpu_info=cpu, gpu_info=gpu))["id"] == job
    assert await state_of(stand, job) == "starting"


@pytest.mark.parametrize("ending", ["succeeded", "failed"])
async def test_5_the_reply_to_an_end_carries_null(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent, ending: str
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    agent.status = ending
    assert (await agent.send()).json() == {"assigned_job": None}
    assert await state_of(stand, job) == ending
    assert (await agent.send()).json() == {"assigned_job": None}  # told once more, because the reply was lost


async def test_6_a_stale_job_is_answered_with_null_and_not_touched(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    ended = (await submit(api))["id"]
    await api.post(f"/training_jobs/{ended}/cancel")
    for job in (ended, str(uuid.uuid4())):
        for status in ("running", "succeeded", "failed"):
            agent.job, agent.status = job, status
            assert await agent.beat() is None
    assert await state_of(stand, ended) == "cancelled"
    assert await agent.beat() is None


async def test_7_an_id_is_not_sent_again_to_an_agent_that_still_reports_it(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    await stand.pass_time(91)
    assert await state_of(stand, job) == "queued"
    assert await agent.beat() is None  # it still reports the job, of an attempt that was given up
    assert agent.killed == [job]
    await stand.settle()
    assert await agent.beat() is None or agent.job == job
    await stand.settle()
    assert (await agent.beat())["id"] == job
    assert (await stand.job(job)).attempt == 2


async def test_8_a_node_is_lost_after_more_than_90_seconds(stand: Stand, api: httpx2.AsyncClient, agent: Agent) -> None:
    await agent.beat()
    await stand.pass_time(90)
    assert (await api.get(f"/nodes/{agent.node_id}")).json()["node_status"] == "available"
    await stand.pass_time(0.1)
    assert (await api.get(f"/nodes/{agent.node_id}")).json()["node_status"] == "lost"
    await agent.beat()
    assert (await api.get(f"/nodes/{agent.node_id}")).json()["node_status"] == "available"


async def test_9_heartbeats_are_answered_at_once(stand: Stand, agent: Agent) -> None:
    began = time.monotonic()
    for _ in range(20):
        await agent.beat()
    assert time.monotonic() - began < 5


async def test_10_errors_are_json_with_a_sentence(api: httpx2.AsyncClient, agent: Agent) -> None:
    calls = [
        await api.get(f"/training_jobs/{uuid.uuid4()}"),
        await api.get("/queues", headers={"Authorization": "Bearer nonsense"}),
        await api.post("/training_jobs", content=b"{", headers={"content-type": "application/json"}),
        await api.post("/training_jobs", json={"name": 5}),
        await api.get("/nothing/here"),
        await agent.send(memory_info="much"),
    ]
    assert [reply.status_code for reply in calls] == [404, 401, 400, 422, 404, 422]
    for reply in calls:
        assert reply.headers["content-type"] == "application/json"
        assert len(reply.json()["error"]) > 10


async def test_11_keys_have_the_original_form_and_are_shown_once(stand: Stand, api: httpx2.AsyncClient) -> None:
    made = (await api.post("/account/api-keys", json={})).json()
    assert re.fullmatch(r"lilac_sk_[A-Za-z0-9]{32}", made["key"])
    listed = (await api.get("/account/api-keys")).text
    assert made["key"] not in listed
    assert made["id"] in listed
    stored = (stand.settings.data_dir / "lilac.db").read_bytes() + (
        stand.settings.data_dir / "lilac.db-wal"
    ).read_bytes()
    assert made["key"].encode() not in stored


async def test_12_a_job_on_an_original_agent_has_a_longest_run(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    for _ in range(24 * 60):
        stand.clock.now += 60
        stand.platform.projection.fleet.stations[agent.node_id].heard_at = stand.clock.now  # type: ignore[index]
    await stand.pass_time(1)
    assert await state_of(stand, job) == "failed"
    assert await agent.beat() is None
    assert agent.killed == [job]


async def test_13_an_agent_with_a_fresh_id_leaves_its_job_to_be_run_again(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    reborn = Agent(api, agent.key)
    assert await reborn.beat() is None
    await stand.settle()
    assert await reborn.beat() is None  # not twice: the old id may yet report
    stand.clock.now += 60
    await reborn.beat()
    await stand.pass_time(31)
    assert (await reborn.beat())["id"] == job
    await reborn.beat()
    assert (await state_of(stand, job), (await stand.job(job)).attempt) == ("running", 2)
    await stand.check()


async def test_logs_can_be_posted_to_a_job_of_an_original_agent(
    stand: Stand, api: httpx2.AsyncClient, agent: Agent
) -> None:
    await agent.beat()
    job = (await submit(api))["id"]
    await stand.settle()
    await agent.beat()
    await agent.beat()
    for text in ("one\n", "two\n"):
        reply = await api.post(f"/training_jobs/{job}/logs", json={"logs": text})
        assert (reply.status_code, reply.json()) == (200, None)
    assert (await api.get(f"/training_jobs/{job}/logs")).text == "one\ntwo\n"
