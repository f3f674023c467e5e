"""How a job, its attempt and its replicas change together: the rules behind the state tables.

Each function takes a `Work` (a job with one of its attempts and that attempt's replicas), something that happened,
and the time, and returns the `Work` as it is afterwards with the events that tell it. Nothing is written here; the
caller stores what differs, in one transaction, guarded by the states it read.

Invariants kept here:

* a terminal state is never left;
* only the attempt with the job's own number touches the job (the fence). A report about an older attempt changes
  that replica's row, so that its resources become free, and nothing else;
* an attempt ends as a whole: the first replica that fails or is lost ends it, and the others are told to stop. Only an
  elastic job goes on without a replica that the platform lost, while at least its least size is left;
* a replica of a live attempt that was told to stop has *left* it (`resizing.shrink`): what becomes of it does not touch
  the attempt any more;
* a replica keeps its resources until it is terminal, also when its job ended long before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lilac.model.events import Event, EventKind
from lilac.model.ids import NodeId, ReplicaKey
from lilac.model.jobs import Attempt, Job, Replica, ReplicaReport
from lilac.model.retrying import CLASS_OF, RetryClass, pause_s
from lilac.model.states import (
    ATTEMPT_TRANSITIONS,
    JOB_TRANSITIONS,
    REPLICA_TRANSITIONS,
    RETRIED,
    AttemptState,
    FailureReason,
    Hold,
    JobState,
    ReplicaState,
    allowed,
    check,
    is_terminal,
)


@dataclass(frozen=True, slots=True)
class Work:
    """A job with one attempt (None before the first start) and all replicas of that attempt, by rank."""

    job: Job
    attempt: Attempt | None
    replicas: tuple[Replica, ...]

    @property
    def current(self) -> bool:
        """Whether the attempt is the job's own and still alive, so that it may change the job."""
        return (
            self.attempt is not None
            and self.attempt.number == self.job.attempt
            and not is_terminal(self.attempt.state)
            and not is_terminal(self.job.state)
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    work: Work
    events: tuple[Event, ...] = ()


def start(
    job: Job, placements: Iterable[tuple[int, NodeId, tuple[str, ...]]], *, planned_at: float, now: float
) -> Outcome:
    """Begin the next attempt of a waiting job on these places: (rank, node, GPU uuids) for each replica."""
    check(JOB_TRANSITIONS, job.state, JobState.STARTING, f"Job {job.id}")
    number = job.attempt + 1
    replicas = tuple(
        Replica(
            key=ReplicaKey(job.id, number, rank),
            node_id=node_id,
            state=ReplicaState.ASSIGNED,
            gpu_uuids=gpu_uuids,
            created_at=now,
        )
        for rank, node_id, gpu_uuids in placements
    )
    attempt = Attempt(job_id=job.id, number=number, state=AttemptState.STARTING, size=len(replicas), created_at=now)
    started = job.evolve(
        state=JobState.STARTING,
        attempt=number,
        node_id=replicas[0].node_id,
        started_at=None,
        message=None,
        reason=None,
        exit_code=None,
        waterfall={"submitted": job.submitted_at, "planned": planned_at, "assigned": now},
        updated_at=now,
    )
    event = event_about(
        started,
        EventKind.JOB_ASSIGNED,
        now,
        submitted_at=job.submitted_at,
        nodes=sorted({str(r.node_id) for r in replicas}),
        size=len(replicas),
        placements=[{"rank": r.key.rank, "node_id": r.node_id, "gpus": list(r.gpu_uuids)} for r in replicas],
        resources={"cpu_millicores": job.spec.resources.cpu_millicores, "memory_mb": job.spec.resources.memory_mb},
    )
    return Outcome(Work(started, attempt, replicas), (event,))


def report(work: Work, told: ReplicaReport, now: float) -> Outcome | None:
    """Take what an agent says about one replica. None when it changes nothing (stale, repeated, out of order)."""
    old = next((r for r in work.replicas if r.key == told.key), None)
    if old is None:
        return None
    if told.uncertain and work.job.spec.exclusive:
        return _one_unseen(work, old, told, now)
    if old.state != told.state and not allowed(REPLICA_TRANSITIONS, old.state, told.state):
        return None
    times = {**old.times, **told.times}
    if old.reason is FailureReason.GPU_LOST:  # decided here; what its node says of the end is a consequence
        told = replace(told, reason=old.reason, message=old.message)
    ports = told.ports or old.ports
    if old.state == told.state and (
        is_terminal(old.state) or (times == old.times and told.message == old.message and ports == old.ports)
    ):
        return None
    new = old.evolve(
        state=told.state,
        times=times,
        message=told.message,
        ports=ports,
        exit_code=told.exit_code if told.exit_code is not None else old.exit_code,
        reason=told.reason,
    )
    if new.state is ReplicaState.RUNNING and old.started_at is None:
        new = new.evolve(started_at=now)
    if is_terminal(new.state):
        new = new.evolve(finished_at=now, started_at=new.started_at or (now if "started" in times else None))
    after = _with_replica(work, new)
    if not work.current:
        return _with_end_told(Outcome(after), new, now)
    after = _with_waterfall(after, new, now)
    if new.state in (ReplicaState.RUNNING, ReplicaState.PREPARING):
        return _all_running(after, now)
    if old.stop_wanted:
        return _with_end_told(_all_running(after, now), new, now)
    if new.state is ReplicaState.SUCCEEDED:
        return _with_end_told(_one_succeeded(after, now), new, now)
    return _with_end_told(_one_failed(after, new, now), new, now)


def cancel(work: Work, *, actor: str, now: float) -> Outcome:
    """End the job as cancelled; its replicas are told to stop and hold what they have until they did."""
    job = work.job
    check(JOB_TRANSITIONS, job.state, JobState.CANCELLED, f"Job {job.id}")
    message = f"Cancelled by {actor.removeprefix('user:')}."
    return _end(work, JobState.CANCELLED, AttemptState.CANCELLED, FailureReason.CANCELLED, message, None, now, actor)


def give_up_waiting(work: Work, message: str, now: float) -> Outcome:
    """End a job whose dependencies can never be met; the sentence says which."""
    return _end(
        work, JobState.CANCELLED, AttemptState.CANCELLED, FailureReason.DEPENDENCY, message, None, now, "system"
    )


def release(work: Work, now: float) -> Outcome:
    """Let a job that was held into the line."""
    job = work.job.evolve(held=None, not_before=None, updated_at=now)
    return Outcome(replace(work, job=job), (event_about(job, EventKind.JOB_RELEASED, now, held=str(work.job.held)),))


def expire(work: Work, limit_s: float, now: float) -> Outcome | None:
    """End a job that reached its time limit. None if this attempt is not running any more."""
    if not work.current:
        return None
    message = f"Stopped at its time limit of {limit_s:g} s."
    return _end(work, JobState.FAILED, AttemptState.FAILED, FailureReason.TIME_LIMIT, message, None, now, "system")


def never_started(work: Work, limit_s: float, now: float) -> Outcome | None:
    """Give up an attempt that has not come to run on its nodes within the limit. None if it runs, or has ended."""
    up = (ReplicaState.RUNNING, ReplicaState.SUCCEEDED)
    slow = next((r for r in members(work) if r.state not in up), None)
    if not work.current or slow is None or _attempt_of(work).state is not AttemptState.STARTING:
        return None
    message = f"The node did not start it within {limit_s:g} s."
    return _one_failed(work, slow.evolve(reason=FailureReason.ENGINE, message=message), now)


def lost_with_node(key: ReplicaKey, node_name: str, *, uncertain: bool = False) -> ReplicaReport:
    """What is reported on behalf of a node that went silent; `uncertain` while the replica may run on there."""
    return ReplicaReport(
        key=key,
        state=ReplicaState.LOST,
        reason=FailureReason.NODE_LOST,
        message=f"Node {node_name} went silent.",
        uncertain=uncertain,
    )


def members(work: Work) -> tuple[Replica, ...]:
    """The replicas of a live attempt that are still part of it."""
    return tuple(r for r in work.replicas if not r.stop_wanted)


def event_about(job: Job, kind: EventKind, now: float, **data: Any) -> Event:
    """An event about a job as it has become."""
    facts = {"state": str(job.state), "attempt": job.attempt, "name": job.spec.name, **data}
    return Event(
        kind=kind,
        at=now,
        job_id=job.id,
        queue_id=job.spec.queue_id,
        node_id=job.node_id,
        user_id=job.owner_id,
        data=facts,
    )


def gpu_lost(work: Work, key: ReplicaKey, message: str, now: float) -> Outcome | None:
    """A GPU of this replica does not answer any more: it failed. None if it is over, or about to be, already.

    The replica is told to stop, and keeps what it holds until its node says that it did.
    """
    old = next((r for r in work.replicas if r.key == key), None)
    if old is None or is_terminal(old.state) or old.stop_wanted or not work.current:
        return None
    culprit = old.evolve(reason=FailureReason.GPU_LOST, message=message, stop_wanted=True)
    return _one_failed(_with_replica(work, culprit), culprit, now)


def has_no_more_output(replica: Replica) -> bool:
    """Whether a replica ended in a way after which its node sends no output: it was lost, or never began."""
    return is_terminal(replica.state) and (replica.state is ReplicaState.LOST or "started" not in replica.times)


def _all_running(work: Work, now: float) -> Outcome:
    attempt = _attempt_of(work)
    up = (ReplicaState.RUNNING, ReplicaState.SUCCEEDED)
    if attempt.state is not AttemptState.STARTING or not all(r.state in up for r in members(work)):
        return Outcome(work)
    attempt = replace(attempt, state=AttemptState.RUNNING, started_at=now)
    job = work.job.evolve(
        state=JobState.RUNNING,
        started_at=now,
        updated_at=now,
        waterfall={**work.job.waterfall, "running_reported": now},
    )
    return Outcome(
        Work(job, attempt, work.replicas),
        (event_about(job, EventKind.JOB_RUNNING, now, submitted_at=job.submitted_at),),
    )


def _one_succeeded(work: Work, now: float) -> Outcome:
    if not all(r.state is ReplicaState.SUCCEEDED for r in members(work)):
        return _all_running(work, now)
    return _end(work, JobState.SUCCEEDED, AttemptState.SUCCEEDED, None, None, 0, now, "system")


def _one_failed(work: Work, culprit: Replica, now: float) -> Outcome:
    reason = culprit.reason or FailureReason.ERROR
    if culprit.state is ReplicaState.STOPPED or (culprit.state is ReplicaState.LOST and culprit.reason is None):
        reason = FailureReason.VANISHED
    smaller = _without(work, culprit, reason, now) if reason in RETRIED else None
    if smaller is not None:
        return smaller
    where = f"Replica {culprit.key.rank}: " if len(work.replicas) > 1 else ""
    message = where + (culprit.message or _sentence(reason, culprit.exit_code))
    ended = AttemptState.LOST if reason in RETRIED else AttemptState.FAILED
    failure = CLASS_OF.get(reason)
    if failure is not None:
        allowed_retries = work.job.spec.allowed_retries(failure)
        if work.job.retried(failure) < allowed_retries:
            return _requeue(work, ended, reason, failure, message, now)
        if allowed_retries or failure is RetryClass.NODE_LOST:
            message += f" No retries left ({allowed_retries} allowed)."
    return _end(work, JobState.FAILED, ended, reason, message, culprit.exit_code, now, "system")


def _one_unseen(work: Work, old: Replica, told: ReplicaReport, now: float) -> Outcome | None:
    """A replica of an exclusive job was lost from sight: its attempt ends, but it counts as alive until it is certain
    that it has ended, and until then the job gets no new attempt."""
    if is_terminal(old.state) or old.stop_wanted or not work.current:
        return None
    return _one_failed(work, old.evolve(reason=told.reason, message=told.message), now)


def _without(work: Work, culprit: Replica, reason: FailureReason, now: float) -> Outcome | None:
    """The attempt of an elastic job without a replica that was lost; None if too few are left."""
    size = work.job.spec.size
    left = tuple(r.evolve(stop_wanted=True) if r.key == culprit.key else r for r in work.replicas)
    rest = replace(work, replicas=left)
    staying = members(rest)
    if size.min == size.max or len(staying) < size.min:
        return None
    work = replace(rest, attempt=replace(_attempt_of(work), size=len(staying)))
    message = culprit.message or _sentence(reason, culprit.exit_code)
    event = event_about(
        work.job,
        EventKind.JOB_RESIZED,
        now,
        size=len(staying),
        left=[culprit.key.rank],
        reason=str(reason),
        message=message,
    )
    after = _one_succeeded(work, now)
    return replace(after, events=(event, *after.events))


def _requeue(
    work: Work, ended: AttemptState, reason: FailureReason, failure: RetryClass, message: str, now: float
) -> Outcome:
    attempt = replace(_attempt_of(work), state=ended, finished_at=now, reason=reason, message=message)
    check(JOB_TRANSITIONS, work.job.state, JobState.QUEUED, f"Job {work.job.id}")
    before = work.job.retried(failure)
    pause = pause_s(failure, before)
    job = work.job.evolve(
        state=JobState.QUEUED,
        retries=work.job.retries + 1,
        retry_counts=_counted(work.job, failure),
        held=Hold.PAUSE if pause else None,
        not_before=now + pause if pause else None,
        node_id=None,
        started_at=None,
        reason=reason,
        message=message,
        updated_at=now,
    )
    facts = {"class": str(failure), "retries_left": job.spec.allowed_retries(failure) - before - 1}
    if pause:
        facts |= {"not_before": now + pause}
    event = event_about(
        job, EventKind.JOB_REQUEUED, now, reason=str(reason), message=message, retries=job.retries, **facts
    )
    return Outcome(Work(job, attempt, stopping(work.replicas)), (event,))


def _counted(job: Job, failure: RetryClass) -> dict[str, int]:
    counts = {str(each): job.retried(each) for each in RetryClass if job.retried(each)}
    return {**counts, str(failure): job.retried(failure) + 1}


_JOB_END_EVENTS: Mapping[JobState, EventKind] = {
    JobState.SUCCEEDED: EventKind.JOB_SUCCEEDED,
    JobState.FAILED: EventKind.JOB_FAILED,
    JobState.CANCELLED: EventKind.JOB_CANCELLED,
}


def _end(
    work: Work,
    job_state: JobState,
    attempt_state: AttemptState,
    reason: FailureReason | None,
    message: str | None,
    exit_code: int | None,
    now: float,
    actor: str,
) -> Outcome:
    check(JOB_TRANSITIONS, work.job.state, job_state, f"Job {work.job.id}")
    job = work.job.evolve(
        state=job_state,
        finished_at=now,
        updated_at=now,
        exit_code=exit_code,
        reason=reason,
        message=message,
        held=None,
        not_before=None,
        waterfall={**work.job.waterfall, "submitted": work.job.submitted_at, "finished": now},
    )
    attempt, replicas = work.attempt, work.replicas
    if attempt is not None and allowed(ATTEMPT_TRANSITIONS, attempt.state, attempt_state):
        attempt = replace(attempt, state=attempt_state, finished_at=now, reason=reason, message=message)
        replicas = stopping(replicas)
    data: dict[str, Any] = {"exit_code": exit_code}
    if reason is not None:
        data |= {"reason": str(reason), "message": message}
    event = event_about(job, _JOB_END_EVENTS[job_state], now, **data)
    return Outcome(Work(job, attempt, replicas), (replace(event, actor=actor),))


def _with_end_told(outcome: Outcome, replica: Replica, now: float) -> Outcome:
    """Have the history tell that a replica ended and holds nothing any more: if possible in the job's event."""
    if not is_terminal(replica.state):
        return outcome
    ended = {"attempt": replica.key.attempt, "rank": replica.key.rank, "state": str(replica.state)}
    job = outcome.work.job
    if outcome.events:
        *others, last = outcome.events
        return replace(outcome, events=(*others, replace(last, data={**last.data, "replica": ended})))
    event = Event(
        kind=EventKind.REPLICA_CHANGED,
        at=now,
        job_id=job.id,
        queue_id=job.spec.queue_id,
        node_id=replica.node_id,
        user_id=job.owner_id,
        data={"name": job.spec.name, "replica": ended},
    )
    return replace(outcome, events=(event,))


def stopping(replicas: tuple[Replica, ...]) -> tuple[Replica, ...]:
    """Replicas that are told to stop, but for those that have ended."""
    stop: Callable[[Replica], Replica] = lambda r: r if is_terminal(r.state) else r.evolve(stop_wanted=True)  # noqa: E731
    return tuple(map(stop, replicas))


def _with_replica(work: Work, replica: Replica) -> Work:
    return replace(work, replicas=tuple(replica if r.key == replica.key else r for r in work.replicas))


def _with_waterfall(work: Work, replica: Replica, now: float) -> Work:
    if replica.key.rank != 0:
        return work
    waterfall = {**work.job.waterfall, **replica.times}
    return replace(work, job=work.job.evolve(waterfall=waterfall, updated_at=now))


def _attempt_of(work: Work) -> Attempt:
    assert work.attempt is not None, "a current Work has an attempt"
    return work.attempt


def _sentence(reason: FailureReason, exit_code: int | None) -> str:
    if reason is FailureReason.OUT_OF_MEMORY:
        return "Killed for using more memory than it asked for."
    if exit_code is not None and exit_code > 128:
        return f"Ended by signal {exit_code - 128}."
    if exit_code is not None:
        return f"Exited with code {exit_code}."
    return f"Failed ({reason})."
