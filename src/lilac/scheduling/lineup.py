"""Whose turn it is in one queue, while a pass goes on.

By default (`fifo`) the job with the earliest turn is in front: higher priority first, then submission. In a `fair`
queue, of jobs of equal priority, the one whose owner has the least dominant share of the queue's clusters goes first,
and of one owner's jobs the one submitted first. A share grows with each job that starts, so users take turns.

Each owner's groups stand in a heap of their own by the job in front, and the owners in another; a start changes one
entry of each. So it costs the same for one user with many jobs as for many users. In a fifo queue all groups count as
one owner's.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable

from lilac.model.ids import JobId, UserId
from lilac.scheduling.line import Group, Turn

Share = Callable[[UserId | None], float]


class Lineup:
    """The order of one queue. `front` is next; then either `advance` (it started) or `drop` (its group is out)."""

    def __init__(self, groups: Iterable[Group], started_before: Container[JobId], share: Share | None) -> None:
        self._groups = list(groups)
        self._skip = started_before
        self._share = share
        self._owners: list[UserId | None] = []
        self._by_owner: list[list[tuple[Turn, int, int]]] = []
        self._heap: list[tuple[int, float, int, JobId, int]] = []
        places: dict[UserId | None, int] = {}
        for index, group in enumerate(self._groups):
            front = self._next(group, 0)
            if front is None:
                continue
            owner_id = None if share is None else group.owner_id
            place = places.get(owner_id)
            if place is None:
                place = places[owner_id] = len(self._owners)
                self._owners.append(owner_id)
                self._by_owner.append([])
            self._by_owner[place].append((front[0], index, front[1]))
        for place, fronts in enumerate(self._by_owner):
            heapq.heapify(fronts)
            self._heap.append(self._entry(place))
        heapq.heapify(self._heap)

    def front(self) -> tuple[Turn, Group] | None:
        if not self._heap:
            return None
        turn, index, _ = self._by_owner[self._heap[0][4]][0]
        return turn, self._groups[index]

    def advance(self) -> None:
        """The job in front has started; the next of its group takes its place."""
        place = self._heap[0][4]
        fronts = self._by_owner[place]
        _, index, position = fronts[0]
        following = self._next(self._groups[index], position + 1)
        if following is None:
            heapq.heappop(fronts)
        else:
            heapq.heapreplace(fronts, (following[0], index, following[1]))
        self._renew(place)

    def drop(self) -> None:
        """The group of the job in front is out for this pass."""
        place = self._heap[0][4]
        heapq.heappop(self._by_owner[place])
        self._renew(place)

    def _renew(self, place: int) -> None:
        if self._by_owner[place]:
            heapq.heapreplace(self._heap, self._entry(place))
        else:
            heapq.heappop(self._heap)

    def _entry(self, place: int) -> tuple[int, float, int, JobId, int]:
        (negative_priority, seq, job_id), _, _ = self._by_owner[place][0]
        share = 0.0 if self._share is None else self._share(self._owners[place])
        return (negative_priority, share, seq, job_id, place)

    def _next(self, group: Group, position: int) -> tuple[Turn, int] | None:
        """The first turn from this position on of a job that has not been started, with its position."""
        while (turn := group.turn(position)) is not None and turn[2] in self._skip:
            position += 1
        return None if turn is None else (turn, position)
