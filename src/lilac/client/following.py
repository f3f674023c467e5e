"""The output of several replicas of a job at once, as it comes.

One attempt is followed after the other, each replica by a thread with a stream of its own: they put what comes into one
queue, which holds little, so that a slow reader slows the streams. Replicas that join an elastic job later are told by
the job's events. The threads end with the output; those that are still at it when the reader goes away end with the
next piece that comes, or with the process.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from lilac.client.patience import Patience
from lilac.model.errors import LilacError, NotFound, Unavailable

if TYPE_CHECKING:
    from lilac.client.events import Events
    from lilac.client.jobs import Jobs

_PIECES_HELD = 64
_LOOK_AT_STOP_S = 1.0


class Piece(NamedTuple):
    attempt: int
    rank: int
    data: bytes


def follow_ranks(
    jobs: Jobs,
    events: Events,
    job: str,
    *,
    ranks: Collection[int] | None = None,
    attempt: int | None = None,
    offset_of: Callable[[int, int], int] = lambda attempt, rank: 0,
    told: Callable[[Unavailable], None] | None = None,
) -> Iterator[Piece]:
    """Yield the output of all replicas (or of `ranks`) until all is complete; then of the next attempt, if any.

    `offset_of(attempt, rank)` is where to begin in the first attempt. `told` hears when connections break.

    Raises:
        NotFound: a rank of `ranks` is not there.
    """
    patience = Patience(told=told)
    found = jobs.patient_get(job, patience)
    job_id = found["job_id"]
    size = found.get("size", {"min": 1, "max": 1})
    number = attempt if attempt is not None else max(found.get("attempt", 0), 1)
    first = number
    while jobs.attempt_comes(job_id, number, None, patience):
        together = _Together(jobs, job_id, number, ranks, offset_of if number == first else _from_the_start, told)
        yield from together.pieces(events if size["min"] < size["max"] else None, patience)
        if attempt is not None:
            return
        number = max(number + 1, jobs.patient_get(job_id, patience).get("attempt", 0))


def _from_the_start(attempt: int, rank: int) -> int:
    return 0


class _Together:
    """The replicas of one attempt."""

    def __init__(
        self,
        jobs: Jobs,
        job_id: str,
        number: int,
        ranks: Collection[int] | None,
        offset_of: Callable[[int, int], int],
        told: Callable[[Unavailable], None] | None,
    ) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self._number = number
        self._ranks = ranks
        self._offset_of = offset_of
        self._told = told
        self._came: queue.Queue[Piece | int | LilacError | None] = queue.Queue(_PIECES_HELD)
        """A piece; the rank whose output is complete; what went wrong; None: look who joined."""
        self._followed: set[int] = set()
        self._stopped = threading.Event()

    def pieces(self, events: Events | None, patience: Patience) -> Iterator[Piece]:
        try:
            self._follow_new_ones(patience)
            if self._ranks is not None and (missing := set(self._ranks) - self._followed):
                known = ", ".join(map(str, self._ranks_there(patience)))
                raise NotFound(f"attempt {self._number} has no rank {min(missing)}, only {known}.")
            if events is not None:
                self._start(self._watch, events)
            open_ranks = len(self._followed)
            while open_ranks:
                came = self._came.get()
                match came:
                    case Piece():
                        yield came
                    case int():
                        open_ranks -= 1
                        open_ranks += self._follow_new_ones(patience)
                    case None:
                        open_ranks += self._follow_new_ones(patience)
                    case LilacError():
                        raise came
        finally:
            self._stopped.set()

    def _follow_new_ones(self, patience: Patience) -> int:
        """How many more are followed now."""
        new = [rank for rank in self._ranks_there(patience) if rank not in self._followed]
        if self._ranks is not None:
            new = [rank for rank in new if rank in self._ranks]
        for rank in new:
            # What breaks breaks for all of them: one tells it.
            told = self._told if not self._followed else None
            self._followed.add(rank)
            self._start(self._follow, rank, self._offset_of(self._number, rank), told)
        return len(new)

    def _ranks_there(self, patience: Patience) -> list[int]:
        found = self._jobs.patient_get(self._job_id, patience)
        replicas = [a["replicas"] for a in found.get("attempts", []) if a["number"] == self._number]
        return sorted(replica["rank"] for one in replicas for replica in one)

    def _follow(self, rank: int, offset: int, told: Callable[[Unavailable], None] | None) -> None:
        try:
            patience = Patience(told=told)
            for data in self._jobs.follow_attempt(self._job_id, self._number, rank, offset, patience):
                if not self._put(Piece(self._number, rank, data)):
                    return
        except LilacError as error:
            self._put(error)
        else:
            self._put(rank)

    def _watch(self, events: Events) -> None:
        with suppress(LilacError):  # Those who follow the output tell it.
            for _ in events.follow(job_id=self._job_id):
                if not self._put(None):
                    return

    def _put(self, what: Piece | int | LilacError | None) -> bool:
        """False when nobody reads any more."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._came.put(what, timeout=_LOOK_AT_STOP_S)
                return True
        return False

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, name=f"lilac-{work.__name__}", daemon=True).start()
