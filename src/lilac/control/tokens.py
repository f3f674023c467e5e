"""Login tokens and API keys: how they are made and read. Nothing here knows who is behind them.

A login token is a JWT signed with HS256 (the algorithm is fixed; a token that names another is refused). Besides `sub`,
`exp`, `iat` and `jti` it carries `pwd`, a keyed fingerprint of the account's password hash: when the password
changes, every token from before is void, without a list of revoked ones. That of a browser also carries `sid`, the
session that it is good for as long as there is one.

An API key is `lilac_sk_` and 32 characters from a-zA-Z0-9 (190 bits), so a plain SHA-256 is enough to store it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import uuid
from typing import NamedTuple, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from lilac.model.errors import InvalidInput, Unauthenticated
from lilac.model.ids import UserId, parse_uuid

KEY_PREFIX = "lilac_sk_"
SHOWN_PREFIX_LENGTH = 15
_ALPHABET = string.ascii_letters + string.digits
_ALGORITHM = "HS256"


class Claims(NamedTuple):
    user_id: UserId
    fingerprint: str
    expires_at: int
    session_id: str | None = None


class Tokens:
    """Issues and reads login tokens. Times are seconds since the epoch."""

    def __init__(self, secret: bytes, lifetime_s: int) -> None:
        if len(secret) < 32:
            raise InvalidInput(f"The signing secret must be at least 32 bytes long, not {len(secret)}.", field="secret")
        self._secret = secret
        self._key = OctKey.import_key(secret)
        self._lifetime_s = lifetime_s

    def issue(
        self,
        user_id: UserId,
        password_hash: str,
        now: float,
        *,
        lifetime_s: int | None = None,
        session_id: str | None = None,
    ) -> str:
        issued = int(now)
        claims: dict[str, object] = {
            "sub": user_id,
            "iat": issued,
            "exp": issued + (lifetime_s or self._lifetime_s),
            "jti": str(uuid.uuid4()),
            "pwd": self.fingerprint(password_hash),
        }
        if session_id is not None:
            claims["sid"] = session_id
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def read(self, token: str, now: float) -> Claims:
        """Check signature and time.

        Raises:
            Unauthenticated: not a token of ours, or not any more.
        """
        try:
            claims = cast("dict[str, object]", jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims)
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated("Invalid token: sign in again, or send an API key.") from None
        user_id = parse_uuid(str(claims.get("sub", "")))
        expires_at = claims.get("exp")
        if user_id is None or not isinstance(expires_at, int):
            raise Unauthenticated("Invalid token: sign in again, or send an API key.")
        if now >= expires_at:
            raise Unauthenticated("Invalid token: it has expired; sign in again.")
        session_id = claims.get("sid")
        return Claims(
            UserId(user_id), str(claims.get("pwd", "")), expires_at, None if session_id is None else str(session_id)
        )

    def fingerprint(self, password_hash: str) -> str:
        """Stands for a password hash in a token and tells nothing about it."""
        return hmac.digest(self._secret, b"pwd:" + password_hash.encode(), "sha256").hex()[:32]


def make_key() -> str:
    """A fresh API key, as it is shown once."""
    return KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def hash_key(key: str) -> str:
    """What is stored of a key: the lower-case hex SHA-256 of the whole text."""
    return hashlib.sha256(key.encode()).hexdigest()
