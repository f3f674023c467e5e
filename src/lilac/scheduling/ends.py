"""When running jobs are expected to end, in order.

Jobs that have started and have a time limit stand in a sorted list by their fixed end. The others whose end depends
on the moment of asking (not started yet, or stopping) are few and stand aside; jobs that may run for ever are not
here at all. The order is by end, then seq, id and attempt, so it never depends on how the list came about.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator

from lilac.model.ids import JobId
from lilac.scheduling.views import RunningJob

RunKey = tuple[JobId, int]
"""A job and the number of its attempt."""

End = tuple[float, int, JobId, int]


def run_key(job: RunningJob) -> RunKey:
    return (job.id, job.attempt)


class Ends:
    """The expected ends of running jobs."""

    __slots__ = ("_aside", "_fixed")

    def __init__(self) -> None:
        self._fixed: list[End] = []
        self._aside: dict[RunKey, RunningJob] = {}

    def copy(self) -> Ends:
        new = Ends()
        new._fixed = self._fixed[:]
        new._aside = self._aside.copy()
        return new

    def add(self, job: RunningJob) -> None:
        limit = job.shape.time_limit_s
        if job.stopping or (limit is not None and job.started_at is None):
            self._aside[run_key(job)] = job
        elif limit is not None and job.started_at is not None:
            insort(self._fixed, (job.started_at + limit, job.seq, job.id, job.attempt))

    def discard(self, job: RunningJob) -> None:
        """Take out exactly what `add` put in for this same value."""
        limit = job.shape.time_limit_s
        if job.stopping or (limit is not None and job.started_at is None):
            self._aside.pop(run_key(job), None)
        elif limit is not None and job.started_at is not None:
            end = (job.started_at + limit, job.seq, job.id, job.attempt)
            index = bisect_left(self._fixed, end)
            if index < len(self._fixed) and self._fixed[index] == end:
                del self._fixed[index]

    def in_order(self, now: float) -> Iterator[End]:
        """All ends, the earliest first; none is before `now`."""
        aside = sorted((job.expected_end(now) or now, job.seq, job.id, job.attempt) for job in self._aside.values())
        overdue = bisect_left(self._fixed, now, key=lambda end: end[0])
        late = sorted((now, seq, job_id, attempt) for _, seq, job_id, attempt in self._fixed[:overdue])
        return heapq.merge(late, aside, (self._fixed[index] for index in range(overdue, len(self._fixed))))
