"""A control plane and its agents under seeded random work and faults; all invariants are checked after each step."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from lilac.control.directory import QueueWanted
from lilac.model.errors import LilacError
from lilac.model.states import JobState
from lilac.scheduling import satisfiable, shape_of
from lilac.store import jobs as job_store
from lilac.store.listing import JobFilter
from tests.integration.control.stand import ENDED, ROOT, FakeAgent, OriginalAgent, Stand, cancelled_at_once, open_stand

STEPS = 250
ENDINGS = ({"exit_code": 0}, {"exit_code": 1, "reason": "error"}, {"exit_code": 137, "reason": "out_of_memory"})


class World:
    """What may happen, each by a method."""

    def __init__(self, stand: Stand, seed: int) -> None:
        self.stand = stand
        self.random = random.Random(seed)
        self.agents = [FakeAgent(stand, f"node-{n}", gpus=n % 3) for n in range(4)]
        self.original = OriginalAgent(stand, gpus=1)
        self.old_bodies: list[tuple[FakeAgent, dict[str, object]]] = []
        self.queues = ["default"]
        self.steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self.submit), (14, self.beat), (14, self.progress), (5, self.beat_as_original), (4, self.cancel),
            (4, self.late_report), (3, self.twice_at_once), (2, self.hang_up), (3, self.wipe), (3, self.restart_agent),
            (3, self.silence), (3, self.time), (2, self.restart_server), (2, self.drain), (2, self.resume),
            (2, self.remove), (2, self.pause), (1, self.add_queue), (1, self.delete_queue), (1, self.resize),
            (1, self.force),
        ]  # fmt: skip

    async def step(self) -> str:
        weights = [weight for weight, _ in self.steps]
        action = self.random.choices([action for _, action in self.steps], weights)[0]
        with suppress(LilacError):  # refused, as it may be
            await action()
        return action.__name__

    async def submit(self) -> None:
        pick = self.random
        await self.stand.submit(
            cpu=pick.choice([500, 1000, 3000]),
            memory=pick.choice([100, 2000]),
            gpus=pick.choice([0, 0, 1, 2]),
            size=pick.choice([1, 1, 1, 2, 3]),
            priority=pick.randrange(3),
            time_limit_s=pick.choice([None, 50, 500]),
            max_retries=pick.choice([0, 1, 3]),
            queue_id=self.stand.platform.jobs.queue(pick.choice(self.queues)).id,
        )

    async def beat(self) -> None:
        await self._agent().beat()

    async def progress(self) -> None:
        agent = self._agent()
        for key, told in list(agent.held.items()):
            if told["state"] == "preparing":
                agent.become(self.random.choice(["running", "running", "failed"]), key)
            elif told["state"] == "running" and self.random.random() < 0.5:
                end = self.random.choice(ENDINGS)
                agent.become("failed" if end["exit_code"] else "succeeded", key, **end)
        body = agent.body()
        self.old_bodies.append((agent, body))
        agent.obey(await agent.send(body))

    async def beat_as_original(self) -> None:
        if self.original.job is not None:
            self.original.status = self.random.choice(["acknowledged", "running", "succeeded", "failed"])
        await self.original.beat()

    async def late_report(self) -> None:
        """A report of before arrives again, whatever happened since."""
        if self.old_bodies:
            agent, body = self.random.choice(self.old_bodies[-20:])
            await agent.send(body)

    async def twice_at_once(self) -> None:
        agent = self._agent()
        first = agent.body()
        for key, told in agent.held.items():
            if told["state"] == "running":
                agent.become("succeeded", key, exit_code=0)
        second = agent.body()
        await asyncio.gather(agent.send(first), agent.send(second))

    async def hang_up(self) -> None:
        """Callers go away in the middle of their calls."""
        await cancelled_at_once(self.stand.submit(size=2))
        await cancelled_at_once(self._agent().send(self._agent().body()))

    async def wipe(self) -> None:
        self._agent().wipe()

    async def restart_agent(self) -> None:
        self._agent().restart()

    async def cancel(self) -> None:
        jobs = await self.stand.platform.jobs.list(ROOT, JobFilter(), limit=30)
        if jobs:
            await self.stand.platform.jobs.cancel(ROOT, self.random.choice(jobs).id)

    async def silence(self) -> None:
        """Some nodes report while time passes, others do not, and are lost."""
        for agent in self.agents:
            if self.random.random() < 0.7:
                await agent.send(agent.body())
        self.stand.clock.now += 60
        for agent in self.agents:
            if self.random.random() < 0.7:
                await agent.send(agent.body())
        await self.stand.pass_time(40)

    async def time(self) -> None:
        await self.stand.pass_time(self.random.choice([1, 30]))

    async def restart_server(self) -> None:
        self.old_bodies.clear()  # calls end with the server that they were made to
        await self.stand.restart()

    async def drain(self) -> None:
        await self.stand.platform.directory.drain_node(ROOT, self._agent().node_id)

    async def resume(self) -> None:
        await self.stand.platform.directory.resume_node(ROOT, self._agent().node_id)

    async def remove(self) -> None:
        await self.stand.platform.directory.remove_node(ROOT, self._agent().node_id)

    async def pause(self) -> None:
        directory = self.stand.platform.directory
        queue = (await directory.queue(self.random.choice(self.queues))).queue
        targets = queue.cluster_targets
        wanted = QueueWanted(name=queue.name, priority=1, cluster_targets=targets, paused=not queue.paused)
        await directory.replace_queue(ROOT, queue.id, wanted)

    async def add_queue(self) -> None:
        name = f"queue-{len(self.queues)}"
        await self.stand.add_queue(name, priority=self.random.randrange(-2, 3))
        self.queues.append(name)

    async def delete_queue(self) -> None:
        if len(self.queues) > 1:
            await self.stand.platform.directory.delete_queue(ROOT, self.queues[-1])
            self.queues.pop()

    async def resize(self) -> None:
        """A machine comes back with more memory."""
        agent = self._agent()
        agent.memory += 500
        await agent.beat()

    async def force(self) -> None:
        jobs = await self.stand.platform.jobs.list(ROOT, JobFilter(states=(JobState.RUNNING,)), limit=5)
        if jobs:
            await self.stand.platform.jobs.force_state(ROOT, jobs[0].id, JobState.SUCCEEDED)

    def _agent(self) -> FakeAgent:
        return self.random.choice(self.agents)


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_that_happens_breaks_an_invariant(tmp_path: Path, seed: int) -> None:
    async with open_stand(tmp_path) as stand:
        world = World(stand, seed)
        done: list[str] = []
        for _ in range(STEPS):
            done.append(await world.step())
            await stand.settle()
            try:
                await stand.check()
            except AssertionError as wrong:
                raise AssertionError(f"after {done[-5:]} (step {len(done)} of seed {seed}):\n{wrong}") from None
        await _finish(world)
        await stand.check()


async def _finish(world: World) -> None:
    """Without further faults everything that can run comes to its end, and nothing stays held."""
    stand, directory = world.stand, world.stand.platform.directory
    for use in await directory.queues():
        wanted = QueueWanted(name=use.queue.name, priority=0, cluster_targets=use.queue.cluster_targets, paused=False)
        await directory.replace_queue(ROOT, use.queue.id, wanted)
    for agent in world.agents:
        await agent.beat()
        await directory.resume_node(ROOT, agent.node_id)
    for _ in range(400):
        await stand.settle()
        for agent in world.agents:
            agent.become("succeeded", exit_code=0)
            await agent.beat()
        if world.original.job is not None:
            world.original.status = "succeeded"
        await world.original.beat()
        live = await stand.platform.db.read(job_store.live_replicas)
        if not live and all(told["state"] in ENDED for a in world.agents for told in a.held.values()):
            await stand.settle()
            if not await stand.platform.db.read(job_store.live_jobs):
                break
    jobs = await stand.platform.jobs.list(ROOT, JobFilter(states=(JobState.STARTING, JobState.RUNNING)))
    assert jobs == []
    waiting = await stand.platform.jobs.list(ROOT, JobFilter(states=(JobState.QUEUED,)))
    board = stand.platform.projection.board
    free = [job for job in waiting if job.held is None]
    assert [job.spec for job in free if satisfiable(board.snapshot(), shape_of(job)) is None] == []
