"""What a driver's error means: whose fault it is, and whether trying again can help.

The two drivers say the same things in different words (SQLite by extended result codes, PostgreSQL by SQLSTATE); the
rest of the store asks here and never looks at an error itself.
"""

from __future__ import annotations

import psycopg
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from lilac.model.errors import InvalidInput, LilacError, Unavailable

_SQLITE_DUPLICATE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
_SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_TRANSIENT_STATES = {"40001", "40P01", "55P03"}
"""serialization_failure, deadlock_detected, lock_not_available."""
_LOST_STATES = {"57P01", "57P02", "57P03", "25P03", "25006"}
"""Shutdown, crash, starting up, idle session ended; read-only: a former primary after a fail-over."""


def is_duplicate(error: IntegrityError, *columns: str) -> bool:
    """Whether a unique value exists already; with `columns` ("users.username") only if it is about one of those."""
    if _sqlstate(error) == "23505":
        constraint: str = error.orig.diag.constraint_name or ""  # pyright: ignore
        return not columns or any(
            constraint in (f"uq_{c.replace('.', '_')}", f"pk_{c.partition('.')[0]}") for c in columns
        )
    if _sqlite_code(error) in _SQLITE_DUPLICATE:
        return not columns or any(column in str(error.orig) for column in columns)
    return False


def is_dangling(error: IntegrityError) -> bool:
    """Whether a row refers to one that does not exist."""
    return _sqlstate(error) == "23503" or _sqlite_code(error) == "SQLITE_CONSTRAINT_FOREIGNKEY"


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may well succeed when it is run again on the same connection."""
    if not isinstance(error, DBAPIError):
        return False
    return _sqlstate(error) in _TRANSIENT_STATES or _sqlite_code(error).startswith(_SQLITE_BUSY)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone or of no more use."""
    if not isinstance(error, DBAPIError):
        return False
    state = _sqlstate(error)
    if error.connection_invalidated or state in _LOST_STATES or state.startswith("08"):
        return True
    return not state and isinstance(error.orig, psycopg.OperationalError)


def for_callers(error: BaseException) -> BaseException:
    """The error as the store's callers shall see it: driver errors that are nobody's mistake become `Unavailable`."""
    if isinstance(error, LilacError):
        return error
    if isinstance(error, DataError):
        return _caused(InvalidInput(f"The database cannot store a value: {first_line(error)}."), error)
    if isinstance(error, OperationalError | InterfaceError):
        return _caused(Unavailable(f"The database cannot be used now: {first_line(error)}."), error)
    if isinstance(error, StopIteration):
        return _caused(RuntimeError("an operation raised StopIteration"), error)
    return error


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _sqlite_code(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlite_errorname", None) or ""
