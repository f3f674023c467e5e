"""Sets of array indices, kept as ranges: `0-9999` is one range however many elements it has.

Written as people and Slurm write them: single indices and ranges with commas between, `1,3,5-9`; a range may have a
step, `0-20:5`. A set is immutable; its ranges are sorted, do not overlap and do not touch, so equal sets are equal
values and have one spelling.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lilac.model.errors import InvalidInput

MOST_INDEX = 2**32 - 2
"""The last eight hexadecimal digits of an element's id are its index and one."""
MOST_RANGES = 10_000
"""Of one text of a person's: a set costs memory, and room in every reply, by its ranges."""
_PART = re.compile(r"\s*(\d{1,10})(?:-(\d{1,10})(?::(\d{1,10}))?)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexSet:
    """Ranges `(first, last)`, both included."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, indices: Iterable[int]) -> IndexSet:
        """The set of these, in any order."""
        return cls(tuple(_joined((index, index) for index in sorted(set(indices)))))

    @classmethod
    def parse(cls, text: str, *, most: int, most_ranges: int | None = None) -> IndexSet:
        """Read `0-9999`, `1,3,5-9`, `0-20:5`.

        Raises:
            InvalidInput: it is no such text, an index is out of bounds, or there are more than `most` indices or
                `most_ranges` of them apart.
        """
        ranges: list[tuple[int, int]] = []
        count = 0
        for part in text.split(","):
            found = _PART.fullmatch(part)
            if found is None:
                raise InvalidInput(
                    f"array must be indices and ranges such as 0-99, 1,3,5-9 or 0-99%10, not {text[:60]!r}.",
                    field="array",
                )
            first = int(found[1])
            last, step = int(found[2] or first), int(found[3] or 1)
            if last < first or step < 1 or last > MOST_INDEX:
                raise InvalidInput(f"array: {part.strip()} is not a range of indices from 0 on.", field="array")
            count += (last - first) // step + 1
            if count > most:
                raise InvalidInput(f"array must have at most {most} elements.", field="array")
            if most_ranges is not None and len(ranges) + (1 if step == 1 else (last - first) // step + 1) > most_ranges:
                raise InvalidInput(
                    f"array must have at most {most_ranges} ranges and indices apart from each other; number the "
                    "elements from 0 on without gaps, and let each find what it is from its index.",
                    field="array",
                )
            if step == 1:
                ranges.append((first, last))
            else:
                ranges.extend((index, index) for index in range(first, last + 1, step))
        ranges.sort()
        return cls(tuple(_joined(ranges)))

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        """Ascending."""
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, index: object) -> bool:
        if not isinstance(index, int):
            return False
        at = bisect_right(self.ranges, (index, MOST_INDEX + 1)) - 1
        return at >= 0 and index <= self.ranges[at][1]

    def __or__(self, other: IndexSet) -> IndexSet:
        return IndexSet(tuple(_joined(sorted((*self.ranges, *other.ranges)))))

    def __sub__(self, other: IndexSet) -> IndexSet:
        if not other.ranges or not self.ranges:
            return self
        left: list[tuple[int, int]] = []
        cuts, at = other.ranges, 0
        for first, last in self.ranges:
            while at < len(cuts) and cuts[at][1] < first:
                at += 1
            here = at
            while first <= last and here < len(cuts) and cuts[here][0] <= last:
                if cuts[here][0] > first:
                    left.append((first, cuts[here][0] - 1))
                first = cuts[here][1] + 1
                here += 1
            if first <= last:
                left.append((first, last))
        return IndexSet(tuple(left))

    def first(self, count: int) -> IndexSet:
        """The `count` smallest."""
        taken: list[tuple[int, int]] = []
        for first, last in self.ranges:
            if count <= 0:
                break
            taken.append((first, min(last, first + count - 1)))
            count -= last - first + 1
        return IndexSet(tuple(taken))

    def after(self, index: int) -> IndexSet:
        """Those above this one."""
        return IndexSet(tuple((max(first, index + 1), last) for first, last in self.ranges if last > index))


NOTHING = IndexSet()


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted ranges without overlaps and without neighbours that touch."""
    open_first, open_last = 0, -2
    for first, last in ranges:
        if first <= open_last + 1:
            open_last = max(open_last, last)
            continue
        if open_last >= 0:
            yield open_first, open_last
        open_first, open_last = first, last
    if open_last >= 0:
        yield open_first, open_last
