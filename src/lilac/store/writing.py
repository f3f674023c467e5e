"""How a batch of operations gets through one transaction: isolation of failures, retries, lost connections.

A batch is run as it is first. If an operation raises, everything is rolled back and run again with a savepoint around
each operation, so the error reaches only its own caller and the others still share one commit. After a deadlock or a
serialization failure, or when the connection is lost, the whole batch is run again, a bounded number of times.

If the connection breaks during COMMIT, nobody knows what became of it but the server. PostgreSQL can be asked
(`pg_xact_status`), so the number of the transaction is fetched before the commit and the batch is run again only if
the server says that it was aborted.

Everything here runs on the writer thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Text, bindparam, text
from sqlalchemy.exc import DBAPIError

from lilac.model.errors import Unavailable
from lilac.model.events import Event
from lilac.store import events, faults, telling
from lilac.store.changes import Touched
from lilac.store.telling import Word

RECONNECT_PAUSES_S = (0.0, 0.05, 0.2, 0.5, 1.0)
"""Before each new try with a lost database; together the time until callers are told `Unavailable`."""
_TRANSIENT_TRIES = 10
_TRANSIENT_PAUSE_S = 0.02
"""Long enough for the other side of a deadlock to commit; doubled for each further try, up to sixteenfold."""
_STATUS_TRIES = 50
_STATUS_PAUSE_S = 0.02
_XACT_STATUS = text("SELECT pg_xact_status(CAST(:xid AS xid8))").bindparams(bindparam("xid", type_=Text))


class Transaction:
    """What an operation works with. `conn` is its connection; the operation must not commit or roll back."""

    __slots__ = ("callbacks", "conn", "recorded", "rows")

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.recorded: list[Event] = []
        self.rows: list[dict[str, Any]] = []
        self.callbacks: list[partial[None]] = []

    def after(self, callback: Callable[..., None], *args: Any) -> None:
        """Have `callback(*args)` called once the change is durable, in the event loop's thread, in commit order,
        before the callers of `write` go on. For what is kept in memory beside the store: it hears of every commit,
        also when the caller was cancelled meanwhile, and of nothing that was rolled back.

        Other replicas of the control plane are told too: that the works, jobs, nodes and queues among `args` are not
        what they were (`changes.Touched`). A callback without such arguments is told here only.
        """
        self.callbacks.append(partial(callback, *args))

    def record(self, event: Event) -> None:
        """Add an event to the history; it gets its `seq` right before the commit.

        Raises `TypeError` if its data cannot be written as JSON.
        """
        self.rows.append(events.to_row(event))
        self.recorded.append(event)


@dataclass(slots=True, eq=False)
class Operation:
    """A call that waits for its turn, and the future of who waits for it."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]


@dataclass(slots=True)
class Outcome:
    """What became of an operation: its result, or the error for its caller."""

    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Batch:
    """What one commit did: an outcome per operation, in order, and the events as they were stored."""

    outcomes: list[Outcome]
    events: Sequence[Event]
    callbacks: Sequence[Callable[[], None]] = ()


