"""Pulls from private registries with a real agent and a real engine."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.aws import FakeAws
from tests.fixtures.docker import DockerEngine
from tests.fixtures.registry import Registry, running_distribution, running_registry
from tests.integration.agent.agent_stand import Agent, FakeControlPlane
from tests.integration.agent.test_agent_docker import job

FOREVER = 4e9


@pytest.fixture
def registry(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry", docker_engine.netns) as registry:
        yield registry


@pytest.fixture
async def start_agent(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> AsyncIterator[Callable[..., Agent]]:
    agents: list[Agent] = []
    node_id = str(uuid.uuid4())

    async def start(**environment: str) -> Agent:
        agent = Agent(
            control_plane,
            tmp_path / "state",
            LILAC_NODE_ID=node_id,
            LILAC_AGENT_RUNTIMES="docker",
            DOCKER_HOST=docker_engine.host,
            **environment,
        )
        agents.append(agent)
        await agent.start()
        return agent

    yield start  # pyright: ignore[reportReturnType]
    for agent in agents:
        await agent.clean_up()
        print(agent.log)
        assert "Traceback" not in agent.log
    docker_engine.remove_containers(f"lilac.node={node_id}")


def configured(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".lilac" / "agent.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def name() -> str:
    return f"team/app:{uuid.uuid4().hex[:8]}"


async def test_a_private_image_runs_and_no_other_registry_sees_the_password(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, tmp_path: Path, start_agent
) -> None:
    registry.allow(("me", "hush-hush", FOREVER))
    image = registry.put_image(name())
    with running_registry(tmp_path / "other", docker_engine.netns) as other:
        other.allow(("you", "other", FOREVER))
        foreign = other.put_image(name())
        configured(
            tmp_path,
            f'[[registries]]\nregistry_url = "http://{registry.host}"\nusername = "me"\nsecret = "hush-hush"\n',
        )
        agent = await start_agent()
        (good, bad) = await control_plane.assign_many(
            [job(docker_engine, "echo in", image=image), job(docker_engine, "true", image=foreign)]
        )
        report = await control_plane.until_state(good, "succeeded", timeout_s=60)
        assert report["times"]["pull_started"] <= report["times"]["pull_finished"]
        report = await control_plane.until_state(bad, "failed", timeout_s=60)
        assert report["reason"] == "image"
        assert "credential on the node" in report["message"]
        assert {request["authorization"] for request in other.requests()} == {None}
        assert "hush-hush" not in agent.log + json.dumps(list(control_plane.reports.values()))


async def test_dockers_own_login_counts_and_why_an_image_cannot_be_had_is_told(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, tmp_path: Path, start_agent
) -> None:
    registry.allow(("me", "pw", FOREVER))
    (tmp_path / "docker").mkdir()
    auths = {registry.host: {"auth": base64.b64encode(b"me:pw").decode()}}
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": auths}))
    await start_agent(DOCKER_CONFIG=str(tmp_path / "docker"))
    images = [registry.put_image(name()), f"{registry.host}/no/such:1", registry.put_list(name(), "s390x")]
    keys = await control_plane.assign_many([job(docker_engine, "true", image=image) for image in images])
    await control_plane.until_state(keys[0], "succeeded", timeout_s=60)
    absent = await control_plane.until_state(keys[1], "failed", timeout_s=60)
    assert "Check the name and the tag" in absent["message"]
    foreign = await control_plane.until_state(keys[2], "failed", timeout_s=60)
    assert "not built for this node's processor" in foreign["message"]


async def test_an_ecr_token_that_ended_was_renewed_before(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, tmp_path: Path, start_agent
) -> None:
    aws = FakeAws(token_life_s=4.0)
    aws.on_token = lambda password, ends_at: registry.allow(*(("AWS", word, end) for word, end in aws.given))
    await aws.up()
    try:
        configured(
            tmp_path,
            f'[[registries]]\nregistry_url = "{registry.host}"\nregion = "eu-west-1"\nendpoint_url = "{aws.url}"\n',
        )
        await start_agent(AWS_ACCESS_KEY_ID="AKIDTEST", AWS_SECRET_ACCESS_KEY="s3cr3t/key")
        images = [registry.put_image(name(), fill=10, layers=2), registry.put_image(name(), fill=20, layers=2)]
        (first,) = await control_plane.assign_many([job(docker_engine, "true", image=images[0])])
        await control_plane.until_state(first, "succeeded", timeout_s=60)
        _, first_end = aws.given[0]
        renewed = asyncio.Event()
        told = aws.on_token

        def on_token(password: str, ends_at: float) -> None:
            told(password, ends_at)
            if time.time() > first_end:
                renewed.set()

        aws.on_token = on_token
        await renewed.wait()
        (second,) = await control_plane.assign_many([job(docker_engine, "true", image=images[1])])
        await control_plane.until_state(second, "succeeded", timeout_s=60)
        ends = [end for _, end in aws.given]
        # Each came when four fifths of the last one's life were over: never sooner.
        assert all(later - end > 3.1 for end, later in itertools.pairwise(ends))
    finally:
        await aws.down()


async def test_how_far_a_pull_is_can_be_seen(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, registry: Registry, start_agent
) -> None:
    registry.slow_down(1 << 20)
    image = registry.put_image(name(), fill=2 << 20, layers=3)
    await start_agent()
    (key,) = await control_plane.assign_many([job(docker_engine, "true", image=image)])
    await control_plane.until(
        lambda: ((control_plane.reports.get(key) or {}).get("progress") or {}).get("total") is not None, 60
    )
    progress = control_plane.reports[key]["progress"]
    assert progress["step"] == "pull"
    assert 0 < progress["done"] < progress["total"]
    assert progress["total"] > 4 << 20
    report = await control_plane.until_state(key, "succeeded", timeout_s=60)
    assert "progress" not in report


def push(engine: DockerEngine, image: str, login: tuple[str, str]) -> None:
    """Give the engine's busybox that name, push it, and let the engine forget it."""
    repository, _, tag = image.rpartition(":")
    assert engine.request("POST", f"/images/{engine.busybox}/tag?repo={repository}&tag={tag}")[0] == 201
    auth = base64.urlsafe_b64encode(json.dumps(dict(zip(("username", "password"), login, strict=True))).encode())
    headers = {"X-Registry-Auth": auth.decode()}
    status, said = engine.request("POST", f"/images/{repository}/push?tag={tag}", headers=headers)
    assert (status, b"errorDetail" in said) == (200, False), said
    assert engine.request("DELETE", f"/images/{image}")[0] == 200


