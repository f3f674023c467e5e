"""Usage from an agent's call to the routes that tell it, and the page of figures for Prometheus."""

from __future__ import annotations

from typing import Any

import pytest

from lilac.api.schemas.usage import read_usage
from lilac.control.usage import FRESH_S
from lilac.model.accounts import Role
from lilac.model.ids import NodeId
from tests.integration.control.conftest import Clients
from tests.integration.control.stand import FakeAgent, Stand


def sample(at: float, cpu: int, memory: int, **more: Any) -> dict[str, Any]:
    return {"at": at, "cpu_millicores": cpu, "memory_mb": memory, **more}


async def running(stand: Stand) -> tuple[FakeAgent, str]:
    agent = FakeAgent(stand)
    await agent.beat()
    job = await stand.submit()
    await agent.run_until_running()
    return agent, job


async def test_what_an_agent_tells_is_served_by_job_node_and_cluster(stand: Stand, client: Clients) -> None:
    agent, job = await running(stand)
    node_key = (await stand.platform.accounts.keys.create_for_cluster(stand.user, stand.cluster_id)).text
    as_node, mine = await client(node_key), await client(stand.user)
    now = stand.clock.now
    gpus = [{"uuid": "GPU-a", "utilization_pct": 40, "memory_mb": 500}]
    body = {
        "node": [sample(now, 1500, 900, gpus=gpus), sample("soon", 1, 1)],  # type: ignore[arg-type]
        "replicas": [
            {"job_id": job, "attempt": 1, "rank": 0, **sample(now - 5, 200, 300)},
            {"job_id": job, "attempt": 1, "rank": 0, **sample(now, 400, 100, gpus=gpus)},
            {"job_id": job, "attempt": 2, "rank": 0, **sample(now, 9999, 9999)},  # does not hold it
            {"job_id": job, "attempt": 1, "rank": 0, **sample(now - 90_000, 9999, 9999)},  # a clock far off
        ],
    }
    reply = await as_node.post(f"/node/{agent.node_id}/usage", json=body)
    assert (reply.status_code, reply.json()) == (200, {"next_s": 5.0})
    await stand.platform.usage.flush()

    told = (await mine.get(f"/training_jobs/{job}/usage", params={"step": 5})).json()
    assert [(one["cpu_millicores"], one["memory_mb"]) for one in told["samples"]] == [(200, 300), (400, 100)]
    assert told["replicas"] == [
        {
            "rank": 0,
            "cpu_millicores_mean": 300,
            "cpu_millicores_max": 400,
            "memory_mb_max": 300,
            "gpu_utilization_pct_mean": 40.0,
            "gpu_memory_mb_max": 500,
        }
    ]
    detail = (await mine.get(f"/training_jobs/{job}")).json()
    assert detail["attempts"][0]["replicas"][0]["usage"]["memory_mb_max"] == 300
    node = (await mine.get("/nodes/node-1/usage")).json()
    assert [(one["cpu_millicores"], one["gpu_utilization_pct"]) for one in node["samples"]] == [(1500, 40.0)]
    assert node["capacity"]["cpu_millicores"] == 4000
    cluster = (await mine.get("/clusters/default/usage")).json()
    assert [one["memory_mb"] for one in cluster["samples"]] == [900]
    assert cluster["allocated"]["cpu_millicores"] == 1000

    await stand.platform.usage.flush(everything=True)  # the totals are the same when they are written
    assert (await mine.get(f"/training_jobs/{job}/usage")).json()["replicas"] == told["replicas"]


async def test_members_see_the_usage_of_their_own_jobs_only(stand: Stand, client: Clients) -> None:
    _, job = await running(stand)
    other = await client(await stand.add_user("eve"))
    assert (await other.get(f"/training_jobs/{job}/usage")).status_code == 404


@pytest.mark.parametrize("query", ["since=10&until=5", "since=0&until=90000000&step=1", "step=0", "since=x"])
async def test_a_stretch_that_makes_no_sense_is_refused(stand: Stand, client: Clients, query: str) -> None:
    _, job = await running(stand)
    mine = await client(stand.user)
    assert (await mine.get(f"/training_jobs/{job}/usage?{query}")).status_code == 422


async def test_a_node_of_another_cluster_cannot_tell_usage(stand: Stand, client: Clients) -> None:
    agent, _ = await running(stand)
    foreign = (await stand.platform.directory.create_cluster(stand.user, "far")).id
    as_foreign = await client((await stand.platform.accounts.keys.create_for_cluster(stand.user, foreign)).text)
    reply = await as_foreign.post(f"/node/{agent.node_id}/usage", json={"node": [], "replicas": []})
    assert reply.status_code == 403
    assert (await as_foreign.post(f"/node/{agent.node_id}/usage", json=[])).status_code == 422