class Writer:
    """The connection of the writer thread. `commits` counts its transactions."""

    def __init__(self, engine: Engine, description: str) -> None:
        self.commits = 0
        self.replica: str | None = None
        """The name under which other replicas are told of what is committed here; None where there are none."""
        self._engine = engine
        self._description = description
        self._conn: Connection | None = None
        self._down = False

    def run(self, operations: Sequence[Operation]) -> Batch:
        """Run the operations, in order, and commit. Never raises: every error is somebody's outcome."""
        pauses = iter(RECONNECT_PAUSES_S[:1] if self._down else RECONNECT_PAUSES_S)
        tries = 0
        isolated = False
        while True:
            try:
                batch = self._attempt(operations, isolated=isolated)
            except _OperationFailed as failed:
                self._roll_back()
                if len(operations) == 1:
                    return Batch([Outcome(error=faults.for_callers(failed.error))], ())
                isolated = True
                continue
            except _CommitInDoubt as doubt:
                self.close()
                committed = self._was_committed(doubt.xid)
                if committed is None:
                    return self._unavailable(operations, doubt)
                if not committed:
                    continue
                batch = doubt.batch
            except Exception as error:
                self._roll_back()
                if faults.is_transient(error) and tries < _TRANSIENT_TRIES:
                    time.sleep(_TRANSIENT_PAUSE_S * 2 ** min(tries, 4) * random.uniform(0.5, 1.5))
                    tries += 1
                    continue
                if faults.is_lost(error):
                    self.close()
                    pause = next(pauses, None)
                    if pause is not None:
                        time.sleep(pause)
                        continue
                    self._down = True
                return Batch([Outcome(error=faults.for_callers(error)) for _ in operations], ())
            self._down = False
            self.commits += 1
            return batch

    def close(self) -> None:
        """Let go of the connection; the next run makes a new one."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(DBAPIError):
                conn.close()

    def _attempt(self, operations: Sequence[Operation], *, isolated: bool) -> Batch:
        conn = self._conn
        if conn is None:
            conn = self._conn = self._engine.connect()
        transaction = conn.begin()
        tx = Transaction(conn)
        run = _run_isolated if isolated else _run
        outcomes = [run(tx, operation) for operation in operations]
        seqs, xid = telling.append(conn, tx.rows, self._word(tx))
        recorded = tx.recorded
        numbered = [replace(event, seq=seq) for event, seq in zip(recorded, seqs, strict=True)]
        batch = Batch(outcomes, numbered, tx.callbacks)
        try:
            transaction.commit()
        except DBAPIError as error:
            if xid is not None and faults.is_lost(error):
                raise _CommitInDoubt(xid, batch) from error
            raise
        return batch

    def _word(self, tx: Transaction) -> Word | None:
        """What other replicas are to know of a transaction."""
        if self.replica is None:
            return None
        touched = Touched()
        for callback in tx.callbacks:
            touched.note(callback.args)
        return Word(self.replica, time.time(), touched)

    def _roll_back(self) -> None:
        if self._conn is not None:
            try:
                self._conn.rollback()
            except DBAPIError:
                self.close()

    def _was_committed(self, xid: str) -> bool | None:
        """What the server says about a transaction; None if it cannot say or cannot be reached."""
        pauses = iter(RECONNECT_PAUSES_S)
        for _ in range(_STATUS_TRIES):
            try:
                with self._engine.connect() as conn:
                    status = conn.execute(_XACT_STATUS, {"xid": xid}).scalar()
            except DBAPIError:
                pause = next(pauses, None)
                if pause is None:
                    return None
                time.sleep(pause)
                continue
            if status != "in progress":
                return {"committed": True, "aborted": False}.get(str(status))
            time.sleep(_STATUS_PAUSE_S)
        return None

    def _unavailable(self, operations: Sequence[Operation], cause: BaseException) -> Batch:
        self._down = True
        outcomes: list[Outcome] = []
        for _ in operations:
            error = Unavailable(
                f"The connection to {self._description} broke during a commit, and it cannot be asked whether the "
                "change was made; look before trying again."
            )
            error.__cause__ = cause
            outcomes.append(Outcome(error=error))
        return Batch(outcomes, ())


class _OperationFailed(Exception):
    """An operation raised an error of its own: nothing that running the whole batch again would cure."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class _CommitInDoubt(Exception):
    def __init__(self, xid: str, batch: Batch) -> None:
        super().__init__(xid)
        self.xid = xid
        self.batch = batch


def _run(tx: Transaction, operation: Operation) -> Outcome:
    try:
        return Outcome(operation.fn(tx, *operation.args, **operation.kwargs))
    except BaseException as error:
        if faults.is_transient(error) or faults.is_lost(error):
            raise
        raise _OperationFailed(error) from error


def _run_isolated(tx: Transaction, operation: Operation) -> Outcome:
    count, callbacks = len(tx.recorded), len(tx.callbacks)
    savepoint = tx.conn.begin_nested()
    try:
        outcome = _run(tx, operation)
    except _OperationFailed as failed:
        savepoint.rollback()
        del tx.recorded[count:], tx.rows[count:], tx.callbacks[callbacks:]
        return Outcome(error=faults.for_callers(failed.error))
    savepoint.commit()
    return outcome
