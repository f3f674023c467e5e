"""Lists of jobs and arrays: filters, pages, counts.

Jobs and arrays share one row of numbers (`seq`), so a page is the newest of both, and where it ended is where the
next one begins (keyset): a page costs the same however many went before it. Elements of arrays are not listed beside
their array; only who asks for a node, a cluster or the array itself gets them.

Each filter has an index that gives its rows in the order of the list; `since` and `until` become bounds of `seq`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from lilac.model.arrays import JobArray
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import Job, JobKind
from lilac.model.states import JobState
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store.tables import LISTED, OF_A_RARE_KIND, ON_A_NODE, arrays, job_labels, jobs, nodes

_CLOCK_SLACK_S = 120.0
"""By how much the order of times and of numbers may differ: clocks are set, and several servers have several."""


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
    node_id: NodeId | None = None
    array_id: JobId | None = None
    """Elements of this array that have a row."""
    kind: JobKind | None = None
    text: str | None = None
    """In the name, in any case."""
    labels: Collection[str] = ()
    """`key=value`, all of them."""
    since: float | None = None
    """Submitted at this time or later."""
    until: float | None = None
    """Submitted before this time."""
    rows: bool = False
    """Rows as they are: elements of arrays that have one, and no arrays."""

    @staticmethod
    def open_states() -> tuple[JobState, ...]:
        """Of jobs that have not ended."""
        return (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)

    @property
    def elements(self) -> bool:
        """Whether elements of arrays are listed, instead of arrays."""
        return self.rows or self.cluster_id is not None or self.node_id is not None or self.array_id is not None


def list_work(conn: Connection, where: JobFilter, *, limit: int, before_seq: int | None = None) -> list[Job | JobArray]:
    """At most `limit` jobs and arrays that match, newest first; the next page begins before the last one's `seq`."""
    statement = _filtered(conn, job_store.SELECT, jobs, where, before_seq)
    found: list[Job | JobArray] = list(map(job_store.from_row, conn.execute(statement.limit(limit))))
    if where.elements:
        return found
    statement = _filtered(conn, select(arrays), arrays, where, before_seq)
    newest = [array_store.from_row(row) for row in conn.execute(statement.limit(limit))]
    if not newest:
        return found
    merged = sorted([*found, *newest], key=lambda work: -work.seq)[:limit]
    counted = array_store.with_counts(conn, [work for work in merged if isinstance(work, JobArray)])
    return [counted[work.id] if isinstance(work, JobArray) else work for work in merged]


def list_jobs(conn: Connection, where: JobFilter, *, limit: int, before_seq: int | None = None) -> list[Job]:
    """As `list_work`, without arrays."""
    statement = _filtered(conn, job_store.SELECT, jobs, where, before_seq)
    return [job_store.from_row(row) for row in conn.execute(statement.limit(limit))]


def find_by_name(conn: Connection, name: str, owner_id: UserId | None = None) -> Job | JobArray | None:
    """The newest job or array of this name (of this owner)."""
    found = list_work(conn, JobFilter(name=name, owner_id=owner_id), limit=1)
    return found[0] if found else None


def count_work(conn: Connection, where: JobFilter) -> dict[JobState, int]:
    """How many jobs match in each state; every element of an array counts, and states without any are 0."""
    counts = dict.fromkeys(JobState, 0)
    statement = select(jobs.c.state, func.count()).where(*_conditions(conn, jobs, where, None)).group_by(jobs.c.state)
    for state, count in conn.execute(statement):
        counts[JobState(state)] += count
    if where.elements:
        return counts
    statement = select(arrays).where(*_conditions(conn, arrays, where, None))
    found = [array_store.from_row(row) for row in conn.execute(statement)]
    for array in array_store.with_counts(conn, found).values():
        for state, count in array.counts.items():
            counts[state] += count
    return counts


def _filtered(
    conn: Connection, statement: Select[*tuple[Any, ...]], table: Table, where: JobFilter, before_seq: int | None
) -> Select[*tuple[Any, ...]]:
    if table is jobs and where.array_id is None and where.labels:
        first = min(where.labels)
        statement = statement.join(job_labels, (job_labels.c.seq == jobs.c.seq) & (job_labels.c.label == first))
    return statement.where(*_conditions(conn, table, where, before_seq)).order_by(table.c.seq.desc())


def _conditions(
    conn: Connection, table: Table, where: JobFilter, before_seq: int | None
) -> Iterator[ColumnElement[bool]]:
    column = table.c
    if table is jobs and not where.elements:
        yield LISTED  # pyright: ignore[reportReturnType]
    if before_seq is not None:
        yield column.seq < before_seq
    if where.ids is not None:
        yield column.id.in_(list(where.ids))
    if where.name is not None:
        yield column.name == where.name
    if where.states is not None:
        states = [state.value for state in where.states]
        if table is arrays and JobState.QUEUED in where.states:
            states.remove(JobState.QUEUED.value)
            yield column.state.in_(states) | (column.waiting_count > 0)
        else:
            yield column.state.in_(states)
    if where.queue_id is not None:
        yield column.queue_id == where.queue_id
    if where.owner_id is not None:
        yield column.owner_id == where.owner_id
    if where.kind is not None:
        yield column.kind == where.kind.value
        if table is jobs and where.kind is not JobKind.BATCH:
            yield OF_A_RARE_KIND  # pyright: ignore[reportReturnType]
    if where.text is not None:
        yield column.name.icontains(where.text, autoescape=True)
    for label in where.labels:
        yield column.seq.in_(select(job_labels.c.seq).where(job_labels.c.label == label))
    if table is jobs:
        yield from _of_jobs(where)
    yield from _in_time(conn, table, where)


def _of_jobs(where: JobFilter) -> Iterator[ColumnElement[bool]]:
    if where.array_id is not None:
        yield jobs.c.array_id == where.array_id
    if where.node_id is not None:
        yield jobs.c.node_id == where.node_id
        yield ON_A_NODE  # pyright: ignore[reportReturnType]
    if where.cluster_id is not None:
        yield jobs.c.node_id.in_(select(nodes.c.id).where(nodes.c.cluster_id == where.cluster_id))


def _in_time(conn: Connection, table: Table, where: JobFilter) -> Iterator[ColumnElement[bool]]:
    """The times themselves, and the bounds of `seq` that follow, so that nothing outside of them is read."""
    if where.since is not None:
        yield table.c.submitted_at >= where.since
        first = _number_at(conn, where.since - _CLOCK_SLACK_S)
        if first is not None:
            yield table.c.seq >= first
    if where.until is not None:
        yield table.c.submitted_at < where.until
        after = _number_at(conn, where.until + _CLOCK_SLACK_S)
        if after is not None:
            yield table.c.seq <= after


def _number_at(conn: Connection, at: float) -> int | None:
    """The number of the first job submitted at this time or later, None if there is none."""
    statement = select(jobs.c.seq).where(LISTED, jobs.c.submitted_at >= at)
    return conn.execute(statement.order_by(jobs.c.submitted_at, jobs.c.seq).limit(1)).scalar()
