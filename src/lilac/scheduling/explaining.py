"""All that can be said about one waiting job, on demand.

The expected start is found by letting the scheduler itself run forward on a virtual clock: plan, start what it starts,
jump to the next expected end of a running job, release what it held, and again, until the job starts. Only jobs that
stand before it in line take part, or could come before it by fairness or ageing. The further the clock has gone, the
longer the stretches in which ends are gathered before the next plan (`STRETCH` of the time gone), so that a bounded
number of steps reaches months ahead; an answer is late by no more than that share. Nobody makes room for another on the
way, so a job that is helped so may start sooner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lilac.model.ids import ClusterId, JobId, NodeId
from lilac.model.limits import QueueOrder
from lilac.scheduling.board import Board, Snapshot
from lilac.scheduling.capacity import has_labels, room_for
from lilac.scheduling.diagnosing import Diagnosis
from lilac.scheduling.limiting import too_large
from lilac.scheduling.line import turn_of
from lilac.scheduling.passing import DEFAULT_POLICY, Pass, Policy
from lilac.scheduling.reasons import Dimension, Reason, ReasonCode, Shortage
from lilac.scheduling.satisfying import empty_room, objection, too_full
from lilac.scheduling.views import NodeView, QueueView, Shape, WaitingJob
from lilac.scheduling.wording import amount, listed

MOST_STEPS = 500
MOST_NODES = 50
MOST_AHEAD = 20_000
STRETCH = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFit:
    """How one node stands to one replica of the job."""

    node_id: NodeId
    name: str
    cluster_id: ClusterId
    fits: int
    """How many replicas have room now."""
    unsuitable: str | None = None
    """Why it could not run one even when empty; None if it could."""
    shortages: tuple[Shortage, ...] = ()
    """What is short for one (more) replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where a waiting job stands. `reason.message` is the sentence to show first."""

    job_id: JobId
    reason: Reason
    position: int
    """Its place in its own queue, from 1."""
    jobs_ahead: int
    """Jobs before it, in its queue and in queues that go first and share a cluster with it."""
    expected_start: float | None
    unknown_because: str | None
    """Why there is no expected start; None if there is one."""
    nodes: tuple[NodeFit, ...] = ()
    """The nodes of the queue's clusters, the nearest first, at most fifty."""


def explain(
    snapshot: Snapshot, now: float, job_id: JobId, policy: Policy = DEFAULT_POLICY, *, most_steps: int = MOST_STEPS
) -> Explanation:
    """Explain a waiting job. Raises KeyError if it does not wait."""
    job = snapshot.waiting.get(job_id)
    if job is None:
        raise KeyError(job_id)
    queue = snapshot.queues.get(job.shape.queue_id)
    ahead, position = _ahead(snapshot, job, queue)
    done = Pass(snapshot, now, policy)
    done.run()
    diagnosis = Diagnosis(done)
    nodes = _node_fits(snapshot, diagnosis, queue, job.shape)
    if any(start.job_id == job_id for start in done.starts):
        reason = Reason(code=ReasonCode.READY, message="starts now", expected_start=now)
        expected, unknown = now, None
    else:
        reason = diagnosis.reason(job.shape, job.owner_id, done.is_head(job))
        if reason.code in _STUCK or queue is None or too_large(queue, job.shape) is not None:
            expected, unknown = None, reason.message
        else:
            calm = replace(policy, preemption=False, growth=False)
            expected, unknown = _foretell(snapshot, now, job, queue, calm, most_steps)
            if reason.code is ReasonCode.MAKING_ROOM:
                expected = reason.expected_start
            expected = reason.expected_start if expected is None else expected
            unknown = None if expected is not None else unknown
            reason = replace(reason, expected_start=expected)
    return Explanation(
        job_id=job_id,
        reason=reason,
        position=position,
        jobs_ahead=ahead,
        expected_start=expected,
        unknown_because=unknown,
        nodes=nodes,
    )


_STUCK = frozenset(
    {
        ReasonCode.NO_QUEUE,
        ReasonCode.QUEUE_PAUSED,
        ReasonCode.NO_NODES,
        ReasonCode.NEVER_FITS,
        ReasonCode.UNAVAILABLE,
    }
)
"""Reasons that the passing of time alone does not change."""


def _before(snapshot: Snapshot, queue: QueueView) -> list[QueueView]:
    """The queues that share a cluster with this one and are served before it, or could be when their jobs have aged."""
    key = (queue.priority, queue.name, queue.id)
    return [
        other
        for other in snapshot.queues.values()
        if ((other.priority, other.name, other.id) < key or (other.ageing_s is not None and other.id != queue.id))
        and not other.paused
        and any(cluster_id in queue.cluster_targets for cluster_id in other.cluster_targets)
    ]


def _ahead(snapshot: Snapshot, job: WaitingJob, queue: QueueView | None) -> tuple[int, int]:
    """How many jobs are before it in all, and its place in its own queue."""
    turn = turn_of(job)
    here = sum(group.before(turn) for group in snapshot.waiting.groups(job.shape.queue_id))
    others = _before(snapshot, queue) if queue is not None else []
    return here + sum(len(group) for other in others for group in snapshot.waiting.groups(other.id)), here + 1


