"""Guarded updates: change a row only if it is in an expected state (and attempt), and tell whether it was.

The guard is in the WHERE clause of the one UPDATE, so it holds against every other writer without locks that the
caller must remember. A change of state that the state table does not have is refused before it reaches the database.
Statements are built once for each set of columns and then reused, since building them costs more than running them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, Update, bindparam, update

from lilac.model import states as machine

S = TypeVar("S", bound=StrEnum)


def guarded_update(
    conn: Connection,
    table: Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    transitions: Mapping[S, frozenset[S]],
    states: Collection[S],
    what: str,
) -> bool:
    """Set `values` on the row that `key` (column to value) names if its state is one of `states`; whether it was.

    Raises `IllegalTransition` if `values["state"]` cannot follow each of `states` (staying is allowed), and
    `TypeError` for a column that the table does not have.
    """
    new = values.get("state")
    if new is not None:
        for old in states:
            if old is not new:
                machine.check(transitions, old, new, what)
    statement = _statement(table, tuple(key), tuple(values))
    parameters = {f"key_{name}": value for name, value in key.items()}
    parameters |= {f"new_{name}": stored(value) for name, value in values.items()}
    parameters["states"] = [state.value for state in states]
    return conn.execute(statement, parameters).rowcount == 1


def stored(value: Any) -> Any:
    """The value as drivers take it: a member of an enumeration is its word."""
    return value.value if isinstance(value, StrEnum) else value


@lru_cache(maxsize=512)
def _statement(table: Table, key: tuple[str, ...], values: tuple[str, ...]) -> Update:
    unknown = [name for name in values if name not in table.c]
    if unknown or not values:
        raise TypeError(f"{table.name}: cannot set {', '.join(unknown) or 'nothing'}")
    statement = update(table).where(table.c.state.in_(bindparam("states", expanding=True)))
    for name in key:
        statement = statement.where(table.c[name] == bindparam(f"key_{name}", type_=table.c[name].type))
    return statement.values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in values})
