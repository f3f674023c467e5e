"""Arrays of jobs: one row for all elements that wait, and how elements become rows of `jobs`.

A row changes only by `update_array`, guarded by its version: two writers that both take elements out of `waiting`
cannot both succeed. An element has a row in `jobs`, or is in `waiting` or in `cancelled`; never two of these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lilac.model.arrays import JobArray
from lilac.model.errors import NotFound
from lilac.model.ids import JobId, QueueId, UserId
from lilac.model.indices import IndexSet
from lilac.model.states import FailureReason, Hold, JobState
from lilac.store import encoding, faults, numbering
from lilac.store.engines import LOCKS_ROWS
from lilac.store.guards import stored
from lilac.store.tables import ELEMENT, LIVE_ELEMENT, UNFINISHED, arrays, jobs

_NO_BOUND = 2**40
_SELECT = select(arrays)
_BY_IDS = _SELECT.where(arrays.c.id.in_(bindparam("ids", expanding=True)))
_LOCK = (
    select(arrays.c.id).where(arrays.c.id.in_(bindparam("ids", expanding=True))).order_by(arrays.c.id).with_for_update()
)
_UNFINISHED = _SELECT.where(UNFINISHED).order_by(arrays.c.seq)
_LIVE_ELEMENTS = (
    select(jobs.c.array_index)
    .where(jobs.c.array_id == bindparam("array_id"), LIVE_ELEMENT)
    .order_by(jobs.c.array_index)
)
_COUNTS = (
    select(jobs.c.array_id, jobs.c.state, func.count())
    .where(jobs.c.array_id.in_(bindparam("ids", expanding=True)), ELEMENT)
    .group_by(jobs.c.array_id, jobs.c.state)
)
_WAITING_BY_QUEUE = (
    select(arrays.c.queue_id, func.sum(arrays.c.waiting_count))
    .where(UNFINISHED, arrays.c.queue_id.is_not(None))
    .group_by(arrays.c.queue_id)
)
_WAITING_SINCE = (
    select(arrays.c.queue_id, func.min(arrays.c.submitted_at))
    .where(UNFINISHED, arrays.c.queue_id.is_not(None), arrays.c.waiting_count > 0)
    .group_by(arrays.c.queue_id)
)
_CHUNK = 500


def insert_array(conn: Connection, array: JobArray) -> JobArray:
    """Store a new array and return it with its `seq`. Raises `NotFound` if its queue does not exist (any more)."""
    reserved = numbering.reserve_for_jobs(conn, array.spec.queue_id, 1)
    if reserved is None:
        raise NotFound(f"There is no queue {array.spec.queue_id}.", field="queue_id")
    queue_name, (seq,) = reserved
    numbering.keep_job_number(conn, seq)
    numbered = replace(array, seq=seq)
    try:
        conn.execute(insert(arrays), _row(numbered, queue_name))
    except IntegrityError as error:
        if faults.is_dangling(error):
            raise NotFound("The queue or the owner of a new array does not exist any more.") from error
        raise
    return numbered


def get_array(conn: Connection, array_id: JobId) -> JobArray | None:
    return get_arrays(conn, (array_id,)).get(array_id)


def get_arrays(conn: Connection, array_ids: Collection[JobId]) -> dict[JobId, JobArray]:
    """Those of the arrays that exist, by id."""
    found: dict[JobId, JobArray] = {}
    ids = list(array_ids)
    for start in range(0, len(ids), _CHUNK):
        for row in conn.execute(_BY_IDS, {"ids": ids[start : start + _CHUNK]}):
            array = from_row(row)
            found[array.id] = array
    return found


def lock_arrays(conn: Connection, array_ids: Collection[JobId]) -> None:
    """Let nobody else change these arrays until the end of this transaction, as `jobs.lock_jobs` does for jobs."""
    if array_ids and conn.get_execution_options().get(LOCKS_ROWS):
        conn.execute(_LOCK, {"ids": sorted(array_ids)})


def unfinished_arrays(conn: Connection) -> list[JobArray]:
    """The arrays of which not all elements have ended (or of which nobody noticed yet), in the order of submission."""
    return [from_row(row) for row in conn.execute(_UNFINISHED)]


def live_elements(conn: Connection, array_id: JobId) -> list[int]:
    """The indices of the elements with a row that have not ended, ascending."""
    return list(conn.execute(_LIVE_ELEMENTS, {"array_id": array_id}).scalars())


def with_counts(conn: Connection, found: Collection[JobArray]) -> dict[JobId, JobArray]:
    """The same arrays with their elements counted by state."""
    open_ids = [array.id for array in found if not array.counts]
    rows: dict[str, dict[JobState, int]] = {}
    for start in range(0, len(open_ids), _CHUNK):
        for array_id, state, count in conn.execute(_COUNTS, {"ids": open_ids[start : start + _CHUNK]}):
            rows.setdefault(array_id, {})[JobState(state)] = count
    return {array.id: _counted(array, rows.get(array.id, {})) for array in found}


def waiting_in_arrays(conn: Connection) -> dict[QueueId, int]:
    """How many elements without a row wait in each queue that has any."""
    return {QueueId(queue_id): int(count) for queue_id, count in conn.execute(_WAITING_BY_QUEUE) if count}


def arrays_waiting_since(conn: Connection) -> dict[QueueId, float]:
    """When the oldest array was submitted of which elements without a row wait, for each queue that has any."""
    return {QueueId(queue_id): at for queue_id, at in conn.execute(_WAITING_SINCE)}


def update_array(conn: Connection, array: JobArray, **values: Any) -> JobArray | None:
    """Set fields of an array if it is still of this version: as it is now, or None if somebody was quicker."""
    after = array.evolve(**values, version=array.version + 1)
    columns = {name: _column(name, value) for name, value in values.items()}
    if "waiting" in values:
        columns["waiting_count"] = len(after.waiting)
    statement = update(arrays).where(arrays.c.id == array.id, arrays.c.version == array.version)
    done = conn.execute(statement.values({**columns, "version": after.version})).rowcount
    return after if done else None


def elements_of(
    conn: Connection, array: JobArray, *, states: Collection[JobState] | None, above: int, limit: int
) -> Iterator[tuple[int, bool]]:
    """The first `limit` elements above an index (of these states): index, and whether it has a row."""
    statement = select(jobs.c.array_index).where(jobs.c.array_id == array.id, ELEMENT, jobs.c.array_index > above)
    if states is not None:
        statement = statement.where(jobs.c.state.in_([state.value for state in states]))
    rows = list(conn.execute(statement.order_by(jobs.c.array_index).limit(limit)).scalars())
    bare = IndexSet()
    if states is None or JobState.QUEUED in states:
        bare |= array.waiting
    if states is None or JobState.CANCELLED in states:
        bare |= array.cancelled
    found = [(index, True) for index in rows] + [(index, False) for index in bare.after(above).first(limit)]
    yield from sorted(found)[:limit]


def from_row(row: Row[Any]) -> JobArray:
    return JobArray(
        id=JobId(row.id),
        seq=row.seq,
        spec=encoding.spec_from_json(row.spec),
        indices=_indices(row.indices),
        waiting=_indices(row.waiting),
        cancelled=_indices(row.cancelled),
        running_limit=row.running_limit,
        state=JobState(row.state),
        owner_id=None if row.owner_id is None else UserId(row.owner_id),
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        reason=None if row.reason is None else FailureReason(row.reason),
        message=row.message,
        held=None if row.held is None else Hold(row.held),
        retry_of=None if row.retry_of is None else JobId(row.retry_of),
        counts={JobState(state): count for state, count in (row.counts or {}).items()},
        version=row.version,
    )


def _counted(array: JobArray, rows: dict[JobState, int]) -> JobArray:
    if array.counts:
        return array
    counts = dict(rows)
    for state, bare in ((JobState.QUEUED, array.waiting), (JobState.CANCELLED, array.cancelled)):
        if bare.ranges:
            counts[state] = counts.get(state, 0) + len(bare)
    return array.evolve(counts=counts)


def _row(array: JobArray, queue_name: str) -> dict[str, Any]:
    spec = array.spec
    return {
        "id": array.id,
        "seq": array.seq,
        "name": spec.name,
        "owner_id": array.owner_id,
        "queue_id": spec.queue_id,
        "queue_name": queue_name,
        "state": array.state.value,
        "kind": spec.kind.value,
        "spec": encoding.spec_to_json(spec),
        "indices": str(array.indices),
        "waiting": str(array.waiting),
        "waiting_count": len(array.waiting),
        "cancelled": str(array.cancelled),
        "running_limit": array.running_limit,
        "held": stored(array.held),
        "retry_of": array.retry_of,
        "submitted_at": array.submitted_at,
        "updated_at": array.updated_at,
        "started_at": array.started_at,
        "finished_at": array.finished_at,
        "reason": stored(array.reason),
        "message": array.message,
        "counts": None,
        "version": array.version,
    }


def _column(name: str, value: Any) -> Any:
    if isinstance(value, IndexSet):
        return str(value)
    if name == "counts":
        return {str(state): count for state, count in value.items()}
    return stored(value)


def _indices(text: str) -> IndexSet:
    return IndexSet.parse(text, most=_NO_BOUND) if text else IndexSet()
