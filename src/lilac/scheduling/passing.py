"""One pass: from a snapshot to a plan.

Queues are served by priority number, jobs of a queue by priority, then by submission. Groups of one shape take part
with the job at their front; the group whose front is next in turn is tried, and when it does not fit it is out for
this pass, because capacity only shrinks and reservations only grow while the pass goes on. So a pass costs what it
places plus the number of shapes, not what waits.

A job that cannot start now but could ever reserves its place (`reserving`). Everything happens on the pass's own copy
of the free capacity; the snapshot is not changed.

Invariants: no node is over-committed; a job starts with at least its least size or not at all, in one cluster; a
later job never delays the reserved start of an earlier one; the same snapshot and time give the same plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from lilac.model.ids import JobId
from lilac.scheduling.board import Snapshot
from lilac.scheduling.capacity import Capacity
from lilac.scheduling.ends import End, RunKey
from lilac.scheduling.fitting import place
from lilac.scheduling.growing import grow
from lilac.scheduling.line import Group, Turn
from lilac.scheduling.making_room import MadeRoom, make_room, without
from lilac.scheduling.plans import Grow, Placement, Preempt, Shrink, Start
from lilac.scheduling.reserving import Holds, Outlook
from lilac.scheduling.satisfying import fits_ever
from lilac.scheduling.views import HeldReplica, QueueView, RunningJob, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be tuned."""

    reservations: int = 1
    """How many waiting jobs that ask for the same kind of place reserve in each cluster."""
    reservations_per_cluster: int = 32
    """How many reserve in each cluster in all."""
    growth: bool = False
    """Whether running elastic jobs get what is left over."""
    preemption: bool = False
    """Whether jobs of lower priority make room: elastic ones by shrinking, preemptible ones by being stopped."""


DEFAULT_POLICY = Policy()

MOST_ROOM_TRIES = 3
"""For how many jobs a pass tries to make room before it leaves that to the next pass."""


