"""The budget and the floor of the disk, with a real agent and a real engine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.docker import DockerEngine
from tests.fixtures.registry import Registry, running_registry
from tests.integration.agent.agent_stand import FakeControlPlane
from tests.integration.agent.test_agent_docker import job, running_agent


@pytest.fixture
def registry(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry", docker_engine.netns) as registry:
        yield registry


def has(engine: DockerEngine, image: str) -> bool:
    return engine.request("GET", f"/images/{image}/json")[0] == 200


async def test_images_over_the_budget_go_but_only_ours_and_only_unused_ones(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, tmp_path: Path
) -> None:
    def made(number: int) -> str:
        return registry.put_image(f"app:{uuid.uuid4().hex[:8]}", fill=(4 << 20) + number, layers=2)

    theirs, first, named, used, last = (made(number) for number in range(5))
    assert docker_engine.request("POST", f"/images/create?fromImage={theirs}")[0] == 200
    agent = running_agent(control_plane, docker_engine, tmp_path, LILAC_AGENT_IMAGE_CACHE_GB="0.009")
    async with agent:
        for image in (theirs, first):
            (key,) = await control_plane.assign_many([job(docker_engine, "true", image=image)])
            await control_plane.until_state(key, "succeeded", timeout_s=60)
        (key,) = await control_plane.assign_many([job(docker_engine, "true", image=named)])
        await control_plane.until_state(key, "succeeded", timeout_s=60)
        assert docker_engine.request("POST", f"/images/{named}/tag?repo=mine&tag={uuid.uuid4().hex[:8]}")[0] == 201
        (busy,) = await control_plane.assign_many([job(docker_engine, "echo up; sleep 600", image=used, grace_s=1)])
        await control_plane.until_output(busy, b"up", 60)
        (key,) = await control_plane.assign_many([job(docker_engine, "true", image=last)])
        await control_plane.until_state(key, "succeeded", timeout_s=60)
        async with asyncio.timeout(60):  # in the background, and told to nobody
            while has(docker_engine, first):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert [has(docker_engine, image) for image in (theirs, named, used)] == [True, True, True]
        await control_plane.stop(busy)
        await control_plane.until_state(busy, "stopped", timeout_s=60)


async def test_below_the_floor_nothing_is_pulled_and_what_is_there_runs(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, tmp_path: Path
) -> None:
    image = registry.put_image(f"app:{uuid.uuid4().hex[:8]}")
    agent = running_agent(control_plane, docker_engine, tmp_path, LILAC_AGENT_MIN_FREE_DISK_GB="900000000")
    async with agent:
        pulls, there = await control_plane.assign_many(
            [job(docker_engine, "true", image=image), job(docker_engine, "true")]
        )
        report = await control_plane.until_state(pulls, "failed", timeout_s=60)
        assert report["reason"] == "engine"
        assert "is not pulled" in report["message"]
        assert "min_free_disk_gb" in report["message"]
        await control_plane.until_state(there, "succeeded", timeout_s=60)
        disk = control_plane.machine["disk"]
        assert 0 < disk["free_mb"] <= disk["total_mb"]
        assert registry.requests() == []
