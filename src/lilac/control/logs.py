"""The output of replicas, stored once and in order, read in ranges and followed live.

Each replica's output is a stream of bytes, kept in a directory of its own as segment files named by the offset of
their first byte. An append says at which offset it begins: what is known already is ignored, a gap is refused with
the offset to go on from. So however often an agent repeats itself, each byte is stored once.

Bounds: the first `head` bytes and the last `tail` bytes stay; segments between are deleted as new ones come, and a
reader of that range gets a line that says how much is left out. Offsets never shift.

Several replicas of the control plane may keep their output in one directory (`shared`). Then an append looks first at
how far the files are, and writes each byte at its own place: since byte n of a stream is the same whoever brings it,
a replica that was stopped in the middle of a write, and finishes it when another one has gone on, changes nothing.
What comes without an offset goes to the end, which several replicas must not look for at once: they lock the stream's
directory for it.
`stored` tells the others that there is more; their readers look once a second anyway.

`LogStore` is the seam: another store (an object store, say) implements the same few methods.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lilac.model.errors import Conflict, LogGap, NotFound
from lilac.model.ids import ReplicaKey

SEGMENT_BYTES = 1 << 20
_READ_BYTES = 256 << 10
_OPEN_LOGS = 4096
_LOOK_EVERY_S = 1.0
_NAME = re.compile(r"^\d{20}$")


class LogStore(Protocol):
    async def append(self, key: ReplicaKey, offset: int | None, data: bytes, *, end: bool = False) -> int: ...

    async def end(self, key: ReplicaKey) -> None: ...

    async def size(self, key: ReplicaKey) -> int: ...

    async def read(self, key: ReplicaKey, offset: int, limit: int) -> bytes: ...

    async def left_out(self, key: ReplicaKey, offset: int) -> tuple[int, int] | None: ...

    async def is_complete(self, key: ReplicaKey) -> bool: ...

    def follow(self, key: ReplicaKey, offset: int = 0, *, exact: bool = False) -> AsyncIterator[bytes]: ...

    def everything(self, key: ReplicaKey) -> AsyncIterator[bytes]: ...

    def release_followers(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Log:
    """What is known of one replica's output: its segments by first offset, their end, and whether more may come."""

    directory: Path
    starts: list[int] = field(default_factory=list[int])
    size: int = 0
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Replaced at each change; whoever waits holds the old one."""


class DirectoryLogs:
    """Logs as files below one directory. Appends go through one thread, so they are in order; reads through others."""

    def __init__(self, root: Path, *, head_bytes: int, tail_bytes: int, shared: bool = False) -> None:
        self._root = root
        self._shared = shared
        self.stored: Callable[[ReplicaKey], None] = lambda key: None
        """Called after each change of a stream."""
        self._head = head_bytes
        self._tail = max(tail_bytes, 2 * SEGMENT_BYTES)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="log-reader")
        self._logs: OrderedDict[ReplicaKey, _Log] = OrderedDict()
        self._closing = asyncio.Event()

    async def append(self, key: ReplicaKey, offset: int | None, data: bytes, *, end: bool = False) -> int:
        """Store `data` that begins at byte `offset` (None: at the end); return the offset that comes next.

        Raises:
            LogGap: `offset` lies beyond the end of what is stored.
            NotFound: the output was ended before, as that of a lost node is, and takes nothing more.
            Conflict: the same, where no `offset` is given.
        """
        log, size = await self._run(self._writer, self._append, key, offset, data, end)
        self._tell(log)
        self.stored(key)
        return size

    async def end(self, key: ReplicaKey) -> None:
        """Mark that nothing follows, whatever is stored."""
        log = await self._run(self._writer, self._mark_end, key)
        self._tell(log)
        self.stored(key)

    def stored_elsewhere(self, key: ReplicaKey) -> None:
        """Let readers look: another replica of the control plane has stored more."""
        log = self._logs.get(key)
        if log is not None:
            self._tell(log)

    @staticmethod
    def _tell(log: _Log) -> None:
        log.changed.set()
        log.changed = asyncio.Event()

    async def size(self, key: ReplicaKey) -> int:
        """How many bytes the replica has written, as far as they came here."""
        log = await self._open(key)
        return log.size

    async def read(self, key: ReplicaKey, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset` on; empty at the end."""
        log = await self._open(key)
        return await self._run(self._readers, _read, log, offset, limit)

    async def left_out(self, key: ReplicaKey, offset: int) -> tuple[int, int] | None:
        """The first byte of those around `offset` that were not kept, and the first one after them that was."""
        log = await self._open(key)
        count = _left_out(log, offset) if offset < log.size else 0
        before = next((s + SEGMENT_BYTES for s in reversed(log.starts) if s <= offset), 0)
        return (before, offset + count) if count else None

    async def is_complete(self, key: ReplicaKey) -> bool:
        """Whether nothing follows what is stored."""
        return (await self._open(key)).ended

    async def everything(self, key: ReplicaKey) -> AsyncIterator[bytes]:
        """Yield what is stored now, from the first byte to the last."""
        log = await self._open(key)
        offset, until = 0, log.size
        while offset < until:
            chunk = await self._run(self._readers, _read, log, offset, min(_READ_BYTES, until - offset))
            gap = 0 if chunk else _left_out(log, offset)
            if not chunk and not gap:
                return
            offset += gap or len(chunk)
            yield chunk or _omission(gap)

    async def follow(self, key: ReplicaKey, offset: int = 0, *, exact: bool = False) -> AsyncIterator[bytes]:
        """Yield the output from `offset` on, until it is complete or the store closes.

        Where bytes were not kept a line says so; with `exact` that is the end, so that whoever counts is not misled.
        """
        log = await self._open(key)
        while True:
            changed, ended = log.changed, log.ended
            if offset < log.size:
                chunk = await self._run(self._readers, _read, log, offset, _READ_BYTES)
                gap = 0 if chunk else _left_out(log, offset)
                if gap and exact:
                    return
                offset += gap or len(chunk)
                yield _omission(gap) if gap else chunk
                continue
            if ended or self._closing.is_set():
                return
            await _first(changed, self._closing, timeout_s=_LOOK_EVERY_S if self._shared else None)
            if self._shared:
                log = await self._open(key)

    def release_followers(self) -> None:
        """Let every follower end: the process is stopping."""
        self._closing.set()

    async def close(self) -> None:
        self._closing.set()
        self._writer.shutdown()
        self._readers.shutdown()

    async def _open(self, key: ReplicaKey) -> _Log:
        known = None if self._shared else self._logs.get(key)
        return known if known is not None else await self._run(self._writer, self._load, key)

    async def _run(self, pool: ThreadPoolExecutor, function, *args):  # type: ignore[no-untyped-def]
        return await asyncio.get_running_loop().run_in_executor(pool, function, *args)

    def _load(self, key: ReplicaKey) -> _Log:
        """On the writer thread only, which alone adds and drops entries."""
        log = self._logs.get(key)
        if log is not None:
            self._logs.move_to_end(key)
            if self._shared and not log.ended:
                self._look(log)
            return log
        log = _Log(self._job_directory(key.job_id) / f"{key.attempt}.{key.rank}")
        self._look(log)
        self._logs[key] = log
        if len(self._logs) > _OPEN_LOGS:
            for old, kept in list(self._logs.items())[: _OPEN_LOGS // 4]:
                if kept.ended:
                    del self._logs[old]
        return log

    @staticmethod
    def _look(log: _Log) -> None:
        """Take in what the files say."""
        try:
            names = os.listdir(log.directory)
        except FileNotFoundError:
            return
        # The mark is looked at first: what was stored before it must be seen too.
        ended, starts = "end" in names, sorted(int(name) for name in names if _NAME.match(name))
        if starts:
            log.size = max(log.size, starts[-1] + _segment(log, starts[-1]).stat().st_size)
        log.starts, log.ended = starts, ended

    def _append(self, key: ReplicaKey, offset: int | None, data: bytes, end: bool) -> tuple[_Log, int]:
        if offset is not None or not self._shared:
            return self._append_at(key, offset, data, end)
        with _locked(self._load(key).directory):
            return self._append_at(key, None, data, end)

    def _append_at(self, key: ReplicaKey, offset: int | None, data: bytes, end: bool) -> tuple[_Log, int]:
        log = self._load(key)
        appended = offset is None
        if offset is None:
            offset = log.size
        if offset > log.size:
            raise LogGap(f"The stored output of {key} ends at byte {log.size}; go on from there.", offset=log.size)
        fresh = data[log.size - offset :]
        if log.ended and fresh:
            refusal = Conflict if appended else NotFound
            raise refusal(f"The output of {key} has ended at byte {log.size}; nothing is added to it any more.")
        if fresh or end:
            log.directory.mkdir(parents=True, exist_ok=True)
        while fresh:
            room = SEGMENT_BYTES - (log.size - log.starts[-1]) if log.starts else 0
            if room <= 0:
                log.starts.append(log.size)
                self._drop_middle(log)
                room = SEGMENT_BYTES
            piece, fresh = fresh[:room], fresh[room:]
            _write_at(_segment(log, log.starts[-1]), piece, log.size - log.starts[-1])
            log.size += len(piece)
        if end and not log.ended:
            (log.directory / "end").touch()
            log.ended = True
        return log, log.size

    def _mark_end(self, key: ReplicaKey) -> _Log:
        log = self._load(key)
        if not log.ended:
            log.directory.mkdir(parents=True, exist_ok=True)
            (log.directory / "end").touch()
            log.ended = True
        return log

    def _drop_middle(self, log: _Log) -> None:
        middle = [s for s in log.starts if s >= self._head and s + SEGMENT_BYTES <= log.size - self._tail]
        for start in middle:
            _segment(log, start).unlink(missing_ok=True)
        if middle:
            gone = set(middle)
            log.starts = [s for s in log.starts if s not in gone]

    def _job_directory(self, job_id: str) -> Path:
        return self._root / job_id[:2] / job_id


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep the other replicas of the control plane from doing the same, on this machine or on a shared file system."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _segment(log: _Log, start: int) -> Path:
    return log.directory / f"{start:020d}"


def _write_at(path: Path, data: bytes, position: int) -> None:
    """Write at a place of its own, so that doing it again, or late, changes nothing."""
    descriptor = os.open(path, os.O_WRONLY | (os.O_CREAT if position == 0 else 0), 0o644)
    try:
        while data:
            written = os.pwrite(descriptor, data, position)
            data, position = data[written:], position + written
    finally:
        os.close(descriptor)


def _left_out(log: _Log, offset: int) -> int:
    """How many bytes from `offset` on were dropped; 0 if `offset` is stored."""
    later = next((s for s in log.starts if s > offset), log.size)
    holder = next((s for s in reversed(log.starts) if s <= offset), None)
    if holder is not None and offset < min(holder + SEGMENT_BYTES, log.size):
        return 0
    return later - offset


def _omission(count: int) -> bytes:
    return f"\n[… {count} bytes of output were not kept …]\n".encode()


def _read(log: _Log, offset: int, limit: int) -> bytes:
    parts: list[bytes] = []
    position, left = offset, min(limit, log.size - offset)
    while left > 0:
        start = next((s for s in reversed(log.starts) if s <= position), None)
        if start is None or position >= start + SEGMENT_BYTES:
            break
        try:
            with open(_segment(log, start), "rb") as file:
                file.seek(position - start)
                data = file.read(left)
        except FileNotFoundError:
            break
        if not data:
            break
        parts.append(data)
        position += len(data)
        left -= len(data)
    return b"".join(parts)


async def _first(*events: asyncio.Event, timeout_s: float | None = None) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
