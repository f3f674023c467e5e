"""Numbers for rows that are counted for ever: jobs and events.

Numbers are reserved first and inserted explicitly, so a multi-row insert needs no RETURNING and its order is certain.
They ascend and are never given twice, even after the newest rows were deleted. PostgreSQL leaves gaps after a
rollback; SQLite does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from lilac.model.ids import QueueId

EVENTS_LOCK = 0x6C696C6163_01
"""The key of the advisory lock that makes the order of event numbers the order of commits."""

_SQLITE_LAST_EVENT = text("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
_SQLITE_JOB_SEQUENCE = text("UPDATE sqlite_sequence SET seq = :seq WHERE name = 'jobs'")
_SQLITE_NEW_JOB_SEQUENCE = text("INSERT INTO sqlite_sequence (name, seq) VALUES ('jobs', :seq)")
_SQLITE_LAST_JOB = text(
    "SELECT name, (SELECT seq FROM sqlite_sequence WHERE name = 'jobs') FROM queues WHERE id = :queue_id"
)
_POSTGRESQL_JOBS = text(
    "SELECT name, nextval('jobs_seq_seq') FROM queues, generate_series(1, :count) WHERE id = :queue_id"
)
_POSTGRESQL_LOCK = text(f"SELECT pg_advisory_xact_lock({EVENTS_LOCK})")
_POSTGRESQL_XID = text("SELECT pg_current_xact_id_if_assigned()::text")


def reserve_for_jobs(conn: Connection, queue_id: QueueId, count: int) -> tuple[str, Sequence[int]] | None:
    """The name of a queue and the next `count` job numbers, in one round trip; None if there is no such queue."""
    if conn.dialect.name == "sqlite":
        row = conn.execute(_SQLITE_LAST_JOB, {"queue_id": queue_id}).first()
        return None if row is None else (row[0], _from(row[1], count))
    rows = conn.execute(_POSTGRESQL_JOBS, {"queue_id": queue_id, "count": count}).all()
    return (rows[0][0], sorted(row[1] for row in rows)) if rows else None


def keep_job_number(conn: Connection, seq: int) -> None:
    """Keep the number of what is no row of `jobs` (an array) from being given to one. Numbers are taken in order."""
    if conn.dialect.name == "sqlite" and not conn.execute(_SQLITE_JOB_SEQUENCE, {"seq": seq}).rowcount:
        conn.execute(_SQLITE_NEW_JOB_SEQUENCE, {"seq": seq})


def reserve_for_events(conn: Connection, count: int) -> Sequence[int]:
    """The next `count` event numbers, on SQLite. On PostgreSQL they are given by the statement that stores the events
    (`telling`), which holds the events lock until the end of the transaction: whoever gets numbers later commits later,
    so nobody who has seen number n will ever see a smaller one appear.
    """
    return _from(conn.execute(_SQLITE_LAST_EVENT).scalar(), count)


def transaction_id(conn: Connection) -> str | None:
    """The id of this transaction on PostgreSQL, None if it changed nothing."""
    return conn.execute(_POSTGRESQL_XID).scalar()


def lock_events(conn: Connection) -> None:
    """Take the events lock until the end of the transaction, on PostgreSQL, without numbers."""
    conn.execute(_POSTGRESQL_LOCK)


def _from(last: int | None, count: int) -> range:
    first = (last or 0) + 1
    return range(first, first + count)
