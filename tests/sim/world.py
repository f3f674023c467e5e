"""The world of one seed: a control plane, machines with agents, people, and everything that may go wrong.

A step is a while of random length, in which everything that is under way goes on, and then something that somebody
does or that happens; after it the proof looks at everything. At the end the faults cease, and whatever can run must
come to its end. All chance comes from the seed; people, lines and machines each have their own dice, so that a change
in what one of them rolls does not change the others' luck.
"""

from __future__ import annotations

import asyncio
import hashlib
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import orjson

from lilac.control.directory import QueueWanted
from lilac.control.platform import Platform
from lilac.control.principals import Principal, PrincipalKind
from lilac.control.submitting import Order
from lilac.model.accounts import Role
from lilac.model.clusters import RuntimeName
from lilac.model.errors import LilacError
from lilac.model.ids import JobId, QueueId, ReplicaKey
from lilac.model.indices import IndexSet
from lilac.model.jobs import DependencyCondition, JobKind, JobSpec, SizeRange
from lilac.model.resources import GpuRequest, ResourceRequest
from lilac.model.retrying import NOT_SAID, RetryBudget
from lilac.model.states import Hold, JobState
from lilac.scheduling import satisfiable, shape_of
from lilac.store import jobs as job_store
from lilac.store.listing import JobFilter
from tests.sim import clock
from tests.sim.agents import Agent, OriginalAgent, as_of_the_seed, output_of
from tests.sim.machine import Machine
from tests.sim.network import Cut, Line
from tests.sim.plane import Plane, Unreachable, fresh_image
from tests.sim.proof import Proof

ROOT = Principal(kind=PrincipalKind.USER, user_id=None, username="root", role=Role.ADMIN)
SIZES = (1, 1, 1, 1, 2, 3)
"""How many replicas a job asks for, one as likely as the other."""
_LEGACY_LIMIT_S = 200
_LOST_AFTER_S = 40.0
"""Less than usual, so that nodes are lost and come back more often."""
_PATIENCE_S = 6000.0
_PEOPLE_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a seed."""

    seed: int
    steps: int
    events: int
    jobs: int
    executions: int
    lives: int
    virtual_s: float
    digest: str


class Broken(AssertionError):
    """An invariant does not hold; says how to see it again."""


def simulate(seed: int, steps: int, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Run one seed. Raises `Broken`."""
    image = fresh_image()
    done: list[str] = []

    async def main() -> Report:
        world = World(seed, image, tell, done)
        try:
            return await world.run(steps)
        finally:
            world.close()

    try:
        return clock.run(main(), Random(f"{seed}/ids"))
    except Exception as error:
        what = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
        raise Broken(
            f"seed {seed}, step {len(done)} (the last: {', '.join(done[-5:])}):\n{what}\n"
            f"To see it again: python -m tests.sim --seed {seed} --steps {steps} -v"
        ) from None


@dataclass
class Node:
    machine: Machine
    line: Line
    agent: Agent | OriginalAgent


