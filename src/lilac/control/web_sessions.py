"""Sign-ins of browsers: a login token of a few minutes, and a secret that renews it until the person signs out.

The login token is an ordinary one (see `tokens`) that names its session as `sid`; it is void when the session is gone,
so signing out takes effect at once in this process, and within seconds in the other replicas (see `authentication`).
The secret is only ever sent to the routes that renew and end the session. A session belongs to the password it was
opened with, as a login token does, and goes with the account; it ends by itself when it was not renewed for
`session_lifetime_s`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from lilac.control.authentication import Authenticator
from lilac.control.principals import Principal
from lilac.control.tokens import Tokens, hash_key
from lilac.model.accounts import User
from lilac.model.errors import Unauthenticated
from lilac.store import accounts as account_store
from lilac.store import web_sessions as store
from lilac.store.database import Database, Transaction
from lilac.store.web_sessions import WebSession

TOKEN_LIFETIME_S = 900
_PREFIX = "lilac_ws_"
_GONE = "Invalid session: sign in again."


class SignedIn(NamedTuple):
    """What a browser gets. Both secrets are shown once."""

    user: User
    token: str
    """The login token, for every call."""
    expires_at: float
    """When the login token has to be renewed."""
    secret: str
    """Renews the login token."""
    ends_at: float
    """When the session ends unless it is renewed."""


class WebSessions:
    def __init__(
        self,
        db: Database,
        clock: Callable[[], float],
        tokens: Tokens,
        authenticator: Authenticator,
        lifetime_s: int,
    ) -> None:
        self._db = db
        self._clock = clock
        self._tokens = tokens
        self._authenticator = authenticator
        self._lifetime_s = lifetime_s

    async def open(self, user: User, password_hash: str) -> SignedIn:
        """A session of somebody whose password was right just now."""
        now = self._clock()
        secret = _make_secret()
        session = WebSession(
            id=str(uuid.uuid4()),
            user_id=user.id,
            fingerprint=self._tokens.fingerprint(password_hash),
            created_at=now,
            expires_at=now + self._lifetime_s,
        )
        await self._db.write(_insert, session, hash_key(secret))
        return self._signed_in(session, user, password_hash, secret)

    async def renew(self, secret: str) -> SignedIn:
        """Another login token, and a later end of the session.

        Raises:
            Unauthenticated: the session has ended, or its account is disabled.
        """
        session, user, password_hash = await self._db.write(self._renew, hash_key(secret), self._clock())
        return self._signed_in(session, user, password_hash, secret)

    async def close(self, *, secret: str | None = None, principal: Principal | None = None) -> None:
        """Sign out. What has ended already stays so."""
        await self._db.write(_delete, hash_key(secret) if secret else None, principal and principal.session_id)
        self._authenticator.forget()

    async def keep(self, principal: Principal) -> SignedIn | None:
        """After the caller changed the password: the present session goes on under it with a new secret, the others
        have ended. None where the caller is no browser."""
        if principal.session_id is None or principal.username is None:
            return None
        secret = _make_secret()
        kept = await self._db.write(self._keep, principal.session_id, principal.username, hash_key(secret))
        return None if kept is None else self._signed_in(*kept, secret)

    async def ends_at(self, principal: Principal) -> float | None:
        """When the caller's session ends unless it is renewed; None where the caller is no browser."""
        session_id = principal.session_id
        return None if session_id is None else await self._db.read(store.ends_at, session_id)

    def _renew(self, tx: Transaction, token_hash: str, now: float) -> tuple[WebSession, User, str]:
        session = store.find_session(tx.conn, token_hash)
        if session is None or now >= session.expires_at:
            raise Unauthenticated(_GONE)
        user, password_hash = self._holder(tx.conn, session)
        store.change_session(tx.conn, session.id, expires_at=now + self._lifetime_s)
        return replace(session, expires_at=now + self._lifetime_s), user, password_hash

    def _holder(self, conn: Connection, session: WebSession) -> tuple[User, str]:
        user = account_store.get_user(conn, session.user_id)
        found = account_store.credentials(conn, user.username) if user is not None else None
        if user is None or found is None:
            raise Unauthenticated("Invalid session: its account does not exist any more.")
        if self._tokens.fingerprint(found[1]) != session.fingerprint:
            raise Unauthenticated("Invalid session: the password was changed since; sign in again.")
        if user.disabled:
            raise Unauthenticated(f"The account {user.username} is disabled; ask an administrator.")
        return user, found[1]

    def _keep(
        self, tx: Transaction, session_id: str, username: str, token_hash: str
    ) -> tuple[WebSession, User, str] | None:
        found = account_store.credentials(tx.conn, username)
        if found is None:
            return None
        store.change_session(tx.conn, session_id, fingerprint=self._tokens.fingerprint(found[1]), token_hash=token_hash)
        session = store.find_session(tx.conn, token_hash)
        return None if session is None else (session, found[0], found[1])

    def _signed_in(self, session: WebSession, user: User, password_hash: str, secret: str) -> SignedIn:
        now = self._clock()
        token = self._tokens.issue(user.id, password_hash, now, lifetime_s=TOKEN_LIFETIME_S, session_id=session.id)
        return SignedIn(user, token, int(now) + TOKEN_LIFETIME_S, secret, session.expires_at)


def _make_secret() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _insert(tx: Transaction, session: WebSession, token_hash: str) -> None:
    store.delete_ended(tx.conn, session.created_at)
    store.insert_session(tx.conn, session, token_hash)


def _delete(tx: Transaction, token_hash: str | None, session_id: str | None) -> None:
    session = store.find_session(tx.conn, token_hash) if token_hash is not None else None
    for known in {session and session.id, session_id} - {None}:
        store.delete_session(tx.conn, str(known))
