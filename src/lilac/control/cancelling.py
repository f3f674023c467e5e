"""Ending work on somebody's wish: a job, an array, one element of it, or everything that matches.

An array is cancelled in one change: what waits in it will not start. Its elements that have rows are then cancelled
like any jobs, some at a time, so that no transaction is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from lilac.control import array_changes, records
from lilac.control.elements import cancel_element
from lilac.control.finding import find_any
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.model.arrays import JobArray, array_of
from lilac.model.errors import Conflict, Forbidden, NotFound
from lilac.model.ids import JobId
from lilac.model.jobs import Job
from lilac.model.lifecycle import cancel
from lilac.model.states import JobState, is_terminal
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store import listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter

_AT_ONCE = 200
OPEN = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)


@dataclass(slots=True)
class Cancelled:
    """What became of a wish to cancel many."""

    cancelled: list[JobId] = field(default_factory=list[JobId])
    ended: list[JobId] = field(default_factory=list[JobId])
    """They had ended already."""
    unknown: list[str] = field(default_factory=list[str])
    """There are none of these names that the caller may change."""


class Cancelling:
    """The service behind the routes that cancel."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection

    async def cancel(self, principal: Principal, name_or_id: str) -> Job:
        """End a job, an array or an element; cancelling a cancelled one changes nothing.

        Raises:
            NotFound: there is none.
            Forbidden: it is somebody else's.
            Conflict: it ended otherwise already.
        """
        found = await self._db.read(find_any, principal, name_or_id)
        if not principal.may_change(found.owner_id):
            raise Forbidden("Only the owner of a job or an administrator may change it.")
        if isinstance(found, JobArray):
            return (await self._cancel_array(found.id, principal.actor)).as_job()
        return await self._db.write(self.record, found.id, principal.actor, self._clock())

    async def cancel_all(
        self, principal: Principal, *, names: Sequence[str] = (), where: JobFilter | None = None
    ) -> Cancelled:
        """End all that are named and all that match; what has ended already is left alone."""
        result = Cancelled()
        found = await self._db.read(_find_all, principal, names, where, result)
        arrays = [work.id for work in found if isinstance(work, JobArray)]
        jobs = [work.id for work in found if isinstance(work, Job)]
        for array_id in arrays:
            before = await self._cancel_array(array_id, principal.actor, again=True)
            (result.ended if before.finished_at is not None else result.cancelled).append(array_id)
        for first in range(0, len(jobs), _AT_ONCE):
            chunk = jobs[first : first + _AT_ONCE]
            done = await self._db.write(self._record_all, chunk, principal.actor, self._clock())
            for job_id in chunk:
                (result.cancelled if job_id in done else result.ended).append(job_id)
        return result

    async def _cancel_array(self, array_id: JobId, actor: str, *, again: bool = False) -> JobArray:
        array = await self._db.write(self._record_array, array_id, actor, self._clock(), again)
        live = await self._db.read(array_store.live_elements, array_id)
        ids = [row.id for row in (await self._db.read(job_store.get_elements, array_id, live)).values()]
        for first in range(0, len(ids), _AT_ONCE):
            await self._db.write(self._record_all, ids[first : first + _AT_ONCE], actor, self._clock())
        return array

    def _record_array(self, tx: Transaction, array_id: JobId, actor: str, now: float, again: bool) -> JobArray:
        array_store.lock_arrays(tx.conn, (array_id,))
        array = array_store.get_array(tx.conn, array_id)
        if array is None:
            raise NotFound(f"There is no array {array_id}.")
        if array.finished_at is not None:
            if array.state is not JobState.CANCELLED and not again:
                raise Conflict(f"Array {array.spec.name} ({array_id}) has already {array.state}.")
            return array
        if not array.waiting.ranges:
            return array
        return array_changes.cancel(tx, self._projection.put_array, array, actor=actor, now=now)

    def _record_all(self, tx: Transaction, job_ids: Sequence[JobId], actor: str, now: float) -> set[JobId]:
        done: set[JobId] = set()
        for job_id in job_ids:
            try:
                self.record(tx, job_id, actor, now)
            except Conflict:
                continue
            done.add(job_id)
        return done

    def record(self, tx: Transaction, job_id: JobId, actor: str, now: float) -> Job:
        """End one job or element in this transaction."""
        before = records.load_work(tx.conn, job_id)
        if before is None:
            return self._record_element(tx, job_id, actor, now)
        if before.job.state is JobState.CANCELLED:
            return before.job
        if is_terminal(before.job.state):
            raise Conflict(f"Job {before.job.spec.name} ({job_id}) has already {before.job.state}.")
        outcome = cancel(before, actor=actor, now=now)
        records.save(tx, before, outcome)
        tx.after(self._projection.take, outcome.work)
        return outcome.work.job

    def _record_element(self, tx: Transaction, job_id: JobId, actor: str, now: float) -> Job:
        named = array_of(job_id)
        if named is not None:
            array_store.lock_arrays(tx.conn, named[:1])
        array = array_store.get_array(tx.conn, named[0]) if named is not None else None
        if named is None or array is None or not array.has(named[1]):
            raise NotFound(f"There is no job {job_id}.")
        if named[1] in array.cancelled:
            return array.row_of(named[1])
        return cancel_element(tx, self._projection, array, named[1], actor=actor, now=now)


def _find_all(
    conn: Connection, principal: Principal, names: Iterable[str], where: JobFilter | None, result: Cancelled
) -> list[Job | JobArray]:
    result.unknown.clear()
    found: dict[JobId, Job | JobArray] = {}
    for name in names:
        try:
            work = find_any(conn, principal, name)
        except NotFound:
            result.unknown.append(name)
            continue
        if principal.may_change(work.owner_id):
            found[work.id] = work
        else:
            result.unknown.append(name)
    before: int | None = None
    while where is not None and (page := listing.list_work(conn, where, limit=1000, before_seq=before)):
        found |= {work.id: work for work in page if principal.may_change(work.owner_id)}
        before = page[-1].seq
    return list(found.values())
