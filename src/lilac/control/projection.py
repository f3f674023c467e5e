"""The scheduler's board and the nodes' desired lists, kept equal to what was committed.

`take` is called on the event loop's thread after each commit, in commit order, with what a job has become; it brings
board and fleet to that state, whatever they held before. So nothing that was committed can be missed, also when the
request that caused it was cancelled meanwhile, and a rebuild from the store is the same code applied to each row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from lilac.control.array_lines import ArrayLines
from lilac.control.duetimes import DueTimes
from lilac.control.fleet import Fleet, Station
from lilac.control.waits import HeldJob, Waits
from lilac.model.arrays import JobArray
from lilac.model.clusters import Node, Queue
from lilac.model.ids import JobId, NodeId, ReplicaKey
from lilac.model.jobs import Attempt, Job
from lilac.model.lifecycle import Work, has_no_more_output
from lilac.model.states import Hold, JobState, NodeState, is_terminal
from lilac.model.volumes import volumes_of
from lilac.scheduling import Board, HeldReplica, NodeView, QueueView, RunningJob, Shape, WaitingJob, placed, shape_of


class Projection:
    """Board (what the scheduler plans on) and fleet (what the nodes should hold)."""

    def __init__(
        self,
        wake: Callable[[], None],
        *,
        legacy_time_limit_s: float,
        start_limit_s: float = 3600,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.board = Board()
        self.fleet = Fleet(monotonic)
        self.queues: dict[str, Queue] = {}
        self.deadlines: DueTimes[tuple[JobId, int]] = DueTimes()
        """When each live attempt must have started, or reaches its time limit."""
        self.drains: DueTimes[NodeId] = DueTimes()
        """When what runs on each draining node that has a deadline is stopped."""
        self.on_deadline: Callable[[], None] = lambda: None
        self.on_silence: Callable[[ReplicaKey], None] = lambda key: None
        """Told of every replica that ended and will never send (more) output."""
        self.places: dict[str, NodeId] = {}
        """On which node the data of each named volume is."""
        self.arrays = ArrayLines(self.board, self.shape_of)
        self.pauses: DueTimes[JobId] = DueTimes()
        """When each job that failed and is to be tried again gets in line."""
        self.on_pause: Callable[[], None] = lambda: None
        self.waits = Waits()
        """Which jobs and arrays wait for which."""
        self._alive: dict[JobId, dict[ReplicaKey, NodeId]] = {}
        self._wake = wake
        self.legacy_time_limit_s = legacy_time_limit_s
        self.start_limit_s = start_limit_s

    def submitted(self, jobs: Iterable[Job]) -> None:
        """Take in new jobs."""
        for job in jobs:
            if job.held is Hold.DEPENDENCY:
                self.waits.put(job.id, job.spec.after)
            else:
                self.board.submit(self.waiting_job(job))
        self._wake()

    def put_array(self, array: JobArray) -> None:
        """Take in an array as it is now."""
        if array.held is Hold.DEPENDENCY and not is_terminal(array.state):
            self.waits.put(array.id, array.spec.after)
        else:
            self.waits.drop(array.id)
        self.arrays.put(array)
        if array.cancelled.ranges:
            self.waits.elements_ended(array)
        if is_terminal(array.state):
            self.waits.ended(array.id)
        self._wake()

    def shape_of(self, job: Job) -> Shape:
        """The shape of a job's request, with where its volumes are."""
        return _one_of(placed(shape_of(job), self.places))

    def waiting_job(self, job: Job) -> WaitingJob:
        """The job as it stands in line, or would."""
        return waiting_job(job, self.places)

    def settle(self, volume_ids: Iterable[str], node_id: NodeId) -> None:
        """Note where the data of volumes is: what waits with one of them goes there."""
        new = {volume_id: node_id for volume_id in volume_ids if self.places.get(volume_id) != node_id}
        if not new:
            return
        self.places |= new
        for job in list(self.board.snapshot().waiting):
            if (shape := placed(job.shape, new)) is not job.shape:
                self.board.submit(replace(job, shape=_one_of(shape)))
        for line in self.arrays.lines.values():
            line.shape = _one_of(placed(line.shape, new))
        self._wake()

    def line_up(self, job: WaitingJob) -> None:
        if not self.alive(job.id):
            self.board.submit(job)
        self.arrays.note_waiting(job.id)
        self._wake()

    def hold(self, held: HeldJob) -> None:
        """Keep a job out of the line, as its row says."""
        if held.not_before is not None and self.pauses.put(held.id, held.not_before):
            self.on_pause()
        if held.after:
            self.waits.put(held.id, held.after)
        self.arrays.note_waiting(held.id)

    def take(self, work: Work) -> None:
        """Bring board and fleet to what this job (with this attempt) has become."""
        job = work.job
        size = work.attempt.size if work.attempt is not None else 0
        stop_reason = str(work.attempt.reason) if work.attempt is not None and work.attempt.reason else None
        for replica in work.replicas:
            was_held = self.fleet.put_replica(replica, job.spec, size, stop_reason)
            if was_held and has_no_more_output(replica):
                self.on_silence(replica.key)
        self._note_alive(work)
        if job.state is JobState.QUEUED and job.held is None and not self.alive(job.id):
            self.board.submit(self.waiting_job(job))
        else:
            self.board.withdraw(job.id)
        if job.held is Hold.PAUSE and job.not_before is not None:
            self.hold(HeldJob(job.id, job.not_before))
        else:
            self.pauses.discard(job.id)
        if job.held is not Hold.DEPENDENCY:
            self.waits.drop(job.id)
        self.arrays.note(job)
        if is_terminal(job.state):
            self.waits.ended(job.id)
        if work.attempt is not None:
            if job.spec.volumes:
                self.settle(volumes_of(job.spec), work.replicas[0].node_id)
            self._hold(work)
        self._wake()

    def alive(self, job_id: JobId) -> frozenset[tuple[ReplicaKey, NodeId]]:
        """The replicas of an exclusive job, of whatever attempt, that may still run, and where."""
        return frozenset(self._alive.get(job_id, {}).items())

    def _note_alive(self, work: Work) -> None:
        if not work.job.spec.exclusive:
            return
        alive = self._alive.setdefault(work.job.id, {})
        for replica in work.replicas:
            if is_terminal(replica.state):
                alive.pop(replica.key, None)
            else:
                alive[replica.key] = replica.node_id
        if not alive:
            del self._alive[work.job.id]

    def ageing_step_s(self) -> float | None:
        """The shortest time of ageing of a queue in which jobs wait, None if nothing ages."""
        waiting = self.board.waiting_queues()
        steps = [q.ageing_s for q in self.queues.values() if q.ageing_s is not None and q.id in waiting]
        return min(steps, default=None)

    def put_node(self, node: Node, *, seen: float) -> None:
        """Take in a node as it is now."""
        self._show(self.fleet.put_node(node, seen=seen))
        if not node.cordoned or node.drain_deadline is None:
            self.drains.discard(node.id)
        elif self.drains.put(node.id, node.drain_deadline):
            self.on_deadline()

    def doom(self, node: Node, volumes: Mapping[str, str]) -> None:
        """Note which deleted volumes a node is to delete the data of."""
        if (station := self.fleet.get(node.id)) is not None:
            station.doom(volumes)

    def occupy(self, station: Station, occupied: bool) -> None:
        """Note whether an original agent still holds what is not its assignment: until then it can take nothing."""
        if station.occupied is not occupied:
            station.occupied = occupied
            self._show(station)

    def drop_node(self, node: Node) -> None:
        self.fleet.drop_node(node.id)
        self.drains.discard(node.id)
        self.board.remove_node(node.id)
        self._wake()

    def put_directory(self, queues: Iterable[Queue], nodes: Iterable[Node], now: float) -> None:
        """Take in all queues and nodes as they are after somebody changed them by hand."""
        self.put_queues(queues)
        gone = dict(self.fleet.stations)
        for node in nodes:
            station = gone.pop(node.id, None)
            self.put_node(node, seen=now if station is None else station.last_seen)
        for station in gone.values():
            self.drop_node(station.node)

    def put_queues(self, queues: Iterable[Queue]) -> None:
        """Take in all queues as they are now."""
        fresh = {str(q.id): q for q in queues}
        for gone in self.queues.keys() - fresh.keys():
            self.board.remove_queue(self.queues[gone].id)
        for queue in fresh.values():
            self.board.put_queue(QueueView.of(queue))
        self.queues = fresh
        self._wake()

    def _show(self, station: Station) -> None:
        node = station.node.evolve(state=NodeState.DRAINING) if station.occupied else station.node
        self.board.put_node(NodeView.of(node))
        self._wake()

    def _hold(self, work: Work) -> None:
        job, attempt = work.job, work.attempt
        assert attempt is not None
        live = [r for r in work.replicas if not is_terminal(r.state)]
        if not live:
            for replica in work.replicas:
                self.board.release(job.id, attempt.number, replica.key.rank)
            self.deadlines.discard((job.id, attempt.number))
            return
        ended = is_terminal(attempt.state)
        held = tuple(HeldReplica(r.key.rank, r.node_id, r.gpu_uuids) for r in live)
        self.board.place(
            RunningJob(
                id=job.id,
                seq=job.turn,
                priority=job.spec.priority,
                queue_id=job.spec.queue_id,
                shape=shape_of(job),
                attempt=attempt.number,
                started_at=attempt.started_at,
                replicas=held,
                stopping=ended,
                owner_id=job.owner_id,
                leaving=frozenset() if ended else frozenset(r.key.rank for r in live if r.stop_wanted),
                ranks_used=len(work.replicas),
            )
        )
        due = None if ended else self._due(work, attempt)
        if due is None:
            self.deadlines.discard((job.id, attempt.number))
        elif self.deadlines.put((job.id, attempt.number), due):
            self.on_deadline()

    def _due(self, work: Work, attempt: Attempt) -> float | None:
        """When a live attempt has had its time: to start, or to run."""
        if attempt.started_at is None:
            return attempt.created_at + self.start_limit_s
        limit = self.time_limit_s(work)
        return None if limit is None else attempt.started_at + limit

    def time_limit_s(self, work: Work) -> float | None:
        """The job's own limit; on an original agent, which never reports a failed container, the server's."""
        if work.job.spec.time_limit_s is not None:
            return work.job.spec.time_limit_s
        station = self.fleet.get(work.replicas[0].node_id)
        legacy = station is not None and station.node.inventory.legacy
        return self.legacy_time_limit_s if legacy else None


def waiting_job(job: Job, places: Mapping[str, NodeId]) -> WaitingJob:
    """The job as the line keeps it. Equal shapes are one object, so a long line of equal jobs is small."""
    return WaitingJob.of(job, _one_of(placed(shape_of(job), places)))


@lru_cache(maxsize=4096)
def _one_of(shape: Shape) -> Shape:
    return shape
