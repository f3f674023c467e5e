"""From a credential to a principal, fast enough for every call.

What was verified is remembered for a few seconds by the SHA-256 of the credential, so that the hot path reads no
database. A change made in this process (password, role, key deleted) takes effect at once: `forget` empties the memory,
and a check that was under way meanwhile is not remembered. A change made by another server of the control plane
takes effect within `REMEMBER_S`.

The last use of API keys is collected in memory and written in batches by `flush`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from lilac.control.principals import Principal, PrincipalKind
from lilac.control.tokens import KEY_PREFIX, Claims, Tokens, hash_key
from lilac.model.accounts import ApiKey, User
from lilac.model.errors import Unauthenticated
from lilac.model.ids import KeyId
from lilac.store import accounts as store
from lilac.store import web_sessions
from lilac.store.database import Database, Transaction

REMEMBER_S = 5.0
_CAPACITY = 10_000


class _Remembered(NamedTuple):
    principal: Principal
    until: float


class Authenticator:
    def __init__(self, db: Database, clock: Callable[[], float], tokens: Tokens) -> None:
        self._db = db
        self._clock = clock
        self._tokens = tokens
        self._remembered: dict[str, _Remembered] = {}
        self._generation = 0
        self._used: dict[KeyId, float] = {}

    async def authenticate(self, credential: str) -> Principal:
        """Who holds this login token or API key.

        Raises:
            Unauthenticated: nobody, not any more, or the account is disabled; the sentence says which.
        """
        now = self._clock()
        digest = hash_key(credential)
        known = self._remembered.get(digest)
        if known is not None and now < known.until:
            principal = known.principal
        else:
            generation = self._generation
            principal, until = await self._verify(credential, digest, now)
            if generation == self._generation:
                if len(self._remembered) >= _CAPACITY:
                    self._remembered.clear()
                self._remembered[digest] = _Remembered(principal, until)
        if principal.key_id is not None:
            self._used[principal.key_id] = now
        return principal

    def forget(self) -> None:
        """Check every credential anew from now on: an account or a key has changed."""
        self._generation += 1
        self._remembered.clear()

    async def flush(self) -> None:
        """Write when keys were last used. What cannot be written now is kept for the next time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            await self._db.write(_touch_keys, used)
        except BaseException:
            self._used = {**used, **self._used}
            raise

    async def _verify(self, credential: str, digest: str, now: float) -> tuple[Principal, float]:
        until = now + REMEMBER_S
        if credential.startswith(KEY_PREFIX):
            principal, expires_at = await self._db.read(_holder_of_key, digest, now)
            return principal, until if expires_at is None else min(until, expires_at)
        claims = self._tokens.read(credential, now)
        user = await self._db.read(self._holder_of_token, claims, now)
        principal = replace(_as_principal(user), session_id=claims.session_id, expires_at=claims.expires_at)
        return principal, min(until, claims.expires_at)

    def _holder_of_token(self, conn: Connection, claims: Claims, now: float) -> User:
        user = store.get_user(conn, claims.user_id)
        found = store.credentials(conn, user.username) if user is not None else None
        if user is None or found is None:
            raise Unauthenticated("Invalid token: its account does not exist any more.")
        if self._tokens.fingerprint(found[1]) != claims.fingerprint:
            raise Unauthenticated("Invalid token: the password was changed since; sign in again.")
        if claims.session_id is not None and now >= (web_sessions.ends_at(conn, claims.session_id) or 0.0):
            raise Unauthenticated("Invalid session: it has ended; sign in again.")
        return _enabled(user)


def _holder_of_key(conn: Connection, digest: str, now: float) -> tuple[Principal, float | None]:
    key = store.find_key(conn, digest)
    if key is None:
        raise Unauthenticated("API key not found: it was deleted, or it is not complete.")
    if key.expires_at is not None and now >= key.expires_at:
        raise Unauthenticated("API key not found: it has expired; create a new one.")
    if key.cluster_id is not None:
        principal = Principal(kind=PrincipalKind.NODE, cluster_id=key.cluster_id, key_id=key.id)
        return principal, key.expires_at
    user = store.get_user(conn, key.user_id) if key.user_id is not None else None
    if user is None:
        raise Unauthenticated("API key not found: its account does not exist any more.")
    return _as_principal(_enabled(user), key), key.expires_at


def _enabled(user: User) -> User:
    if user.disabled:
        raise Unauthenticated(f"The account {user.username} is disabled; ask an administrator.")
    return user


def _as_principal(user: User, key: ApiKey | None = None) -> Principal:
    person = Principal(kind=PrincipalKind.USER, user_id=user.id, username=user.username, role=user.role)
    return person if key is None else replace(person, key_id=key.id, scope=key.scope, expires_at=key.expires_at)


def _touch_keys(tx: Transaction, used: dict[KeyId, float]) -> None:
    store.touch_keys(tx.conn, used)
