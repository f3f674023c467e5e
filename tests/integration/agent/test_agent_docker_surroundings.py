"""The real agent and a real engine: arguments, ports, secrets, and exclusive containers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.docker import DockerEngine
from tests.integration.agent.agent_stand import Agent, FakeControlPlane
from tests.integration.agent.test_agent_docker import job, running_agent

VALUE = "Corr3ct-H0rse-Battery"


@pytest.fixture
async def docker_agent(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> AsyncIterator[Agent]:
    async with running_agent(control_plane, docker_engine, tmp_path, LILAC_AGENT_PORT_ADDRESS="127.0.0.1") as agent:
        yield agent


async def test_arguments_go_to_the_images_own_program(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    fields = {"runtime": "docker", "image": docker_engine.busybox, "command": None, "args": ["echo", "from", "args"]}
    (key,) = await control_plane.assign_many([fields])
    await control_plane.until_state(key, "succeeded")
    assert await control_plane.until_log_end(key) == b"from args\n"


async def test_secrets_reach_the_container_and_leave_only_as_asterisks(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = 'echo "$TOKEN"; cat $LILAC_SECRETS_DIR/key; echo; stat -c "%a %u" /run/secrets/key'
    secrets = [{"name": "t", "env": "TOKEN", "file": None}, {"name": "k", "env": None, "file": "key"}]
    values = {"t": VALUE, "k": "first line\nsecond line"}
    (key,) = await control_plane.assign_many([job(docker_engine, script, secrets=secrets, secret_values=values)])
    await control_plane.until_state(key, "succeeded")
    masked = [b"*" * len(VALUE), b"*" * 10, b"*" * 11, b"400 0"]
    assert (await control_plane.until_log_end(key)).splitlines() == masked
    await docker_agent.until_clean()
    assert VALUE not in docker_agent.log
    assert VALUE not in json.dumps([str(control_plane.reports), str(control_plane.history)])
    for path in docker_agent.state_dir.rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes(), path


TOLD = """\
trap 'cat $LILAC_STOP_REASON_FILE; stat -c "%a %u" $LILAC_STOP_REASON_FILE; exit 7' INT
echo up $LILAC_STOP_REASON_FILE; test -e $LILAC_STOP_REASON_FILE && echo early
while :; do sleep 0.05; done
"""


async def test_a_container_finds_the_reason_when_it_gets_the_signal(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    (key,) = await control_plane.assign_many([job(docker_engine, TOLD, stop_signal="SIGINT")])
    await control_plane.until_output(key, b"up")
    await control_plane.stop(key, stop_reason="preempted")
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] == 7
    assert (await control_plane.until_log_end(key)).splitlines() == [
        b"up /run/lilac/stop_reason",
        b"preempted",
        b"444 0",
    ]


async def test_the_reason_comes_also_from_a_guardian_whose_agent_was_killed(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    fields = {"stop_signal": "SIGINT", "exclusive": True, "lease_s": 4, "grace_s": 10}
    (key,) = await control_plane.assign_many([job(docker_engine, TOLD, **fields)])
    await control_plane.until_output(key, b"up")
    await docker_agent.kill()
    label = f"lilac.job={key[0]}"
    async with asyncio.timeout(20):
        while any(c["State"] == "running" for c in docker_engine.containers(label)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await docker_agent.start()
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] == 7
    assert b"lease\n" in await control_plane.until_log_end(key)


async def test_a_port_is_published_and_answers_where_it_is_told(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    script = "mkdir /www; echo hello > /www/index.html; exec httpd -f -p $LILAC_PORT_WEB -h /www"
    (key,) = await control_plane.assign_many([job(docker_engine, script, ports=[{"port": 8000, "name": "web"}])])
    await control_plane.until(lambda: control_plane.reports.get(key, {}).get("ports"), 60)
    at = control_plane.reports[key]["ports"]["8000/tcp"]
    assert at["host"] == "127.0.0.1"

    inside = [*(["nsenter", f"--net={docker_engine.netns}"] if docker_engine.netns else [])]
    script = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{at['port']}/', timeout=5).read())"

    def fetch() -> bytes:
        for _ in range(100):
            done = subprocess.run([*inside, sys.executable, "-c", script], capture_output=True, check=False)
            if done.returncode == 0:
                return done.stdout
            time.sleep(0.1)
        raise AssertionError(done.stderr.decode())

    assert await asyncio.to_thread(fetch) == b"b'hello\\n'\n"
    await control_plane.stop(key)
    await control_plane.until_state(key, "stopped")


@pytest.mark.parametrize("fate", ["cut off", "killed"])
async def test_an_exclusive_container_is_gone_before_lease_and_grace_are_over(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine, fate: str
) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.1; done"
    (key,) = await control_plane.assign_many([job(docker_engine, script, exclusive=True, lease_s=6, grace_s=3)])
    await control_plane.until_output(key, b"up")
    begin = time.monotonic()
    if fate == "cut off":
        await control_plane.down()
    else:
        await docker_agent.kill()
    label = f"lilac.job={key[0]}"
    while any(c["State"] == "running" for c in docker_engine.containers(label)):
        await asyncio.sleep(0.05)
        assert time.monotonic() - begin <= 9.0
    assert time.monotonic() - begin > 3.0
    if fate == "cut off":
        await control_plane.up()


async def test_volumes_outlive_containers_and_host_paths_are_given_as_they_are_allowed(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    given.mkdir()
    (given / "one").write_text("given\n")
    (given / "out").symlink_to("/etc")
    volume = {
        "name": "models",
        "host_path": None,
        "path": "/models",
        "read_only": False,
        "volume_id": str(uuid.uuid4()),
    }
    host = {"name": None, "host_path": str(given), "path": "/in", "read_only": True, "volume_id": None}
    allowed = {"LILAC_AGENT_ALLOWED_HOST_PATHS": f"{given}:ro"}

    async def run(script: str, *volumes: dict[str, object]) -> tuple[tuple[str, int, int], bytes]:
        (key,) = await control_plane.assign_many([job(docker_engine, script, volumes=list(volumes))])
        await control_plane.until_state(key, "succeeded", "failed")
        return key, await control_plane.until_log_end(key)

    async with running_agent(control_plane, docker_engine, tmp_path, **allowed) as agent:
        key, told = await run("echo kept > $LILAC_VOLUME_MODELS/m && cat /models/m", volume)
        assert (told, control_plane.reports[key]["message"]) == (b"kept\n", None)
        _, told = await run("cat /models/m /in/one; touch /models/n; touch /in/n", {**volume, "read_only": True}, host)
        # standard output and standard error are two pipes: which one is read first is not said
        assert {b"kept", b"given"} <= set(told.splitlines())
        assert told.count(b"Read-only file system") == 2
        for refused, sentence in (
            ({**host, "read_only": False}, "for reading only"),
            ({**host, "host_path": f"{given}/out"}, "(it leads to /etc)"),
            ({**host, "host_path": "/etc"}, "does not allow the host path /etc"),
        ):
            key, _ = await run("cat /in/*", refused)
            assert control_plane.reports[key]["state"] == "failed"
            assert sentence in control_plane.reports[key]["message"]
        assert control_plane.machine["host_paths"] == [f"{given}:ro"]
        assert "volumes" in control_plane.machine["features"]
        await agent.until_clean()
    docker_engine.request("DELETE", f"/volumes/lilac-{volume['volume_id']}")


async def test_containers_that_nobody_knows_are_removed_once_the_first_list_has_come(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    (key,) = await control_plane.assign_many([job(docker_engine, "echo up; sleep 1000")])
    await control_plane.until_output(key, b"up")
    await control_plane.down()
    await docker_agent.kill()
    (known,) = docker_engine.containers(f"lilac.job={key[0]}")
    labels = {name: known["Labels"][name] for name in ("lilac.node", "lilac.job", "lilac.attempt", "lilac.rank")}
    other_job, other_node = str(uuid.uuid4()), str(uuid.uuid4())
    stray = docker_engine.start_container(
        docker_engine.busybox, ["sleep", "1000"], labels=labels | {"lilac.job": other_job}
    )
    foreign = docker_engine.start_container(
        docker_engine.busybox, ["sleep", "1000"], labels=labels | {"lilac.job": other_job, "lilac.node": other_node}
    )
    await docker_agent.start()
    begin = time.monotonic()
    while "does not answer" not in docker_agent.log.rpartition("agent starts")[2]:
        await asyncio.sleep(0.05)
        assert time.monotonic() - begin < 30
    assert stray in {c["Id"] for c in docker_engine.containers("lilac.node")}  # nobody has said yet what is wanted
    await control_plane.up()
    while stray in {c["Id"] for c in docker_engine.containers("lilac.node")}:
        await asyncio.sleep(0.05)
        assert time.monotonic() - begin < 60
    left = {c["Id"]: c["State"] for c in docker_engine.containers("lilac.node")}
    docker_engine.remove_containers(f"lilac.node={other_node}")
    assert left[known["Id"]] == "running"
    assert left[foreign] == "running"
    await control_plane.stop(key)
    await control_plane.until_state(key, "stopped")


async def test_a_deleted_volume_is_removed_from_the_engine(
    docker_agent: Agent, control_plane: FakeControlPlane, docker_engine: DockerEngine
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(2)]
    volumes = [
        {"name": name, "host_path": None, "path": f"/{name}", "read_only": False, "volume_id": volume_id}
        for name, volume_id in zip("ab", ids, strict=True)
    ]
    (key,) = await control_plane.assign_many([job(docker_engine, "touch /a/1 /b/1", volumes=volumes)])
    await control_plane.until_state(key, "succeeded")
    try:
        assert set(volumes_of(docker_engine)) >= {f"lilac-{volume_id}" for volume_id in ids}
        await control_plane.doom(ids[0], str(uuid.UUID(int=0)))
        expected = sorted([ids[0], str(uuid.UUID(int=0))])
        await control_plane.until(lambda: control_plane.machine.get("removed_volumes") == expected)
        left = volumes_of(docker_engine)
        assert f"lilac-{ids[0]}" not in left
        assert f"lilac-{ids[1]}" in left
    finally:
        for volume_id in ids:
            docker_engine.request("DELETE", f"/volumes/lilac-{volume_id}")


def volumes_of(engine: DockerEngine) -> list[str]:
    return [each["Name"] for each in json.loads(engine.request("GET", "/volumes")[1])["Volumes"] or []]
