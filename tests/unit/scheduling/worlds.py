"""Random small worlds, and the plain arithmetic that the scheduler's answers are held against.

Nothing here uses the scheduler's index: what is free is counted anew from nodes and replicas, the slow and obvious
way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from lilac.scheduling import HeldReplica, NodeView, Plan, QueueView, RunningJob, Shape, Snapshot, WaitingJob, plan

from .builders import NOW, gpu, job, node, queue, shape

MODELS = ("T4", "A100", "H100")


@dataclass(frozen=True)
class World:
    """The parts of a snapshot, for tests that change or shuffle them."""

    nodes: tuple[NodeView, ...]
    queues: tuple[QueueView, ...]
    running: tuple[RunningJob, ...]
    waiting: tuple[WaitingJob, ...]

    def snapshot(self) -> Snapshot:
        return Snapshot.of(nodes=self.nodes, queues=self.queues, running=self.running, waiting=self.waiting)


@st.composite
def nodes(draw: st.DrawFn, name: str) -> NodeView:
    kind = draw(st.sampled_from(["none", "T4", "H100", "H100", "H100", "mixed"]))
    count = 0 if kind == "none" else draw(st.integers(2, 4))
    models = [draw(st.sampled_from(MODELS)) if kind == "mixed" else kind for _ in range(count)]
    return node(
        name,
        [gpu(f"{name}-gpu-{i}", model, healthy=draw(st.integers(0, 9)) > 0) for i, model in enumerate(models)],
        cpu=draw(st.integers(3, 8)),
        memory=draw(st.integers(3, 8)),
        cluster=draw(st.sampled_from(["c", "c", "c", "d"])),
        labels=draw(st.sampled_from([{}, {"zone": "a"}])),
        schedulable=draw(st.integers(0, 9)) > 0,
        single_job=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def shapes(draw: st.DrawFn, *, gangs: bool = True) -> Shape:
    gpus = draw(st.sampled_from([0, 0, 1, 1, 2, 3]))
    least = draw(st.sampled_from([1, 1, 1, 2, 3])) if gangs else 1
    return shape(
        gpus,
        cpu=draw(st.sampled_from([1, 1, 2, 3, 5])),
        memory=draw(st.sampled_from([1, 1, 2, 3, 5])),
        model=draw(st.sampled_from([None, None, None, *MODELS])) if gpus else None,
        gpu_memory=draw(st.sampled_from([None, None, None, 40])) if gpus else None,
        limit=draw(st.sampled_from([None, 60, 100, 300, 1000])),
        size=(least, least + draw(st.sampled_from([0, 0, 2]))) if gangs else 1,
        queue=draw(st.sampled_from(["q", "q", "p"])),
        selector=draw(st.sampled_from([None, None, None, None, {"zone": "a"}])),
    )


@st.composite
def worlds(draw: st.DrawFn, *, gangs: bool = True, paused: bool = True) -> World:
    machines = tuple(draw(nodes(f"n{i}")) for i in range(draw(st.integers(1, 5))))
    queues = (
        queue("q", 10, *draw(st.sampled_from([("c",), ("c",), ("c", "d"), ("d", "c")]))),
        queue("p", draw(st.sampled_from([5, 10, 20])), "c", paused=paused and draw(st.integers(0, 9)) == 0),
    )
    kinds = draw(st.lists(shapes(gangs=gangs), min_size=1, max_size=6))
    running: list[RunningJob] = []
    before = [job(f"r{i}", draw(st.sampled_from(kinds)), seq=i) for i in range(draw(st.integers(2, 12)))]
    view = Snapshot.of(nodes=machines, queues=queues, waiting=before)
    for each in as_running(plan(view, NOW - 50), before, NOW - 50):
        age = draw(st.sampled_from([None, 0, 10, 50]))
        running.append(
            replace(
                each,
                started_at=None if age is None else NOW - age,
                stopping=draw(st.integers(0, 9)) == 0,
                replicas=each.replicas[draw(st.integers(0, len(each.replicas) - 1)) :],
            )
        )
    waiting = tuple(
        job(f"w{i}", draw(st.sampled_from(kinds)), seq=100 + i, priority=draw(st.sampled_from([0, 0, 1])))
        for i in range(draw(st.integers(2, 10)))
    )
    return World(machines, queues, tuple(running), waiting)


def as_running(made: Plan, waiting: Iterable[WaitingJob], at: float) -> list[RunningJob]:
    """What runs when a plan has been applied and all its jobs have started."""
    by_id = {each.id: each for each in waiting}
    return [
        RunningJob(
            id=start.job_id,
            seq=by_id[start.job_id].seq,
            priority=by_id[start.job_id].priority,
            queue_id=by_id[start.job_id].shape.queue_id,
            owner_id=by_id[start.job_id].owner_id,
            shape=by_id[start.job_id].shape,
            attempt=1,
            started_at=at,
            replicas=tuple(HeldReplica(each.rank, each.node_id, each.gpu_uuids) for each in start.placements),
        )
        for start in made.starts
    ]


def applied(world: World, made: Plan, at: float) -> World:
    """The world when a plan has been applied."""
    gone = {start.job_id for start in made.starts}
    return replace(
        world,
        running=(*world.running, *as_running(made, world.waiting, at)),
        waiting=tuple(each for each in world.waiting if each.id not in gone),
    )


def check_nothing_is_overcommitted(world: World) -> None:
    """Raise AssertionError if nodes hold more than they have, or a GPU is held twice or by the wrong job."""
    by_id = {each.id: each for each in world.nodes}
    cpu, memory, replicas = defaultdict[str, int](int), defaultdict[str, int](int), defaultdict[str, int](int)
    holder: dict[str, str] = {}
    for each in world.running:
        need = each.shape.resources
        for replica in each.replicas:
            machine = by_id[replica.node_id]
            cpu[machine.id] += need.cpu_millicores
            memory[machine.id] += need.memory_mb
            replicas[machine.id] += 1
            assert len(replica.gpu_uuids) == need.gpu_count
            for uuid in replica.gpu_uuids:
                assert uuid not in holder, f"{uuid} is held by {holder[uuid]} and {each.id}"
                holder[uuid] = each.id
                (device,) = [device for device in machine.gpus if device.uuid == uuid]
                assert need.gpus is not None
                assert need.gpus.accepts(device)
            assert each.shape.runtime in machine.runtimes
            assert all(machine.labels.get(key) == value for key, value in each.shape.node_selector)
    for machine in world.nodes:
        assert cpu[machine.id] <= machine.cpu_millicores
        assert memory[machine.id] <= machine.memory_mb
        assert replicas[machine.id] <= 1 or not machine.single_job


def room(machine: NodeView, running: Iterable[RunningJob], wanted: Shape) -> int:
    """How many replicas the node has room for now, counted the plain way."""
    held = [(each, replica) for each in running for replica in each.replicas if replica.node_id == machine.id]
    if not machine.schedulable or (machine.single_job and held) or wanted.runtime not in machine.runtimes:
        return 0
    if any(machine.labels.get(key) != value for key, value in wanted.node_selector):
        return 0
    need = wanted.resources
    cpu = machine.cpu_millicores - sum(each.shape.resources.cpu_millicores for each, _ in held)
    memory = machine.memory_mb - sum(each.shape.resources.memory_mb for each, _ in held)
    count = min(cpu // need.cpu_millicores, memory // need.memory_mb)
    if need.gpus is not None:
        taken = {uuid for _, replica in held for uuid in replica.gpu_uuids}
        free = [g for g in machine.gpus if g.healthy and g.uuid not in taken and need.gpus.accepts(g)]
        count = min(count, len(free) // need.gpus.count)
    return max(0, min(count, 1) if machine.single_job else count)


def fits(world: World, wanted: Shape, queues: Mapping[str, QueueView] | None = None) -> bool:
    """Whether the least size of the shape has room in one of the queue's clusters now."""
    by_id = queues or {each.id: each for each in world.queues}
    for cluster_id in by_id[wanted.queue_id].cluster_targets:
        here = [machine for machine in world.nodes if machine.cluster_id == cluster_id]
        if sum(room(machine, world.running, wanted) for machine in here) >= wanted.size.min:
            return True
    return False


def emptied(world: World, *, healthy: bool) -> World:
    """The same nodes with nothing on them; with `healthy` all of them well and ready for work."""
    machines = world.nodes
    if healthy:
        machines = tuple(
            replace(each, schedulable=True, gpus=tuple(replace(g, healthy=True) for g in each.gpus))
            for each in machines
        )
    return replace(world, nodes=machines, running=())
