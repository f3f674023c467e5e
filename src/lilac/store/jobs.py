"""Jobs: inserting, finding, listing, and their guarded updates. Attempts and replicas are in `attempts`, and named
here too.

A job's row changes only by `update_job`, whose guard (states and attempt) is part of the statement: two writers that
both want to end a job cannot both succeed, and a report about an older attempt changes nothing.

The queue's name is kept as text when a job is submitted, so the history can tell it after the queue is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, true
from sqlalchemy.exc import IntegrityError

from lilac.model.errors import Conflict, NotFound
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import Job
from lilac.model.states import JOB_TRANSITIONS, FailureReason, JobState
from lilac.store import encoding, faults, numbering
from lilac.store.attempts import (
    all_replicas_of,
    attempts_of,
    get_attempts,
    get_replica,
    insert_attempt,
    insert_replicas,
    live_replicas,
    replicas_of,
    update_attempt,
    update_replica,
)
from lilac.store.engines import LOCKS_ROWS
from lilac.store.guards import guarded_update
from lilac.store.tables import LIVE_JOB, WAITING, jobs, nodes, queues

__all__ = [
    "JobFilter",
    "all_replicas_of",
    "attempts_of",
    "count_by_state",
    "count_waiting",
    "find_job_by_name",
    "get_attempts",
    "get_job",
    "get_jobs",
    "get_replica",
    "insert_attempt",
    "insert_jobs",
    "insert_replicas",
    "list_jobs",
    "live_jobs",
    "live_replicas",
    "lock_jobs",
    "queue_names",
    "replicas_of",
    "update_attempt",
    "update_job",
    "update_replica",
    "waiting_by_queue",
    "waiting_jobs",
]

_INSERT = insert(jobs)
_QUEUE_NAME = select(queues.c.name).where(queues.c.id == bindparam("queue_id"))
_SELECT = select(
    jobs.c.id,
    jobs.c.seq,
    jobs.c.spec,
    jobs.c.state,
    jobs.c.owner_id,
    jobs.c.submitted_at,
    jobs.c.updated_at,
    jobs.c.attempt,
    jobs.c.retries,
    jobs.c.node_id,
    jobs.c.started_at,
    jobs.c.finished_at,
    jobs.c.exit_code,
    jobs.c.reason,
    jobs.c.message,
    jobs.c.waterfall,
)
_BY_ID = _SELECT.where(jobs.c.id == bindparam("job_id"))
_BY_IDS = _SELECT.where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))
_LOCK = (
    select(jobs.c.id).where(jobs.c.id.in_(bindparam("job_ids", expanding=True))).order_by(jobs.c.id).with_for_update()
)
_WAITING = _SELECT.where(WAITING).order_by(jobs.c.seq)
_LIVE = _SELECT.where(LIVE_JOB).order_by(jobs.c.seq)
_WAITING_BY_QUEUE = (
    select(jobs.c.queue_id, func.count()).where(WAITING, jobs.c.queue_id.is_not(None)).group_by(jobs.c.queue_id)
)
_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs to list: those that match all that is given."""

    ids: Collection[JobId] | None = None
    name: str | None = None
    states: Collection[JobState] | None = None
    queue_id: QueueId | None = None
    owner_id: UserId | None = None
    cluster_id: ClusterId | None = None
    """Jobs whose first replica is or was on a node of this cluster."""


def insert_jobs(conn: Connection, new: Sequence[Job]) -> list[Job]:
    """Store new jobs and return them with their `seq`, which ascends in the given order.

    Raises `NotFound` if a queue does not exist (any more), `Conflict` if there is a job of the same id.
    """
    if not new:
        return []
    first, *others = dict.fromkeys(job.spec.queue_id for job in new)
    reserved = numbering.reserve_for_jobs(conn, first, len(new))
    if reserved is None:
        raise _no_queue(first)
    name, seqs = reserved
    names = {first: name} | {queue_id: _queue_name(conn, queue_id) for queue_id in others}
    numbered = [replace(job, seq=seq) for job, seq in zip(new, seqs, strict=True)]
    try:
        conn.execute(_INSERT, [_row(job, names[job.spec.queue_id]) for job in numbered])
    except IntegrityError as error:
        if faults.is_duplicate(error):
            raise Conflict("There is a job of this id already.") from error
        if faults.is_dangling(error):
            raise NotFound("The queue or the owner of a new job does not exist any more.") from error
        raise
    return numbered


