"""Pauses after failures: a job that is tried again gets in line when its pause is over.

The projection keeps when each pause ends; this service sleeps until the first one does, or an earlier one comes. That
a pause is over is written to the job's row, so the line always follows from the rows alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from lilac.control import records
from lilac.control.leadership import Leadership, NotLeading
from lilac.control.projection import Projection
from lilac.model.errors import LilacError
from lilac.model.ids import JobId
from lilac.model.lifecycle import release
from lilac.model.states import Hold
from lilac.store.database import Transaction

_LONGEST_SLEEP_S = 60.0
"""The clock may be set while it sleeps."""
_log = structlog.get_logger("lilac.pauses")


class Pauses:
    """A background service."""

    def __init__(self, lead: Leadership, clock: Callable[[], float], projection: Projection) -> None:
        self._lead = lead
        self._clock = clock
        self._projection = projection
        self._changed = asyncio.Event()
        projection.on_pause = self._changed.set

    async def run(self) -> None:
        while True:
            await self._lead.held()
            self._changed.clear()
            await self.end_due()
            first = self._projection.pauses.first()
            wait_s = _LONGEST_SLEEP_S if first is None else min(first - self._clock(), _LONGEST_SLEEP_S)
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def end_due(self) -> None:
        """End the pauses that are over by now."""
        now = self._clock()
        while self._lead.leads and (job_id := self._projection.pauses.pop_due(now)) is not None:
            try:
                await self._lead.write(self._record, job_id, now)
            except NotLeading:
                self._projection.pauses.put(job_id, self._clock() + 0.1)
            except LilacError as error:
                _log.warning("the end of a pause could not be written and is tried again", job=job_id, error=str(error))
                self._projection.pauses.put(job_id, self._clock() + 1.0)

    def _record(self, tx: Transaction, job_id: JobId, now: float) -> None:
        work = records.load_work(tx.conn, job_id)
        if work is None or work.job.held is not Hold.PAUSE:
            return
        if work.job.not_before is not None and work.job.not_before > now:
            tx.after(self._projection.take, work)
            return
        outcome = release(work, now)
        records.save(tx, work, outcome)
        tx.after(self._projection.take, outcome.work)
