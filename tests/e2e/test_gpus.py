"""GPUs through the whole platform, on a machine without any: a driver library made for the test, and an engine that
makes device nodes by a hook as NVIDIA's does."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.docker import DockerEngine, private_daemon
from tests.fixtures.nvml import FakeGpu, FakeNvml, build_nvml
from tests.fixtures.platform import Agent, Api, Server, eventually

A, B = FakeGpu("GPU-aaaa", used=700, util=55), FakeGpu("GPU-bbbb", used=20)

# What dockerd runs before a container that asks for GPUs; it makes a null device for each that is meant.
HOOK = """\
#!{python}
import json, os, subprocess, sys
state = json.load(sys.stdin)
config = json.load(open(os.path.join(state["bundle"], "config.json")))
env = dict(pair.split("=", 1) for pair in config["process"]["env"])
known = ["GPU-aaaa", "GPU-bbbb"]
for uuid in env.get("NVIDIA_VISIBLE_DEVICES", "").split(","):
    if uuid not in known:
        sys.exit("nvidia-container-cli: device error: " + uuid + ": unknown device")
    node = config["root"]["path"] + "/dev/nvidia" + str(known.index(uuid))
    namespace = "--mount=/proc/" + str(state["pid"]) + "/ns/mnt"
    subprocess.run(["nsenter", namespace, "mknod", "-m", "666", node, "c", "1", "3"], check=True)
"""


@pytest.fixture
def nvml(tmp_path: Path) -> FakeNvml:
    driver = FakeNvml(build_nvml(tmp_path / "nvml"), tmp_path / "gpus")
    driver.tell(A, B)
    return driver


@pytest.fixture(scope="module")
def gpu_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    hook = tmp_path_factory.mktemp("hook") / "nvidia-container-runtime-hook"
    hook.write_text(HOOK.format(python=sys.executable))
    hook.chmod(0o755 | stat.S_IXUSR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{hook.parent}:{os.environ['PATH']}")
        with private_daemon() as (_, engine):
            yield engine


def gpu_job(api: Api, script: str, *, gpus: int = 1, **more: Any) -> str:
    request = {"count": gpus} if gpus else None
    needs = {"cpu_millicores": 100, "memory_mb": 64, "gpus": request}
    return api.submit("sh", "-c", script, resource_requirements=needs, **more)


def assigned(api: Api, job: str) -> list[str]:
    return api.get(f"/training_jobs/{job}")["attempts"][-1]["replicas"][0]["gpu_uuids"]


def test_each_job_gets_its_own_gpu_and_a_lost_one_ends_only_what_runs_on_it(nvml: FakeNvml, tmp_path: Path) -> None:
    script = "echo gpus=$CUDA_VISIBLE_DEVICES; exec sleep 600"
    with Server(tmp_path / "server") as server:
        api = server.api
        agent = Agent(tmp_path / "agent", server.address, api.cluster_key(), name="gpu-1", env=nvml.environment)
        with agent:
            try:
                first, second = gpu_job(api, script, name="one"), gpu_job(api, script, name="two")
                api.wait_until(first, "running")
                api.wait_until(second, "running")
                blind = gpu_job(api, "echo gpus=$CUDA_VISIBLE_DEVICES.", gpus=0, name="blind")
                assert api.wait(blind)["job_status"] == "succeeded"
                assert api.text(f"/training_jobs/{blind}/logs") == "gpus=.\n"
                (gpu_1,), (gpu_2,) = assigned(api, first), assigned(api, second)
                assert {gpu_1, gpu_2} == {"GPU-aaaa", "GPU-bbbb"}
                logs = eventually(lambda: api.text(f"/training_jobs/{first}/logs"), 30, "output")
                assert logs == f"gpus={gpu_1}\n"
                node = api.get("/nodes/gpu-1")
                assert node["drivers"] == {"nvidia": "580.95.05", "cuda": "13.0"}

                on_a, on_b = (first, second) if gpu_1 == "GPU-aaaa" else (second, first)
                usage = eventually(
                    lambda: (found := api.get(f"/training_jobs/{on_a}/usage"))["samples"] and found, 60, "usage"
                )
                assert usage["samples"][0]["gpu_utilization_pct"] == 55.0
                assert usage["replicas"][0]["gpu_memory_mb_max"] == 700
                eventually(lambda: api.get("/nodes/gpu-1/usage")["samples"], 60, "usage of the node")

                nvml.tell(A.but(lost=1), B)
                lost = api.wait_until(on_a, "queued")
                assert (lost["reason"], lost["retries"]) == ("gpu_lost", 1)
                assert api.get(f"/training_jobs/{on_b}")["job_status"] == "running"
                states = {gpu["uuid"]: (gpu["healthy"], gpu["lost"]) for gpu in api.get("/nodes/gpu-1")["gpus"]}
                assert states == {"GPU-aaaa": (False, True), "GPU-bbbb": (True, False)}

                nvml.tell(A, B)
                again = api.wait_until(on_a, "running")
                assert again["attempt"] == 2
                assert assigned(api, on_a) == ["GPU-aaaa"]
                for job in (first, second):
                    api.post(f"/training_jobs/{job}/cancel")
            finally:
                agent.end_replicas()


def test_a_program_that_dies_of_a_lost_gpu_is_not_blamed(nvml: FakeNvml, tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        api = server.api
        with Agent(tmp_path / "agent", server.address, api.cluster_key(), env=nvml.environment) as agent:
            try:
                flag = tmp_path / "flag"
                job = gpu_job(api, f"while [ ! -e {flag} ]; do sleep 0.05; done; exit 1", gpus=2, max_retries=0)
                api.wait_until(job, "running")
                nvml.tell(A.but(lost=1), B)
                flag.touch()
                ended = api.wait(job)
                assert (ended["job_status"], ended["reason"]) == ("failed", "gpu_lost")
            finally:
                agent.end_replicas()


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_container_sees_exactly_its_gpus(gpu_engine: DockerEngine, nvml: FakeNvml, tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        api = server.api
        agent = Agent(
            tmp_path / "agent",
            server.address,
            api.cluster_key(),
            runtimes=("docker",),
            env={"DOCKER_HOST": gpu_engine.host, **nvml.environment},
        )
        with agent:
            try:
                script = "ls /dev | grep nvidia; echo $NVIDIA_VISIBLE_DEVICES; exec sleep 600"
                boxed = {"runtime": "docker", "definition": gpu_engine.busybox}
                jobs = [gpu_job(api, script, name=f"job-{n}", **boxed) for n in range(2)]
                blind = gpu_job(api, "ls /dev | grep -c nvidia; exit 0", gpus=0, name="blind", **boxed)
                assert api.wait(blind)["job_status"] == "succeeded"
                assert api.text(f"/training_jobs/{blind}/logs") == "0\n"
                seen: dict[str, str] = {}
                for job in jobs:
                    api.wait_until(job, "running")
                    logs = eventually(
                        lambda job=job: (text := api.text(f"/training_jobs/{job}/logs")).count("\n") == 2 and text,
                        60,
                        "output",
                    )
                    device, uuid = logs.split()
                    seen[uuid] = device
                    assert [uuid] == assigned(api, job)
                assert seen == {"GPU-aaaa": "nvidia0", "GPU-bbbb": "nvidia1"}
                usage = eventually(
                    lambda: (found := api.get(f"/training_jobs/{jobs[0]}/usage"))["samples"] and found, 60, "usage"
                )
                assert usage["samples"][0]["gpu_memory_mb"] in (20, 700)
            finally:
                gpu_engine.remove_containers(f"lilac.node={agent.node_id}")
