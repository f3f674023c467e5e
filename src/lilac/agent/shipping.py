"""Sends the output of every replica to the control plane: by offset, in order, exactly once.

Each replica has a stream with its own task, woken when output grew (inotify where the replica writes the file itself).
What comes within a few milliseconds goes together. The control plane says what it has, so nothing is remembered here:
after a restart the list says where to go on, and where it does not, an empty chunk asks.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from lilac.agent.backoff import Backoff
from lilac.agent.control_plane import Ack
from lilac.agent.masking import Mask
from lilac.agent.spool import LIMIT_BYTES, Spool
from lilac.agent.watching import FileWatch
from lilac.model.errors import Forbidden, LilacError, LogGap, NotFound, Unauthenticated
from lilac.model.ids import ReplicaKey

log = structlog.get_logger(__name__)

CHUNK_BYTES = 256 * 1024
COALESCE_S = 0.02
REFUSED_PAUSE_S = 30.0
_CONCURRENT = 8
_BOUND_EVERY_S = 0.25


class Appends(Protocol):
    async def append(self, key: ReplicaKey, offset: int, data: bytes, *, end: bool) -> Ack: ...


class _Stream:
    def __init__(self, key: ReplicaKey, spool: Spool, offset: int | None, *, cut: bool, mask: Mask | None) -> None:
        self.mask = mask
        self.key = key
        self.spool = spool
        self.offset = offset
        self.cut = cut
        self.wake = asyncio.Event()
        self.final = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def bound(self) -> None:
        if self.offset is not None:
            self.spool.bound(self.offset, cut=self.cut)

    async def pause(self, seconds: float) -> None:
        """Wait, and see to the bound of the spool meanwhile."""
        while seconds > 0:
            self.bound()
            await asyncio.sleep(min(seconds, _BOUND_EVERY_S))
            seconds -= _BOUND_EVERY_S


class Shipper:
    """Ships streams between `open` and `close`; `shipped` is called when a stream's last byte is stored."""

    def __init__(
        self,
        control_plane: Appends,
        shipped: Callable[[ReplicaKey], None],
        *,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._control_plane = control_plane
        self._limit_bytes = limit_bytes
        self._shipped = shipped
        self._streams: dict[ReplicaKey, _Stream] = {}
        self._places = asyncio.Semaphore(_CONCURRENT)
        self._watch = FileWatch()

    async def open(self) -> None:
        await self._watch.open()

    async def close(self, patience_s: float = 2.0) -> None:
        """Send what there is, for at most `patience_s`, and stop."""
        tasks = [stream.task for stream in self._streams.values() if stream.task is not None]
        deadline = asyncio.get_running_loop().time() + patience_s
        behind = [stream for stream in self._streams.values() if stream.offset != stream.spool.size]
        for stream in behind:
            stream.wake.set()
        while behind and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
            behind = [s for s in behind if s.key in self._streams and s.offset != s.spool.size]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._watch.close()

    def add(self, key: ReplicaKey, output: Path, *, offset: int | None, watch: bool, mask: Mask | None = None) -> None:
        """Ship this file from `offset` on, or from where the control plane says; `watch` it if others write it.

        What the agent itself writes is held back when there is no room (`has_room`); what others write is cut. What
        `mask` knows leaves the machine as asterisks.
        """
        if key in self._streams:
            return
        stream = _Stream(key, Spool(output, limit_bytes=self._limit_bytes), offset, cut=watch, mask=mask)
        self._streams[key] = stream
        if watch:
            self._watch.add(output, stream.wake.set)
        stream.wake.set()
        stream.task = asyncio.get_running_loop().create_task(self._ship(stream, output))

    def wrote(self, key: ReplicaKey) -> None:
        stream = self._streams.get(key)
        if stream is not None:
            stream.wake.set()

    def has_room(self, key: ReplicaKey) -> bool:
        """Whether more of this replica's output may be spooled now."""
        stream = self._streams.get(key)
        return stream is None or stream.spool.has_room(stream.offset or 0)

    def finish(self, key: ReplicaKey) -> None:
        """Nothing will be added to this file any more."""
        stream = self._streams.get(key)
        if stream is not None:
            stream.final.set()
            stream.wake.set()

    async def _ship(self, stream: _Stream, output: Path) -> None:
        backoff = Backoff()
        try:
            while True:
                await stream.wake.wait()
                if not stream.final.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stream.final.wait(), COALESCE_S)
                stream.wake.clear()
                if await self._ship_to_end(stream, backoff):
                    return
        except Exception:
            log.exception("shipping output failed", replica=str(stream.key))
        finally:
            self._watch.remove(output)
            if self._streams.pop(stream.key, None) is not None and not _cancelling():
                self._shipped(stream.key)

    async def _ship_to_end(self, stream: _Stream, backoff: Backoff) -> bool:
        """Ship until the present end; return whether nothing can follow."""
        while True:
            final = stream.final.is_set()
            if stream.offset is None:
                offset, data, end = stream.spool.size, b"", False
            else:
                offset = stream.offset
                if stream.mask:
                    read = stream.spool.read  # in a thread: what it takes is up to the job, and the agent serves others
                    data = await asyncio.to_thread(stream.mask.read, read, offset, CHUNK_BYTES, final=final)
                else:
                    data = stream.spool.read(offset, CHUNK_BYTES)
                end = final and offset + len(data) >= stream.spool.size
                if not data and not end:
                    return False
            try:
                async with self._places:
                    ack = await self._control_plane.append(stream.key, offset, data, end=end)
            except LogGap as gap:
                stream.offset = int(gap.details["offset"])
                await stream.pause(backoff.next_s() if backoff.failures else 0)
                backoff.next_s()
                continue
            except NotFound:
                log.info("nobody wants this output any more", replica=str(stream.key))
                return True
            except (Unauthenticated, Forbidden) as error:
                log.warning("output refused", replica=str(stream.key), why=str(error))
                await stream.pause(REFUSED_PAUSE_S)
                continue
            except LilacError as error:
                if backoff.failures == 0:
                    log.warning("output cannot be sent now", replica=str(stream.key), why=str(error))
                await stream.pause(backoff.next_s())
                continue
            backoff.reset()
            stream.offset = ack.offset
            stream.bound()
            if end and ack.offset >= offset + len(data):
                return True


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
