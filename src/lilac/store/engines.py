"""From a URL to connections that are set up as the store needs them.

`sqlite:////var/lib/lilac/lilac.db` is a file, `sqlite://` lives in memory, `postgresql://user@host/name` is PostgreSQL
by psycopg 3.

SQLite: write-ahead log (readers never wait for the writer), `synchronous=FULL` (an acknowledged commit survives a
power cut), foreign keys on. The writer begins with BEGIN IMMEDIATE, so it never has to upgrade a lock and fail;
readers are `query_only`. A database in memory has one connection, which only one thread may use.

PostgreSQL: the writer works in READ COMMITTED, where a guarded UPDATE looks at the newest row; readers get one
snapshot per call (REPEATABLE READ, read only).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from lilac.model.errors import InvalidInput, Unavailable
from lilac.store import encoding

_FORMS = "sqlite:////absolute/path/to/file, sqlite:// (in memory) or postgresql://user:password@host/name"
_SQLITE_WAIT_S = 10
_LONGEST_PAUSE = "3s"
"""A process that is stopped in the middle of a transaction must not hold up the others for longer."""
LOCKS_ROWS = "lilac_locks_rows"
"""The execution option of connections whose reads for a change lock what they read."""


def parse_url(url: str) -> URL:
    """The URL with its driver. Raises `InvalidInput` for one that is not of a known form; says no password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput(f"The database URL cannot be read; it must look like {_FORMS}.") from None
    backend = parsed.get_backend_name()
    if backend == "postgres":
        backend = "postgresql"
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return parsed.set(drivername="sqlite+pysqlite")
    raise InvalidInput(f"Databases of type {backend} are not supported; the URL must look like {_FORMS}.")


def named(url: str, name: str) -> str:
    """The URL for sessions that the server lists under this name."""
    return parse_url(url).update_query_dict({"application_name": name}).render_as_string(hide_password=False)


def in_memory(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def describe(url: URL) -> str:
    """The database in words for sentences, without user name and password."""
    if url.get_backend_name() == "sqlite":
        return "the SQLite database in memory" if in_memory(url) else f"the SQLite database {url.database}"
    where = url.host or "the local socket"
    port = f":{url.port}" if url.port else ""
    return f"the PostgreSQL database {url.database!r} at {where}{port}"


def check_place(url: URL) -> None:
    """Raise `Unavailable` if the folder of a database file is not there: SQLite's own message does not say that."""
    if url.get_backend_name() != "sqlite" or in_memory(url):
        return
    folder = Path(url.database or "").parent
    if not folder.is_dir():
        raise Unavailable(f"Cannot open {describe(url)}: the folder {folder} does not exist.")


def writer_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, begin="BEGIN IMMEDIATE", pragmas=("synchronous=FULL", "foreign_keys=ON"), size=1)
    return _postgresql(url, size=1, read_only=False)


def reader_engine(url: URL, size: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, begin="BEGIN", pragmas=("query_only=ON",), size=size)
    return _postgresql(url, size=size, read_only=True)


def _sqlite(url: URL, *, begin: str, pragmas: tuple[str, ...], size: int) -> Engine:
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory(url) else _pool(size)
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": _SQLITE_WAIT_S, "isolation_level": None},
        json_serializer=encoding.dumps,
        json_deserializer=encoding.loads,
        hide_parameters=True,
        **pool,
    )

    def set_up(connection: sqlite3.Connection, record: object) -> None:
        if begin == "BEGIN IMMEDIATE":
            connection.execute("PRAGMA journal_mode=WAL")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin_transaction)
    return engine


def _postgresql(url: URL, *, size: int, read_only: bool) -> Engine:
    url = url.update_query_dict(
        {
            "application_name": url.query.get("application_name", "lilac"),
            "connect_timeout": url.query.get("connect_timeout", "10"),
        }
    )
    engine = create_engine(
        url,
        json_serializer=encoding.dumps,
        json_deserializer=encoding.loads,
        hide_parameters=True,
        execution_options={LOCKS_ROWS: not read_only},
        **_pool(size),
    )

    def set_up(connection: psycopg.Connection[Any], record: object) -> None:
        if not read_only:
            connection.autocommit = True
            connection.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [_LONGEST_PAUSE])
            connection.autocommit = False
        connection.isolation_level = (
            psycopg.IsolationLevel.REPEATABLE_READ if read_only else psycopg.IsolationLevel.READ_COMMITTED
        )
        connection.read_only = read_only

    event.listen(engine, "connect", set_up)
    return engine


def _pool(size: int) -> dict[str, Any]:
    return {"poolclass": QueuePool, "pool_size": size, "max_overflow": 0}
