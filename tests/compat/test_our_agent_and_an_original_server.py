"""Our agent with a server of the original Lilac: sections 2.2 to 2.5, 2.10 and 2.12 of the wire contract.

The server is played by those tables; the agent is the real reporting and the real decisions on a played machine, on
virtual time (`tests.sim`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

import orjson
import pytest

from lilac.agent import original
from lilac.agent.wire import Reply, parse_reply
from lilac.model.errors import InvalidInput, NotFound
from lilac.model.ids import ClusterId
from tests.sim import clock
from tests.sim.agents import Agent
from tests.sim.machine import Machine
from tests.sim.proof import Truth

GPU_WORDS = ["A100", "A10G", "B200", "H100", "H200", "L4", "L40S", "T4", "T4g", "V100"]
STATES = ("starting", "running", "succeeded", "failed")


class OriginalServer:
    """Table 2.10: takes the reported status unchecked, clears an ended assignment, answers with what is assigned."""

    def __init__(self) -> None:
        self.assigned: dict[str, str] | None = None
        self.heard: list[tuple[float, str | None, str | None]] = []
        """When, of which job, and which state."""
        self.speaking = False

    def assign(self) -> str:
        self.assigned = {"id": str(uuid.uuid4()), "docker_uri": "busybox"}
        return self.assigned["id"]

    async def status(self, report: Mapping[str, Any]) -> bytes:
        assert not self.speaking, "one request at a time"
        self.speaking = True
        await asyncio.sleep(0.01)
        self.speaking = False
        told = orjson.loads(orjson.dumps(report))
        assert isinstance(told["memory_info"], int)
        assert told["cpu_info"]["manufacturer"] == "Intel"
        assert told["cpu_info"]["architecture"] in ("arm64", "x86_64")
        assert told["gpu_info"] is None or told["gpu_info"]["model"] in GPU_WORDS
        job = told["job_info"]
        now = asyncio.get_running_loop().time()
        self.heard.append((now, job and job["current_job_id"], job and job["status"]))
        if job is not None:
            assert job["status"] in STATES
            if (
                job["status"] in ("succeeded", "failed")
                and self.assigned
                and self.assigned["id"] == job["current_job_id"]
            ):
                self.assigned = None
        return orjson.dumps({"assigned_job": self.assigned})

    def states_of(self, job: str) -> list[str | None]:
        """The states that were told of a job, without repeats."""
        states = [state for _, told, state in self.heard if told == job]
        return [state for n, state in enumerate(states) if n == 0 or states[n - 1] != state]


class AgentOfOriginal(Agent):
    server: OriginalServer

    async def status(self, report: Mapping[str, Any]) -> Reply:
        return parse_reply(orjson.loads(await self.server.status(report)))

    async def append(self, *_: Any, **__: Any) -> Any:
        raise NotFound("An original server has no such route.")


Scene = Callable[[OriginalServer, AgentOfOriginal, Truth], Awaitable[None]]


def play(scene: Scene) -> None:
    async def main() -> None:
        truth = Truth()
        machine = Machine("m", cpu=4000, memory=8000, gpus=2, rng=Random(1), witness=truth, now=lambda: clock.EPOCH_S)
        agent = AgentOfOriginal(machine, None, ClusterId("c"), Random(2))  # type: ignore[arg-type]
        agent.server = OriginalServer()
        agent.start()
        try:
            await scene(agent.server, agent, truth)
            assert truth.wrong == []
        finally:
            agent.die()
            machine.power_off()

    clock.run(main(), Random(0))


def test_it_beats_every_half_minute_while_nothing_happens() -> None:
    async def scene(server: OriginalServer, agent: AgentOfOriginal, truth: Truth) -> None:
        await asyncio.sleep(100)
        assert [round(at) for at, _, _ in server.heard] == [0, 30, 60, 90]
        assert {job for _, job, _ in server.heard} == {None}

    play(scene)


def test_it_runs_the_job_and_tells_each_step_at_once_and_that_it_is_free() -> None:
    async def scene(server: OriginalServer, agent: AgentOfOriginal, truth: Truth) -> None:
        await asyncio.sleep(1)
        job = server.assign()
        await asyncio.sleep(29.5)
        assert server.states_of(job)[-1] == "running", "told at once, not half a minute later"
        held = next(iter(agent.machine.disk.values())).assignment
        assert (held.image, held.command, held.cpu_millicores, held.memory_mb) == ("busybox", None, 4000, 8000)
        assert held.gpu_uuids == ("m-gpu-0", "m-gpu-1"), "all of the machine, as the original gives"
        await asyncio.sleep(15)
        assert server.states_of(job)[-2:] == ["running", "succeeded"]
        assert server.heard[-1][1] is None, "the server knows that the node is free"
        assert agent.machine.disk == {}
        again = server.assign()
        await asyncio.sleep(60)
        assert server.states_of(again)[-1] == "succeeded"
        assert truth.begun == 2

    play(scene)


def test_a_job_that_the_server_takes_away_is_stopped_before_the_node_says_that_it_is_free() -> None:
    async def scene(server: OriginalServer, agent: AgentOfOriginal, truth: Truth) -> None:
        job = server.assign()
        await asyncio.sleep(2)
        work = next(iter(agent.machine.disk.values()))
        assert work.state == "running"
        server.assigned = None
        agent._changed()
        await asyncio.sleep(0.5)
        assert work.state == "stopped"
        assert server.states_of(job)[-1] == "running"
        await asyncio.sleep(5)
        assert server.heard[-1][1:] == (None, None)
        assert agent.machine.disk == {}

    play(scene)


def test_another_job_in_place_of_the_first_replaces_it() -> None:
    async def scene(server: OriginalServer, agent: AgentOfOriginal, truth: Truth) -> None:
        first = server.assign()
        await asyncio.sleep(2)
        second = server.assign()
        await asyncio.sleep(60)
        assert server.states_of(second)[-1] == "succeeded"
        assert "succeeded" not in server.states_of(first)

    play(scene)


def test_an_agent_that_is_started_again_goes_on_with_the_job_instead_of_running_it_twice() -> None:
    async def scene(server: OriginalServer, agent: AgentOfOriginal, truth: Truth) -> None:
        job = server.assign()
        await asyncio.sleep(2)
        agent.die()
        await asyncio.sleep(1)
        agent.start()
        await asyncio.sleep(60)
        assert server.states_of(job)[-1] == "succeeded"
        assert truth.begun == 1

    play(scene)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("preparing", "starting"),
        ("running", "running"),
        ("stopped", "failed"),
        ("lost", "failed"),
        ("failed", "failed"),
    ],
)
def test_states_are_told_in_words_that_an_original_server_takes(state: str, word: str) -> None:
    job = parse_reply({"assigned_job": {"id": "j", "docker_uri": "i"}}).original_job
    assert original.job_info(job, [{"job_id": "j", "state": state}]) == {"current_job_id": "j", "status": word}
    assert original.job_info(job, [{"job_id": "other", "state": state}]) is None


def test_an_answer_of_neither_kind_is_refused() -> None:
    for document in ({}, [], None, {"assigned_job": {"id": "../x", "docker_uri": "i"}}, {"assigned_job": {"id": "x"}}):
        with pytest.raises(InvalidInput):
            parse_reply(document)
