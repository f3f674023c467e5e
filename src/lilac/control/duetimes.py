"""What is due when: the earliest first, each thing once, and nothing kept for what was taken back.

A heap with marks: an entry whose time is not the noted one (any more) is skipped when it comes to the top. When most
entries are of that kind the heap is built anew, so it stays as small as what is really awaited.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_SLACK = 64


class DueTimes(Generic[T]):
    """Things (which must be sortable among each other) with the time at which each is due."""

    def __init__(self) -> None:
        self._at: dict[T, float] = {}
        self._heap: list[tuple[float, T]] = []

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[T]:
        """All things, in no meaningful order."""
        return iter(self._at)

    def put(self, thing: T, at: float) -> bool:
        """Note when it is due; whether that is news."""
        if self._at.get(thing) == at:
            return False
        self._at[thing] = at
        heapq.heappush(self._heap, (at, thing))
        if len(self._heap) > 2 * len(self._at) + _SLACK:
            self._heap = [(at, thing) for thing, at in self._at.items()]
            heapq.heapify(self._heap)
        return True

    def discard(self, thing: T) -> None:
        self._at.pop(thing, None)

    def first(self) -> float | None:
        """When the first thing is due."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> T | None:
        """Take out one thing that is due by now, the earliest; None if there is none."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        thing = heapq.heappop(self._heap)[1]
        del self._at[thing]
        return thing

    def _drop_stale(self) -> None:
        heap = self._heap
        while heap and self._at.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