def _foretell(
    snapshot: Snapshot, now: float, job: WaitingJob, queue: QueueView, policy: Policy, most_steps: int
) -> tuple[float | None, str | None]:
    """When the job starts if every job runs to its limit, or why that cannot be known."""
    ahead, _ = _ahead(snapshot, job, queue)
    if ahead > MOST_AHEAD:
        return None, f"{ahead} jobs are before it in line, too many to foretell"
    board = Board.of(
        nodes=snapshot.nodes.values(),
        queues=snapshot.queues.values(),
        running=[
            job if job.started_at is not None else replace(job, started_at=now) for job in snapshot.running.values()
        ],
    )
    for other in _before(snapshot, queue):
        for group in snapshot.waiting.groups(other.id):
            for turn in group:
                _submit(board, snapshot, turn[2])
    turn = turn_of(job)
    for group in snapshot.waiting.groups(queue.id):
        for earlier in group:
            if earlier > turn and (queue.order is QueueOrder.FIFO or earlier[0] > turn[0]):
                break
            _submit(board, snapshot, earlier[2])
    clock = now
    for _ in range(most_steps):
        view = board.snapshot()
        done = Pass(view, clock, policy)
        done.run()
        for start in done.starts:
            if start.job_id == job.id:
                return clock, None
            board.withdraw(start.job_id)
            board.place(replace(done.started[(start.job_id, 0)], started_at=clock))
        after = board.snapshot()
        horizon: float | None = None
        for end, _, ended_id, attempt in after.ends.in_order(clock):
            if horizon is None:
                horizon = end + (end - now) * STRETCH
            if end > horizon:
                break
            clock = end
            for replica in after.running[(ended_id, attempt)].replicas:
                board.release(ended_id, attempt, replica.rank)
        if horizon is None:
            return None, _endless(done, job)
    return None, f"too much has to end before it: after {most_steps} steps ahead in time it still waits"


def _submit(board: Board, snapshot: Snapshot, job_id: JobId) -> None:
    job = snapshot.waiting.get(job_id)
    if job is not None:
        board.submit(job)


def _endless(done: Pass, job: WaitingJob) -> str:
    """What holds the job when nothing is left that is known to end."""
    reason = Diagnosis(done).reason(job.shape, job.owner_id, done.is_head(job))
    endless = [holder for holder in reason.holders if holder.expected_end is None]
    if endless:
        holder = endless[0]
        name = done.capacity.nodes[holder.node_id].name
        return f"job {holder.job_id} holds what it needs on {name} and has no time limit"
    if reason.reserved_by is not None:
        return f"job {reason.reserved_by} before it in line has reserved the place, and its start is not known"
    return reason.message


def _node_fits(snapshot: Snapshot, diagnosis: Diagnosis, queue: QueueView | None, shape: Shape) -> tuple[NodeFit, ...]:
    """All nodes of the queue's clusters, those that fit first, then those that lack least."""
    if queue is None:
        return ()
    found: list[tuple[tuple[bool, int, float, NodeId], NodeFit]] = []
    for node in snapshot.nodes.values():
        if node.cluster_id not in queue.cluster_targets:
            continue
        unsuitable = _unsuitable(node, shape)
        free = snapshot.capacity.free.get(node.id)
        fits, shortages = 0, tuple[Shortage, ...]()
        if unsuitable is None and free is not None:
            fits = room_for(shape, free, single_job=node.single_job)
            shortages = diagnosis.shortages(node, shape, free)
        lack = sum(each.missing / each.needed for each in shortages)
        fit = NodeFit(
            node_id=node.id,
            name=node.name,
            cluster_id=node.cluster_id,
            fits=fits,
            unsuitable=unsuitable,
            shortages=() if fits else shortages,
        )
        found.append(((unsuitable is not None, -fits, lack, node.id), fit))
    found.sort(key=lambda each: each[0])
    return tuple(fit for _, fit in found[:MOST_NODES])


def _never_enough(node: NodeView, shape: Shape) -> str:
    """What the node lacks for one replica, even when empty."""
    need, gpus = shape.resources, shape.gpus
    lacks: list[str] = []
    if gpus is not None:
        acceptable = sum(gpus.accepts(gpu) for gpu in node.gpus)
        if not node.gpus:
            lacks.append("no GPUs")
        elif acceptable < gpus.count:
            lacks.append(f"only {acceptable} of {gpus}" if acceptable else f"no {gpus.kind}")
    if node.cpu_millicores < need.cpu_millicores:
        lacks.append(f"only {amount(Dimension.CPU, node.cpu_millicores)}")
    if node.memory_mb < need.memory_mb:
        lacks.append(f"only {amount(Dimension.MEMORY, node.memory_mb)}")
    return f"has {listed(lacks)}" if lacks else "is too small, even when empty"


def _unsuitable(node: NodeView, shape: Shape) -> str | None:
    if shape.runtime in node.resting:
        return too_full()
    if shape.runtime not in node.runtimes:
        return f"has no {shape.runtime} runtime"
    if not has_labels(node.labels, shape.node_selector):
        lacks = [f"{key}={value}" for key, value in shape.node_selector if node.labels.get(key) != value]
        return f"is not labelled {listed(lacks)}"
    if (why := objection(node, shape)) is not None:
        return why
    if not empty_room(node, shape, unhealthy=True):
        return _never_enough(node, shape)
    if not node.schedulable:
        return "gets no new work now (lost or draining)"
    if not empty_room(node, shape):
        return "has unhealthy GPUs"
    return None
