"""The real agent with the Docker runtime and a real engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.docker import DockerDaemon, DockerEngine, private_daemon
from tests.integration.agent.agent_stand import Agent, FakeControlPlane, Key


@pytest.fixture
async def docker_agent(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> AsyncIterator[Agent]:
    async with running_agent(control_plane, docker_engine, tmp_path) as agent:
        yield agent


@contextlib.asynccontextmanager
async def running_agent(
    control_plane: FakeControlPlane, engine: DockerEngine, tmp_path: Path, **environment: str
) -> AsyncIterator[Agent]:
    node_id = str(uuid.uuid4())
    agent = Agent(
        control_plane,
        tmp_path / "state",
        LILAC_NODE_ID=node_id,
        LILAC_AGENT_RUNTIMES="docker",
        DOCKER_HOST=engine.host,
        **environment,
    )
    await agent.start()
    try:
        yield agent
    finally:
        await agent.clean_up()
        await asyncio.to_thread(engine.remove_containers, f"lilac.node={node_id}")
        print(agent.log)
        assert "Traceback" not in agent.log


def job(engine: DockerEngine, script: str, **fields: Any) -> dict[str, Any]:
    return {"runtime": "docker", "image": engine.busybox, "command": ["sh", "-c", script], **fields}


async def test_a_container_runs_and_its_output_and_times_arrive(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = "echo out; echo err >&2; echo $GREETING $LILAC_RANK $LILAC_WORLD_SIZE; pwd"
    (key,) = await control_plane.assign_many(
        [job(docker_engine, script, env={"GREETING": "hi"}, working_dir="/tmp", world_size=2)]
    )
    report = await control_plane.until_state(key, "succeeded")
    assert report["exit_code"] == 0
    times = report["times"]
    assert times["received"] <= times["created"] <= times["started"] + 0.01
    assert times["started"] <= times["exited"]
    assert "pull_started" not in times
    output = await control_plane.until_log_end(key)
    assert sorted(output.splitlines()) == [b"/tmp", b"err", b"hi 0 2", b"out"]
    await docker_agent.until_clean()
    assert docker_engine.containers(f"lilac.job={key[0]}") == []


async def test_an_exit_code_and_a_command_with_entrypoint_words(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    (key,) = await control_plane.assign_many([job(docker_engine, "exit 3")])
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (3, "error")
    assert "exit code 3" in report["message"]


async def test_too_much_memory_is_told_as_such(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    fields = {"image": docker_engine.python, "command": ["python3", "-c", "x = bytearray(400 << 20)"]}
    (key,) = await control_plane.assign_many([job(docker_engine, "", memory_mb=48, **fields)])
    report = await control_plane.until_state(key, "failed", timeout_s=60)
    assert (report["exit_code"], report["reason"]) == (137, "out_of_memory")
    assert "48 MiB" in report["message"]


async def test_the_limits_hold_inside(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = (
        "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null;"
        "cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us;"
        "grep NoNewPrivs /proc/self/status; echo v=$NVIDIA_VISIBLE_DEVICES c=$CUDA_VISIBLE_DEVICES."
    )
    (key,) = await control_plane.assign_many([job(docker_engine, script, cpu_millicores=500, memory_mb=96)])
    await control_plane.until_state(key, "succeeded")
    output = (await control_plane.until_log_end(key)).decode()
    assert str(96 << 20) in output
    assert "50000" in output
    assert "NoNewPrivs:\t1" in output
    assert "v=void c=." in output


async def test_an_unknown_image_says_so(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    (key,) = await control_plane.assign_many([job(docker_engine, "true", image="127.0.0.1:1/no/such:thing")])
    report = await control_plane.until_state(key, "failed")
    assert report["reason"] == "image"
    assert "127.0.0.1:1/no/such:thing cannot be pulled" in report["message"]


async def test_a_missing_program_is_a_failed_start(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    (key,) = await control_plane.assign_many([job(docker_engine, "", command=["no-such-program"])])
    report = await control_plane.until_state(key, "failed")
    assert (report["exit_code"], report["reason"]) == (127, "start")
    assert "no-such-program" in report["message"]


async def test_a_cancelled_container_gets_its_grace(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
    (key,) = await control_plane.assign_many([job(docker_engine, script)])
    await control_plane.until_output(key, b"ready")
    await control_plane.stop(key)
    report = await control_plane.until_state(key, "stopped")
    assert report["exit_code"] == 7
    assert (await control_plane.until_log_end(key)).endswith(b"bye\n")


async def test_a_container_that_ignores_the_signal_is_killed(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    (key,) = await control_plane.assign_many([job(docker_engine, script, grace_s=1)])
    await control_plane.until_output(key, b"ready")
    await control_plane.stop(key)
    report = await control_plane.until_state(key, "stopped")
    assert report["exit_code"] == 137


async def test_containers_outlive_the_agent_and_their_output_arrives_once(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    control_plane.release_at_end = False
    # One line longer than the engine's pieces of 16 KiB, to be taken up in its middle.
    script = (
        "i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.05; done;"
        "head -c 100000 /dev/zero | tr '\\0' x; echo; exit 4"
    )
    keys = await control_plane.assign_many([job(docker_engine, script), job(docker_engine, "echo short; sleep 1")])
    await control_plane.until_output(keys[0], b"line 5\n")
    await docker_agent.kill()
    await asyncio.to_thread(until_exited, docker_engine, keys[1])
    await docker_agent.start()
    first = await control_plane.until_state(keys[0], "failed")
    second = await control_plane.until_state(keys[1], "succeeded")
    assert (first["exit_code"], second["exit_code"]) == (4, 0)
    expected = b"".join(b"line %d\n" % i for i in range(60)) + b"x" * 100000 + b"\n"
    assert await control_plane.until_log_end(keys[0]) == expected
    assert await control_plane.until_log_end(keys[1]) == b"short\n"
    assert control_plane.history[keys[0]][-2:] == ["running", "failed"]


async def test_an_engine_that_restarts_is_taken_up_again(
    control_plane: FakeControlPlane, docker_daemon: tuple[DockerDaemon, DockerEngine], tmp_path: Path
) -> None:
    daemon, engine = docker_daemon
    async with running_agent(control_plane, engine, tmp_path):
        script = "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit 5"
        (key,) = await control_plane.assign_many([job(engine, script)])
        await control_plane.until_output(key, b"line 3\n")
        waiting = job(engine, "echo late")
        await asyncio.to_thread(daemon.stop)
        (late,) = await control_plane.assign_many([waiting])
        await control_plane.until(
            lambda: "cannot be reached" in (control_plane.reports.get(late, {}).get("message") or "")
        )
        await control_plane.until(lambda: "does not answer" in (control_plane.reports[key]["message"] or ""))
        await asyncio.to_thread(daemon.start)
        await control_plane.until_state(late, "succeeded", timeout_s=90)
        report = await control_plane.until_state(key, "failed", timeout_s=90)
        assert report["exit_code"] == 5
        output = await control_plane.until_log_end(key)
        assert output == b"".join(b"line %d\n" % i for i in range(40))


def until_exited(engine: DockerEngine, key: Key) -> None:
    deadline = time.monotonic() + 30
    while engine.containers(f"lilac.job={key[0]}")[0]["State"] != "exited":
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_a_container_gets_exactly_its_gpus(
    control_plane: FakeControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker_engine: DockerEngine
) -> None:
    """With an engine that believes in NVIDIA's hook, as one with a driver does."""
    hooks = Path(tempfile.mkdtemp(prefix="lilac-hook-"))
    hook = hooks / "nvidia-container-runtime-hook"
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hooks}:{os.environ['PATH']}")
    try:
        with private_daemon() as (_, engine):
            async with running_agent(control_plane, engine, tmp_path):
                script = "echo $NVIDIA_VISIBLE_DEVICES; trap 'exit 0' TERM; while :; do sleep 0.1; done"
                (key,) = await control_plane.assign_many([job(engine, script, gpu_uuids=["GPU-aa", "GPU-bb"])])
                await control_plane.until_output(key, b"GPU-aa,GPU-bb\n", timeout_s=60)
                (container,) = engine.containers(f"lilac.job={key[0]}")
                details = json.loads(engine.request("GET", f"/containers/{container['Id']}/json")[1])
                (request,) = details["HostConfig"]["DeviceRequests"]
                assert (request["DeviceIDs"], request["Count"]) == (["GPU-aa", "GPU-bb"], 0)
                await control_plane.stop(key)
                await control_plane.until_state(key, "stopped")
    finally:
        shutil.rmtree(hooks)


async def test_a_registrys_password_shows_nowhere(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    agent = Agent(
        control_plane,
        tmp_path / "state",
        LILAC_AGENT_RUNTIMES="docker",
        DOCKER_HOST=docker_engine.host,
        LILAC_PRIVATE_REGISTRY_URL="127.0.0.1:1",
        LILAC_PRIVATE_REGISTRY_USERNAME="me",
        LILAC_PRIVATE_REGISTRY_PASSWORD="hush-hush",
    )
    await agent.start()
    try:
        (key,) = await control_plane.assign_many([job(docker_engine, "true", image="127.0.0.1:1/a:b")])
        report = await control_plane.until_state(key, "failed")
        assert "hush-hush" not in report["message"] + agent.log
    finally:
        await agent.clean_up()
