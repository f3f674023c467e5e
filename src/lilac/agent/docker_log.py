"""Copies a container's log into the journal: every byte once, also over restarts of the agent and of the engine.

The engine keeps the log as messages with a time stamp in nanoseconds; lines longer than 16 KiB come in pieces with the
same stamp. `since` is inclusive and equal stamps happen, so the place in the log is a stamp and the number of messages
of that stamp which are copied already: `Cursor`. It is written after the bytes it speaks of, together with the size
that the copy then has. What lies beyond that size when the copying is taken up again is cut off and copied anew: it
comes out the same, because the engine's log does not change.
"""

from __future__ import annotations

import calendar
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = 8
_STAMP = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d)) ?")


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a log is copied: `same` messages of the stamp `stamp_ns` and all before; `size` bytes in all."""

    stamp_ns: int = 0
    same: int = 0
    size: int = 0

    @property
    def since(self) -> str | None:
        """The engine's `since`, which includes the messages of the stamp itself."""
        return f"{self.stamp_ns // 10**9}.{self.stamp_ns % 10**9:09d}" if self.stamp_ns else None


class Frames:
    """Takes the engine's stream apart: frames of an 8-byte header (stream, length) and a stamped message."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield stamp (ns) and bytes of each message that is complete with this chunk."""
        data = self._rest + chunk
        place = 0
        while len(data) - place >= _HEADER:
            end = place + _HEADER + int.from_bytes(data[place + 4 : place + _HEADER], "big")
            if len(data) < end:
                break
            yield _stamped(data[place + _HEADER : end])
            place = end
        self._rest = data[place:]


class LogCopy:
    """Appends messages to `output` and keeps the cursor in `cursor` beside it."""

    def __init__(self, output: Path, cursor: Path) -> None:
        self._output = os.open(output, os.O_WRONLY | os.O_CREAT, 0o600)
        self._cursor_file = os.open(cursor, os.O_RDWR | os.O_CREAT, 0o600)
        self.cursor = _parse_cursor(os.pread(self._cursor_file, 128, 0))
        os.ftruncate(self._output, self.cursor.size)
        self._skip_stamp = 0
        self._skip = 0
        self._frames = Frames()

    def resume(self) -> str | None:
        """Begin a stream anew and return the engine's `since` for it."""
        self._frames = Frames()
        self._skip_stamp, self._skip = self.cursor.stamp_ns, self.cursor.same
        return self.cursor.since

    def take(self, chunk: bytes) -> bool:
        """Copy what is new in a chunk of the stream; return whether there was anything."""
        parts: list[bytes] = []
        stamp_ns, same, size = self.cursor.stamp_ns, self.cursor.same, self.cursor.size
        for stamp, message in self._frames.feed(chunk):
            if self._skip and stamp == self._skip_stamp:
                self._skip -= 1
                continue
            same = same + 1 if stamp == stamp_ns else 1
            stamp_ns = stamp
            size += len(message)
            parts.append(message)
        if not parts:
            return False
        _write_all(self._output, b"".join(parts), self.cursor.size)
        self.cursor = Cursor(stamp_ns, same, size)
        os.pwrite(self._cursor_file, f"{stamp_ns} {same} {size}".encode().ljust(127) + b"\n", 0)
        return True

    def close(self) -> None:
        os.close(self._output)
        os.close(self._cursor_file)


def _write_all(handle: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(handle, data, offset)
        data, offset = data[written:], offset + written


def _parse_cursor(text: bytes) -> Cursor:
    try:
        stamp_ns, same, size = (int(word) for word in text.split())
    except ValueError:
        return Cursor()
    return Cursor(stamp_ns, same, size)


def _stamped(message: bytes) -> tuple[int, bytes]:
    match = _STAMP.match(message)
    if match is None:
        return 0, message
    return stamp_ns(match), message[match.end() :]


def stamp_ns(match: re.Match[bytes]) -> int:
    """Return the nanoseconds since the epoch that a matched time stamp means."""
    year, month, day, hour, minute, second = (int(match.group(n)) for n in range(1, 7))
    seconds = calendar.timegm((year, month, day, hour, minute, second))
    if match.group(8):
        offset = int(match.group(9)) * 3600 + int(match.group(10)) * 60
        seconds -= offset if match.group(8) == b"+" else -offset
    return seconds * 10**9 + int((match.group(7) or b"").ljust(9, b"0"))


def parse_time(text: str) -> float | None:
    """Return the seconds since the epoch of one of the engine's times; None for "never" (year 1)."""
    match = _STAMP.match(text.encode())
    if match is None or int(match.group(1)) < 1970:
        return None
    return stamp_ns(match) / 1e9
