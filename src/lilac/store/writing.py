"""How a batch of operations gets through one transaction: isolation of failures, retries, lost connections.

A batch is run as it is first. If an operation raises, everything is rolled back and run again with a savepoint around
each operation, so the error reaches only its own caller and the others still share one commit. After a deadlock or a
serialization failure, or when the connection is lost, the whole batch is run again, a bounded number of times.

If the connection breaks during COMMIT, nobody knows what became of it but the server. PostgreSQL can be asked
(`pg_xact_status`), so the number of the transaction is fetched before the commit and the batch is run again only if
the server says that it was aborted. If it cannot be asked soon, callers are told that nobody knows, and the commit
stays *in doubt*: nothing else is run before the server has been asked, and if it turns out to have been made, its
events and callbacks come then, before those of any later commit. So what is kept in memory never misses one. A server
that does not know the transaction (another one took over, say) makes that memory `stale`.

Everything here runs on the writer thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
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
    stale: bool = False
    """Whether something may have been committed that nobody can be told of."""


class Verdict(Enum):
    """What became of a commit whose answer was lost."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    OPEN = "the server cannot be asked now, or is not done with it"
    UNKNOWN = "the server does not know the transaction"


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
        self._doubt: _CommitInDoubt | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether a commit waits for the server to say what became of it; `run` asks, also without operations."""
        return self._doubt is not None

    def run(self, operations: Sequence[Operation]) -> Batch:
        """Run the operations, in order, and commit. Never raises: every error is somebody's outcome.

        The events and callbacks of a commit that was in doubt and is found to have been made come first.
        """
        settled = self._settle()
        if self._doubt is not None:
            return Batch([Outcome(error=self._not_now(self._doubt)) for _ in operations], ())
        if not operations:
            return settled
        batch = self._run(operations)
        return replace(
            batch,
            events=[*settled.events, *batch.events],
            callbacks=[*settled.callbacks, *batch.callbacks],
            stale=settled.stale or batch.stale,
        )

    def _settle(self) -> Batch:
        """Ask once about the commit in doubt; what follows from it, if that is known now."""
        doubt = self._doubt
        verdict = Verdict.ABORTED if doubt is None else self._ask(doubt.xid, pauses=())
        if verdict is Verdict.OPEN:
            return Batch([], ())
        self._doubt = None
        if doubt is None or verdict is Verdict.ABORTED:
            return Batch([], ())
        if verdict is Verdict.UNKNOWN:
            return Batch([], (), stale=True)
        self.commits += 1
        return replace(doubt.batch, outcomes=[])

    def _run(self, operations: Sequence[Operation]) -> Batch:
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
                verdict = self._ask(doubt.xid, pauses=RECONNECT_PAUSES_S)
                if verdict is Verdict.ABORTED:
                    continue
                if verdict is not Verdict.COMMITTED:
                    self._doubt = doubt if verdict is Verdict.OPEN else None
                    return replace(self._unavailable(operations, doubt), stale=verdict is Verdict.UNKNOWN)
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
        numbered = [event.number(seq) for event, seq in zip(tx.recorded, seqs, strict=True)]
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

    def _ask(self, xid: str, *, pauses: Sequence[float]) -> Verdict:
        """What the server says about a transaction; with pauses, it is given time to come back and to be done."""
        left = iter(pauses)
        for _ in range(_STATUS_TRIES if pauses else 1):
            try:
                with self._engine.connect() as conn:
                    status = conn.execute(_XACT_STATUS, {"xid": xid}).scalar()
            except DBAPIError as error:
                if not (faults.is_lost(error) or faults.is_transient(error)):
                    return Verdict.UNKNOWN
                pause = next(left, None)
                if pause is None:
                    return Verdict.OPEN
                time.sleep(pause)
                continue
            if status != "in progress":
                return {"committed": Verdict.COMMITTED, "aborted": Verdict.ABORTED}.get(str(status), Verdict.UNKNOWN)
            if pauses:
                time.sleep(_STATUS_PAUSE_S)
        return Verdict.OPEN

    def _not_now(self, doubt: BaseException) -> Unavailable:
        error = Unavailable(
            f"Nothing can be written to {self._description} now: its connection broke, and it cannot be reached or has "
            "not said yet what became of an earlier change. Try again in a moment."
        )
        error.__cause__ = doubt
        return error

    def _unavailable(self, operations: Sequence[Operation], cause: BaseException) -> Batch:
        self._down = True
        outcomes: list[Outcome] = []
        for _ in operations:
            error = Unavailable(
                f"The connection to {self._description} broke during a commit, and it cannot be asked yet whether the "
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
