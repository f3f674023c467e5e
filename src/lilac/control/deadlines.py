"""Time limits of jobs, and deadlines of draining nodes: each is kept at its moment.

The projection keeps when each attempt and each draining node is due; this service sleeps until the first one is, or an
earlier one comes. What changed meanwhile is harmless: the rules themselves (`lifecycle.expire`, `maintenance.clear`)
look again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from lilac.control import maintenance, records
from lilac.control.leadership import Leadership, NotLeading
from lilac.control.projection import Projection
from lilac.model.errors import LilacError
from lilac.model.ids import JobId, NodeId
from lilac.model.lifecycle import expire, never_started
from lilac.model.states import AttemptState
from lilac.store.database import Transaction

_LONGEST_SLEEP_S = 60.0
"""The clock may be set while it sleeps."""
_log = structlog.get_logger("lilac.deadlines")


class Deadlines:
    """A background service."""

    def __init__(self, lead: Leadership, clock: Callable[[], float], projection: Projection) -> None:
        self._lead = lead
        self._clock = clock
        self._projection = projection
        self._changed = asyncio.Event()
        projection.on_deadline = self._changed.set

    async def run(self) -> None:
        due = (self._projection.deadlines, self._projection.drains)
        while True:
            await self._lead.held()
            self._changed.clear()
            await self.end_due()
            now = self._clock()
            first = min((at for times in due if (at := times.first()) is not None), default=None)
            wait_s = min(first - now, _LONGEST_SLEEP_S) if first is not None else _LONGEST_SLEEP_S
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def end_due(self) -> None:
        """End the jobs whose limit has passed by now, and clear the nodes whose deadline has."""
        now = self._clock()
        while self._lead.leads and (due := self._projection.deadlines.pop_due(now)) is not None:
            await self._expire(*due)
        while self._lead.leads and (node_id := self._projection.drains.pop_due(now)) is not None:
            await self._clear(node_id)

    async def _clear(self, node_id: NodeId) -> None:
        try:
            await self._lead.write(maintenance.clear, self._projection, node_id, self._clock())
        except NotLeading:
            self._projection.drains.put(node_id, self._clock() + 0.1)
        except LilacError as error:
            _log.warning("a drained node could not be cleared and is tried again", node=node_id, error=str(error))
            self._projection.drains.put(node_id, self._clock() + 1.0)

    async def _expire(self, job_id: JobId, attempt: int) -> None:
        try:
            await self._lead.write(self._record, job_id, attempt, self._clock())
        except NotLeading:
            self._projection.deadlines.put((job_id, attempt), self._clock() + 0.1)
        except LilacError as error:
            _log.warning("a time limit could not be enforced and is tried again", job=job_id, error=str(error))
            self._projection.deadlines.put((job_id, attempt), self._clock() + 1.0)

    def _record(self, tx: Transaction, job_id: JobId, attempt: int, now: float) -> None:
        before = records.load_work(tx.conn, job_id, attempt)
        if before is None or before.attempt is None:
            return
        if before.attempt.state is AttemptState.STARTING:
            outcome = never_started(before, self._projection.start_limit_s, now)
        else:
            limit_s = self._projection.time_limit_s(before)
            outcome = expire(before, limit_s, now) if limit_s is not None else None
        if outcome is None:
            return
        records.save(tx, before, outcome)
        tx.after(self._projection.take, outcome.work)