def get_job(conn: Connection, job_id: JobId) -> Job | None:
    row = conn.execute(_BY_ID, {"job_id": job_id}).first()
    return None if row is None else _job(row)


def get_jobs(conn: Connection, job_ids: Collection[JobId]) -> dict[JobId, Job]:
    """Those of the jobs that exist, by id, in the order of submission."""
    found: list[Job] = []
    ids = list(job_ids)
    for start in range(0, len(ids), _CHUNK):
        found += map(_job, conn.execute(_BY_IDS, {"job_ids": ids[start : start + _CHUNK]}))
    return {job.id: job for job in sorted(found, key=lambda job: job.seq)}


def lock_jobs(conn: Connection, job_ids: Collection[JobId]) -> None:
    """Let nobody else change these jobs, their attempts and replicas until the end of this transaction.

    Whoever changes a job, one of its attempts or their replicas by what it has read of them locks the job first, since
    several replicas of the control plane may be told about one job at once. SQLite has a single writer anyway.
    """
    if not conn.get_execution_options().get(LOCKS_ROWS):
        return
    ids = sorted(job_ids)
    for start in range(0, len(ids), _CHUNK):
        conn.execute(_LOCK, {"job_ids": ids[start : start + _CHUNK]})


def find_job_by_name(conn: Connection, name: str, owner_id: UserId | None = None) -> Job | None:
    """The newest job of this name (of this owner)."""
    found = list_jobs(conn, JobFilter(name=name, owner_id=owner_id), limit=1)
    return found[0] if found else None


def list_jobs(conn: Connection, where: JobFilter, *, limit: int, before_seq: int | None = None) -> list[Job]:
    """At most `limit` jobs that match, newest first; the next page begins before the last one's `seq`."""
    statement = _SELECT.order_by(jobs.c.seq.desc()).limit(limit)
    if before_seq is not None:
        statement = statement.where(jobs.c.seq < before_seq)
    if where.ids is not None:
        statement = statement.where(jobs.c.id.in_(list(where.ids)))
    if where.name is not None:
        statement = statement.where(jobs.c.name == where.name)
    if where.states is not None:
        statement = statement.where(jobs.c.state.in_([state.value for state in where.states]))
    if where.queue_id is not None:
        statement = statement.where(jobs.c.queue_id == where.queue_id)
    if where.owner_id is not None:
        statement = statement.where(jobs.c.owner_id == where.owner_id)
    if where.cluster_id is not None:
        here = select(nodes.c.id).where(nodes.c.cluster_id == where.cluster_id)
        statement = statement.where(jobs.c.node_id.in_(here))
    return [_job(row) for row in conn.execute(statement)]


def waiting_jobs(conn: Connection) -> Iterator[Job]:
    """All queued jobs in the order of submission, a thousand at a time; to be consumed within the transaction."""
    for row in conn.execution_options(yield_per=_CHUNK).execute(_WAITING):
        yield _job(row)


def live_jobs(conn: Connection) -> list[Job]:
    """All jobs that are starting or running, in the order of submission."""
    return [_job(row) for row in conn.execute(_LIVE)]


def count_by_state(conn: Connection, queue_id: QueueId | None = None) -> dict[JobState, int]:
    """How many jobs there are (of this queue) in each state; states without any are 0."""
    where = true() if queue_id is None else jobs.c.queue_id == queue_id
    rows = conn.execute(select(jobs.c.state, func.count()).where(where).group_by(jobs.c.state))
    counts = {JobState(state): count for state, count in rows}
    return {state: counts.get(state, 0) for state in JobState}


