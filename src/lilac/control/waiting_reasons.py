"""Why a job waits: what the scheduler says of those in line, and what keeps the others out of it.

Out of the line are jobs that wait for other jobs, jobs that pause after a failure, and elements of an array behind
those that are lined up. The scheduler does not see them, so what it foretells for a job behind a long array is
corrected here: the elements that are not in line yet are ahead of it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from lilac.control.array_lines import ArrayLine
from lilac.control.loop import LIVE_POLICY, SchedulingLoop
from lilac.control.projection import Projection
from lilac.control.settling import is_met, states_of
from lilac.control.times import rfc3339
from lilac.model.arrays import JobArray, is_array_id
from lilac.model.ids import JobId
from lilac.model.jobs import Dependency, DependencyCondition, Job
from lilac.model.states import Hold, JobState
from lilac.scheduling import Explanation, Reason, ReasonCode, WaitingJob, explain
from lilac.store.database import Database

_SETTLE_S = 2.0
_MOST_NAMED = 3


class WaitingReasons:
    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection, loop: SchedulingLoop) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._loop = loop
        self.held_back: Callable[[JobId], Reason | None] = lambda job_id: None
        """Why a job that was queued again is not in line yet, if it is not."""

    async def settle(self) -> None:
        """Let the scheduler plan what is known now, if it is not too busy."""
        try:
            async with asyncio.timeout(_SETTLE_S):
                await self._loop.settled()
        except TimeoutError:
            pass

    async def reason(self, job: Job) -> Reason | None:
        """Why a job waits; None if it does not, or the scheduler has not looked at it yet. For an array, its first
        waiting element's."""
        out = await self._out_of_line(job)
        if out is not None:
            return out
        if job.state is not JobState.QUEUED:
            return None
        await self.settle()
        decided = self._loop.plan_in_force()
        in_line = self._in_line(job)
        return decided.reason_for(in_line) if decided is not None and in_line is not None else None

    def in_short(self, found: Job | JobArray) -> Reason | None:
        """Why a job waits, as far as that is known here and now: nothing is read, and no plan is waited for."""
        job = found.as_job() if isinstance(found, JobArray) else found
        if job.state is not JobState.QUEUED:
            return None
        if job.held is Hold.DEPENDENCY:
            return Reason(code=ReasonCode.DEPENDENCY, message="waits for other jobs")
        if (out := self._held_out(job)) is not None:
            return out
        decided, in_line = self._loop.plan_in_force(), self._in_line(job)
        return decided.reason_for(in_line) if decided is not None and in_line is not None else None

    async def explain(self, job: Job) -> Explanation | None:
        """All about a waiting job; None if it left the line meanwhile."""
        out = await self._out_of_line(job)
        if out is not None:
            hidden = self._ahead(job)
            return Explanation(
                job_id=job.id,
                reason=out,
                position=hidden + 1,
                jobs_ahead=hidden,
                expected_start=out.expected_start,
                unknown_because=None if out.expected_start is not None else out.message,
            )
        in_line = self._in_line(job)
        if in_line is None:
            return None
        try:
            told = explain(self._projection.board.snapshot(), self._clock(), in_line.id, LIVE_POLICY)
        except KeyError:
            return None
        hidden = self._ahead(job)
        if not hidden:
            return replace(told, job_id=job.id)
        note = f"{hidden} more elements of arrays before it are not in line yet"
        reason = replace(told.reason, expected_start=None)
        return replace(
            told,
            job_id=job.id,
            reason=reason,
            position=told.position + hidden,
            jobs_ahead=told.jobs_ahead + hidden,
            expected_start=None,
            unknown_because=note,
        )

    async def _out_of_line(self, job: Job) -> Reason | None:
        """What keeps a waiting job out of the line; None for one that is in it."""
        if job.state is not JobState.QUEUED:
            return None
        if job.held is Hold.DEPENDENCY:
            return await self._db.read(_unmet, await self._after(job))
        return self._held_out(job)

    def _held_out(self, job: Job) -> Reason | None:
        """The same, but for what the store has to be asked for."""
        if job.held is Hold.PAUSE:
            return Reason(
                code=ReasonCode.PAUSE,
                message=f"failed and is tried again at {rfc3339(job.not_before)}: {job.message}",
                expected_start=None,
            )
        if (reason := self.held_back(job.id)) is not None:
            return reason
        line = self._projection.arrays.line_of(job)
        if line is None or job.array_index is None or job.array_index not in line.behind:
            return None
        return _behind(line, job.array_index)

    def _in_line(self, job: Job) -> WaitingJob | None:
        """The job as it stands in line; of an array, the first of its elements that does."""
        if not is_array_id(job.id):
            return self._projection.waiting_job(job)
        line = self._projection.arrays.lines.get(job.id)
        first = next(iter(line.lined_up), None) if line is not None else None
        return (
            self._projection.waiting_job(line.array.row_of(first)) if line is not None and first is not None else None
        )

    async def _after(self, job: Job) -> tuple[Dependency, ...]:
        """What a job waits for; an element waits for what its array waits for."""
        line = self._projection.arrays.line_of(job)
        return job.spec.after if line is None else line.array.spec.after

    def _ahead(self, job: Job) -> int:
        """How many elements that are not in line are before this job in its queue."""
        hidden = 0
        for line in self._projection.arrays.lines.values():
            array = line.array
            if array.spec.queue_id != job.spec.queue_id or array.held is not None or array.id == job.id:
                continue
            if array.id == job.array_id and job.array_index is not None:
                hidden += len(line.behind) - len(line.behind.after(job.array_index - 1))
            elif array.running_limit is None and (-array.spec.priority, array.seq) < (-job.spec.priority, job.turn):
                hidden += len(line.behind)
        return hidden


def _behind(line: ArrayLine, index: int) -> Reason:
    limit = line.array.running_limit
    if limit is not None and line.room < len(line.array.waiting):
        message = f"at most {limit} elements of its array run at once"
        return Reason(code=ReasonCode.ARRAY_LIMIT, message=message)
    before = len(line.array.waiting) - len(line.array.waiting.after(index - 1))
    return Reason(code=ReasonCode.ARRAY_ORDER, message=f"waits behind {before} elements of its array")


def _unmet(conn: Connection, after: tuple[Dependency, ...]) -> Reason:
    states = states_of(conn, {each.job_id for each in after})
    unmet = [each for each in after if not is_met(each, states.get(each.job_id))]
    words = [
        f"job {states[each.job_id][1] if each.job_id in states else '?'} ({each.job_id}) to {_WISH[each.condition]}"
        for each in unmet[:_MOST_NAMED]
    ]
    more = f" and {len(unmet) - _MOST_NAMED} more" if len(unmet) > _MOST_NAMED else ""
    return Reason(code=ReasonCode.DEPENDENCY, message=f"waits for {', '.join(words) or 'nothing more'}{more}")


_WISH = {
    DependencyCondition.SUCCESS: "succeed",
    DependencyCondition.FAILURE: "fail",
    DependencyCondition.ANY: "end",
}
