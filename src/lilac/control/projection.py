"""The scheduler's board and the nodes' desired lists, kept equal to what was committed.

`take` is called on the event loop's thread after each commit, in commit order, with what a job has become; it brings
board and fleet to that state, whatever they held before. So nothing that was committed can be missed, also when the
request that caused it was cancelled meanwhile, and a rebuild from the store is the same code applied to each row.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from lilac.control.fleet import Fleet
from lilac.model.clusters import Node, Queue
from lilac.model.ids import JobId, ReplicaKey
from lilac.model.jobs import Job
from lilac.model.lifecycle import Work, has_no_more_output
from lilac.model.states import JobState, NodeState, is_terminal
from lilac.scheduling import Board, HeldReplica, NodeView, QueueView, RunningJob, WaitingJob, shape_of


class Projection:
    """Board (what the scheduler plans on) and fleet (what the nodes should hold)."""

    def __init__(self, wake: Callable[[], None], *, legacy_time_limit_s: float) -> None:
        self.board = Board()
        self.fleet = Fleet()
        self.queues: dict[str, Queue] = {}
        self.deadlines: list[tuple[float, JobId, int]] = []
        """Heap of (time, job, attempt) at which a running job reaches its time limit."""
        self.on_deadline: Callable[[], None] = lambda: None
        self.on_silence: Callable[[ReplicaKey], None] = lambda key: None
        """Told of every replica that ended and will never send (more) output."""
        self._wake = wake
        self._legacy_time_limit_s = legacy_time_limit_s

    def submitted(self, job: Job) -> None:
        self.board.submit(WaitingJob.of(job))
        self._wake()

    def take(self, work: Work) -> None:
        """Bring board and fleet to what this job (with this attempt) has become."""
        job = work.job
        for replica in work.replicas:
            if has_no_more_output(replica):
                self.on_silence(replica.key)
            self.fleet.put_replica(replica, job.spec, len(work.replicas))
        if job.state is JobState.QUEUED:
            self.board.submit(WaitingJob.of(job))
        else:
            self.board.withdraw(job.id)
        if work.attempt is not None:
            self._hold(work)
        self._wake()

    def put_node(self, node: Node, *, seen: float, occupied: bool = False) -> None:
        """Take in a node as it is now. `occupied`: an original agent still runs what is not ours to count."""
        station = self.fleet.put_node(node, seen=seen)
        view = NodeView.of(station.node)
        if occupied and view.schedulable:
            view = NodeView.of(station.node.evolve(state=NodeState.DRAINING))
        self.board.put_node(view)
        self._wake()

    def drop_node(self, node: Node) -> None:
        self.fleet.drop_node(node.id)
        self.board.remove_node(node.id)
        self._wake()

    def put_queues(self, queues: list[Queue]) -> None:
        """Take in all queues as they are now."""
        fresh = {str(q.id): q for q in queues}
        for gone in self.queues.keys() - fresh.keys():
            self.board.remove_queue(self.queues[gone].id)
        for queue in queues:
            self.board.put_queue(QueueView.of(queue))
        self.queues = fresh
        self._wake()

    def _hold(self, work: Work) -> None:
        job, attempt = work.job, work.attempt
        assert attempt is not None
        live = [r for r in work.replicas if not is_terminal(r.state)]
        if not live:
            for replica in work.replicas:
                self.board.release(job.id, attempt.number, replica.key.rank)
            return
        held = tuple(HeldReplica(r.key.rank, r.node_id, r.gpu_uuids) for r in live)
        self.board.place(
            RunningJob(
                id=job.id,
                seq=job.seq,
                priority=job.spec.priority,
                queue_id=job.spec.queue_id,
                shape=shape_of(job),
                attempt=attempt.number,
                started_at=attempt.started_at,
                replicas=held,
                stopping=is_terminal(attempt.state),
            )
        )
        limit = self.time_limit_s(work)
        if limit is not None and attempt.started_at is not None and not is_terminal(attempt.state):
            entry = (attempt.started_at + limit, job.id, attempt.number)
            if entry not in self.deadlines[:1]:
                heapq.heappush(self.deadlines, entry)
                self.on_deadline()

    def time_limit_s(self, work: Work) -> float | None:
        """The job's own limit; on an original agent, which never reports a failed container, the server's."""
        if work.job.spec.time_limit_s is not None:
            return work.job.spec.time_limit_s
        station = self.fleet.get(work.replicas[0].node_id)
        legacy = station is not None and station.node.inventory.legacy
        return self._legacy_time_limit_s if legacy else None
