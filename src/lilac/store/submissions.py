"""Idempotency keys: what was answered to a submission, so that the same one sent again gets the same answer.

A key belongs to who sent it. `claim` is the first statement of the submission's own transaction: whoever inserts the
row goes on, everybody else waits for that transaction's end (on PostgreSQL; on SQLite there is one writer) and then
reads its answer. If it is rolled back, the key is free again.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from lilac.store.tables import submissions

_FIND = select(submissions.c.digest, submissions.c.reply).where(
    submissions.c.principal == bindparam("principal"), submissions.c.key == bindparam("key")
)
_CLAIM = {
    "sqlite": sqlite.insert(submissions).on_conflict_do_nothing().returning(submissions.c.key),
    "postgresql": postgresql.insert(submissions).on_conflict_do_nothing().returning(submissions.c.key),
}
_FORGET = delete(submissions).where(submissions.c.created_at < bindparam("before"))


def claim(conn: Connection, principal: str, key: str, *, digest: str, reply: str, now: float) -> tuple[str, str] | None:
    """Keep the answer to a new submission: None. If there is one of this key already: its digest and its answer."""
    row = {"principal": principal, "key": key, "digest": digest, "reply": reply, "created_at": now}
    if conn.execute(_CLAIM[conn.dialect.name], row).first() is not None:
        return None
    return answer(conn, principal, key)


def answer(conn: Connection, principal: str, key: str) -> tuple[str, str] | None:
    """The digest of what was sent with this key, and what was answered; None if the key is new."""
    found = conn.execute(_FIND, {"principal": principal, "key": key}).first()
    return None if found is None else (found.digest, found.reply)


def forget(conn: Connection, *, before: float) -> int:
    """Let go of the keys from before this time: how many."""
    return conn.execute(_FORGET, {"before": before}).rowcount
