"""Hides the values of secrets in output: each byte of a value becomes an asterisk, so that offsets stay true.

A value of several lines is looked for line by line. Lines (and values) shorter than `LEAST_BYTES` are left alone: they
would turn output into asterisks and say nothing. Only the value as it was given is found, not an encoding of it.

A byte is masked exactly if some occurrence covers it, wherever the output is cut into chunks: each chunk is looked at
with its neighbourhood, and the end of output that still grows is held back as long as it could be the beginning of a
value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

LEAST_BYTES = 4
_PIECE = 4096

Read = Callable[[int, int], bytes]
"""Up to so many bytes of the stream from this offset on."""


class Mask:
    """Masks a stream that can be read at any place."""

    def __init__(self, values: Iterable[str]) -> None:
        lines = {line.strip("\r").encode() for value in values for line in value.split("\n")}
        self._patterns = sorted((line for line in lines if len(line) >= LEAST_BYTES), key=len, reverse=True)
        self._reach = len(self._patterns[0]) - 1 if self._patterns else 0

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def read(self, read: Read, offset: int, limit: int, *, final: bool) -> bytes:
        """As `read(offset, limit)`, masked; less than there is where a value may still be under way."""
        before = min(self._reach, offset)
        window = read(offset - before, before + limit + self._reach)
        data = self.apply(window)
        end = len(window)
        if not final:
            end -= self._unfinished(window)
        return data[before : self._clean_cut(window, before, min(before + limit, end))]

    def apply(self, data: bytes) -> bytes:
        """The same bytes with every occurrence masked."""
        masked: bytearray | None = None
        for pattern in self._patterns:
            place = data.find(pattern)
            while place >= 0:
                if masked is None:
                    masked = bytearray(data)
                last, following = _last_of_run(data, pattern, place)
                masked[place : last + len(pattern)] = b"*" * (last + len(pattern) - place)
                place = following
        return data if masked is None else bytes(masked)

    def text(self, text: str | None) -> str | None:
        """A sentence without any value in it."""
        if text is None or not self._patterns:
            return text
        return self.apply(text.encode()).decode("utf-8", "replace")

    def _clean_cut(self, window: bytes, begin: int, cut: int) -> int:
        """Where to end so that no value lies across the end, as far as that leaves anything."""
        moved = True
        place = cut
        while moved:
            moved = False
            for pattern in self._patterns:
                across = window.find(pattern, max(0, place - len(pattern) + 1), place + len(pattern) - 1)
                if 0 <= across < place:
                    place, moved = across, True
        return max(begin, cut) if place <= begin else place

    def _unfinished(self, window: bytes) -> int:
        """How many bytes at the end could be the beginning of a value."""
        most = 0
        for pattern in self._patterns:
            begin = max(0, len(window) - len(pattern) + 1)
            while 0 <= (begin := window.find(pattern[:1], begin)) < len(window) - most:
                if pattern.startswith(window[begin:]):
                    most = len(window) - begin
                begin += 1
        return most


def _last_of_run(data: bytes, pattern: bytes, place: int) -> tuple[int, int]:
    """The place of the last of the occurrences that overlap this one at equal distances, as those of `aa` in `aaaa` do;
    and the place of the next occurrence after those, or -1.

    A run is measured as a whole: step by step, a long value in its like would take its length for each byte.
    """
    following = data.find(pattern, place + 1)
    distance = following - place
    if not 0 < distance < len(pattern):
        return place, following
    end = place + len(pattern)
    while (piece := data[end : end + _PIECE]) and (
        alike := _alike(piece, data[end - distance : end - distance + _PIECE])
    ):
        end += alike
    last = place + (end - place - len(pattern)) // distance * distance
    return last, data.find(pattern, last + 1)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes at their beginnings are the same."""
    if other.startswith(one):
        return len(one)
    return next(n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
