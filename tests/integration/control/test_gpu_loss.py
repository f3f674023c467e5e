"""What becomes of jobs when a GPU of their node is lost, unhealthy, unknown, or back."""

from __future__ import annotations

from typing import Any

from lilac.store import events as event_store
from tests.integration.control.stand import FakeAgent, Stand

HEALTHY = {"model": "NVIDIA H100 80GB HBM3", "memory_mb": 81_559, "healthy": True, "lost": False}


class GpuAgent(FakeAgent):
    """An agent that says what its GPUs are like; `told` None stands for a driver that does not answer."""

    told: dict[str, dict[str, Any]] | None

    def body(self, wait_s: float = 0) -> dict[str, Any]:
        told = None if self.told is None else [{"uuid": uuid, **gpu} for uuid, gpu in self.told.items()]
        return {**super().body(wait_s), "gpus": told, "drivers": {"nvidia": "580.95.05"}}


async def two_gpus(stand: Stand) -> tuple[GpuAgent, str, str]:
    """A node with two GPUs and a running job on each; the jobs by GPU."""
    agent = GpuAgent(stand)
    agent.told = {"GPU-a": dict(HEALTHY), "GPU-b": dict(HEALTHY)}
    await agent.beat()
    jobs = [await stand.submit(gpus=1, name=f"job-{n}") for n in range(2)]
    await agent.beat()
    await agent.run_until_running()
    by_gpu: dict[str, str] = {}
    for job in jobs:
        detail = await stand.platform.jobs.detail(stand.user, job)
        by_gpu[detail.attempts[0][1][0].gpu_uuids[0]] = job
    return agent, by_gpu["GPU-a"], by_gpu["GPU-b"]


async def changes(stand: Stand, agent: FakeAgent) -> list[Any]:
    events = await stand.platform.db.read(event_store.list_events, limit=1000, node_id=agent.node_id)
    return [e.data.get("gpus") for e in events if e.kind == "node.changed"]


async def test_the_job_on_a_lost_gpu_is_tried_again_and_the_other_goes_on(stand: Stand) -> None:
    agent, on_a, on_b = await two_gpus(stand)
    assert agent.told is not None
    agent.told["GPU-a"] = {**HEALTHY, "healthy": False, "lost": True, "problem": "GPU is lost"}
    await agent.send(agent.body())
    lost = await stand.job(on_a)
    assert (lost.state, lost.reason, lost.retries) == ("queued", "gpu_lost", 1)
    assert "GPU-a" in (lost.message or "")
    assert await stand.state(on_b) == "running"
    assert await changes(stand, agent) == [[{"uuid": "GPU-a", "state": "lost", "problem": "GPU is lost"}]]
    await stand.check()

    await agent.beat()  # told to stop, it stops
    await agent.beat()
    assert await stand.state(on_a) == "queued"  # the lost GPU gets nothing new
    detail = await stand.platform.jobs.detail(stand.user, on_a)
    attempt, replicas = detail.attempts[0]
    assert (attempt.state, replicas[0].state, replicas[0].reason) == ("lost", "stopped", "gpu_lost")

    agent.told["GPU-a"] = dict(HEALTHY)
    await agent.beat()
    await agent.run_until_running()
    assert await stand.state(on_a) == "running"
    assert (await changes(stand, agent))[-1] == [{"uuid": "GPU-a", "state": "healthy"}]
    await stand.check()


async def test_a_gpu_that_is_not_in_the_report_any_more_is_lost(stand: Stand) -> None:
    agent, on_a, on_b = await two_gpus(stand)
    assert agent.told is not None
    del agent.told["GPU-a"]
    await agent.beat()
    await agent.beat()  # its replica has stopped
    assert (await stand.job(on_a)).reason == "gpu_lost"
    assert await stand.state(on_b) == "running"
    await stand.check()


async def test_an_unhealthy_gpu_keeps_its_job_and_gets_no_other(stand: Stand) -> None:
    agent, on_a, _ = await two_gpus(stand)
    assert agent.told is not None
    agent.told["GPU-a"] = {**HEALTHY, "healthy": False, "problem": "1 uncorrected memory errors since its last reset"}
    await agent.beat()
    assert await stand.state(on_a) == "running"
    agent.become("succeeded", (on_a, 1, 0), exit_code=0)
    await agent.beat()
    waiting = await stand.submit(gpus=1)
    assert await stand.state(waiting) == "queued"
    await stand.check()


async def test_a_driver_that_does_not_answer_ends_nothing(stand: Stand) -> None:
    agent, on_a, on_b = await two_gpus(stand)
    agent.told = None
    await agent.beat()
    assert [await stand.state(job) for job in (on_a, on_b)] == ["running", "running"]
    node = (await stand.platform.directory.node(agent.node_id)).node
    assert [(gpu.healthy, gpu.lost) for gpu in node.inventory.gpus] == [(False, False), (False, False)]
    agent.told = {"GPU-a": dict(HEALTHY), "GPU-b": dict(HEALTHY)}
    await agent.beat()
    node = (await stand.platform.directory.node(agent.node_id)).node
    assert all(gpu.healthy for gpu in node.inventory.gpus)
    await stand.check()


async def test_a_gpu_that_is_lost_again_and_again_uses_up_the_retries(stand: Stand) -> None:
    agent = GpuAgent(stand)
    agent.told = {"GPU-a": dict(HEALTHY)}
    await agent.beat()
    job = await stand.submit(gpus=1, max_retries=1)
    for _ in range(2):
        agent.told = {"GPU-a": dict(HEALTHY)}
        await agent.beat()
        await agent.run_until_running()
        agent.told = {"GPU-a": {**HEALTHY, "lost": True}}
        await agent.beat()
        await agent.beat()
    ended = await stand.job(job)
    assert (ended.state, ended.reason, ended.retries) == ("failed", "gpu_lost", 1)
    await stand.check()


async def test_changed_limits_and_hardware_are_taken_in(stand: Stand) -> None:
    agent = GpuAgent(stand, cpu=1000)
    agent.told = {}
    await agent.beat()
    big = await stand.submit(cpu=2000, gpus=1)
    assert await stand.state(big) == "queued"
    agent.cpu, agent.told = 2000, {"GPU-a": dict(HEALTHY)}
    await agent.beat()
    await agent.run_until_running()
    assert await stand.state(big) == "running"
    events = await stand.platform.db.read(event_store.list_events, limit=1000, node_id=agent.node_id)
    changed = next(e for e in events if e.kind == "node.changed")
    assert changed.data["cpu_millicores"] == {"before": 1000, "after": 2000}


async def test_a_mig_device_is_given_to_who_names_it(stand: Stand) -> None:
    agent = GpuAgent(stand)
    part = {"model": "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "memory_mb": 4_864, "mig": "1g.5gb", "parent": "GPU-m"}
    agent.told = {"MIG-1": part}
    await agent.beat()
    inventory = (await stand.platform.directory.node(agent.node_id)).node.inventory
    assert (inventory.gpus[0].mig, inventory.gpus[0].parent) == ("1g.5gb", "GPU-m")
