"""Statements that go past SQLAlchemy, for what runs at every commit: the driver's own cursor, and many rows at once.

A statement through SQLAlchemy costs the processor several times what PostgreSQL takes to answer it, and `executemany`
sends one message per row. Here a statement is a constant text that the driver prepares by itself, and any number of
rows are one parameter, a JSON array, which PostgreSQL unfolds (`rows_of`). Errors come out as those of SQLAlchemy, so
the rest of the store sees no difference.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import psycopg
from sqlalchemy import JSON, BigInteger, Connection, Double, Integer, Table, Text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator, TypeEngine

_TYPES: dict[type[TypeEngine[Any]], str] = {
    Text: "text",
    Integer: "integer",
    BigInteger: "bigint",
    Double: "double precision",
    JSON: "json",
}


def fetch(conn: Connection, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Run one statement on PostgreSQL, `%s` for each value: its rows, if it gives any. Raises as SQLAlchemy does."""
    connection: Any = conn.connection.driver_connection
    cursor = connection.cursor()
    try:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description is not None else []
    except psycopg.Error as error:
        lost = connection.closed or connection.broken
        if lost:
            conn.invalidate(error)
        raise _as_sqlalchemy(conn, statement, error, lost=lost) from error
    finally:
        cursor.close()


def insert(conn: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run an INSERT on SQLite for each row, `?` for each value. Raises as SQLAlchemy does."""
    connection: Any = conn.connection.driver_connection
    try:
        connection.executemany(statement, rows).close()
    except sqlite3.Error as error:
        raise _as_sqlalchemy(conn, statement, error) from error


def marks(count: int) -> str:
    """So many `?`."""
    return ", ".join("?" * count)


def _as_sqlalchemy(
    conn: Connection, statement: str, error: psycopg.Error | sqlite3.Error, *, lost: bool = False
) -> BaseException:
    return DBAPIError.instance(
        statement,
        None,
        error,
        psycopg.Error if isinstance(error, psycopg.Error) else sqlite3.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=conn.dialect,
    )


def rows_of(table: Table, names: Collection[str], alias: str) -> str:
    """For FROM: the rows of one JSON parameter, with columns named and typed as the table's, and their number `n`.

    A row is an object; what it leaves out is NULL.
    """
    columns = ", ".join(f"{name} {_type(table, name)}" for name in names)
    return f"ROWS FROM (json_to_recordset(%s::json) AS ({columns})) WITH ORDINALITY AS {alias} ({', '.join(names)}, n)"


def _type(table: Table, name: str) -> str:
    kind = table.c[name].type
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return _TYPES[type(kind)]
