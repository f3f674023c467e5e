"""The output of replicas, stored once and in order, read in ranges and followed live.

Each replica's output is a stream of bytes, kept in a directory of its own as segment files named by the offset of
their first byte. An append says at which offset it begins: what is known already is ignored, a gap is refused with
the offset to go on from. So however often an agent repeats itself, each byte is stored once.

Bounds: the first `head` bytes and the last `tail` bytes stay; segments between are deleted as new ones come, and a
reader of that range gets a line that says how much is left out. Offsets never shift.

`LogStore` is the seam: another store (an object store, say) implements the same few methods.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lilac.model.errors import LogGap, NotFound
from lilac.model.ids import ReplicaKey

SEGMENT_BYTES = 1 << 20
_READ_BYTES = 256 << 10
_OPEN_LOGS = 4096
_NAME = re.compile(r"^\d{20}$")


class LogStore(Protocol):
    async def append(self, key: ReplicaKey, offset: int | None, data: bytes, *, end: bool = False) -> int: ...

    async def end(self, key: ReplicaKey) -> None: ...

    async def size(self, key: ReplicaKey) -> int: ...

    async def read(self, key: ReplicaKey, offset: int, limit: int) -> bytes: ...

    def follow(self, key: ReplicaKey, offset: int = 0) -> AsyncIterator[bytes]: ...

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

    def __init__(self, root: Path, *, head_bytes: int, tail_bytes: int) -> None:
        self._root = root
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
        """
        log, size = await self._run(self._writer, self._append, key, offset, data, end)
        log.changed.set()
        log.changed = asyncio.Event()
        return size

    async def end(self, key: ReplicaKey) -> None:
        """Mark that nothing follows, whatever is stored."""
        log = await self._run(self._writer, self._mark_end, key)
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

    async def follow(self, key: ReplicaKey, offset: int = 0) -> AsyncIterator[bytes]:
        """Yield the output from `offset` on, until it is complete or the store closes."""
        log = await self._open(key)
        while True:
            changed, ended = log.changed, log.ended
            if offset < log.size:
                chunk = await self._run(self._readers, _read, log, offset, _READ_BYTES)
                gap = _left_out(log, offset)
                offset += gap or len(chunk)
                yield _omission(gap) if gap else chunk
                continue
            if ended or self._closing.is_set():
                return
            await _first(changed, self._closing)

    def release_followers(self) -> None:
        """Let every follower end: the process is stopping."""
        self._closing.set()

    async def close(self) -> None:
        self._closing.set()
        self._writer.shutdown()
        self._readers.shutdown()

    async def _open(self, key: ReplicaKey) -> _Log:
        known = self._logs.get(key)
        return known if known is not None else await self._run(self._writer, self._load, key)

    async def _run(self, pool: ThreadPoolExecutor, function, *args):  # type: ignore[no-untyped-def]
        return await asyncio.get_running_loop().run_in_executor(pool, function, *args)

    def _load(self, key: ReplicaKey) -> _Log:
        """On the writer thread only, which alone adds and drops entries."""
        log = self._logs.get(key)
        if log is not None:
            self._logs.move_to_end(key)
            return log
        log = _Log(self._job_directory(key.job_id) / f"{key.attempt}.{key.rank}")
        if log.directory.is_dir():
            log.starts = sorted(int(name) for name in os.listdir(log.directory) if _NAME.match(name))
            log.ended = (log.directory / "end").exists()
            if log.starts:
                log.size = log.starts[-1] + _segment(log, log.starts[-1]).stat().st_size
        self._logs[key] = log
        if len(self._logs) > _OPEN_LOGS:
            for old, kept in list(self._logs.items())[: _OPEN_LOGS // 4]:
                if kept.ended:
                    del self._logs[old]
        return log

    def _append(self, key: ReplicaKey, offset: int | None, data: bytes, end: bool) -> tuple[_Log, int]:
        log = self._load(key)
        if offset is None:
            offset = log.size
        if offset > log.size:
            raise LogGap(f"The stored output of {key} ends at byte {log.size}; go on from there.", offset=log.size)
        fresh = data[log.size - offset :]
        if log.ended and fresh:
            raise NotFound(f"The output of {key} has ended at byte {log.size}; nothing is added to it any more.")
        if fresh or end:
            log.directory.mkdir(parents=True, exist_ok=True)
        while fresh:
            room = SEGMENT_BYTES - (log.size - log.starts[-1]) if log.starts else 0
            if room <= 0:
                log.starts.append(log.size)
                self._drop_middle(log)
                room = SEGMENT_BYTES
            piece, fresh = fresh[:room], fresh[room:]
            with open(_segment(log, log.starts[-1]), "ab") as file:
                file.write(piece)
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


def _segment(log: _Log, start: int) -> Path:
    return log.directory / f"{start:020d}"


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


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