def waiting_by_queue(conn: Connection) -> dict[QueueId, int]:
    """How many jobs wait in each queue that has any."""
    return {QueueId(queue_id): count for queue_id, count in conn.execute(_WAITING_BY_QUEUE)}


def count_waiting(conn: Connection, queue_id: QueueId, *owner: UserId | None) -> int:
    """How many jobs wait in a queue, of all owners or of the one that is given (None: those of nobody)."""
    statement = select(func.count()).select_from(jobs).where(WAITING, jobs.c.queue_id == queue_id)
    for owner_id in owner:
        statement = statement.where(jobs.c.owner_id.is_(None) if owner_id is None else jobs.c.owner_id == owner_id)
    return conn.execute(statement).scalar_one()


def queue_names(conn: Connection, job_ids: Collection[JobId]) -> dict[JobId, str]:
    """The names that the jobs' queues had when the jobs were submitted."""
    statement = select(jobs.c.id, jobs.c.queue_name).where(jobs.c.id.in_(list(job_ids)))
    return {JobId(job_id): name for job_id, name in conn.execute(statement)}


def update_job(
    conn: Connection,
    job_id: JobId,
    *,
    states: Collection[JobState],
    attempt: int | None = None,
    new_attempt: int | None = None,
    **values: Any,
) -> bool:
    """Set fields of a job if its state is one of `states` and, where given, its attempt is `attempt`; whether it was.

    `values` are fields of `Job` other than `attempt`, whose new value is `new_attempt`. Raises `IllegalTransition`
    if a new `state` cannot follow each of `states`.
    """
    key: dict[str, Any] = {"id": job_id}
    if attempt is not None:
        key["attempt"] = attempt
    if new_attempt is not None:
        values["attempt"] = new_attempt
    return guarded_update(conn, jobs, key, values, transitions=JOB_TRANSITIONS, states=states, what=f"Job {job_id}")


def _queue_name(conn: Connection, queue_id: QueueId) -> str:
    name = conn.execute(_QUEUE_NAME, {"queue_id": queue_id}).scalar()
    if name is None:
        raise _no_queue(queue_id)
    return name


def _no_queue(queue_id: QueueId) -> NotFound:
    return NotFound(f"There is no queue {queue_id}.", field="queue_id")


def _row(job: Job, queue_name: str) -> dict[str, Any]:
    spec = job.spec
    return {
        "seq": job.seq,
        "id": job.id,
        "name": spec.name,
        "owner_id": job.owner_id,
        "queue_id": spec.queue_id,
        "queue_name": queue_name,
        "state": job.state.value,
        "kind": spec.kind.value,
        "priority": spec.priority,
        "attempt": job.attempt,
        "retries": job.retries,
        "node_id": job.node_id,
        "spec": encoding.spec_to_json(spec),
        "waterfall": job.waterfall,
        "submitted_at": job.submitted_at,
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "exit_code": job.exit_code,
        "reason": None if job.reason is None else job.reason.value,
        "message": job.message,
    }


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    (
        job_id,
        seq,
        spec,
        state,
        owner_id,
        submitted_at,
        updated_at,
        attempt,
        retries,
        node_id,
        started_at,
        finished_at,
        exit_code,
        reason,
        message,
        waterfall,
    ) = row
    return Job(
        id=JobId(job_id),
        seq=seq,
        spec=encoding.spec_from_json(spec),
        state=JobState(state),
        owner_id=None if owner_id is None else UserId(owner_id),
        submitted_at=submitted_at,
        updated_at=updated_at,
        attempt=attempt,
        retries=retries,
        node_id=None if node_id is None else NodeId(node_id),
        started_at=started_at,
        finished_at=finished_at,
        exit_code=exit_code,
        reason=None if reason is None else FailureReason(reason),
        message=message,
        waterfall=waterfall,
    )
