"""Lists of jobs and arrays: filters, pages, counts.

Jobs and arrays share one row of numbers (`seq`), so a page is the newest of both, and where it ended is where the
next one begins (keyset): a page costs the same however many went before it. Elements of arrays are not listed beside
their array; only who asks for a node, a cluster or the array itself gets them.

Each filter has an index that gives its rows in the order of the list; `since` and `until` become bounds of `seq`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, Table, bindparam, false, func, select

from lilac.model.arrays import JobArray
from lilac.model.ids import ClusterId, JobId, NodeId, QueueId, UserId
from lilac.model.jobs import Job, JobKind
from lilac.model.states import JobState
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store.tables import LISTED, OF_A_RARE_KIND, ON_A_NODE, arrays, job_labels, jobs, nodes

_BY_NUMBER = job_store.SELECT.where(jobs.c.seq.in_(bindparam("numbers", expanding=True))).order_by(jobs.c.seq.desc())
_WITHOUT_CASE = re.compile(r"[^a-zA-Z\u0080-\U0010ffff]{2,}")
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
    numbers = _newest(conn, jobs, where, limit, before_seq)
    if where.elements:
        return list(_jobs(conn, numbers))
    of_arrays = _newest(conn, arrays, where, limit, before_seq)
    first = set(sorted([*numbers, *of_arrays], reverse=True)[:limit])
    found: list[Job | JobArray] = [*_jobs(conn, [seq for seq in numbers if seq in first])]
    if wanted := [seq for seq in of_arrays if seq in first]:
        rows = conn.execute(select(arrays).where(arrays.c.seq.in_(wanted)))
        found += array_store.with_counts(conn, [array_store.from_row(row) for row in rows]).values()
        found.sort(key=lambda work: -work.seq)
    return found


def list_jobs(conn: Connection, where: JobFilter, *, limit: int, before_seq: int | None = None) -> list[Job]:
    """As `list_work`, without arrays."""
    return _jobs(conn, _newest(conn, jobs, where, limit, before_seq))


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


def _jobs(conn: Connection, numbers: list[int]) -> list[Job]:
    rows = conn.execute(_BY_NUMBER, {"numbers": numbers}) if numbers else ()
    return [job_store.from_row(row) for row in rows]


def _newest(conn: Connection, table: Table, where: JobFilter, limit: int, before_seq: int | None) -> list[int]:
    """The numbers of the newest that match, in order. Numbers alone come out of an index, rows would be read.

    Each state is asked for alone, since an index gives the order only for one.
    """
    if table is jobs and where.states is not None and len(where.states) > 1:
        each = (replace(where, states=(state,)) for state in where.states)
        found = [seq for alone in each for seq in _newest(conn, table, alone, limit, before_seq)]
        return sorted(found, reverse=True)[:limit]
    statement = select(table.c.seq).where(*_conditions(conn, table, where, before_seq))
    return list(conn.execute(statement.order_by(table.c.seq.desc()).limit(limit)).scalars())


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
        yield from _has_text(conn, table, where, where.text)
    for label in where.labels:
        yield column.seq.in_(select(job_labels.c.seq).where(job_labels.c.label == label))
    if table is jobs:
        yield from _of_jobs(where)
    yield from _in_time(conn, table, where)


def _has_text(conn: Connection, table: Table, where: JobFilter, text: str) -> Iterator[ColumnElement[bool]]:
    name = table.c.name
    if conn.dialect.name == "sqlite":
        # LIKE itself tells no case apart here. The bound, which every name satisfies, leads to the index of names.
        named = select(table.c.seq).where(name > "", name.contains(text, autoescape=True))
        yield table.c.seq.in_(named.where(LISTED) if table is jobs and not where.elements else named)
        return
    # What has no case is looked for first: comparing bytes costs a third of folding the case of every name.
    if literal := max(_WITHOUT_CASE.findall(text), key=len, default=""):
        yield name.contains(literal, autoescape=True)
    yield name.icontains(text, autoescape=True)


def _of_jobs(where: JobFilter) -> Iterator[ColumnElement[bool]]:
    if where.array_id is not None:
        yield jobs.c.array_id == where.array_id
    if where.node_id is not None:
        yield jobs.c.node_id == where.node_id
        yield ON_A_NODE  # pyright: ignore[reportReturnType]
    if where.cluster_id is not None:
        yield jobs.c.node_id.in_(select(nodes.c.id).where(nodes.c.cluster_id == where.cluster_id))


def _in_time(conn: Connection, table: Table, where: JobFilter) -> Iterator[ColumnElement[bool]]:
    """The times themselves, and the bounds of `seq` that follow, so that nothing outside of them is read.

    The times are written so that no index serves them: it would give its rows in another order than the list's.
    """
    if where.since is not None:
        yield table.c.submitted_at + 0.0 >= where.since
        first = _number_at(conn, where.since - _CLOCK_SLACK_S)
        yield false() if first is None else table.c.seq >= first
    if where.until is not None:
        yield table.c.submitted_at + 0.0 < where.until
        after = _number_at(conn, where.until + _CLOCK_SLACK_S)
        if after is not None:
            yield table.c.seq <= after


def _number_at(conn: Connection, at: float) -> int | None:
    """The number of the first job or array submitted at this time or later, None if there is none."""
    found = [
        conn.execute(
            select(table.c.seq)
            .where(table.c.submitted_at >= at, *extra)
            .order_by(table.c.submitted_at, table.c.seq)
            .limit(1)
        ).scalar()
        for table, extra in ((jobs, (LISTED,)), (arrays, ()))
    ]
    return min((number for number in found if number is not None), default=None)
