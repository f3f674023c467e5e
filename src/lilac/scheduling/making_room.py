"""Making room for a waiting job: elastic jobs shrink to their least size first, then preemptible ones are stopped.

Only jobs of strictly lower priority give way: those of a queue with a larger priority number, or of the same queue
number with a smaller job priority, unless their queue is served first. They are asked from the lowest priority up, the
youngest first, one by one, until the waiting job would fit; then everybody whose part turns out not to be needed is let
off, the most important first.
If it would not fit even with all of them gone, nobody is touched.

Whether it helps is tried to the end: with those gone, a pass from here must start the job, since room that comes
free could also move the reservations of jobs before it in line. What is freed stays with the waiting job: its place is
reserved from now on. Jobs that are stopping already count as gone, so nobody is stopped twice for the same job, and a
pass helps one job only: the next is helped when this one has started. Replicas that are leaving after a shrink count
as gone too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lilac.model.ids import JobId, NodeId
from lilac.model.jobs import SizeRange
from lilac.scheduling.board import Snapshot
from lilac.scheduling.capacity import Capacity, Free, acceptable, suits
from lilac.scheduling.ends import Ends, RunKey, run_key
from lilac.scheduling.fitting import place
from lilac.scheduling.limiting import Usage
from lilac.scheduling.line import Turn
from lilac.scheduling.plans import Preempt, Shrink
from lilac.scheduling.reserving import Holds, Reservation, Room
from lilac.scheduling.views import HeldReplica, QueueView, RunningJob, Shape


@dataclass(frozen=True, slots=True)
class Part:
    """What one job can give: its last replica above its least size, or all of it."""

    job: RunningJob
    replicas: tuple[HeldReplica, ...]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRoom:
    """Who gives way, and the place that is kept for the job. Nobody gives way if enough is stopping already."""

    shrinks: tuple[Shrink, ...]
    preemptions: tuple[Preempt, ...]
    reservation: Reservation
    rooms: Mapping[NodeId, Room]
    gone: tuple[Part, ...]
    """What is given up, and what is stopping already."""


def make_room(
    snapshot: Snapshot, capacity: Capacity, holds: Holds, queue: QueueView, shape: Shape, turn: Turn
) -> MadeRoom | None:
    """Who should give way so that the job starts; None if nobody can help it."""
    if not snapshot.givers:
        return None
    stopping = list(_going(snapshot))
    trial = Trial(capacity, holds, queue, shape, stopping)
    chosen: list[Part] = []
    nodes = trial.nodes_with(())
    if nodes is None:
        enough = trial.first_enough(_parts(snapshot, queue, shape, -turn[0]))
        if enough is None:
            return None
        chosen = trial.needed_of(enough)
        nodes = trial.nodes_with(chosen)
    if nodes is None:
        return None
    stopped = {id(part.job) for part in chosen if part.whole}
    ranks: dict[int, tuple[RunningJob, list[int]]] = {}
    for part in chosen:
        if id(part.job) not in stopped:
            ranks.setdefault(id(part.job), (part.job, []))[1].extend(replica.rank for replica in part.replicas)
    cluster_id = snapshot.nodes[nodes[0][0]].cluster_id
    return MadeRoom(
        shrinks=tuple(Shrink(job.id, tuple(sorted(each))) for job, each in ranks.values()),
        preemptions=tuple(Preempt(part.job.id) for part in chosen if part.whole),
        reservation=Reservation(turn[2], shape, cluster_id, holds.now, nodes),
        rooms=trial.rooms_with(chosen, nodes),
        gone=(*stopping, *chosen),
    )


def without(snapshot: Snapshot, capacity: Capacity, started: Mapping[RunKey, RunningJob], made: MadeRoom) -> Snapshot:
    """The state when those who give way have gone, and what was started so far runs."""
    after = capacity.copy()
    running = {**snapshot.running, **started}
    for part in made.gone:
        key = run_key(part.job)
        job = running.get(key)
        if job is None:
            continue
        ranks = {replica.rank for replica in part.replicas}
        for replica in job.replicas:
            if replica.rank in ranks:
                after.give(replica.node_id, job.shape, replica.gpu_uuids)
        left = tuple(replica for replica in job.replicas if replica.rank not in ranks)
        if left:
            running[key] = replace(job, replicas=left)
        else:
            del running[key]
    ends = Ends()
    for job in running.values():
        ends.add(job)
    return replace(
        snapshot,
        capacity=after,
        running=running,
        ends=ends,
        usage=Usage.of(running.values()),
        givers={key: job for key, job in running.items() if job.gives_way},
    )


class Trial:
    """What if these gave way? A capacity in which that can be tried and undone."""

    def __init__(
        self, capacity: Capacity, holds: Holds, queue: QueueView, shape: Shape, stopping: Iterable[Part]
    ) -> None:
        self._capacity = capacity.copy()
        self._shape = replace(shape, size=SizeRange(shape.size.min, shape.size.min))
        self._targets = queue.cluster_targets
        self._permits = holds.permits(shape, self._capacity)
        self._given: set[tuple[JobId, int, int]] = set()
        for part in stopping:
            self._give(part)

    def first_enough(self, parts: Sequence[Part]) -> Sequence[Part] | None:
        """The shortest beginning of these parts that is enough, None if all of them are not."""
        before, given = self._capacity.free.copy(), set(self._given)
        enough, short, step = 0, 0, 1
        while not enough and short < len(parts):
            reach = min(short + step, len(parts))
            for part in parts[short:reach]:
                self._give(part)
            if self._nodes() is None:
                short, step = reach, step * 2
            else:
                enough = reach
        self._restore(before, given)
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if self.nodes_with(parts[:middle]) is not None else (middle, enough)
        return parts[:enough] if enough else None

    def needed_of(self, parts: Sequence[Part]) -> list[Part]:
        """Of parts that are enough, a choice that is enough and of which none can be left out."""
        nodes = {node_id for node_id, _ in self.nodes_with(parts) or ()}
        near = [part for part in parts if any(replica.node_id in nodes for replica in part.replicas)]
        chosen = near if self.nodes_with(near) is not None else list(parts)
        for part in reversed(list(chosen)):
            rest = [other for other in chosen if other is not part]
            if self.nodes_with(rest) is not None:
                chosen = rest
        return chosen

    def nodes_with(self, parts: Iterable[Part]) -> tuple[tuple[NodeId, int], ...] | None:
        """Where the job would start if these gave way, None if it would not."""
        before, given = self._capacity.free.copy(), set(self._given)
        for part in parts:
            self._give(part)
        nodes = self._nodes()
        self._restore(before, given)
        return nodes

    def rooms_with(self, parts: Iterable[Part], nodes: Iterable[tuple[NodeId, int]]) -> dict[NodeId, Room]:
        """What would be free on these nodes if these parts gave way."""
        before, given = self._capacity.free.copy(), set(self._given)
        for part in parts:
            self._give(part)
        gpus = self._shape.gpus
        rooms: dict[NodeId, Room] = {}
        for node_id, _ in nodes:
            free = self._capacity.free[node_id]
            rooms[node_id] = Room(free.cpu, free.memory, acceptable(gpus, free.gpus) if gpus is not None else 0)
        self._restore(before, given)
        return rooms

    def _nodes(self) -> tuple[tuple[NodeId, int], ...] | None:
        before = self._capacity.free.copy()
        placements = place(self._capacity, self._targets, self._shape, self._permits)
        if placements is None:
            return None
        counts: dict[NodeId, int] = {}
        for placement in placements:
            counts[placement.node_id] = counts.get(placement.node_id, 0) + 1
        for node_id in counts:
            self._capacity.set_free(node_id, before[node_id])
        return tuple(counts.items())

    def _give(self, part: Part) -> None:
        job = part.job
        for replica in part.replicas:
            key = (job.id, job.attempt, replica.rank)
            if key not in self._given:
                self._given.add(key)
                self._capacity.give(replica.node_id, job.shape, replica.gpu_uuids)

    def _restore(self, before: dict[NodeId, Free], given: set[tuple[JobId, int, int]]) -> None:
        for node_id, free in before.items():
            if self._capacity.free[node_id] is not free:
                self._capacity.set_free(node_id, free)
        self._given = given


def _going(snapshot: Snapshot) -> Iterable[Part]:
    """What is stopping already."""
    for job in snapshot.givers.values():
        if job.stopping:
            yield Part(job, job.replicas, True)
        elif job.leaving:
            yield Part(job, tuple(replica for replica in job.replicas if replica.rank in job.leaving), False)


def _parts(snapshot: Snapshot, queue: QueueView, shape: Shape, priority: int) -> list[Part]:
    """What jobs of lower priority can give, in the order in which they are asked."""
    asked: list[tuple[tuple[int, int, float, int, str], RunningJob]] = []
    for job in snapshot.givers.values():
        theirs = snapshot.queues.get(job.queue_id)
        if theirs is None or job.stopping or job.id in snapshot.waiting:
            continue
        # Of queues with the same number the one that is served later only: else it would take its place back at once.
        served_later = (theirs.priority, theirs.name, theirs.id) >= (queue.priority, queue.name, queue.id)
        if served_later and (theirs.priority, -job.priority) > (queue.priority, -priority):
            age = math.inf if job.started_at is None else job.started_at
            asked.append(((-theirs.priority, job.priority, -age, -job.seq, job.id), job))
    asked.sort(key=lambda each: each[0])
    nodes = snapshot.capacity.nodes

    def useful(replica: HeldReplica) -> bool:
        node = nodes.get(replica.node_id)
        return node is not None and node.schedulable and node.cluster_id in queue.cluster_targets and suits(node, shape)

    parts: list[Part] = []
    for _, job in asked:
        surplus = job.staying - job.shape.size.min
        if job.shape.elastic and surplus > 0:
            staying = [replica for replica in job.replicas if replica.rank not in job.leaving]
            last = sorted(staying, key=lambda replica: -replica.rank)[:surplus]
            parts.extend(Part(job, (replica,), False) for replica in last if useful(replica))
    parts.extend(
        Part(job, job.replicas, True)
        for _, job in asked
        if job.shape.preemptible and any(useful(replica) for replica in job.replicas)
    )
    return parts
