"""What follows from the end of other jobs: dependencies are met or can never be, arrays are complete.

A background service, woken by the commit of an end: it looks, in one transaction for many, at the jobs that wait for
what ended and at the arrays whose last element ended. A job all of whose dependencies are met gets in line; one whose
dependency ended otherwise than needed is cancelled with a sentence that says so, and so in turn are those that need
it. The decision is made on what is stored, so being woken twice or for nothing does no harm, and a start of the
control plane looks at everything that waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import structlog
from sqlalchemy import Connection

from lilac.control import array_changes, records
from lilac.control.leadership import Leadership
from lilac.control.projection import Projection
from lilac.model.arrays import JobArray, array_of, is_array_id, settled_state
from lilac.model.errors import LilacError
from lilac.model.ids import JobId
from lilac.model.jobs import Dependency, DependencyCondition
from lilac.model.lifecycle import give_up_waiting, release
from lilac.model.states import Hold, JobState, is_terminal
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store.database import Transaction

_AT_ONCE = 256
_AGAIN_S = 0.5
_LIVE = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
_log = structlog.get_logger("lilac.settling")


class Settling:
    """A background service."""

    def __init__(self, lead: Leadership, clock: Callable[[], float], projection: Projection) -> None:
        self._lead = lead
        self._clock = clock
        self._projection = projection
        self._complete: dict[JobId, None] = {}
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        projection.waits.on_due = self._changed.set
        projection.arrays.on_complete = self._note_complete

    async def run(self) -> None:
        while True:
            await self._lead.held()
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.settle()
            except LilacError as error:
                _log.warning("what follows from the end of jobs is tried again", error=str(error))
                await asyncio.sleep(_AGAIN_S)
                self._changed.set()

    async def settle(self) -> None:
        """Decide all that is due. One at a time; who comes later waits for who came before."""
        async with self._turn:
            await self._settle()

    async def _settle(self) -> None:
        due = self._projection.waits.due
        while self._lead.leads and (due or self._complete):
            complete = list(self._complete)[:_AT_ONCE]
            waiting = list(due)[:_AT_ONCE]
            for array_id in complete:
                del self._complete[array_id]
            for job_id in waiting:
                del due[job_id]
            try:
                await self._lead.write(self._decide, complete, waiting, self._clock())
            except BaseException:
                self._complete |= dict.fromkeys(complete)
                due |= dict.fromkeys(job_id for job_id in waiting if job_id in self._projection.waits.for_whom)
                raise

    def _note_complete(self, array_id: JobId) -> None:
        self._complete[array_id] = None
        self._changed.set()

    def _decide(self, tx: Transaction, complete: Sequence[JobId], waiting: Sequence[JobId], now: float) -> None:
        array_store.lock_arrays(tx.conn, [*complete, *(job_id for job_id in waiting if is_array_id(job_id))])
        arrays = array_store.get_arrays(tx.conn, complete)
        for array in array_store.with_counts(tx.conn, list(arrays.values())).values():
            self._complete_array(tx, array, now)
        held = {job.id: job for job in job_store.get_jobs(tx.conn, waiting).values() if job.held is Hold.DEPENDENCY}
        held_arrays = array_store.get_arrays(tx.conn, [job_id for job_id in waiting if is_array_id(job_id)])
        wanted = {job_id: job.spec.after for job_id, job in held.items()}
        wanted |= {a.id: a.spec.after for a in held_arrays.values() if a.held is Hold.DEPENDENCY}
        states = states_of(tx.conn, {each.job_id for after in wanted.values() for each in after})
        for job_id in waiting:
            after = wanted.get(job_id, ())
            verdicts = [is_met(each, states.get(each.job_id)) for each in after]
            broken = next((each for each, met in zip(after, verdicts, strict=True) if met is False), None)
            message = _never(broken, states[broken.job_id]) if broken is not None else None
            if job_id not in wanted or (message is None and None in verdicts):
                continue
            if job_id in held:
                self._decide_job(tx, job_id, message, now)
            elif message is None:
                array_changes.release(tx, self._projection.put_array, held_arrays[job_id], now)
            else:
                array_changes.give_up(tx, self._projection.put_array, held_arrays[job_id], message, now)

    def _complete_array(self, tx: Transaction, array: JobArray, now: float) -> None:
        if array.finished_at is None and not any(array.counts.get(state) for state in _LIVE):
            array_changes.finish(tx, self._projection.put_array, array, settled_state(array.counts), now)

    def _decide_job(self, tx: Transaction, job_id: JobId, message: str | None, now: float) -> None:
        """Let a job into the line, or end it with this sentence."""
        work = records.load_work(tx.conn, job_id)
        if work is None or work.job.held is not Hold.DEPENDENCY:
            return
        outcome = release(work, now) if message is None else give_up_waiting(work, message, now)
        records.save(tx, work, outcome)
        tx.after(self._projection.take, outcome.work)


def is_met(wanted: Dependency, found: tuple[JobState, str] | None) -> bool | None:
    """Whether a dependency is met; None as long as that is open."""
    if found is None or not is_terminal(found[0]):
        return None
    succeeded = found[0] is JobState.SUCCEEDED
    if wanted.condition is DependencyCondition.ANY:
        return True
    return succeeded is (wanted.condition is DependencyCondition.SUCCESS)


def _never(broken: Dependency, found: tuple[JobState, str]) -> str:
    state, name = found
    wanted = "succeed" if broken.condition is DependencyCondition.SUCCESS else "fail"
    became = {JobState.CANCELLED: "was cancelled", JobState.FAILED: "failed"}.get(state, "succeeded")
    return f"Cancelled because job {name} ({broken.job_id}), which it needed to {wanted}, {became}."


def states_of(conn: Connection, job_ids: Collection[JobId]) -> Mapping[JobId, tuple[JobState, str]]:
    """State and name of jobs, arrays, and elements with or without a row."""
    found = {job.id: (job.state, job.spec.name) for job in job_store.get_jobs(conn, job_ids).values()}
    rest = [job_id for job_id in job_ids if job_id not in found]
    arrays = array_store.get_arrays(conn, _arrays_among(rest))
    for job_id in rest:
        named = array_of(job_id)
        array = arrays.get(job_id if named is None else named[0])
        if array is None:
            continue
        if named is None:
            found[job_id] = (array.state, array.spec.name)
        elif array.has(named[1]):
            element = array.row_of(named[1])
            found[job_id] = (element.state, element.spec.name)
    return found


def _arrays_among(job_ids: Iterable[JobId]) -> set[JobId]:
    return {job_id if (named := array_of(job_id)) is None else named[0] for job_id in job_ids}
