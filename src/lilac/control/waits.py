"""Who waits for whom: the dependencies of held jobs and arrays, in memory, and who has to be looked at.

Nothing is decided here. When something ended, those that wait for it are put among the `due`; the service `Settling`
takes them out and decides in a transaction what becomes of them. One that begins to wait is due at once, since what
it waits for may have ended already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lilac.model.arrays import JobArray, array_id_from
from lilac.model.ids import JobId
from lilac.model.jobs import Dependency


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A queued job that is kept out of the line, until a time or until others ended."""

    id: JobId
    not_before: float | None = None
    after: tuple[Dependency, ...] = ()


class Waits:
    """Both directions, so that an end finds who waits for it without a search."""

    def __init__(self) -> None:
        self.for_whom: dict[JobId, tuple[JobId, ...]] = {}
        self.due: dict[JobId, None] = {}
        """Those to be looked at, in the order in which they became due."""
        self.on_due: Callable[[], None] = lambda: None
        self._waiting: dict[JobId, set[JobId]] = {}

    def put(self, job_id: JobId, after: tuple[Dependency, ...]) -> None:
        """A job or an array waits for these."""
        if job_id in self.for_whom:
            return
        self.for_whom[job_id] = tuple(each.job_id for each in after)
        for each in after:
            self._waiting.setdefault(each.job_id, set()).add(job_id)
        self._make_due({job_id})

    def drop(self, job_id: JobId) -> None:
        """It waits no more."""
        for on_id in self.for_whom.pop(job_id, ()):
            waiting = self._waiting.get(on_id)
            if waiting is not None:
                waiting.discard(job_id)
                if not waiting:
                    del self._waiting[on_id]
        self.due.pop(job_id, None)

    def ended(self, job_id: JobId) -> None:
        """A job or an array has ended."""
        if job_id in self._waiting:
            self._make_due(self._waiting[job_id])

    def elements_ended(self, array: JobArray) -> None:
        """Elements of an array ended without having a row."""
        for on_id in list(self._waiting):
            if array_id_from(on_id) == array.id:
                self.ended(on_id)

    def _make_due(self, job_ids: set[JobId]) -> None:
        self.due |= dict.fromkeys(sorted(job_ids))
        self.on_due()
