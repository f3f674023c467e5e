"""Sign-ins of browsers. What the browser holds is known by its SHA-256 only; a deleted row is a sign-out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lilac.model.errors import NotFound
from lilac.model.ids import UserId
from lilac.store import faults
from lilac.store.tables import web_sessions

_BY_TOKEN = select(web_sessions).where(web_sessions.c.token_hash == bindparam("token_hash"))
_ENDS_AT = select(web_sessions.c.expires_at).where(web_sessions.c.id == bindparam("session_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    id: str
    user_id: UserId
    fingerprint: str
    """Stands for the password that was given: with another one the session is void (see `control.tokens`)."""
    created_at: float
    expires_at: float


def insert_session(conn: Connection, session: WebSession, token_hash: str) -> None:
    """Raises `NotFound` if the account does not exist (any more)."""
    row = {
        "id": session.id,
        "user_id": session.user_id,
        "token_hash": token_hash,
        "fingerprint": session.fingerprint,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }
    try:
        conn.execute(insert(web_sessions), row)
    except IntegrityError as error:
        if not faults.is_dangling(error):
            raise
        raise NotFound("User not found") from error


def find_session(conn: Connection, token_hash: str) -> WebSession | None:
    """The session that this token renews, ended or not."""
    row = conn.execute(_BY_TOKEN, {"token_hash": token_hash}).first()
    if row is None:
        return None
    return WebSession(
        id=row.id,
        user_id=UserId(row.user_id),
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def ends_at(conn: Connection, session_id: str) -> float | None:
    """When the session ends by itself; None if there is none."""
    return conn.execute(_ENDS_AT, {"session_id": session_id}).scalar()


def change_session(
    conn: Connection,
    session_id: str,
    *,
    expires_at: float | None = None,
    fingerprint: str | None = None,
    token_hash: str | None = None,
) -> None:
    """Let it live longer, belong to another password, or be renewed by another token."""
    values = {"expires_at": expires_at, "fingerprint": fingerprint, "token_hash": token_hash}
    wanted = {name: value for name, value in values.items() if value is not None}
    conn.execute(update(web_sessions).where(web_sessions.c.id == session_id).values(wanted))


def delete_session(conn: Connection, session_id: str) -> None:
    conn.execute(delete(web_sessions).where(web_sessions.c.id == session_id))


def delete_ended(conn: Connection, now: float) -> None:
    """Forget the sessions that ended by themselves."""
    conn.execute(delete(web_sessions).where(web_sessions.c.expires_at <= now))