async def test_dockers_own_registry_behind_a_password_that_aws_renews(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path, start_agent
) -> None:
    """Each renewal ends the password before: what is pulled late can only come with the new one."""
    aws = FakeAws(token_life_s=4.0)
    with running_distribution(tmp_path / "distribution", docker_engine.netns) as registry:
        images = [f"{registry.host}/team/{word}:1" for word in ("early", "late")]
        registry.allow("AWS", "first")
        for image in images:
            await asyncio.to_thread(push, docker_engine, image, ("AWS", "first"))
        aws.on_token = lambda password, ends_at: registry.allow("AWS", password)
        await aws.up()
        try:
            entry = f'registry_url = "{registry.host}"\nregion = "eu-west-1"\nendpoint_url = "{aws.url}"'
            configured(tmp_path, f"[[registries]]\n{entry}\n")
            await start_agent(AWS_ACCESS_KEY_ID="AKIDTEST", AWS_SECRET_ACCESS_KEY="s3cr3t/key")
            (early,) = await control_plane.assign_many([job(docker_engine, "true", image=images[0])])
            await control_plane.until_state(early, "succeeded", timeout_s=60)
            async with asyncio.timeout(60):
                while time.time() < aws.given[0][1]:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            (late,) = await control_plane.assign_many([job(docker_engine, "true", image=images[1])])
            await control_plane.until_state(late, "succeeded", timeout_s=60)
            assert len(aws.given) >= 2
        finally:
            await aws.down()
