"""What each commit touched, for the other replicas of the control plane: one row per batch, on PostgreSQL only.

Whatever `Transaction.after` is given to tell in this process (works, jobs, nodes, queues) is named here for the other
processes, which load those rows as they are by then and tell the same. The rows are numbered under the events lock, so
the order of numbers is the order of commits: whoever has read up to n and asks for what comes after n misses nothing.
A number may be missing after a rollback.

One NOTIFY goes out with each row, when the batch commits, as soon as there is another replica; its payload is the
name of the replica that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select

from lilac.model.arrays import JobArray
from lilac.model.clusters import Node, Queue
from lilac.model.ids import JobId, NodeId
from lilac.model.jobs import Job
from lilac.model.lifecycle import Work
from lilac.store import driving, numbering
from lilac.store.tables import changes, leadership

CHANNEL = "lilac_changes"
LOGS_CHANNEL = "lilac_logs"
_INSERT = insert(changes)
_KNOWN_FOR_S = 60
NOTIFY_OTHERS = (
    f"(SELECT pg_notify('{CHANNEL}', %s) WHERE EXISTS (SELECT FROM control_planes WHERE id <> %s "
    f"AND seen_at > extract(epoch FROM clock_timestamp()) - {_KNOWN_FOR_S}))"
)
"""Wakes other replicas, if any was there lately. One that has just come looks by itself as soon as it is known."""
_NOTIFY = f"SELECT {NOTIFY_OTHERS}"
_LAST = select(func.max(changes.c.seq))
_PRUNED_TO = select(func.coalesce(func.max(leadership.c.pruned_to), 0))
_AFTER = (
    select(
        changes.c.seq,
        changes.c.first_event,
        changes.c.last_event,
        case((changes.c.replica == bindparam("replica"), None), else_=changes.c.touched).label("touched"),
    )
    .where(changes.c.seq > bindparam("after"))
    .order_by(changes.c.seq)
    .limit(bindparam("limit"))
)


@dataclass(slots=True)
class Touched:
    """The things that a commit changed, by their keys."""

    works: set[tuple[JobId, int]] = field(default_factory=set[tuple[JobId, int]])
    """Job and attempt; 0 for a job that had none yet."""
    arrays: set[JobId] = field(default_factory=set[JobId])
    nodes: set[NodeId] = field(default_factory=set[NodeId])
    directory: bool = False
    """All queues and nodes may be others than before."""

    def __bool__(self) -> bool:
        return bool(self.works or self.arrays or self.nodes or self.directory)

    def note(self, things: Iterable[Any]) -> None:
        """Note what is among the arguments of a callback. Other arguments (times, say) name nothing."""
        for thing in things:
            if isinstance(thing, Work):
                self.works.add((thing.job.id, thing.attempt.number if thing.attempt is not None else 0))
            elif isinstance(thing, Job):
                self.works.add((thing.id, thing.attempt))
            elif isinstance(thing, JobArray):
                self.arrays.add(thing.id)
            elif isinstance(thing, Node):
                self.nodes.add(thing.id)
            elif isinstance(thing, Queue):
                self.directory = True
            elif isinstance(thing, (list, tuple)):
                if not thing or isinstance(thing[0], (Queue, Node)):
                    self.directory = True
                else:
                    self.note(thing)

    def add(self, keys: Mapping[str, Any]) -> None:
        """Add what a row names."""
        self.works.update((JobId(job_id), attempt) for job_id, attempt in keys.get("works", ()))
        self.arrays.update(map(JobId, keys.get("arrays", ())))
        self.nodes.update(map(NodeId, keys.get("nodes", ())))
        self.directory = self.directory or bool(keys.get("directory"))

    def keys(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "works": sorted(self.works),
            "arrays": sorted(self.arrays),
            "nodes": sorted(self.nodes),
            "directory": self.directory,
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class News:
    """What others committed after a point: up to `last`, which is certain to be complete."""

    last: int
    touched: Touched
    event_ranges: tuple[tuple[int, int], ...]
    more: bool
    missed: bool
    """Rows after the point are gone already: what is kept in memory has to be built anew."""


def append(conn: Connection, replica: str, touched: Touched, at: float) -> None:
    """Write what a transaction without events changed. Where there are events, `telling` writes it with them."""
    numbering.lock_events(conn)
    conn.execute(_INSERT, {"replica": replica, "at": at, "touched": touched.keys()})
    driving.fetch(conn, _NOTIFY, replica, replica)


def after(conn: Connection, seq: int, *, replica: str, limit: int) -> News:
    """What others than `replica` committed after row `seq`, at most `limit` rows of it."""
    rows = conn.execute(_AFTER, {"after": seq, "replica": replica, "limit": limit}).all()
    touched = Touched()
    ranges: list[tuple[int, int]] = []
    for row in rows:
        if row.touched is None:
            continue
        touched.add(row.touched)
        if row.first_event is not None:
            ranges.append((row.first_event, row.last_event))
    missed = bool(rows) and (conn.execute(_PRUNED_TO).scalar() or 0) > seq
    return News(rows[-1].seq if rows else seq, touched, tuple(ranges), len(rows) == limit, missed)


def last_seq(conn: Connection) -> int:
    """The number of the newest row; as far as rows were deleted, up to where."""
    return conn.execute(_LAST).scalar() or conn.execute(_PRUNED_TO).scalar() or 0


def prune(conn: Connection, *, before: float) -> int:
    """Forget rows older than a time, except for the newest; how many."""
    last = conn.execute(select(func.max(changes.c.seq)).where(changes.c.at < before)).scalar()
    if last is None:
        return 0
    gone = conn.execute(delete(changes).where(changes.c.seq < last)).rowcount
    conn.execute(leadership.update().values(pruned_to=func.greatest(leadership.c.pruned_to, last - 1)))
    return gone
