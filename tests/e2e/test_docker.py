"""Jobs in containers of a real Docker engine, through the whole platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.docker import DockerEngine
from tests.fixtures.platform import Agent, Api, Server, eventually

pytestmark = pytest.mark.xdist_group("docker")


@pytest.fixture
def api(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Api]:
    with Server(tmp_path / "server") as server:
        agent = Agent(
            tmp_path / "agent",
            server.address,
            server.api.cluster_key(),
            runtimes=("docker",),
            env={"DOCKER_HOST": docker_engine.host},
        )
        with agent:
            try:
                yield server.api
            finally:
                docker_engine.remove_containers(f"lilac.node={agent.node_id}")


def boxed(api: Api, image: str, *command: str, **more: object) -> str:
    body = {
        "name": "boxed",
        "definition": image,
        "queue_id": "default",
        "command": list(command) or None,
        "resource_requirements": {"cpu_millicores": 500, "memory_mb": 64, "gpus": None},
        **more,
    }
    return api.post("/training_jobs", body)["id"]


def test_a_container_runs_with_its_limits_and_its_output_and_exit_code_come_back(
    api: Api, docker_engine: DockerEngine
) -> None:
    job = boxed(api, docker_engine.busybox, "sh", "-c", "echo hello $LILAC_RANK; exit 3")
    ended = api.wait(job)
    assert (ended["job_status"], ended["exit_code"]) == ("failed", 3)
    assert api.text(f"/training_jobs/{job}/logs", follow="true") == "hello 0\n"
    steps = ended["waterfall"]
    order = ["submitted", "planned", "assigned", "received", "created", "started", "exited", "finished"]
    assert [steps[s] for s in order] == sorted(steps[s] for s in order)


def test_an_unknown_image_fails_with_the_engine_s_reason(api: Api) -> None:
    ended = api.wait(boxed(api, "registry.invalid/no/such:image"))
    assert (ended["job_status"], ended["reason"]) == ("failed", "image")
    assert "registry.invalid/no/such:image" in ended["message"]


def test_a_container_that_takes_too_much_memory_is_told_as_such(api: Api, docker_engine: DockerEngine) -> None:
    greedy = "b = bytearray(512 << 20); print(len(b))"
    ended = api.wait(boxed(api, docker_engine.python, "python3", "-c", greedy))
    assert (ended["job_status"], ended["reason"]) == ("failed", "out_of_memory")


def test_a_cancelled_container_is_gone(api: Api, docker_engine: DockerEngine) -> None:
    job = boxed(
        api, docker_engine.busybox, "sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"
    )
    eventually(lambda: "up" in api.text(f"/training_jobs/{job}/logs"), 60, "the container to be up")
    api.post(f"/training_jobs/{job}/cancel")
    assert api.text(f"/training_jobs/{job}/logs", follow="true") == "up\nbye\n"
    eventually(lambda: not docker_engine.containers(f"lilac.job={job}"), 60, "the container to be gone")
