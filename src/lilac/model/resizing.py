"""How running jobs make room, and grow: preemption, eviction, shrinking, growth.

A job that is *preempted* (for one of higher priority) or *evicted* (its node is drained) loses its attempt and waits
again with the turn it had; that costs no retry. An elastic job is *shrunk* first: some of its replicas are told to stop
and leave the attempt, which goes on with the rest. It *grows* by further replicas of the same attempt, with ranks that
the attempt has not had before.

As in `lifecycle`, each function takes a `Work` as it is and returns it as it becomes, and None where the matter is
settled already (the attempt has ended, the replicas have left). Invariants: an elastic job is never below its least
size nor above its largest; replicas hold what they have until they have really ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from lilac.model.events import EventKind
from lilac.model.ids import JobId, NodeId, ReplicaKey
from lilac.model.jobs import Replica
from lilac.model.lifecycle import Outcome, Work, event_about, members, stopping
from lilac.model.states import (
    JOB_TRANSITIONS,
    AttemptState,
    FailureReason,
    JobState,
    ReplicaState,
    check,
    is_terminal,
)


def preempt(work: Work, *, for_job: JobId, for_name: str, now: float) -> Outcome | None:
    """Stop the attempt so that another job can start; the job waits again."""
    if not work.current:
        return None
    message = f"Stopped to make room for job {for_name}, which has a higher priority."
    return _queue_again(work, EventKind.JOB_PREEMPTED, FailureReason.PREEMPTED, message, now, by=for_job)


def evict(work: Work, node_id: NodeId, node_name: str, *, now: float) -> Outcome | None:
    """Take a job off a node that is drained: an elastic one leaves it if enough are left, any other waits again."""
    here = {r.key.rank for r in members(work) if r.node_id == node_id and not is_terminal(r.state)}
    if not work.current or not here:
        return None
    if len(members(work)) - len(here) >= work.job.spec.size.min:
        return shrink(work, here, now=now, reason=FailureReason.DRAINED, message=f"Node {node_name} is drained.")
    message = f"Stopped because node {node_name} is drained."
    return _queue_again(work, EventKind.JOB_REQUEUED, FailureReason.DRAINED, message, now, node=node_id)


def shrink(
    work: Work,
    ranks: Collection[int],
    *,
    now: float,
    reason: FailureReason = FailureReason.PREEMPTED,
    message: str | None = None,
    for_job: JobId | None = None,
) -> Outcome | None:
    """Let these replicas leave the attempt. None, and nothing changes, if fewer than the least size would be left."""
    if not work.current or work.attempt is None:
        return None
    going = {r.key for r in members(work) if r.key.rank in ranks and not is_terminal(r.state)}
    left = len(members(work)) - len(going)
    if not going or left < work.job.spec.size.min:
        return None
    replicas = tuple(r.evolve(stop_wanted=True) if r.key in going else r for r in work.replicas)
    event = event_about(
        work.job,
        EventKind.JOB_RESIZED,
        now,
        size=left,
        left=sorted(key.rank for key in going),
        reason=str(reason),
        message=message,
        by=for_job,
    )
    return Outcome(Work(work.job, replace(work.attempt, size=left), replicas), (event,))


def grow(work: Work, placements: Iterable[tuple[int, NodeId, tuple[str, ...]]], *, now: float) -> Outcome | None:
    """Add replicas to a running attempt: (rank, node, GPU uuids) for each. None if they do not go together with it."""
    attempt = work.attempt
    if not work.current or attempt is None or attempt.state is not AttemptState.RUNNING:
        return None
    new = tuple(
        Replica(
            key=ReplicaKey(work.job.id, attempt.number, rank),
            node_id=node_id,
            state=ReplicaState.ASSIGNED,
            gpu_uuids=gpu_uuids,
            created_at=now,
        )
        for rank, node_id, gpu_uuids in placements
    )
    size = len(members(work)) + len(new)
    taken = {r.key.rank for r in work.replicas}
    if not new or size > work.job.spec.size.max or any(r.key.rank in taken for r in new):
        return None
    need = work.job.spec.resources
    event = event_about(
        work.job,
        EventKind.JOB_RESIZED,
        now,
        size=size,
        nodes=sorted({str(r.node_id) for r in new}),
        placements=[{"rank": r.key.rank, "node_id": r.node_id, "gpus": list(r.gpu_uuids)} for r in new],
        resources={"cpu_millicores": need.cpu_millicores, "memory_mb": need.memory_mb},
    )
    replicas = tuple(sorted((*work.replicas, *new), key=lambda r: r.key.rank))
    return Outcome(Work(work.job, replace(attempt, size=size), replicas), (event,))


def _queue_again(
    work: Work, kind: EventKind, reason: FailureReason, message: str, now: float, **facts: object
) -> Outcome:
    job, attempt = work.job, work.attempt
    assert attempt is not None, "a current Work has an attempt"
    check(JOB_TRANSITIONS, job.state, JobState.QUEUED, f"Job {job.id}")
    queued = job.evolve(
        state=JobState.QUEUED, node_id=None, started_at=None, reason=reason, message=message, updated_at=now
    )
    ended = replace(attempt, state=AttemptState.PREEMPTED, finished_at=now, reason=reason, message=message)
    event = event_about(queued, kind, now, reason=str(reason), message=message, retries=job.retries, **facts)
    return Outcome(Work(queued, ended, stopping(work.replicas)), (event,))
