"""The append-only history. Events are recorded through `Transaction.record` and only read here.

`seq` ascends in the order of commits, so whoever has read up to n and asks for `after=n` misses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Row, bindparam, cast, func, literal_column, or_, select

from lilac.model.events import ACCOUNT_EVENTS, Event, EventKind
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.store import driving, encoding, numbering
from lilac.store.tables import events

_SELECT = select(events)
COLUMNS = ("kind", "at", "actor", "job_id", "node_id", "cluster_id", "queue_id", "user_id", "data")
"""All but the number, as in `to_row`."""
_INSERT = f"INSERT INTO events (seq, {', '.join(COLUMNS)}) VALUES ({driving.marks(len(COLUMNS) + 1)})"
_ACCOUNT_EVENTS = sorted(kind.value for kind in ACCOUNT_EVENTS)
_LAST = select(func.max(events.c.seq))
_NEXT = select(events.c.seq, events.c.at).where(events.c.seq >= bindparam("seq")).order_by(events.c.seq).limit(1)


def list_events(
    conn: Connection,
    *,
    after: int = 0,
    before: int | None = None,
    limit: int,
    job_id: JobId | None = None,
    node_id: NodeId | None = None,
    queue_id: QueueId | None = None,
    kinds: Collection[EventKind] | None = None,
    cluster_id: ClusterId | None = None,
    user_id: UserId | None = None,
    actor: str | None = None,
    since: float | None = None,
    until: float | None = None,
    jobs_of: UserId | None = None,
    accounts_of: UserId | None = None,
    newest_first: bool = False,
) -> list[Event]:
    """At most `limit` events with `seq` above `after` (and below `before`) that match all that is given, oldest first.

    `jobs_of` leaves out events of jobs of other owners, `accounts_of` those of other accounts and their keys.
    """
    statement = _SELECT.where(events.c.seq > after).limit(limit)
    for column, value in (
        (events.c.job_id, job_id),
        (events.c.node_id, node_id),
        (events.c.queue_id, queue_id),
        (events.c.cluster_id, cluster_id),
        (events.c.user_id, user_id),
        (events.c.actor, actor),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(events.c.seq < before)
    if kinds is not None:
        statement = statement.where(events.c.kind.in_([kind.value for kind in kinds]))
    if since is not None:
        statement = statement.where(events.c.at >= since)
    if until is not None:
        statement = statement.where(events.c.at < until)
    if jobs_of is not None:
        statement = statement.where(or_(events.c.job_id.is_(None), events.c.user_id == jobs_of))
    if accounts_of is not None:
        own = events.c.user_id == accounts_of
        statement = statement.where(or_(events.c.kind.not_in(_ACCOUNT_EVENTS), own))
    statement = statement.order_by(events.c.seq.desc() if newest_first else events.c.seq)
    return [_event(row) for row in conn.execute(statement)]


def last_seq(conn: Connection) -> int:
    """The number of the newest event; 0 if there is none."""
    return conn.execute(_LAST).scalar() or 0


def last_before(conn: Connection, at: float) -> int:
    """The number of the newest event from before a time, by halving: numbers and times ascend together (of several
    replicas as far as their clocks agree)."""
    low, high = 0, last_seq(conn)
    while low < high:
        middle = (low + high + 1) // 2
        found = conn.execute(_NEXT, {"seq": middle}).first()
        if found is None or found.at >= at:
            high = middle - 1
        else:
            low = found.seq if found.seq <= high else middle
    return low


def count_by_time(
    conn: Connection, after: int, to: int, kinds: Collection[EventKind], *, bucket_s: int
) -> dict[tuple[int, str, str], int]:
    """How many events of these kinds there are after one number and up to another, by bucket of time, kind and user."""
    width = literal_column(str(bucket_s), Integer)
    bucket = (cast(events.c.at, BigInteger) // width).label("bucket")
    statement = (
        select(bucket, events.c.kind, events.c.user_id, func.count())
        .where(events.c.seq > after, events.c.seq <= to, events.c.kind.in_([kind.value for kind in kinds]))
        .group_by(bucket, events.c.kind, events.c.user_id)
    )
    return {(int(at), kind, user_id or ""): count for at, kind, user_id, count in conn.execute(statement)}


def to_row(event: Event) -> dict[str, Any]:
    """The event as it is stored, but for its number. Raises `TypeError` if its data is not JSON."""
    return {
        "kind": event.kind.value,
        "at": event.at,
        "actor": event.actor,
        "job_id": event.job_id,
        "node_id": event.node_id,
        "cluster_id": event.cluster_id,
        "queue_id": event.queue_id,
        "user_id": event.user_id,
        "data": encoding.encoded(event.data),
    }


def append(conn: Connection, rows: Sequence[dict[str, Any]]) -> Sequence[int]:
    """Store rows of `to_row` on SQLite, as the last thing of a transaction: their numbers."""
    if not rows:
        return ()
    seqs = numbering.reserve_for_events(conn, len(rows))
    values = [(seq, *_values(row)) for row, seq in zip(rows, seqs, strict=True)]
    driving.insert(conn, _INSERT, values)
    return seqs


def _values(row: dict[str, Any]) -> Iterator[Any]:
    *others, data = row.values()
    yield from others
    yield encoding.dumps(data)


def _event(row: Row[Any]) -> Event:
    return Event(
        seq=row.seq,
        kind=EventKind.stored(row.kind),
        at=row.at,
        actor=row.actor,
        job_id=JobId(row.job_id) if row.job_id else None,
        node_id=NodeId(row.node_id) if row.node_id else None,
        cluster_id=ClusterId(row.cluster_id) if row.cluster_id else None,
        queue_id=QueueId(row.queue_id) if row.queue_id else None,
        user_id=UserId(row.user_id) if row.user_id else None,
        data=row.data,
    )
