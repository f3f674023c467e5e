"""One pass: from a snapshot to a plan.

Queues are served by priority number (less the steps that the job in front has gained by waiting, in a queue with
ageing), jobs of a queue as its `Lineup` says. Groups of one shape and owner take part with the job at their front; the
group whose front is next in turn is tried, and when it does not fit it is out for this pass, and all others of its
shape with it, because capacity only shrinks and reservations only grow while the pass goes on. A group that a limit
stops is out as well, alone. So a pass costs what it places plus the number of groups, not what waits.

A job that cannot start now but could ever reserves its place (`reserving`). Everything happens on the pass's own copy
of the free capacity; the snapshot is not changed.

Invariants: no node is over-committed; a job starts with at least its least size or not at all, in one cluster; a
later job never delays the reserved start of an earlier one; the same snapshot and time give the same plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from lilac.model.ids import JobId, UserId
from lilac.model.jobs import SizeRange
from lilac.model.limits import NOTHING_HELD, Amount, QueueOrder, amount_of
from lilac.scheduling.board import Snapshot
from lilac.scheduling.capacity import Capacity
from lilac.scheduling.ends import End, RunKey
from lilac.scheduling.fitting import place
from lilac.scheduling.growing import grow
from lilac.scheduling.limiting import Gates, Limited, dominant_share, in_all
from lilac.scheduling.line import Group, GroupKey, Turn
from lilac.scheduling.lineup import Lineup, Share
from lilac.scheduling.making_room import MadeRoom, make_room, without
from lilac.scheduling.plans import Grow, Placement, Preempt, Shrink, Start
from lilac.scheduling.reserving import Holds, Outlook
from lilac.scheduling.satisfying import fits_ever
from lilac.scheduling.views import HeldReplica, QueueView, RunningJob, Shape, WaitingJob


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
        self.gates = Gates(snapshot.usage, now, self.ends, self.running)
        self.started: dict[RunKey, RunningJob] = {}
        """Jobs started in this pass, as they will run, with attempt 0."""
        self.heads: dict[Shape, JobId] = {}
        """Shapes that could not start, with the job that was in front."""
        self.limited: dict[GroupKey, Limited] = {}
        """Groups that a limit keeps from starting."""
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
        self._totals: dict[str, Amount] | None = None

    def run(self) -> None:
        """Decide everything."""
        snapshot = self.snapshot
        lineups: list[tuple[QueueView, Lineup]] = []
        turns: list[tuple[int, str, str, int]] = []
        for queue in sorted(snapshot.queues.values(), key=lambda queue: (queue.priority, queue.name, queue.id)):
            groups = snapshot.waiting.groups(queue.id)
            if queue.paused:
                self._block_all(groups)
                continue
            lineup = Lineup(groups, self._started_before, self._share(queue))
            if (number := self._number(queue, lineup)) is not None:
                turns.append((number, queue.name, queue.id, len(lineups)))
                lineups.append((queue, lineup))
        for queue_id in snapshot.waiting.queue_ids():
            if queue_id not in snapshot.queues:
                self._block_all(snapshot.waiting.groups(queue_id))
        heapq.heapify(turns)
        while turns:
            _, name, queue_id, index = turns[0]
            queue, lineup = lineups[index]
            self._serve(queue, lineup)
            number = self._number(queue, lineup)
            if number is None:
                heapq.heappop(turns)
            elif queue.ageing_s is not None:
                heapq.heapreplace(turns, (number, name, queue_id, index))
        if self._made is not None and not self._helps(self._made, self._made.reservation.job_id):
            self.shrinks, self.preemptions, self.making_room_for = (), (), None
        if self.policy.growth:
            touched = {each.job_id for each in (*self.shrinks, *self.preemptions)}
            self.grows = grow(snapshot, self.capacity, self.holds, self.gates, touched)

    def running(self, key: RunKey) -> RunningJob:
        """A job that runs, or was started in this pass."""
        job = self.snapshot.running.get(key)
        return self.started[key] if job is None else job

    def is_head(self, job: WaitingJob) -> bool:
        """Whether this job was the one in front when its shape or its group could not start."""
        head = self.heads.get(job.shape)
        limited = self.limited.get((job.shape, job.owner_id)) if head is None else None
        return (limited.job_id if limited is not None else head) == job.id

    def ends(self) -> Iterator[End]:
        """Expected ends of what runs and of what was started in this pass, in order."""
        return heapq.merge(self.snapshot.ends.in_order(self.now), sorted(self._new_ends))

    def _block_all(self, groups: Iterable[Group]) -> None:
        fronts = [(turn, group.shape) for group in groups if (turn := group.turn(0)) is not None]
        for turn, shape in sorted(fronts, key=lambda front: front[0]):
            self.heads.setdefault(shape, turn[2])

    def _number(self, queue: QueueView, lineup: Lineup) -> int | None:
        """The queue's priority number as the wait of its job in front makes it; None if nothing is left to try."""
        front = lineup.front()
        if front is None:
            return None
        job = self.snapshot.waiting.get(front[0][2]) if queue.ageing_s is not None else None
        if job is None or queue.ageing_s is None:
            return queue.priority
        return queue.priority - max(0, int((self.now - job.submitted_at) / queue.ageing_s))

    def _share(self, queue: QueueView) -> Share | None:
        """What share of the queue's clusters a user has in the queue, for a fair queue."""
        if queue.order is not QueueOrder.FAIR:
            return None
        if self._totals is None:
            self._totals = {}
            for node in self.snapshot.nodes.values():
                if node.schedulable:
                    here = Amount(0, len(node.gpus), node.cpu_millicores, node.memory_mb)
                    self._totals[node.cluster_id] = self._totals.get(node.cluster_id, NOTHING_HELD) + here
        total, usage, queue_id = in_all(queue, self._totals), self.gates.usage, queue.id

        def share(owner_id: UserId | None) -> float:
            return dominant_share(usage.of_user(queue_id, owner_id), total)

        return share

    def _serve(self, queue: QueueView, lineup: Lineup) -> None:
        """Try the job in front; start it, or put its group out."""
        front = lineup.front()
        assert front is not None
        turn, group = front
        shape, owner_id = group.shape, group.owner_id
        if shape in self.heads:
            lineup.drop()
            return
        room = self.gates.room(queue, owner_id, shape)
        if room < shape.size.min:
            self.limited[(shape, owner_id)] = self.gates.refusal(queue, owner_id, shape, turn[2])
            lineup.drop()
            return
        wanted = shape if room >= shape.size.max else replace(shape, size=SizeRange(shape.size.min, room))
        permits = self.holds.permits(shape, self.capacity)
        placements = place(self.capacity, queue.cluster_targets, wanted, permits)
        if placements is None:
            self.heads[shape] = turn[2]
            self._reserve(queue, group, turn)
            lineup.drop()
            return
        self._start(queue, group, turn, placements)
        lineup.advance()

    def _start(self, queue: QueueView, group: Group, turn: Turn, placements: tuple[Placement, ...]) -> None:
        shape = group.shape
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
            owner_id=group.owner_id,
        )
        self.started[(job_id, 0)] = job
        if shape.time_limit_s is not None:
            self._new_ends.append((self.now + shape.time_limit_s, seq, job_id, 0))
        self.holds.note_start(job, self.snapshot.nodes)
        self.gates.note_start(queue, job, amount_of(shape.resources, len(placements)))

    def _reserve(self, queue: QueueView, group: Group, turn: Turn) -> None:
        """Keep the turn of a job that cannot start now, if it may and could ever start."""
        policy, shape, job_id = self.policy, group.shape, turn[2]
        if policy.preemption and queue.preemption and self._make_room(queue, shape, turn):
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
