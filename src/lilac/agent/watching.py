"""Tells when files grow: by inotify where there is one, else by looking four times a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

try:
    from asyncinotify import Inotify, Mask
except (ImportError, OSError, AttributeError):  # no inotify on this system
    Inotify = Mask = None  # type: ignore[assignment,misc]

log = structlog.get_logger(__name__)

POLL_S = 0.25


class FileWatch:
    """Calls back on every change of a file that exists when it is added."""

    def __init__(self, *, poll: bool = False) -> None:
        self._poll = poll or Inotify is None
        self._inotify: Any = None
        self._watches: dict[Path, tuple[Any, Callable[[], None]]] = {}
        self._polled: dict[Path, tuple[int, Callable[[], None]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._poll:
            assert Inotify is not None
            try:
                self._inotify = Inotify()
                self._tasks.append(loop.create_task(self._read_events()))
            except OSError as error:
                log.info("no inotify, looking for output regularly instead", why=str(error))
        self._tasks.append(loop.create_task(self._look_regularly()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def add(self, path: Path, changed: Callable[[], None]) -> None:
        if self._inotify is not None:
            assert Mask is not None
            try:
                self._watches[path] = (self._inotify.add_watch(path, Mask.MODIFY), changed)
                return
            except OSError as error:  # the user's watches are used up
                log.info("no watch for output, looking regularly instead", path=str(path), why=str(error))
        self._polled[path] = (-1, changed)

    def remove(self, path: Path) -> None:
        self._polled.pop(path, None)
        watch = self._watches.pop(path, None)
        if watch is not None and self._inotify is not None:
            with contextlib.suppress(OSError, ValueError):  # gone with its file
                self._inotify.rm_watch(watch[0])

    async def _read_events(self) -> None:
        async for event in self._inotify:
            watch = self._watches.get(event.watch.path) if event.watch is not None else None
            if watch is not None:
                watch[1]()

    async def _look_regularly(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            for path, (size, changed) in list(self._polled.items()):
                with contextlib.suppress(OSError):
                    now = path.stat().st_size
                    if now != size:
                        self._polled[path] = (now, changed)
                        changed()
