"""The last statement of a batch: its events are numbered and stored, and other replicas are told.

On PostgreSQL this is one round trip. In it the events lock is taken first, so that the order of numbers is the order of
commits; then come the events, the row of `changes`, and the NOTIFY, which is left out where no other replica is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from lilac.store import changes, driving, encoding, events, numbering
from lilac.store.changes import Touched
from lilac.store.tables import events as table

_COLUMNS = tuple(events.COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_EVENTS = f"""
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock({numbering.EVENTS_LOCK}), pg_current_xact_id()::text AS xid),
fresh AS MATERIALIZED (
  SELECT nextval('events_seq_seq') AS seq, row.* FROM held, {driving.rows_of(table, _COLUMNS, "row")}
),
stored AS (INSERT INTO events (seq, {_NAMES}) SELECT seq, {_NAMES} FROM fresh)
"""
_RESULT = "SELECT held.xid, (SELECT array_agg(seq ORDER BY n) FROM fresh)"
_WITHOUT_WORD = f"{_EVENTS} {_RESULT} FROM held"
_WITH_WORD = f"""{_EVENTS},
told AS (
  INSERT INTO changes (replica, at, first_event, last_event, touched)
  SELECT %s, %s, min(seq), max(seq), %s::json FROM fresh
)
{_RESULT}, {changes.NOTIFY_OTHERS} FROM held
"""


@dataclass(frozen=True, slots=True)
class Word:
    """What other replicas are told of a commit: who made it, when, and what it touched."""

    replica: str
    at: float
    touched: Touched


def append(conn: Connection, rows: Sequence[dict[str, Any]], word: Word | None) -> tuple[Sequence[int], str | None]:
    """Store rows of `events.to_row` as the last thing of a transaction, and leave word of it.

    Returns the numbers of the events, and on PostgreSQL the id of the transaction (None if it changed nothing).
    """
    if conn.dialect.name == "sqlite":
        return events.append(conn, rows), None
    if not rows:
        if word is not None and word.touched:
            changes.append(conn, word.replica, word.touched, word.at)
        return (), numbering.transaction_id(conn)
    data = encoding.dumps(rows)
    if word is None:
        ((xid, seqs),) = driving.fetch(conn, _WITHOUT_WORD, data)
        return seqs, xid
    touched = encoding.dumps(word.touched.keys())
    values = (data, word.replica, word.at, touched, word.replica, word.replica)
    ((xid, seqs, _),) = driving.fetch(conn, _WITH_WORD, *values)
    return seqs, xid
