"""Time limits: a running job that reaches its limit is ended, at that moment.

The projection keeps a heap of (time, job, attempt); this service sleeps until the first is due or an earlier one
comes. Entries of jobs that ended meanwhile are harmless: the rule itself (`lifecycle.expire`) looks again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

import structlog

from lilac.control import records
from lilac.control.projection import Projection
from lilac.model.errors import LilacError
from lilac.model.ids import JobId
from lilac.model.lifecycle import expire
from lilac.store.database import Database, Transaction

_log = structlog.get_logger("lilac.deadlines")


class Deadlines:
    """A background service."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._changed = asyncio.Event()
        projection.on_deadline = self._changed.set

    async def run(self) -> None:
        heap = self._projection.deadlines
        while True:
            self._changed.clear()
            now = self._clock()
            while heap and heap[0][0] <= now:
                _, job_id, attempt = heapq.heappop(heap)
                await self._expire(job_id, attempt)
            wait_s = min(heap[0][0] - now, 3600.0) if heap else 3600.0
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _expire(self, job_id: JobId, attempt: int) -> None:
        try:
            await self._db.write(self._record, job_id, attempt, self._clock())
        except LilacError as error:
            _log.warning("a time limit could not be enforced and is tried again", job=job_id, error=str(error))
            heapq.heappush(self._projection.deadlines, (self._clock() + 1.0, job_id, attempt))

    def _record(self, tx: Transaction, job_id: JobId, attempt: int, now: float) -> None:
        before = records.load_work(tx.conn, job_id, attempt)
        limit_s = self._projection.time_limit_s(before) if before is not None else None
        if before is None or limit_s is None:
            return
        outcome = expire(before, limit_s, now)
        if outcome is None:
            return
        records.save(tx, before, outcome)
        tx.after(self._projection.take, outcome.work)
