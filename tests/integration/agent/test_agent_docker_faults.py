"""What goes wrong around a container, told apart, with a real engine."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.docker import DockerEngine, private_daemon
from tests.fixtures.registry import running_registry
from tests.integration.agent.agent_stand import FakeControlPlane, Key
from tests.integration.agent.test_agent_docker import job, running_agent

LONG = "echo up; sleep 600"


def container_of(engine: DockerEngine, key: Key) -> str:
    (container,) = engine.containers(f"lilac.job={key[0]}")
    return container["Id"]


@pytest.mark.parametrize(
    ("method", "path", "state", "reason", "words"),
    [
        ("POST", "/stop?t=0", "failed", "engine", "docker stop or docker kill, signal"),
        ("POST", "/kill?signal=SIGKILL", "failed", "engine", "docker stop or docker kill, signal 9"),
        ("DELETE", "?force=1", "lost", "vanished", "removed from outside"),
    ],
    ids=["stopped", "killed", "removed"],
)
async def test_what_somebody_does_to_a_container_by_hand_is_told_and_tried_again(
    control_plane: FakeControlPlane,
    docker_engine: DockerEngine,
    tmp_path: Path,
    method: str,
    path: str,
    state: str,
    reason: str,
    words: str,
) -> None:
    async with running_agent(control_plane, docker_engine, tmp_path):
        (key,) = await control_plane.assign_many([job(docker_engine, LONG)])
        await control_plane.until_output(key, b"up", 60)
        await asyncio.to_thread(docker_engine.request, method, f"/containers/{container_of(docker_engine, key)}{path}")
        report = await control_plane.until_state(key, state, timeout_s=60)
        assert report["reason"] == reason
        assert words in report["message"]


async def test_a_paused_container_says_so_and_is_stopped_all_the_same(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    def told(key: Key) -> str | None:
        return control_plane.reports[key]["message"]

    async with running_agent(control_plane, docker_engine, tmp_path):
        (key,) = await control_plane.assign_many([job(docker_engine, LONG, grace_s=2)])
        await control_plane.until_output(key, b"up", 60)
        container = container_of(docker_engine, key)
        assert docker_engine.request("POST", f"/containers/{container}/pause")[0] == 204
        await control_plane.until(lambda: "is paused on the node" in (told(key) or ""))
        assert docker_engine.request("POST", f"/containers/{container}/unpause")[0] == 204
        await control_plane.until(lambda: told(key) is None)
        assert docker_engine.request("POST", f"/containers/{container}/pause")[0] == 204
        await control_plane.until(lambda: "is paused on the node" in (told(key) or ""))
        await control_plane.stop(key)
        await control_plane.until_state(key, "stopped", timeout_s=60)


async def test_a_child_without_memory_is_not_the_main_process_without(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    script = "python3 -c 'x = bytearray(400 << 20)'; echo child gave $?; exit 3"
    fields: dict[str, Any] = {"image": docker_engine.python, "memory_mb": 48}
    async with running_agent(control_plane, docker_engine, tmp_path):
        (key,) = await control_plane.assign_many([job(docker_engine, script, **fields)])
        report = await control_plane.until_state(key, "failed", timeout_s=60)
        assert (report["exit_code"], report["reason"]) == (3, "error")
        assert "another process of the replica had run out of memory" in report["message"]
        assert b"child gave 137" in await control_plane.until_log_end(key)


async def test_the_limit_of_processes_holds(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    async with running_agent(control_plane, docker_engine, tmp_path):
        script = "cat /sys/fs/cgroup/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids/pids.max"
        (key,) = await control_plane.assign_many([job(docker_engine, script)])
        await control_plane.until_state(key, "succeeded", timeout_s=60)
        assert await control_plane.until_log_end(key) == b"16384\n"


async def test_an_engine_without_live_restore_takes_its_containers_along(
    control_plane: FakeControlPlane, tmp_path: Path
) -> None:
    """Stopped in order, and killed: both times the end is the engine's doing, so that the job is tried again."""
    with private_daemon(live_restore=False) as (daemon, engine):
        async with running_agent(control_plane, engine, tmp_path):
            for end in (daemon.stop, daemon.kill):
                (key,) = await control_plane.assign_many([job(engine, LONG)])
                await control_plane.until_output(key, b"up", 60)
                await asyncio.to_thread(end)
                await asyncio.to_thread(daemon.start)
                report = await control_plane.until_state(key, "failed", "lost", timeout_s=90)
                assert report["reason"] in ("engine", "vanished")
                words = report["message"]
                assert any(text in words for text in ("its containers with it", "the end of its engine", "removed"))
            (key,) = await control_plane.assign_many([job(engine, "exit 4")])
            report = await control_plane.until_state(key, "failed", timeout_s=60)
            assert (report["exit_code"], report["reason"]) == (4, "error")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk for an engine")
async def test_a_full_disk_is_told_when_pulling_and_when_writing(
    control_plane: FakeControlPlane, tmp_path: Path
) -> None:
    with private_daemon(disk_mb=48) as (_, engine), running_registry(tmp_path / "registry", engine.netns) as registry:
        image = registry.put_image(f"big:{uuid.uuid4().hex[:8]}", fill=60 << 20, layers=2)
        async with running_agent(control_plane, engine, tmp_path, LILAC_AGENT_MIN_FREE_DISK_GB="0"):
            script = "dd if=/dev/zero of=/fill bs=64k"
            pulls, writes = await control_plane.assign_many([job(engine, "true", image=image), job(engine, "true")])
            report = await control_plane.until_state(pulls, "failed", timeout_s=90)
            assert report["reason"] == "engine"
            assert "cannot be stored: the disk of the node's Docker engine is full" in report["message"]
            await control_plane.until_state(writes, "succeeded", timeout_s=60)
            control_plane.release_at_end = False  # its container goes, and with it what it wrote, when it is released
            (writes,) = await control_plane.assign_many([job(engine, script)])
            report = await control_plane.until_state(writes, "failed", timeout_s=60)
            assert report["reason"] == "error"
            assert "while the disk of the node's Docker engine was full" in report["message"]
