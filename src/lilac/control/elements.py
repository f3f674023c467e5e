"""Elements of arrays that become rows: those that start, many at once, and single ones that are cancelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from lilac.control import array_changes
from lilac.control.projection import Projection
from lilac.model.arrays import JobArray, array_of
from lilac.model.ids import JobId
from lilac.model.indices import IndexSet
from lilac.model.jobs import Job
from lilac.model.lifecycle import Outcome, Work, cancel
from lilac.store import arrays as array_store
from lilac.store import jobs as job_store
from lilac.store.database import Transaction


class NewElements:
    """Waiting elements without a row, within one transaction."""

    def __init__(self, conn: Connection, job_ids: Iterable[JobId]) -> None:
        named = {job_id: array_and_index for job_id in job_ids if (array_and_index := array_of(job_id)) is not None}
        array_ids = {array_id for array_id, _ in named.values()}
        array_store.lock_arrays(conn, array_ids)
        self._arrays = array_store.get_arrays(conn, array_ids)
        self._jobs: dict[JobId, Job] = {}
        for job_id, (array_id, index) in named.items():
            array = self._arrays.get(array_id)
            if array is not None and array.held is None and index in array.waiting:
                self._jobs[job_id] = array.row_of(index)
        self._started: list[Outcome] = []

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def get(self, job_id: JobId) -> Job | None:
        return self._jobs.get(job_id)

    def start(self, outcome: Outcome) -> None:
        """Have the first attempt of an element written by `save`."""
        self._started.append(outcome)

    def save(self, tx: Transaction, projection: Projection, now: float) -> None:
        """Write what was started: rows, attempts, replicas, and the arrays without these elements."""
        if not self._started:
            return
        numbered = job_store.insert_jobs(tx.conn, [outcome.work.job for outcome in self._started])
        taken: dict[JobId, list[int]] = {}
        for job, outcome in zip(numbered, self._started, strict=True):
            work = replace(outcome.work, job=job)
            assert work.attempt is not None
            assert job.array_id is not None
            assert job.array_index is not None
            job_store.insert_attempt(tx.conn, work.attempt)
            job_store.insert_replicas(tx.conn, work.replicas)
            for event in outcome.events:
                tx.record(event)
            tx.after(projection.take, work)
            taken.setdefault(job.array_id, []).append(job.array_index)
        for array_id, indices in taken.items():
            array_changes.begin(tx, projection.put_array, self._arrays[array_id], IndexSet.of(indices), now)
        self._started = []


def cancel_element(
    tx: Transaction, projection: Projection, array: JobArray, index: int, *, actor: str, now: float
) -> Job:
    """Cancel one waiting element, which gets a row by it."""
    (row,) = job_store.insert_jobs(tx.conn, [array.row_of(index)])
    outcome = cancel(Work(row, None, ()), actor=actor, now=now)
    job_store.update_job(
        tx.conn,
        row.id,
        states=(row.state,),
        state=outcome.work.job.state,
        finished_at=now,
        updated_at=now,
        reason=outcome.work.job.reason,
        message=outcome.work.job.message,
        waterfall=outcome.work.job.waterfall,
        held=None,
    )
    for event in outcome.events:
        tx.record(event)
    tx.after(projection.take, outcome.work)
    array_changes.take_out(tx, projection.put_array, array, IndexSet.of((index,)), now)
    return outcome.work.job
