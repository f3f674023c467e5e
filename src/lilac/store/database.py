"""The door to the database: `await db.write(fn, …)` and `await db.read(fn, …)`.

Statements are synchronous. All writes run on one writer thread, which takes whatever is queued, runs it in **one
transaction** and commits once: while a commit syncs to disk the next writes queue up and share the next one (group
commit). So many concurrent writers cost hardly more than one, and a write costs one thread hop per batch instead of
one per statement. Reads run on a few reader threads, each call in one snapshot.

**Operations must be re-runnable**: if one of a batch fails, or the connection does, its operations are run again
(see `writing`). They may be called several times and must change nothing but the database; what the last run returns
is what counts. They must be short and do no network I/O.

Order of one batch: operations in the order of their calls; then their events are numbered and inserted; then COMMIT;
then, in the thread of the event loop, `on_commit` gets the events; then the callers of `write` get their results. On
PostgreSQL a lock taken right before the numbering makes the order of numbers the order of commits across replicas.

A database in memory has a single connection, so its reads take their turn among the writes.

With `threads=False` the writer works in the event loop's own thread, one batch per turn of the loop: everything then
happens in one certain order, which simulations need, and nothing else should want, since the loop waits meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from lilac.model.errors import Unavailable
from lilac.model.events import Event
from lilac.store import engines, faults, migrating
from lilac.store.writing import RECONNECT_PAUSES_S, Batch, Operation, Transaction, Writer

__all__ = ["BATCH_LIMIT", "READERS", "Database", "Transaction"]

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

BATCH_LIMIT = 256
"""Most operations of one transaction."""
_ASK_EVERY_S = 0.5
"""How often the server is asked about a commit in doubt while nothing else is to be written."""
READERS = 4
"""Reads that run at the same time."""


class Database:
    """One database, for one event loop: `open`, `await start()`, `write` and `read`, `await close()`."""

    def __init__(
        self, url: URL, *, batch_limit: int = BATCH_LIMIT, readers: int = READERS, threads: bool = True
    ) -> None:
        self._url = url
        self._threads = threads
        self._batch_limit = batch_limit
        self._writer_engine = engines.writer_engine(url)
        self._reader_engine = None if engines.in_memory(url) else engines.reader_engine(url, readers)
        self._writer = Writer(self._writer_engine, self.description)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="lilac-store-reader")
        self._queue: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._started = False
        self._closed = False
        self.on_stale: Callable[[], None] = lambda: None
        """Called when what follows a commit failed, or nobody can say what was committed: what is kept in memory beside
        the store cannot be trusted now.
        """
        self.on_batch: Callable[[int], None] = lambda operations: None
        """Called in the event loop's thread with how many writes shared a commit."""
        self.on_commit: Callable[[Sequence[Event]], None] | None = None
        """Called in the event loop's thread with the events of each commit, in order, before its writers go on."""

    @classmethod
    def open(
        cls, url: str, *, batch_limit: int = BATCH_LIMIT, readers: int = READERS, threads: bool = True
    ) -> Database:
        """Prepare for a database; nothing is connected yet. Raises `InvalidInput` for a URL of no known form."""
        return cls(engines.parse_url(url), batch_limit=batch_limit, readers=readers, threads=threads)

    @property
    def description(self) -> str:
        """Which database this is, in words, without credentials."""
        return engines.describe(self._url)

    @property
    def engine_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @property
    def replica(self) -> str | None:
        """The name under which commits are told to other replicas of the control plane; None where there are none."""
        return self._writer.replica

    def tell_replicas(self, replica: str) -> None:
        """From now on leave word of each commit for other replicas (PostgreSQL), under this name."""
        self._writer.replica = replica

    @property
    def commits(self) -> int:
        """How many transactions the writer has committed since the start."""
        return self._writer.commits

    async def start(self) -> None:
        """Connect, bring the schema up to date and begin to take writes.

        Raises `Unavailable` if the database cannot be reached or denies access, `Conflict` if it is newer than this
        program.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._readers, self._prepare)
        self._started = True
        if self._threads:
            self._thread = threading.Thread(target=self._work, args=(loop,), name="lilac-store-writer", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Finish the writes that are queued, then let go of threads and connections. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        if not self._threads:
            while self._started and self._turn():
                pass
            self._writer.close()
        await asyncio.to_thread(self._dispose)

    async def write(self, fn: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `fn(tx, …)` in a transaction that it shares with other writes; its result, once it is durable.

        Raises what `fn` raises (its changes are undone then), `Unavailable` if the database cannot be reached or is
        closed. If the caller is cancelled meanwhile, `fn` may or may not take effect.
        """
        return await self._enqueue(fn, args, kwargs)

    async def read(self, fn: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `fn(conn, …)` in one snapshot, which has every write that was acknowledged before the call.

        Rows must be consumed inside `fn`. Raises what `fn` raises, and `Unavailable`.
        """
        if self._reader_engine is None:
            return await self._enqueue(_read_by_writer, (fn, args, kwargs), {})
        self._check_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, _read, self._reader_engine, fn, args, kwargs)

    def _enqueue(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> asyncio.Future[Any]:
        self._check_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.put(Operation(fn, args, kwargs, future))
        if not self._threads:
            loop.call_soon(self._turn)
        return future

    def _check_open(self) -> None:
        if self._closed or not self._started:
            state = "closed" if self._closed else "not started"
            raise Unavailable(f"Cannot use {self.description}: it is {state}.")

    def _prepare(self) -> None:
        engines.check_place(self._url)
        try:
            migrating.migrate(self._writer_engine)
        except DBAPIError as error:
            raise Unavailable(f"Cannot open {self.description}: {faults.first_line(error)}.") from error

    def _dispose(self) -> None:
        if self._thread is not None:
            self._thread.join()
        self._readers.shutdown()
        if self._reader_engine is not None:
            self._reader_engine.dispose()
        self._writer_engine.dispose()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        closing = False
        while not closing:
            operations, closing = self._next_batch()
            if operations or self._writer.in_doubt:
                batch = self._writer.run(operations)
                try:
                    loop.call_soon_threadsafe(self._deliver, operations, batch)
                except RuntimeError:
                    logger.warning("the event loop ended before %d writes could be acknowledged", len(operations))
        self._writer.close()

    def _turn(self) -> bool:
        """Without a writer thread: run what is queued, here and now. Whether more may come."""
        if self._queue.empty():
            return True
        operations, closing = self._next_batch()
        if operations:
            self._deliver(operations, self._writer.run(operations))
        return not closing

    def _next_batch(self) -> tuple[list[Operation], bool]:
        """What is queued, at least one operation, and whether it was the last: blocks until there is something.

        Nothing, after a while, if a commit is in doubt.
        """
        batch: list[Operation] = []
        try:
            operation = self._queue.get(timeout=_ASK_EVERY_S if self._writer.in_doubt else None)
        except queue.Empty:
            return batch, False
        while operation is not None:
            if not operation.future.cancelled():
                batch.append(operation)
            if len(batch) >= self._batch_limit:
                return batch, False
            try:
                operation = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _deliver(self, operations: list[Operation], batch: Batch) -> None:
        if operations:
            self.on_batch(len(operations))
        if batch.stale:
            logger.error("the database cannot say what became of a commit")
            self.on_stale()
        if batch.events and self.on_commit is not None:
            try:
                self.on_commit(batch.events)
            except Exception:
                logger.exception("on_commit failed for the events from %d on", batch.events[0].seq)
                self.on_stale()
        for callback in batch.callbacks:
            try:
                callback()
            except Exception:
                logger.exception("what follows a commit failed")
                self.on_stale()
        for operation, outcome in zip(operations, batch.outcomes, strict=True):
            if operation.future.done():
                continue
            if outcome.error is not None:
                operation.future.set_exception(outcome.error)
            else:
                operation.future.set_result(outcome.value)


def _read(engine: Engine, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    for pause in (*RECONNECT_PAUSES_S[:3], None):
        try:
            with engine.connect() as conn, conn.begin():
                return fn(conn, *args, **kwargs)
        except DBAPIError as error:
            if pause is None or not (faults.is_lost(error) or faults.is_transient(error)):
                raise faults.for_callers(error) from error
        time.sleep(pause)
    raise AssertionError("unreachable")


def _read_by_writer(tx: Transaction, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return fn(tx.conn, *args, **kwargs)
