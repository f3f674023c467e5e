"""The control plane in the simulation: all of its real code, in memory, that can die between any two commits.

A death (`kill -9`, a power cut) is: whatever is committed stays, everything in memory is gone, every request under way
breaks. It happens at a moment, or right before or after the commit that comes next but n, so that the answer of a
durable change is never given. The database lives on as bytes and is what the next life begins with.

The database may also be away for a while: every write and read then fails as it does when a server cannot be reached.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from sqlalchemy import event

from lilac.control.platform import Platform
from lilac.control.settings import Settings
from lilac.model.errors import LilacError, Unavailable
from lilac.store.database import Database
from lilac.store.writing import Batch, Operation, Outcome, Writer
from tests.sim import clock

T = TypeVar("T")

URL = "sqlite://"


class Unreachable(Exception):
    """The caller got no answer, and does not know whether its call did anything."""


class _Death(BaseException):
    pass


class Plane:
    """One control plane and its lives. `wrong` gets what must not happen: an error that is not one of the product's."""

    def __init__(self, now: Callable[[], float], image: bytes | None, **settings: Any) -> None:
        self.now = now
        self.image = image
        self.directory = Path(tempfile.mkdtemp(prefix="lilac-sim-"))
        self.settings = Settings(
            data_dir=self.directory, database_url=URL, admin_password="correct horse battery", **settings
        )
        self.wrong: list[str] = []
        self.up = False
        self.away = False
        """Whether the database cannot be reached."""
        self.die_at: tuple[int, bool] | None = None
        """After how many more commits the control plane dies, and whether the last of them still takes place."""
        self.lives = 0
        self.platform: Platform
        self._database: SimDatabase | None = None
        self._under_way: dict[asyncio.Task[Any], None] = {}
        self._dying: list[asyncio.Task[Any]] = []

    async def start(self) -> bool:
        """Begin the next life; False if it died before it was up."""
        await asyncio.gather(*self._dying, return_exceptions=True)
        self._dying.clear()
        self.lives += 1
        self.platform = Platform(self.settings, self.now, open_database=self._open)
        self.platform.on_failure = lambda: self.wrong.append("a background service of the control plane died")
        starting = asyncio.ensure_future(self.platform.start())
        self._under_way[starting] = None
        await asyncio.wait([starting])
        self._under_way.pop(starting, None)
        if starting.cancelled():
            return False
        if (error := starting.exception()) is not None:
            if not isinstance(error, LilacError):
                raise error
            self.die()
            return False
        if self._database is None:  # it died in the very moment in which it was up
            return False
        self.up = True
        return True

    async def stop(self) -> None:
        """SIGTERM: end in good order."""
        self.up = False
        stopping = asyncio.ensure_future(self.platform.stop())
        self._under_way[stopping] = None
        await asyncio.wait([stopping])
        self._under_way.pop(stopping, None)

    def die(self) -> None:
        """`kill -9`, at this moment."""
        database = self._database
        if database is None:
            return
        self.up, self.die_at, self._database = False, None, None
        database.abandon()
        own = [task for task in asyncio.all_tasks() if _of_the_control_plane(task)]
        own.sort(key=lambda task: (len(task.get_name()), task.get_name()))
        for task in dict.fromkeys((*own, *self._under_way)):
            task.cancel()
            self._dying.append(task)
        self._under_way.clear()

    async def call(self, request: Callable[[Platform], Awaitable[T]]) -> T:
        """Have the control plane work on a request, which it goes on with when the caller goes away.

        Raises `Unreachable` if it is down or dies meanwhile, and what the control plane answers as an error.
        """
        if not self.up:
            raise Unreachable
        task = asyncio.ensure_future(request(self.platform))
        self._under_way[task] = None
        task.add_done_callback(self._look_at)
        await asyncio.wait([task])
        if task.cancelled():
            raise Unreachable
        return task.result()

    def close(self) -> None:
        self.die()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connection(self) -> Any:
        """The database as it is, for looking only, between two turns of the loop."""
        assert self._database is not None
        return self._database.engine.connect()

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, LilacError):
            self.wrong.append(f"a request ended with {error!r}")

    def _open(self, url: str) -> Database:
        self._database = SimDatabase.open(url, threads=False)
        self._database.plane = self
        self._database.begin_with(self.image)
        return self._database


def _of_the_control_plane(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "/lilac/control/" in code.co_filename


class SimDatabase(Database):
    """The store, on a database in memory that outlives it as bytes."""

    plane: Plane

    @property
    def engine(self) -> Any:
        return self._writer_engine

    def begin_with(self, image: bytes | None) -> None:
        self._writer = _Writer(self._writer_engine, self.description)
        self._writer.plane = self.plane
        if image is not None:
            event.listen(self._writer_engine, "connect", lambda raw, _: raw.deserialize(image), insert=True)

    def abandon(self) -> None:
        """The process is gone: keep what is committed, take nothing more, answer nobody."""
        self._closed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._keep()
        self._writer_engine.dispose()

    def _turn(self) -> bool:
        try:
            return super()._turn()
        except _Death:
            self.plane.die()
            return False

    def _dispose(self) -> None:
        if not self.plane.image or self._started:
            self._keep()
        super()._dispose()

    def _keep(self) -> None:
        with self._writer_engine.connect() as conn:
            raw: Any = conn.connection.driver_connection
            raw.rollback()
            self.plane.image = raw.serialize()


class _Writer(Writer):
    plane: Plane

    def run(self, operations: Sequence[Operation]) -> Batch:
        plane = self.plane
        if plane.away:
            return Batch([Outcome(error=Unavailable("The database cannot be reached.")) for _ in operations], ())
        if plane.die_at is None:
            return super().run(operations)
        left, takes_place = plane.die_at
        plane.die_at = (left - 1, takes_place)
        if left > 0:
            return super().run(operations)
        if takes_place:
            super().run(operations)
        raise _Death


@cache
def fresh_image() -> bytes:
    """The database of a control plane that was started once: migrated, with its first administrator and queue."""

    async def make() -> bytes:
        plane = Plane(lambda: clock.EPOCH_S, None)
        await plane.start()
        await plane.stop()
        assert plane.image is not None
        plane._database = None
        plane.close()
        return plane.image

    return clock.run(make(), Random(0))