async def test_the_figures_for_prometheus_tell_what_happened_and_what_is_the_case(
    stand: Stand, client: Clients
) -> None:
    agent, job = await running(stand)
    await stand.submit(cpu=64_000)
    viewer = await client(await stand.add_user("vera", Role.VIEWER))
    await viewer.get(f"/training_jobs/{job}")
    reply = await viewer.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in reply.text.splitlines() if not line.startswith("#"))
    assert lines['lilac_jobs_waiting{queue="default"}'] == "1.0"
    assert lines['lilac_jobs_holding{queue="default",state="running"}'] == "1.0"
    assert lines['lilac_nodes{cluster="default",state="busy"}'] == "1.0"
    assert lines['lilac_capacity{cluster="default",resource="cpu_millicores"}'] == "4000.0"
    assert lines['lilac_allocated{cluster="default",resource="cpu_millicores"}'] == "1000.0"
    assert lines['lilac_jobs_submitted_total{queue="default"}'] == "2.0"
    assert lines["lilac_job_start_seconds_count"] == "1.0"
    assert float(lines["lilac_plan_seconds_count"]) >= 1
    assert float(lines["lilac_commits_total"]) >= 1
    requests = 'lilac_http_requests_total{method="GET",route="/training_jobs/{job}",status="200"}'
    assert lines[requests] == "1.0"
    assert agent.node_id not in reply.text  # names, not ids


async def test_the_figures_are_for_viewers_unless_a_setting_opens_them(stand: Stand, client: Clients) -> None:
    nobody = await client(None)
    assert (await nobody.get("/metrics")).status_code == 401
    stand.platform.settings.metrics_access = "loopback"
    assert (await nobody.get("/metrics")).status_code == 200  # the test speaks from 127.0.0.1
    stand.platform.settings.metrics_access = "public"
    assert (await nobody.get("/metrics")).status_code == 200
    assert (await nobody.get("/nodes")).status_code == 401


async def test_what_is_not_fresh_is_thinned_out_and_what_is_old_is_dropped(stand: Stand, client: Clients) -> None:
    agent, _ = await running(stand)
    as_node = await client((await stand.platform.accounts.keys.create_for_cluster(stand.user, stand.cluster_id)).text)
    mine = await client(stand.user)
    begin = stand.clock.now - stand.clock.now % 60
    body = {"node": [sample(begin + n, 1000 + n, 100) for n in range(0, 120, 5)], "replicas": []}
    assert (await as_node.post(f"/node/{agent.node_id}/usage", json=body)).status_code == 200
    await stand.platform.usage.flush()

    async def told() -> list[int]:
        query = {"since": begin, "until": begin + 300, "step": 5}
        return [
            one["cpu_millicores"] for one in (await mine.get("/nodes/node-1/usage", params=query)).json()["samples"]
        ]

    assert len(await told()) == 24
    stand.clock.now += 2 * 3600 + 200
    await stand.platform.usage.tidy()
    assert await told() == [1027, 1087]
    stand.clock.now += 7 * 86_400
    await stand.platform.usage.tidy()
    assert await told() == []


async def test_a_node_tells_what_each_of_its_gpus_does_now_and_nothing_old(stand: Stand, client: Clients) -> None:
    agent = FakeAgent(stand, name="gpu", gpus=2)
    await agent.beat()
    reader = await client(stand.user)

    async def told() -> list[tuple[int | None, int | None]]:
        gpus = (await reader.get("/nodes/gpu")).json()["gpus"]
        return [(gpu["utilization_pct"], gpu["used_memory_mb"]) for gpu in gpus]

    assert await told() == [(None, None), (None, None)]
    first = (await reader.get("/nodes/gpu")).json()["gpus"][0]["uuid"]
    gpus = [{"uuid": first, "utilization_pct": 140, "memory_mb": 500}, {"uuid": "another", "memory_mb": 1}, "nonsense"]
    sent = read_usage({"node": [sample(stand.clock.now, 100, 50, gpus=gpus)], "replicas": []})  # type: ignore[arg-type]
    stand.platform.usage.take(NodeId(agent.node_id), stand.cluster_id, sent)
    assert await told() == [(100, 500), (None, None)]
    stand.clock.now += 61
    assert await told() == [(None, None), (None, None)]


async def test_what_jobs_held_is_told_beside_what_was_used(stand: Stand, client: Clients) -> None:
    idle, busy = FakeAgent(stand, name="idle"), FakeAgent(stand, name="busy", gpus=2)
    await idle.beat()
    await busy.beat()
    await stand.submit(cpu=700, memory=300, gpus=1)
    await busy.run_until_running()
    at = stand.clock.now
    for agent in (idle, busy):
        told = read_usage({"node": [sample(at, 100, 50)], "replicas": []})
        stand.platform.usage.take(NodeId(agent.node_id), stand.cluster_id, told)
    await stand.platform.usage.flush()
    reader = await client(stand.user)
    held = {"cpu_millicores": 700, "memory_mb": 300, "gpus": 1}
    for path, expected in (
        ("/nodes/idle/usage", dict.fromkeys(held, 0)),
        ("/nodes/busy/usage", held),
        ("/clusters/default/usage", held),
    ):
        [one] = (await reader.get(path)).json()["samples"]
        assert one["allocated"] == expected, path
    stand.clock.now += FRESH_S + 120
    await stand.platform.usage.tidy()
    [one] = (await reader.get("/clusters/default/usage", params={"since": at - 60, "until": at + 60})).json()["samples"]
    assert (one["cpu_millicores"], one["allocated"]) == (200, held)