class Pass:
    """The working state of one pass. `run` once; afterwards it is what the reasons are worked out from."""

    def __init__(self, snapshot: Snapshot, now: float, policy: Policy, started_before: Container[JobId] = ()) -> None:
        self.snapshot = snapshot
        self.now = now
        self.policy = policy
        self.capacity: Capacity = snapshot.capacity.copy()
        self.holds = Holds(now)
        self.started: dict[RunKey, RunningJob] = {}
        """Jobs started in this pass, as they will run, with attempt 0."""
        self.heads: dict[Shape, JobId] = {}
        """Shapes that could not start, with the job that was in front."""
        self.starts: list[Start] = []
        self.grows: list[Grow] = []
        self.shrinks: tuple[Shrink, ...] = ()
        self.preemptions: tuple[Preempt, ...] = ()
        self.making_room_for: JobId | None = None
        """The job for which others shrink or are stopped."""
        self._started_before = started_before
        self._made: MadeRoom | None = None
        self._room_tries = MOST_ROOM_TRIES
        self._new_ends: list[End] = []

    def run(self) -> None:
        """Decide everything."""
        snapshot = self.snapshot
        for queue in sorted(snapshot.queues.values(), key=lambda queue: (queue.priority, queue.name, queue.id)):
            groups = snapshot.waiting.groups(queue.id)
            if queue.paused:
                self._block_all(groups)
            else:
                self._serve(queue, list(groups))
        for queue_id in snapshot.waiting.queue_ids():
            if queue_id not in snapshot.queues:
                self._block_all(snapshot.waiting.groups(queue_id))
        if self._made is not None and not self._helps(self._made, self._made.reservation.job_id):
            self.shrinks, self.preemptions, self.making_room_for = (), (), None
        if self.policy.growth:
            touched = {each.job_id for each in (*self.shrinks, *self.preemptions)}
            self.grows = grow(snapshot, self.capacity, self.holds, touched)

    def running(self, key: RunKey) -> RunningJob:
        """A job that runs, or was started in this pass."""
        job = self.snapshot.running.get(key)
        return self.started[key] if job is None else job

    def ends(self) -> Iterator[End]:
        """Expected ends of what runs and of what was started in this pass, in order."""
        return heapq.merge(self.snapshot.ends.in_order(self.now), sorted(self._new_ends))

    def _block_all(self, groups: Iterable[Group]) -> None:
        fronts = [(turn, group.shape) for group in groups if (turn := group.turn(0)) is not None]
        for turn, shape in sorted(fronts, key=lambda front: front[0]):
            self.heads[shape] = turn[2]

    def _serve(self, queue: QueueView, groups: list[Group]) -> None:
        """Start what can start of one queue, in turn."""
        turns: list[tuple[Turn, int, int]] = []
        for index, group in enumerate(groups):
            front = self._next(group, 0)
            if front is not None:
                turns.append((front[0], index, front[1]))
        heapq.heapify(turns)
        while turns:
            turn, index, position = turns[0]
            group = groups[index]
            permits = self.holds.permits(group.shape, self.capacity)
            placements = place(self.capacity, queue.cluster_targets, group.shape, permits)
            if placements is None:
                heapq.heappop(turns)
                self.heads[group.shape] = turn[2]
                self._reserve(queue, group.shape, turn)
                continue
            self._start(queue, group.shape, turn, placements)
            following = self._next(group, position + 1)
            if following is None:
                heapq.heappop(turns)
            else:
                heapq.heapreplace(turns, (following[0], index, following[1]))

    def _next(self, group: Group, position: int) -> tuple[Turn, int] | None:
        """The first turn from this position on of a job that has not been started, with its position."""
        while (turn := group.turn(position)) is not None and turn[2] in self._started_before:
            position += 1
        return None if turn is None else (turn, position)

    def _start(self, queue: QueueView, shape: Shape, turn: Turn, placements: tuple[Placement, ...]) -> None:
        negative_priority, seq, job_id = turn
        self.starts.append(Start(job_id, placements))
        job = RunningJob(
            id=job_id,
            seq=seq,
            priority=-negative_priority,
            queue_id=queue.id,
            shape=shape,
            attempt=0,
            replicas=tuple([HeldReplica(each.rank, each.node_id, each.gpu_uuids) for each in placements]),
        )
        self.started[(job_id, 0)] = job
        if shape.time_limit_s is not None:
            self._new_ends.append((self.now + shape.time_limit_s, seq, job_id, 0))
        self.holds.note_start(job, self.snapshot.nodes)

    def _reserve(self, queue: QueueView, shape: Shape, turn: Turn) -> None:
        """Keep the turn of a job that cannot start now, if it may and could ever start."""
        policy, job_id = self.policy, turn[2]
        if policy.preemption and self._make_room(queue, shape, turn):
            return
        clusters = self.holds.open_clusters(
            shape, queue.cluster_targets, policy.reservations, policy.reservations_per_cluster
        )
        if not clusters or not fits_ever(self.snapshot, shape):
            return
        outlook = Outlook(self.capacity, shape, clusters, self.holds.by_node)
        found = outlook.reserve(job_id, self.ends(), self.running)
        if found is not None:
            self.holds.add(*found, self.capacity)

    def _make_room(self, queue: QueueView, shape: Shape, turn: Turn) -> bool:
        """Let jobs of lower priority make room for this one, if that helps it. One job at a time is helped so."""
        if not self._room_tries or not fits_ever(self.snapshot, shape):
            return False
        made = make_room(self.snapshot, self.capacity, self.holds, queue, shape, turn)
        if made is None:
            return False
        if not made.shrinks and not made.preemptions:
            self._room_tries = 0
            return False
        if not self._helps(made, turn[2]):
            self._room_tries -= 1
            return False
        self._room_tries = 0
        self._made = made
        self.shrinks, self.preemptions = made.shrinks, made.preemptions
        self.making_room_for = turn[2]
        self.holds.add(made.reservation, made.rooms, self.capacity)
        return True

    def _helps(self, made: MadeRoom, job_id: JobId) -> bool:
        """Whether the job would start when those who give way have gone."""
        after = without(self.snapshot, self.capacity, self.started, made)
        policy = replace(self.policy, preemption=False, growth=False)
        trial = Pass(after, self.now, policy, {started for started, _ in self.started})
        trial.run()
        return any(start.job_id == job_id for start in trial.starts)
