"""The board: the scheduler's picture of the world, kept up to date change by change.

The control plane's loop owns one board, tells it every change, and takes a `Snapshot` for each pass. Free capacity,
expected ends and the line are maintained with each change, so taking a snapshot copies a few values per node and per
running job, and nothing per waiting job.

Invariants: what is free on a node is always what the node has less what the replicas on it hold, in whatever order
nodes and replicas came; replicas on a node that is not known are kept in mind until it is. A board brought to a state
step by step gives the same plans as one built from that state at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lilac.model.ids import JobId, NodeId, QueueId
from lilac.model.limits import Amount
from lilac.scheduling.capacity import NOTHING, Capacity, Free, all_of, sorted_gpus
from lilac.scheduling.ends import Ends, RunKey, run_key
from lilac.scheduling.limiting import Usage
from lilac.scheduling.line import WaitingLine
from lilac.scheduling.views import HeldReplica, NodeView, QueueView, RunningJob, Shape, WaitingJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state to plan for. All but `waiting` is its own copy; see `Board.snapshot`."""

    capacity: Capacity
    """Nodes and what is free on them."""
    queues: Mapping[QueueId, QueueView]
    running: Mapping[RunKey, RunningJob]
    ends: Ends
    """When running jobs are expected to end."""
    usage: Usage
    """What users hold in each queue."""
    givers: Mapping[RunKey, RunningJob]
    """Those of the running jobs that could shrink or be stopped, or are stopping."""
    waiting: WaitingLine
    fits_ever: dict[Shape, bool]
    """Answers already known for these nodes and queues (see `satisfying.fits_ever`); only ever added to."""

    @property
    def nodes(self) -> Mapping[NodeId, NodeView]:
        return self.capacity.nodes

    @classmethod
    def of(
        cls,
        *,
        nodes: Iterable[NodeView] = (),
        queues: Iterable[QueueView] = (),
        running: Iterable[RunningJob] = (),
        waiting: Iterable[WaitingJob] = (),
    ) -> Snapshot:
        """A snapshot of these, in any order."""
        return Board.of(nodes=nodes, queues=queues, running=running, waiting=waiting).snapshot()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much of what the board holds."""

    nodes: int
    queues: int
    waiting: int
    running: int
    replicas: int


class Board:
    """The mutable state. Not for use by several threads at once."""

    def __init__(self) -> None:
        self._capacity = Capacity()
        self._queues: dict[QueueId, QueueView] = {}
        self._running: dict[RunKey, RunningJob] = {}
        self._attempts: dict[JobId, int] = {}
        self._ends = Ends()
        self._usage = Usage()
        self._givers: dict[RunKey, RunningJob] = {}
        self._waiting = WaitingLine()
        self._held: dict[NodeId, dict[tuple[JobId, int, int], _Held]] = {}
        self._fits_ever: dict[Shape, bool] = {}

    @classmethod
    def of(
        cls,
        *,
        nodes: Iterable[NodeView] = (),
        queues: Iterable[QueueView] = (),
        running: Iterable[RunningJob] = (),
        waiting: Iterable[WaitingJob] = (),
    ) -> Board:
        """A board of these, in any order."""
        board = cls()
        for job in running:
            board.place(job)
        for node in nodes:
            board.put_node(node)
        for queue in queues:
            board.put_queue(queue)
        for waiting_job in waiting:
            board.submit(waiting_job)
        return board

    def submit(self, job: WaitingJob) -> None:
        """A job waits, for the first time or again (with the `seq` it had)."""
        self._waiting.add(job)

    def withdraw(self, job_id: JobId) -> None:
        """A job waits no more: it was started or cancelled. Nothing happens if it did not wait."""
        self._waiting.discard(job_id)

    def place(self, job: RunningJob) -> None:
        """An attempt holds these replicas now, whether it is new or known. A known one holds only these."""
        key = run_key(job)
        old = self._running.get(key)
        if old is not None:
            self._unnote(key, old)
            for replica in old.replicas:
                self._drop(old, replica)
        if not job.replicas:
            if old is not None:
                self._forget(key)
            return
        self._note(key, job)
        self._attempts[job.id] = max(job.attempt, self._attempts.get(job.id, 0))
        for replica in job.replicas:
            self._hold(job, replica)

    def release(self, job_id: JobId, attempt: int, rank: int) -> None:
        """One replica ended and its resources are free; the attempt goes with its last. Unknown ones are ignored."""
        key = (job_id, attempt)
        job = self._running.get(key)
        if job is None:
            return
        rest = tuple(replica for replica in job.replicas if replica.rank != rank)
        if len(rest) == len(job.replicas):
            return
        for replica in job.replicas:
            if replica.rank == rank:
                self._drop(job, replica)
        self._unnote(key, job)
        if rest:
            self._note(key, replace(job, replicas=rest, leaving=job.leaving - {rank}))
        else:
            self._forget(key)

    def mark_running(self, job_id: JobId, started_at: float) -> None:
        """The latest attempt of a job has started, so its end is known now. Unknown jobs are ignored."""
        key = (job_id, self._attempts.get(job_id, 0))
        job = self._running.get(key)
        if job is None:
            return
        self._unnote(key, job)
        self._note(key, replace(job, started_at=started_at))

    def put_node(self, node: NodeView) -> None:
        """A node is new or has changed. What runs on it stays."""
        if self._capacity.nodes.get(node.id) == node:
            return
        self._capacity.put(node, self._free_on(node))
        self._fits_ever = {}

    def remove_node(self, node_id: NodeId) -> None:
        """A node is no more. What runs on it is kept in mind until it is released."""
        self._capacity.remove(node_id)
        self._fits_ever = {}

    def put_queue(self, queue: QueueView) -> None:
        self._queues[queue.id] = queue
        self._fits_ever = {}

    def remove_queue(self, queue_id: QueueId) -> None:
        self._queues.pop(queue_id, None)
        self._fits_ever = {}

    def waiting_queues(self) -> list[QueueId]:
        """The queues in which something waits."""
        return self._waiting.queue_ids()

    def waiting_job(self, job_id: JobId) -> WaitingJob | None:
        return self._waiting.get(job_id)

    def running_job(self, job_id: JobId) -> RunningJob | None:
        """The latest attempt that holds something."""
        return self._running.get((job_id, self._attempts.get(job_id, 0)))

    def running_jobs(self) -> Iterable[RunningJob]:
        """Every attempt that holds something, in no meaningful order."""
        return self._running.values()

    def waiting_in(self, queue_id: QueueId) -> int:
        """How many jobs wait in a queue."""
        return sum(map(len, self._waiting.groups(queue_id)))

    def held_in(self, queue_id: QueueId) -> Amount:
        """What the running jobs of a queue hold, as its limits count it."""
        return self._usage.of_queue(queue_id)

    def counts(self) -> Counts:
        return Counts(
            nodes=len(self._capacity.nodes),
            queues=len(self._queues),
            waiting=len(self._waiting),
            running=len(self._running),
            replicas=sum(map(len, self._held.values())),
        )

    def snapshot(self) -> Snapshot:
        """The state as it is now.

        Its line is the board's own, so the snapshot is for planning before the next change to the board; a `Plan`
        and its reasons may be kept for as long as wanted.
        """
        return Snapshot(
            capacity=self._capacity.copy(),
            queues=self._queues.copy(),
            running=self._running.copy(),
            ends=self._ends.copy(),
            usage=self._usage.copy(),
            givers=self._givers.copy(),
            waiting=self._waiting,
            fits_ever=self._fits_ever,
        )

    def _note(self, key: RunKey, job: RunningJob) -> None:
        self._running[key] = job
        self._ends.add(job)
        self._usage.add(job)
        if job.gives_way:
            self._givers[key] = job

    def _unnote(self, key: RunKey, job: RunningJob) -> None:
        self._ends.discard(job)
        self._usage.discard(job)
        self._givers.pop(key, None)

    def _forget(self, key: RunKey) -> None:
        del self._running[key]
        job_id, attempt = key
        if self._attempts.get(job_id) == attempt:
            others = [number for other, number in self._running if other == job_id] if attempt > 1 else []
            if others:
                self._attempts[job_id] = max(others)
            else:
                del self._attempts[job_id]

    def _hold(self, job: RunningJob, replica: HeldReplica) -> None:
        need = job.shape.resources
        held = _Held(need.cpu_millicores, need.memory_mb, replica.gpu_uuids)
        on_node = self._held.setdefault(replica.node_id, {})
        on_node[(job.id, job.attempt, replica.rank)] = held
        self._update(replica.node_id)

    def _drop(self, job: RunningJob, replica: HeldReplica) -> None:
        on_node = self._held[replica.node_id]
        del on_node[(job.id, job.attempt, replica.rank)]
        if not on_node:
            del self._held[replica.node_id]
        self._update(replica.node_id)

    def _update(self, node_id: NodeId) -> None:
        node = self._capacity.nodes.get(node_id)
        if node is not None and node.schedulable:
            self._capacity.set_free(node_id, self._free_on(node))

    def _free_on(self, node: NodeView) -> Free:
        on_node = self._held.get(node.id)
        if not on_node:
            return all_of(node)
        if node.single_job:
            return NOTHING
        cpu, memory = node.cpu_millicores, node.memory_mb
        taken: set[str] = set()
        for held in on_node.values():
            cpu -= held.cpu
            memory -= held.memory
            taken.update(held.gpu_uuids)
        gpus = tuple(gpu for gpu in sorted_gpus(node.gpus) if gpu.uuid not in taken)
        return Free(cpu, memory, gpus)


@dataclass(frozen=True, slots=True)
class _Held:
    cpu: int
    memory: int
    gpu_uuids: tuple[str, ...]
