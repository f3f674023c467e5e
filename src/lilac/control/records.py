"""Reading and writing `Work`: a job with one attempt and its replicas, as the lifecycle rules see it.

`save` writes only what differs from what was read, each write guarded by the state that was read. A guard that fails
means that somebody else was quicker: the whole operation is refused with `Conflict` and can be tried again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from lilac.model.errors import Conflict
from lilac.model.ids import JobId
from lilac.model.jobs import Attempt, Job, Replica
from lilac.model.lifecycle import Outcome, Work
from lilac.store import jobs as job_store
from lilac.store.database import Transaction

_JOB_FIELDS = (
    "state", "retries", "node_id", "started_at", "finished_at", "exit_code", "reason", "message",
    "waterfall", "updated_at", "held", "not_before", "retry_counts",
)  # fmt: skip
_ATTEMPT_FIELDS = ("state", "size", "started_at", "finished_at", "reason", "message")
_REPLICA_FIELDS = (
    "state", "stop_wanted", "times", "exit_code", "reason", "message", "started_at", "finished_at", "ports",
)  # fmt: skip


def load_work(conn: Connection, job_id: JobId, attempt: int | None = None) -> Work | None:
    """The job with the given attempt (by default its last one), or None if there is no such job or attempt.

    Within a write the job is locked until the end of the transaction: what is read stays true.
    """
    job_store.lock_jobs(conn, (job_id,))
    job = job_store.get_job(conn, job_id)
    if job is None:
        return None
    number = job.attempt if attempt is None else attempt
    if number == 0:
        return Work(job, None, ())
    found = next(job_store.get_attempts(conn, [(job_id, number)]), None)
    return None if found is None else Work(job, *found)


def load_works(
    conn: Connection, keys: Collection[tuple[JobId, int]], *, lock: bool = True
) -> dict[tuple[JobId, int], Work]:
    """Those of the attempts (job and number) that exist, in the order of the keys, by a few queries in all.

    Within a write the jobs are locked until the end of the transaction, unless it is only to look.
    """
    if lock:
        job_store.lock_jobs(conn, {job_id for job_id, _ in keys})
    jobs = job_store.get_jobs(conn, {job_id for job_id, _ in keys})
    found = {(attempt.job_id, attempt.number): (attempt, held) for attempt, held in job_store.get_attempts(conn, keys)}
    return {key: Work(jobs[key[0]], *found[key]) for key in keys if key in found and key[0] in jobs}


def save_start(tx: Transaction, before: Job, outcome: Outcome) -> bool:
    """Write the start of a new attempt. False (and nothing written) if the job is not waiting any more."""
    work = outcome.work
    changes = _changes(before, work.job, _JOB_FIELDS)
    if not job_store.update_job(
        tx.conn,
        before.id,
        states=(before.state,),
        attempt=before.attempt,
        new_attempt=work.job.attempt,
        **changes,
    ):
        return False
    assert work.attempt is not None
    job_store.insert_attempt(tx.conn, work.attempt)
    job_store.insert_replicas(tx.conn, work.replicas)
    for event in outcome.events:
        tx.record(event)
    return True


def save(tx: Transaction, before: Work, outcome: Outcome) -> None:
    """Write what changed between `before` and the outcome, and its events.

    Raises:
        Conflict: a row is not as it was read.
    """
    after = outcome.work
    if after.job is not before.job:
        changes = _changes(before.job, after.job, _JOB_FIELDS)
        if changes and not job_store.update_job(
            tx.conn, before.job.id, states=(before.job.state,), attempt=before.job.attempt, **changes
        ):
            raise Conflict(f"Job {before.job.id} was changed by somebody else meanwhile; try again.")
    if after.attempt is not None and before.attempt is not None and after.attempt is not before.attempt:
        _save_attempt(tx, before.attempt, after.attempt)
    known = {replica.key: replica for replica in before.replicas}
    job_store.insert_replicas(tx.conn, [new for new in after.replicas if new.key not in known])
    for new in after.replicas:
        old = known.get(new.key)
        if old is not None and new is not old:
            _save_replica(tx, old, new)
    for event in outcome.events:
        tx.record(event)


def _save_attempt(tx: Transaction, old: Attempt, new: Attempt) -> None:
    changes = _changes(old, new, _ATTEMPT_FIELDS)
    if changes and not job_store.update_attempt(tx.conn, old.job_id, old.number, states=(old.state,), **changes):
        raise Conflict(f"Attempt {old.number} of job {old.job_id} was changed by somebody else meanwhile; try again.")


def _save_replica(tx: Transaction, old: Replica, new: Replica) -> None:
    changes = _changes(old, new, _REPLICA_FIELDS)
    if changes and not job_store.update_replica(tx.conn, old.key, states=(old.state,), **changes):
        raise Conflict(f"Replica {old.key} was changed by somebody else meanwhile; try again.")


def _changes(old: object, new: object, fields: tuple[str, ...]) -> dict[str, Any]:
    return {f: getattr(new, f) for f in fields if getattr(new, f) != getattr(old, f)}