class World:
    """What may happen, each by a method."""

    def __init__(self, seed: int, image: bytes, tell: Callable[[str], None], done: list[str]) -> None:
        self.seed = seed
        self.tell = tell
        self.dice = Random(f"{seed}/world")
        self.backoff_dice = Random(f"{seed}/backoff")
        self.skew_s = 0.0
        self.plane = Plane(self.now, image, legacy_time_limit_s=_LEGACY_LIMIT_S, node_lost_after_s=_LOST_AFTER_S)
        self.proof = Proof(self.plane)
        self.nodes: list[Node] = []
        self.queues = ["default"]
        self.done = done
        self._people: dict[asyncio.Task[None], None] = {}
        self.actions: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (30, self.submit), (6, self.cancel), (2, self.force), (6, self.wait_long), (5, self.agent_dies),
            (9, self.agent_starts), (2, self.power_fails), (1, self.disk_fails), (8, self.cut), (9, self.heal),
            (4, self.cut_off_an_exclusive_job),
            (3, self.stall), (4, self.lossy), (3, self.slow), (4, self.plane_dies), (5, self.plane_dies_at_a_commit),
            (2, self.plane_restarts), (2, self.database_away), (2, self.clock_jumps), (1, self.node_clock_jumps),
            (2, self.drain), (4, self.resume), (1, self.remove), (2, self.pause), (1, self.add_queue),
            (1, self.delete_queue), (1, self.resize), (2, self.original_restarts),
        ]  # fmt: skip

    def now(self) -> float:
        """The control plane's clock on the wall."""
        return clock.EPOCH_S + asyncio.get_running_loop().time() + self.skew_s

    async def run(self, steps: int) -> Report:
        with as_of_the_seed(self.backoff_dice):
            await self.plane.start()
            await self._add_nodes()
            weights = [weight for weight, _ in self.actions]
            for _ in range(steps):
                await asyncio.sleep(self.dice.expovariate(1 / 3))
                action = self.dice.choices([action for _, action in self.actions], weights)[0]
                await self._do(action)
                await self._prove()
            await self._come_to_an_end()
        return self._report()

    def close(self) -> None:
        for task in self._people:
            task.cancel()
        for node in self.nodes:
            node.agent.die()
            for echo in node.line.echoes:
                echo.cancel()
            for work in node.machine.disk.values():
                if work.task is not None:
                    work.task.cancel()
        self.plane.close()

    # People

    async def submit(self) -> None:
        dice = self.dice
        size = dice.choice(SIZES)
        duration = round(dice.choice([dice.uniform(0.1, 5), dice.uniform(1, 60), dice.uniform(30, 200)]), 2)
        code = dice.choice([0, 0, 0, 0, 0, 1, 137, 125])
        pull = round(dice.choice([0.0, 0.1, dice.uniform(0, 30)]), 2)
        stubborn = dice.choice([0, 0, 5, 100])
        if stubborn == 100 and dice.random() < 0.5:
            duration = round(dice.uniform(60, 200), 2)
        script = ("work", str(duration), str(code), str(pull), str(stubborn))
        queue, elastic = dice.choice(self.queues), dice.random() < 0.1
        indices = IndexSet.parse("0-3", most=10) if dice.random() < 0.06 and not elastic and size == 1 else None
        known = list(self.proof.acknowledged)
        waits_for = dice.choice(known) if known and dice.random() < 0.1 else None
        condition = dice.choice(list(DependencyCondition))
        spec = JobSpec(
            name=f"job-{len(self.done)}",
            queue_id=QueueId(""),
            resources=ResourceRequest(
                dice.choice([500, 1000, 3000]),
                dice.choice([100, 2000]),
                GpuRequest(gpus) if (gpus := dice.choice([0, 0, 0, 1, 2])) else None,
            ),
            image="debian:12",
            command=None if dice.random() < 0.1 else script,  # original agents take only what has no command
            runtime=RuntimeName.DOCKER,
            kind=JobKind.ELASTIC if elastic else JobKind.BATCH,
            size=SizeRange(1, 3) if elastic else SizeRange(size, size),
            preemptible=dice.random() < 0.3,
            exclusive=dice.random() < (0.5 if stubborn == 100 else 0.2),
            priority=dice.randrange(3),
            time_limit_s=dice.choice([None, None, 30, 100]),
            grace_s=dice.choice([2, 30, 30]),
            max_retries=dice.choice([0, 1, 3, 10]),
            retries=dice.choice([NOT_SAID, NOT_SAID, RetryBudget(error=2, image=1, out_of_memory=1)]),
        )

        async def request(platform: Platform) -> None:
            order = Order(
                spec=replace(spec, queue_id=platform.jobs.queue(queue).id),
                indices=indices,
                running_limit=2 if indices is not None else None,
                after=((waits_for, condition),) if waits_for is not None else (),
            )
            answer = await platform.jobs.submitting.submit(ROOT, order)
            self.proof.acknowledged[answer["id"]] = None

        await self._ask(request)

    async def cancel(self) -> None:
        async def request(platform: Platform) -> None:
            if jobs := await platform.jobs.list(ROOT, JobFilter(), limit=20):
                await platform.jobs.cancel(ROOT, self.dice.choice(jobs).id)

        await self._ask(request)

    async def force(self) -> None:
        async def request(platform: Platform) -> None:
            if jobs := await platform.jobs.list(ROOT, JobFilter(states=(JobState.RUNNING,)), limit=5):
                state = self.dice.choice([JobState.SUCCEEDED, JobState.FAILED])
                await platform.jobs.force_state(ROOT, self.dice.choice(jobs).id, state)

        await self._ask(request)

    async def drain(self) -> None:
        node = self._node()
        await self._ask(lambda platform: platform.directory.drain_node(ROOT, node.agent.node_id))

    async def resume(self) -> None:
        node = self._node()
        await self._ask(lambda platform: platform.directory.resume_node(ROOT, node.agent.node_id))

    async def remove(self) -> None:
        node = self._node()
        await self._ask(lambda platform: platform.directory.remove_node(ROOT, node.agent.node_id))

    async def pause(self) -> None:
        name = self.dice.choice(self.queues)

        async def request(platform: Platform) -> None:
            queue = (await platform.directory.queue(name)).queue
            wanted = QueueWanted(name=name, priority=self.dice.randrange(3), cluster_targets=("default",),
                                 paused=not queue.paused)  # fmt: skip
            await platform.directory.replace_queue(ROOT, queue.id, wanted)

        await self._ask(request)

    async def add_queue(self) -> None:
        name = f"queue-{len(self.queues)}"
        wanted = QueueWanted(name=name, priority=self.dice.randrange(-2, 3), cluster_targets=("default",))

        async def request(platform: Platform) -> None:
            await platform.directory.create_queue(ROOT, wanted)
            self.queues.append(name)

        await self._ask(request)

    async def delete_queue(self) -> None:
        if len(self.queues) < 2:
            return
        name = self.queues[-1]

        async def request(platform: Platform) -> None:
            await platform.directory.delete_queue(ROOT, name)
            self.queues.remove(name)

        await self._ask(request)

    # Time

    async def wait_long(self) -> None:
        await asyncio.sleep(self.dice.choice([20, 60, 120]))

    async def clock_jumps(self) -> None:
        self.skew_s += self.dice.choice([-3600, -30, -5, 5, 30, 100, 3600])

    async def node_clock_jumps(self) -> None:
        self._node().machine.skew_s += self.dice.choice([-3600, -5, 5, 3600])

    # Machines and agents

    async def agent_dies(self) -> None:
        self._node().agent.die()

    async def agent_starts(self) -> None:
        self._node().agent.start()

    async def power_fails(self) -> None:
        node = self._node()
        node.agent.die()
        node.machine.power_off()

    async def disk_fails(self) -> None:
        """The machine is installed anew, with the id that it had."""
        node = self._node()
        node.agent.die()
        node.machine.power_off(lose_disk=True)
        node.agent.start()

    async def original_restarts(self) -> None:
        """Without a configured id it comes back as another node."""
        for node in self.nodes:
            if isinstance(node.agent, OriginalAgent):
                node.agent.die(new_id=self.dice.random() < 0.5)
                node.agent.start()

    async def slow(self) -> None:
        agent = self._node().agent
        if isinstance(agent, Agent):
            agent.slow_s = self.dice.choice([0, 0, 5, 60])

    async def resize(self) -> None:
        """The machine comes back with more or less memory."""
        machine = self._node().machine
        machine.memory = self.dice.choice([4000, 8000, 9000])

    # Lines

    async def cut(self) -> None:
        self._node().line.become(self.dice.choice([Cut.REQUESTS, Cut.REPLIES, Cut.BOTH, Cut.RESET]))

    async def cut_off_an_exclusive_job(self) -> None:
        """Silence around a node that runs one, for longer than it counts as alive; the others can take its job over."""
        alone = [n for n in self.nodes if any(w.assignment.exclusive and not w.ended for w in n.machine.disk.values())]
        if alone:
            cut_off = self.dice.choice(alone)
            for node in self.nodes:
                node.line.become(Cut.BOTH if node is cut_off else Cut.NONE)
                node.agent.start()
            await asyncio.sleep(self.dice.uniform(_LOST_AFTER_S, 2 * _LOST_AFTER_S))

    async def stall(self) -> None:
        self._node().line.become(Cut.STALL)

    async def heal(self) -> None:
        for node in self.nodes:
            if self.dice.random() < 0.6:
                node.line.become(Cut.NONE)

    async def lossy(self) -> None:
        line = self._node().line
        line.loss, line.repeat = self.dice.choice([(0.0, 0.0), (0.05, 0.1), (0.3, 0.3)])
        line.delay_s = self.dice.choice([0.005, 0.05, 1.0])

    # The control plane

    async def plane_dies(self) -> None:
        self.plane.die()
        await self._start_plane()

    async def plane_dies_at_a_commit(self) -> None:
        if self.plane.up:
            self.plane.die_at = (self.dice.randrange(6), self.dice.random() < 0.5)

    async def plane_restarts(self) -> None:
        if self.plane.up:
            await self.plane.stop()
            await self._start_plane()

    async def database_away(self) -> None:
        self.plane.away = True
        await asyncio.sleep(self.dice.uniform(0.5, 20))
        self.plane.away = False

    # How it is done

    async def _add_nodes(self) -> None:
        cluster = await self.plane.platform.directory.cluster("default")
        for n in range(self.dice.choice([2, 3, 4])):
            name = f"node-{n}"
            original = n == 1 and self.dice.random() < 0.5
            machine = Machine(
                name, cpu=4000, memory=8000, gpus=n % 3, rng=Random(f"{self.seed}/{name}"), witness=self.proof.truth,
                now=self.now,
            )  # fmt: skip
            line = Line(self.plane, Random(f"{self.seed}/{name}/line"))
            agent: Agent | OriginalAgent
            if original:
                agent = OriginalAgent(machine, line, cluster.id)
            else:
                agent = Agent(machine, line, cluster.id, Random(f"{self.seed}/{name}/agent"))
            self.nodes.append(Node(machine, line, agent))
            agent.start()

    def _node(self) -> Node:
        return self.dice.choice(self.nodes)

    async def _ask(self, request: Callable[[Platform], Awaitable[Any]]) -> None:
        """Somebody asks for something, is refused or not, and waits for the answer only so long."""
        patient = self.dice.random() < 0.9

        async def ask() -> None:
            try:
                async with asyncio.timeout(_PEOPLE_WAIT_S if patient else 0.0):
                    await self.plane.call(request)
            except (Unreachable, TimeoutError, LilacError) as error:
                self.tell(f"      {type(error).__name__}: {error}")

        task = asyncio.ensure_future(ask())
        self._people[task] = None
        task.add_done_callback(lambda done: self._people.pop(done, None))
        if self.dice.random() < 0.7:
            await asyncio.wait([task])

    async def _do(self, action: Callable[[], Awaitable[None]]) -> None:
        if not self.plane.up and self.dice.random() < 0.7:
            await self._start_plane()
        self.done.append(action.__name__)
        self.tell(f"{len(self.done):5} {asyncio.get_running_loop().time():9.2f}  {action.__name__}")
        try:
            await action()
        except LilacError as error:
            self.tell(f"      {type(error).__name__}: {error}")

    async def _start_plane(self) -> None:
        await asyncio.sleep(self.dice.uniform(0, 10))
        while not self.plane.up:
            await self.plane.start()

    async def _prove(self, *, whole: bool = False) -> None:
        for event in self.proof.step(whole=whole):
            self.tell(f"      {_in_words(event)}")

    async def _come_to_an_end(self) -> None:
        """No more faults: whatever can run ends, and nothing stays held."""
        self.done.append("the faults cease")
        self.plane.die_at, self.plane.away = None, False
        await self._start_plane()
        for node in self.nodes:
            node.line.become(Cut.NONE)
            node.line.loss = node.line.repeat = 0.0
            node.line.delay_s = 0.005
            node.machine.memory = 9000
            if isinstance(node.agent, Agent):
                node.agent.slow_s = 0.0
            node.agent.start()
        await asyncio.sleep(60)
        directory = self.plane.platform.directory
        for use in await directory.queues():
            wanted = QueueWanted(name=use.queue.name, priority=0, cluster_targets=("default",), paused=False)
            await directory.replace_queue(ROOT, use.queue.id, wanted)
        for use in await directory.nodes():
            await directory.resume_node(ROOT, use.node.id)
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            await asyncio.sleep(20)
            await self._prove()
            waiting = await self._waiting()
            if not waiting:
                break
            if asyncio.get_running_loop().time() > deadline:
                self.proof.truth.wrong.append(f"without any more faults these do not come to their end: {waiting}")
        await asyncio.sleep(60)
        self.proof.truth.wrong += await self._wrong_output()
        await self._prove(whole=True)

    async def _waiting(self) -> list[str]:
        """The jobs that have not ended though they could."""
        unfinished = self.proof.history.unfinished()
        jobs = await self.plane.platform.db.read(job_store.get_jobs, unfinished)
        snapshot = self.plane.platform.projection.board.snapshot()
        waits_for_good = {
            job.id
            for job in jobs.values()
            if job.state is JobState.QUEUED and satisfiable(snapshot, shape_of(job)) is not None
        }
        waits_for_good |= {JobId(job_id) for job_id in unfinished if job_id not in jobs}  # arrays, of which alike
        while (
            more := {
                job.id
                for job in jobs.values()
                if job.held is Hold.DEPENDENCY and waits_for_good & {each.job_id for each in job.spec.after}
            }
            - waits_for_good
        ):
            waits_for_good |= more
        return [f"{job.id} ({job.state})" for job in jobs.values() if job.id not in waits_for_good]

    async def _wrong_output(self) -> list[str]:
        """Each byte is stored once and in order, all that was taken is there, and nothing is left on machines."""
        wrong: list[str] = []
        for job_id, past in self.proof.history.jobs.items():
            for attempt, rank in past.ended:
                key = ReplicaKey(JobId(job_id), attempt, rank)
                stored = await self.plane.platform.logs.read(key, 0, 1 << 20)
                shipped = self.proof.truth.shipped.get(key, 0)
                if not output_of(key, 3).startswith(stored) or len(stored) < shipped:
                    wrong.append(f"{shipped} bytes of output of {key} were taken, and {stored!r} is stored")
        for node in self.nodes:
            if left := [f"{key} {work.state}" for key, work in node.machine.disk.items()]:
                wrong.append(f"{node.machine.name} still keeps {left}")
        return wrong

    def _report(self) -> Report:
        text = b"\n".join(orjson.dumps(event, option=orjson.OPT_SORT_KEYS) for event in self.proof.events)
        return Report(
            seed=self.seed,
            steps=len(self.done),
            events=len(self.proof.events),
            jobs=len(self.proof.history.jobs),
            executions=self.proof.truth.begun,
            lives=self.plane.lives,
            virtual_s=round(asyncio.get_running_loop().time(), 3),
            digest=hashlib.sha256(text).hexdigest(),
        )


def _in_words(event: dict[str, Any]) -> str:
    about = {name: event[name] for name in ("job_id", "node_id", "queue_id") if event[name]}
    return f"event {event['seq']} {event['kind']} {about} {event['data']}"
