from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from lilac.agent import sampling
from lilac.agent.gpus import Use
from lilac.agent.measuring import Counters
from lilac.agent.sampling import Sampler
from lilac.agent.wire import Assignment
from lilac.model.clusters import RuntimeName
from lilac.model.errors import NotFound, Unavailable
from lilac.model.ids import JobId, ReplicaKey

MIB = 1 << 20
KEY = ReplicaKey(JobId("11111111-1111-4111-8111-111111111111"), 1, 0)


class Calls:
    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []
        self.error: Exception | None = None

    async def usage(self, samples: Mapping[str, Any]) -> float:
        self.sent.append(samples)
        if self.error is not None:
            raise self.error
        return 5.0

    def replicas(self) -> list[dict[str, Any]]:
        return [sample for samples in self.sent for sample in samples["replicas"]]


class Machine:
    """One running replica with a GPU, whose counters grow with the loop's clock at half a core."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = Calls()
        self.running: list[Any] = []
        self.looks = 0
        runtime = SimpleNamespace(name=RuntimeName.PROCESS, main_process=self._pid)
        assignment = Assignment(key=KEY, runtime=RuntimeName.PROCESS, gpu_uuids=("GPU-a",))
        self.replica = (runtime, SimpleNamespace(key=KEY, assignment=assignment))
        monkeypatch.setattr(sampling, "_count", self._count)
        monkeypatch.setattr(sampling.time, "time", lambda: 1_764_000_000 + asyncio.get_running_loop().time())
        monkeypatch.setattr(sampling.asyncio, "to_thread", self._at_once)
        use = {"GPU-a": Use(700, 55), "GPU-b": Use(1, 1)}
        self.sampler = Sampler(self.calls, running=lambda: self.running, use=lambda: use)  # type: ignore[arg-type]

    async def run(self, seconds: float) -> None:
        task = asyncio.get_running_loop().create_task(self.sampler.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _pid(self, entry: Any) -> int:
        return 42

    async def _at_once(self, function: Any, *args: Any) -> Any:
        return function(*args)

    def _count(self, chosen: list[Any], pids: Mapping[ReplicaKey, int]) -> dict[ReplicaKey, Counters]:
        self.looks += 1
        return {KEY: Counters(asyncio.get_running_loop().time() / 2, 300 * MIB)}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.looptime
async def test_a_new_replica_is_sampled_after_moments_and_then_with_all_others(machine: Machine) -> None:
    machine.running = [machine.replica]
    await machine.run(20.5)
    samples = machine.calls.replicas()
    first = samples[0]
    assert first["at"] <= 1_764_000_003
    assert {name: first[name] for name in ("job_id", "cpu_millicores", "memory_mb", "gpus")} == {
        "job_id": KEY.job_id,
        "cpu_millicores": 500,
        "memory_mb": 300,
        "gpus": [{"uuid": "GPU-a", "utilization_pct": 55, "memory_mb": 700}],
    }
    assert len(samples) <= 6
    assert sum(len(sent["node"]) for sent in machine.calls.sent) in (3, 4)


@pytest.mark.looptime
async def test_without_replicas_only_the_machine_is_sampled(machine: Machine) -> None:
    await machine.run(20.5)
    assert machine.looks == 0
    assert machine.calls.replicas() == []
    assert all(sent["node"] for sent in machine.calls.sent)


@pytest.mark.looptime
async def test_what_cannot_be_sent_goes_later(machine: Machine) -> None:
    machine.running = [machine.replica]
    machine.calls.error = Unavailable("away")
    await machine.run(30.5)
    assert 1 <= len(machine.calls.sent) <= 8
    machine.calls.sent.clear()
    machine.calls.error = None
    await machine.run(70.5)
    assert machine.calls.replicas()[0]["at"] <= 1_764_000_003


@pytest.mark.looptime
async def test_a_control_plane_that_takes_no_usage_is_left_alone(machine: Machine) -> None:
    machine.calls.error = NotFound("not found")
    await machine.run(300)
    assert len(machine.calls.sent) == 1
