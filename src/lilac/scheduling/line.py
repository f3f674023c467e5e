"""The line: waiting jobs kept in order, grouped by shape and owner.

Each group holds the jobs of one shape and one owner as a sorted list of turns, `(-priority, seq, id)`. Jobs mostly join
at the end and mostly leave from the front, so leaving from the front only moves a mark (`_head`); the list is cut
when the mark has passed its middle. Joining and leaving cost O(log n) comparisons, and nothing here is ever copied for
a pass: the planner reads the groups in place and looks only at the fronts.

Invariants: a job is in at most one group; no group is empty; every group is sorted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from lilac.model.ids import JobId, QueueId, UserId
from lilac.scheduling.views import Shape, WaitingJob

Turn = tuple[int, int, JobId]
"""Sorts jobs of one queue: higher priority first, then the order of submission."""


GroupKey = tuple[Shape, UserId | None]
"""What the jobs of a group have in common."""


def turn_of(job: WaitingJob) -> Turn:
    return (-job.priority, job.seq, job.id)


class Group:
    """The waiting jobs of one shape and one owner, in order."""

    __slots__ = ("_head", "_turns", "owner_id", "shape")

    def __init__(self, shape: Shape, owner_id: UserId | None = None) -> None:
        self.shape = shape
        self.owner_id = owner_id
        self._turns: list[Turn] = []
        self._head = 0

    def __len__(self) -> int:
        return len(self._turns) - self._head

    def turn(self, position: int) -> Turn | None:
        """The turn at this position counted from the front, None past the end."""
        index = self._head + position
        return self._turns[index] if index < len(self._turns) else None

    def __iter__(self) -> Iterator[Turn]:
        for index in range(self._head, len(self._turns)):
            yield self._turns[index]

    def before(self, turn: Turn) -> int:
        """How many jobs of this group have an earlier turn."""
        return bisect_left(self._turns, turn, self._head) - self._head

    def add(self, turn: Turn) -> None:
        turns = self._turns
        if not turns or turns[-1] < turn:
            turns.append(turn)
        else:
            insort(turns, turn, self._head)

    def discard(self, turn: Turn) -> None:
        turns = self._turns
        index = bisect_left(turns, turn, self._head)
        if index >= len(turns) or turns[index] != turn:
            return
        if index == self._head:
            self._head += 1
            if self._head > 32 and self._head * 2 > len(turns):
                del turns[: self._head]
                self._head = 0
        else:
            del turns[index]


class WaitingLine:
    """All waiting jobs. Read freely; only the owner of the line changes it."""

    __slots__ = ("_groups", "_jobs")

    def __init__(self, jobs: Iterable[WaitingJob] = ()) -> None:
        self._jobs: dict[JobId, WaitingJob] = {}
        self._groups: dict[QueueId, dict[GroupKey, Group]] = {}
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs

    def __iter__(self) -> Iterator[WaitingJob]:
        """All jobs, in no meaningful order."""
        return iter(self._jobs.values())

    def get(self, job_id: JobId) -> WaitingJob | None:
        return self._jobs.get(job_id)

    def queue_ids(self) -> list[QueueId]:
        """The queues in which something waits, sorted."""
        return sorted(self._groups)

    def groups(self, queue_id: QueueId) -> Iterable[Group]:
        """The groups of one queue, in no meaningful order."""
        groups = self._groups.get(queue_id)
        return groups.values() if groups else ()

    def group(self, shape: Shape, owner_id: UserId | None = None) -> Group | None:
        return self._groups.get(shape.queue_id, {}).get((shape, owner_id))

    def add(self, job: WaitingJob) -> None:
        """Put a job in its place; a job that is there already is replaced."""
        old = self._jobs.get(job.id)
        if old is not None:
            if old == job:
                return
            self.discard(job.id)
        shape = job.shape
        groups = self._groups.setdefault(shape.queue_id, {})
        key = (shape, job.owner_id)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(shape, job.owner_id)
        group.add(turn_of(job))
        self._jobs[job.id] = job

    def discard(self, job_id: JobId) -> None:
        """Take a job out, if it is there."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        groups = self._groups[job.shape.queue_id]
        key = (job.shape, job.owner_id)
        group = groups[key]
        group.discard(turn_of(job))
        if not group:
            del groups[key]
            if not groups:
                del self._groups[job.shape.queue_id]
