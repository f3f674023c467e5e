"""Jobs: inserting, finding, and their guarded updates. Attempts and replicas are in `attempts`, and named here
too; lists are in `listing`.

A job's row changes only by `update_job`, whose guard (states and attempt) is part of the statement: two writers that
both want to end a job cannot both succeed, and a report about an older attempt changes nothing.

The queue's name is kept as text when a job is submitted, so the history can tell it after the queue is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import JSON, Connection, Row, bindparam, func, select, true
from sqlalchemy.exc import IntegrityError

from lilac.model.errors import Conflict, NotFound
from lilac.model.ids import JobId, NodeId, QueueId, UserId
from lilac.model.jobs import Job
from lilac.model.states import JOB_TRANSITIONS, FailureReason, Hold, JobState
from lilac.store import driving, encoding, faults, numbering
from lilac.store.arrays import arrays_waiting_since, waiting_in_arrays
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
from lilac.store.tables import ELEMENT, LIVE_JOB, UNFINISHED, WAITING, arrays, job_labels, jobs, queues, storable

__all__ = [
    "all_replicas_of",
    "attempts_of",
    "count_by_state",
    "count_waiting",
    "get_attempts",
    "get_element",
    "get_elements",
    "get_job",
    "get_jobs",
    "get_replica",
    "insert_attempt",
    "insert_jobs",
    "insert_labels",
    "insert_replicas",
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
    "waiting_since",
]

_GIVEN = (
    "id", "name", "owner_id", "queue_id", "state", "kind", "priority", "attempt", "retries", "node_id", "spec",
    "waterfall", "submitted_at", "updated_at", "started_at", "finished_at", "exit_code", "reason", "message", "held",
    "not_before", "retry_counts", "retry_of", "array_id", "array_index", "array_seq",
)  # fmt: skip
"""All but its number and the name of its queue, as in `_row`."""
_NAMES = ", ".join(_GIVEN)
_JSON = tuple(name for name in _GIVEN if isinstance(jobs.c[name].type, JSON))
_INSERT_EACH = f"INSERT INTO jobs (seq, queue_name, {_NAMES}) VALUES ({driving.marks(len(_GIVEN) + 2)})"
_INSERT_ROWS = f"""
WITH given AS (
  SELECT q.name AS queue_name, job.* FROM {driving.rows_of(jobs, _GIVEN, "job")} JOIN queues q ON q.id = job.queue_id
  ORDER BY job.n
), stored AS (
  INSERT INTO jobs (seq, queue_name, {_NAMES}) SELECT nextval('jobs_seq_seq'), queue_name, {_NAMES} FROM given
  RETURNING seq
)
SELECT array_agg(seq ORDER BY seq) FROM stored
"""
_QUEUE_NAME = select(queues.c.name).where(queues.c.id == bindparam("queue_id"))
SELECT = select(
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
    jobs.c.held,
    jobs.c.not_before,
    jobs.c.retry_counts,
    jobs.c.retry_of,
    jobs.c.array_id,
    jobs.c.array_index,
    jobs.c.array_seq,
)
_BY_ID = SELECT.where(jobs.c.id == bindparam("job_id"))
_BY_IDS = SELECT.where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))
_LOCK = (
    select(jobs.c.id).where(jobs.c.id.in_(bindparam("job_ids", expanding=True))).order_by(jobs.c.id).with_for_update()
)
_WAITING = SELECT.where(WAITING).order_by(jobs.c.seq)
_LIVE = SELECT.where(LIVE_JOB).order_by(jobs.c.seq)
_WAITING_BY_QUEUE = (
    select(jobs.c.queue_id, func.count()).where(WAITING, jobs.c.queue_id.is_not(None)).group_by(jobs.c.queue_id)
)
_FIRST_BY_QUEUE = select(func.min(jobs.c.seq)).where(WAITING, jobs.c.queue_id.is_not(None)).group_by(jobs.c.queue_id)
_WAITING_SINCE = select(jobs.c.queue_id, jobs.c.submitted_at).where(jobs.c.seq.in_(_FIRST_BY_QUEUE))
_ELEMENTS_OF = SELECT.where(jobs.c.array_id == bindparam("array_id"), ELEMENT)
_ELEMENT = _ELEMENTS_OF.where(jobs.c.array_index == bindparam("index"))
_ELEMENTS = _ELEMENTS_OF.where(jobs.c.array_index.in_(bindparam("indices", expanding=True)))
_INSERT_LABEL = "INSERT INTO job_labels (label, seq) VALUES (?, ?)"
_INSERT_LABELS = f"""
INSERT INTO job_labels (label, seq) SELECT label, seq FROM {driving.rows_of(job_labels, ("label", "seq"), "given")}
"""
_CHUNK = 1000


def insert_jobs(conn: Connection, new: Sequence[Job]) -> list[Job]:
    """Store new jobs, give each its `seq`, which ascends in the given order, and return them.

    Raises `NotFound` if a queue does not exist (any more), `Conflict` if there is a job of the same id.
    """
    if not new:
        return []
    insert_all = _insert_at_once if conn.dialect.name == "postgresql" else _insert_each
    try:
        seqs = insert_all(conn, new)
    except IntegrityError as error:
        if faults.is_duplicate(error):
            raise Conflict("There is a job of this id already.") from error
        if faults.is_dangling(error):
            raise NotFound("The queue or the owner of a new job does not exist any more.") from error
        raise
    return [job.number(seq) for job, seq in zip(new, seqs, strict=True)]


def get_job(conn: Connection, job_id: JobId) -> Job | None:
    row = conn.execute(_BY_ID, {"job_id": job_id}).first()
    return None if row is None else from_row(row)


def get_jobs(conn: Connection, job_ids: Collection[JobId]) -> dict[JobId, Job]:
    """Those of the jobs that exist, by id, in the order of submission."""
    found: list[Job] = []
    ids = list(job_ids)
    for start in range(0, len(ids), _CHUNK):
        found += map(from_row, conn.execute(_BY_IDS, {"job_ids": ids[start : start + _CHUNK]}))
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


def get_element(conn: Connection, array_id: JobId, index: int) -> Job | None:
    """An element of an array, if it has a row."""
    row = conn.execute(_ELEMENT, {"array_id": array_id, "index": index}).first()
    return None if row is None else from_row(row)


def get_elements(conn: Connection, array_id: JobId, indices: Sequence[int]) -> dict[int, Job]:
    """Those of the elements that have a row, by index."""
    found: dict[int, Job] = {}
    for start in range(0, len(indices), _CHUNK):
        rows = conn.execute(_ELEMENTS, {"array_id": array_id, "indices": indices[start : start + _CHUNK]})
        found |= {job.array_index: job for job in map(from_row, rows) if job.array_index is not None}
    return found


def insert_labels(conn: Connection, labels: Sequence[tuple[str, int]]) -> None:
    """Make jobs and arrays (by `seq`) findable by `key=value`."""
    if not labels:
        return
    if conn.dialect.name == "postgresql":
        driving.fetch(conn, _INSERT_LABELS, encoding.dumps([{"label": label, "seq": seq} for label, seq in labels]))
    else:
        driving.insert(conn, _INSERT_LABEL, labels)


def waiting_jobs(conn: Connection) -> Iterator[Job]:
    """All queued jobs in the order of submission, a thousand at a time; to be consumed within the transaction."""
    for row in conn.execute(_WAITING, execution_options={"yield_per": _CHUNK}):
        yield from_row(row)


def live_jobs(conn: Connection) -> list[Job]:
    """All jobs that are starting or running, in the order of submission."""
    return [from_row(row) for row in conn.execute(_LIVE)]


def count_by_state(conn: Connection, queue_id: QueueId | None = None) -> dict[JobState, int]:
    """How many jobs there are (of this queue) in each state; states without any are 0."""
    where = true() if queue_id is None else jobs.c.queue_id == queue_id
    rows = conn.execute(select(jobs.c.state, func.count()).where(where).group_by(jobs.c.state))
    counts = {JobState(state): count for state, count in rows}
    return {state: counts.get(state, 0) for state in JobState}


def waiting_by_queue(conn: Connection) -> dict[QueueId, int]:
    """How many jobs wait in each queue that has any, elements of arrays included."""
    counts = waiting_in_arrays(conn)
    for queue_id, count in conn.execute(_WAITING_BY_QUEUE):
        counts[QueueId(queue_id)] = counts.get(QueueId(queue_id), 0) + count
    return counts


def waiting_since(conn: Connection) -> dict[QueueId, float]:
    """When the job was submitted that has waited longest, for each queue in which any waits."""
    found = arrays_waiting_since(conn)
    for queue_id, submitted_at in conn.execute(_WAITING_SINCE):
        found[QueueId(queue_id)] = min(submitted_at, found.get(QueueId(queue_id), submitted_at))
    return found


def count_waiting(conn: Connection, queue_id: QueueId, *owner: UserId | None) -> int:
    """How many jobs wait in a queue, of all owners or of the one that is given (None: those of nobody)."""
    rows = select(func.count()).select_from(jobs).where(WAITING, jobs.c.queue_id == queue_id)
    elements = select(func.coalesce(func.sum(arrays.c.waiting_count), 0)).where(arrays.c.queue_id == queue_id)
    for owner_id in owner:
        rows = rows.where(jobs.c.owner_id.is_(None) if owner_id is None else jobs.c.owner_id == owner_id)
        elements = elements.where(arrays.c.owner_id.is_(None) if owner_id is None else arrays.c.owner_id == owner_id)
    return conn.execute(rows).scalar_one() + int(conn.execute(elements.where(UNFINISHED)).scalar_one())


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


def _insert_at_once(conn: Connection, new: Sequence[Job]) -> Sequence[int]:
    """On PostgreSQL: numbers, names of queues and rows in one round trip."""
    ((seqs,),) = driving.fetch(conn, _INSERT_ROWS, encoding.dumps([_row(job) for job in new]))
    if seqs is None or len(seqs) < len(new):
        known = {queue_id: _queue_name(conn, queue_id) for queue_id in {job.spec.queue_id for job in new}}
        raise AssertionError(f"jobs of the queues {known} were not all stored")
    return seqs


def _insert_each(conn: Connection, new: Sequence[Job]) -> Sequence[int]:
    first, *others = dict.fromkeys(job.spec.queue_id for job in new)
    reserved = numbering.reserve_for_jobs(conn, first, len(new))
    if reserved is None:
        raise _no_queue(first)
    name, seqs = reserved
    names = {first: name} | {queue_id: _queue_name(conn, queue_id) for queue_id in others}
    rows: list[tuple[Any, ...]] = []
    for job, seq in zip(new, seqs, strict=True):
        row = _row(job)
        for name in _JSON:
            if row[name] is not None:
                row[name] = encoding.dumps(row[name])
        rows.append((seq, names[job.spec.queue_id], *row.values()))
    driving.insert(conn, _INSERT_EACH, rows)
    return seqs


def _queue_name(conn: Connection, queue_id: QueueId) -> str:
    name = conn.execute(_QUEUE_NAME, {"queue_id": queue_id}).scalar()
    if name is None:
        raise _no_queue(queue_id)
    return name


def _no_queue(queue_id: QueueId) -> NotFound:
    return NotFound(f"There is no queue {queue_id}.", field="queue_id")


def _row(job: Job) -> dict[str, Any]:
    """The values of `_GIVEN`, in that order."""
    spec = job.spec
    return {
        "id": job.id,
        "name": spec.name,
        "owner_id": job.owner_id,
        "queue_id": spec.queue_id,
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
        "message": storable(job.message),
        "held": None if job.held is None else job.held.value,
        "not_before": job.not_before,
        "retry_counts": job.retry_counts or None,
        "retry_of": job.retry_of,
        "array_id": job.array_id,
        "array_index": job.array_index,
        "array_seq": job.array_seq,
    }


def from_row(row: Row[*tuple[Any, ...]]) -> Job:
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
        held,
        not_before,
        retry_counts,
        retry_of,
        array_id,
        array_index,
        array_seq,
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
        held=None if held is None else Hold(held),
        not_before=not_before,
        retry_counts=retry_counts or {},
        retry_of=retry_of,
        array_id=array_id,
        array_index=array_index,
        array_seq=array_seq,
    )
