"""Attempts of jobs and the replicas of an attempt.

A job has at most one attempt that is starting or running; a unique index sees to it. A replica is named by job,
attempt and rank; it holds its node's resources until its state is terminal, whichever attempt it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from lilac.model.errors import Conflict, NotFound
from lilac.model.ids import JobId, NodeId, ReplicaKey
from lilac.model.jobs import Attempt, Replica
from lilac.model.states import (
    ATTEMPT_TRANSITIONS,
    REPLICA_TRANSITIONS,
    AttemptState,
    FailureReason,
    ReplicaState,
)
from lilac.store import faults
from lilac.store.guards import guarded_update
from lilac.store.tables import LIVE_REPLICA, attempts, replicas

_INSERT_ATTEMPT = insert(attempts)
_INSERT_REPLICA = insert(replicas)
_ATTEMPTS_OF = select(attempts).where(attempts.c.job_id == bindparam("job_id")).order_by(attempts.c.number)
_ATTEMPTS = select(attempts).where(
    tuple_(attempts.c.job_id, attempts.c.number).in_(bindparam("attempts", expanding=True))
)
_REPLICA = (
    select(replicas).where(replicas.c.job_id == bindparam("job_id")).order_by(replicas.c.attempt, replicas.c.rank)
)
_REPLICAS_OF = _REPLICA.where(replicas.c.attempt == bindparam("attempt"))
_REPLICAS_OF_ALL = (
    select(replicas)
    .where(tuple_(replicas.c.job_id, replicas.c.attempt).in_(bindparam("attempts", expanding=True)))
    .order_by(replicas.c.job_id, replicas.c.attempt, replicas.c.rank)
)
_REPLICA_BY_KEY = _REPLICAS_OF.where(replicas.c.rank == bindparam("rank"))
_LIVE = select(replicas).where(LIVE_REPLICA).order_by(replicas.c.job_id, replicas.c.attempt, replicas.c.rank)
_CHUNK = 400
_LIVE_ON = _LIVE.where(replicas.c.node_id == bindparam("node_id"))


def insert_attempt(conn: Connection, attempt: Attempt) -> None:
    """Raises `Conflict` if the job has this attempt or a live one already, `NotFound` if there is no such job."""
    row = {
        "job_id": attempt.job_id,
        "number": attempt.number,
        "state": attempt.state.value,
        "size": attempt.size,
        "created_at": attempt.created_at,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "reason": None if attempt.reason is None else attempt.reason.value,
        "message": attempt.message,
    }
    try:
        conn.execute(_INSERT_ATTEMPT, row)
    except IntegrityError as error:
        if faults.is_duplicate(error):
            raise Conflict(f"Job {attempt.job_id} has attempt {attempt.number} or another live one already.") from error
        if faults.is_dangling(error):
            raise NotFound(f"There is no job {attempt.job_id}.") from error
        raise


def insert_replicas(conn: Connection, new: Sequence[Replica]) -> None:
    """Raises `Conflict` if a replica is there already, `NotFound` if there is no such job."""
    if not new:
        return
    rows = [
        {
            "job_id": replica.key.job_id,
            "attempt": replica.key.attempt,
            "rank": replica.key.rank,
            "node_id": replica.node_id,
            "state": replica.state.value,
            "stop_wanted": replica.stop_wanted,
            "gpu_uuids": replica.gpu_uuids,
            "created_at": replica.created_at,
            "started_at": replica.started_at,
            "finished_at": replica.finished_at,
            "exit_code": replica.exit_code,
            "reason": None if replica.reason is None else replica.reason.value,
            "message": replica.message,
            "times": replica.times,
            "ports": replica.ports or None,
        }
        for replica in new
    ]
    try:
        conn.execute(_INSERT_REPLICA, rows)
    except IntegrityError as error:
        if faults.is_duplicate(error):
            raise Conflict(f"Replica {new[0].key} or one stored with it exists already.") from error
        if faults.is_dangling(error):
            raise NotFound(f"There is no job {new[0].key.job_id}.") from error
        raise


def update_attempt(
    conn: Connection, job_id: JobId, number: int, *, states: Collection[AttemptState], **values: Any
) -> bool:
    """Set fields of an attempt if its state is one of `states`; whether it was.

    Raises `IllegalTransition` if a new `state` cannot follow each of `states`.
    """
    return guarded_update(
        conn,
        attempts,
        {"job_id": job_id, "number": number},
        values,
        transitions=ATTEMPT_TRANSITIONS,
        states=states,
        what=f"Attempt {number} of job {job_id}",
    )


def update_replica(conn: Connection, key: ReplicaKey, *, states: Collection[ReplicaState], **values: Any) -> bool:
    """Set fields of a replica if its state is one of `states`; whether it was.

    Raises `IllegalTransition` if a new `state` cannot follow each of `states`.
    """
    return guarded_update(
        conn,
        replicas,
        {"job_id": key.job_id, "attempt": key.attempt, "rank": key.rank},
        values,
        transitions=REPLICA_TRANSITIONS,
        states=states,
        what=f"Replica {key}",
    )


def get_replica(conn: Connection, key: ReplicaKey) -> Replica | None:
    found = _replicas(conn, _REPLICA_BY_KEY, job_id=key.job_id, attempt=key.attempt, rank=key.rank)
    return found[0] if found else None


def attempts_of(conn: Connection, job_id: JobId) -> list[Attempt]:
    """The attempts of a job, the first one first."""
    return [_attempt(row) for row in conn.execute(_ATTEMPTS_OF, {"job_id": job_id})]


def get_attempts(
    conn: Connection, keys: Collection[tuple[JobId, int]]
) -> Iterator[tuple[Attempt, tuple[Replica, ...]]]:
    """Those of the attempts (job and number) that exist, each with its replicas by rank; two queries per 400."""
    wanted = list(keys)
    for start in range(0, len(wanted), _CHUNK):
        chunk = {"attempts": wanted[start : start + _CHUNK]}
        by_attempt: dict[tuple[str, int], list[Replica]] = {}
        for replica in _replicas(conn, _REPLICAS_OF_ALL, **chunk):
            by_attempt.setdefault((replica.key.job_id, replica.key.attempt), []).append(replica)
        for row in conn.execute(_ATTEMPTS, chunk):
            attempt = _attempt(row)
            yield attempt, tuple(by_attempt.get((attempt.job_id, attempt.number), ()))


def replicas_of(conn: Connection, job_id: JobId, attempt: int) -> list[Replica]:
    """The replicas of one attempt by rank."""
    return _replicas(conn, _REPLICAS_OF, job_id=job_id, attempt=attempt)


def all_replicas_of(conn: Connection, job_id: JobId) -> list[Replica]:
    """The replicas of all attempts of a job, by attempt and rank."""
    return _replicas(conn, _REPLICA, job_id=job_id)


def live_replicas(conn: Connection, node_id: NodeId | None = None) -> list[Replica]:
    """The replicas that hold resources (on this node), of whatever attempt, by key."""
    if node_id is None:
        return _replicas(conn, _LIVE)
    return _replicas(conn, _LIVE_ON, node_id=node_id)


def _replicas(conn: Connection, statement: Select[Any], **parameters: Any) -> list[Replica]:
    return [_replica(row) for row in conn.execute(statement, parameters)]


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        job_id=JobId(row.job_id),
        number=row.number,
        state=AttemptState(row.state),
        size=row.size,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reason=None if row.reason is None else FailureReason(row.reason),
        message=row.message,
    )


def _replica(row: Row[Any]) -> Replica:
    return Replica(
        key=ReplicaKey(JobId(row.job_id), row.attempt, row.rank),
        node_id=NodeId(row.node_id),
        state=ReplicaState(row.state),
        stop_wanted=row.stop_wanted,
        gpu_uuids=tuple(row.gpu_uuids),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        reason=None if row.reason is None else FailureReason(row.reason),
        message=row.message,
        times=row.times,
        ports=row.ports or {},
    )
