"""Secrets as they are stored: a name within a scope, and a sealed value that only its key opens.

The scope is the owner's id, or `SHARED` for those that administrators keep for everybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from lilac.store.tables import secrets

SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    id: str
    scope: str
    name: str
    key_id: str
    sealed: str = field(repr=False)
    created_at: float
    updated_at: float


def list_secrets(conn: Connection, scopes: Collection[str]) -> list[StoredSecret]:
    """Those of these scopes, by name; a name's own one before the shared one."""
    found = _read(conn, secrets.c.scope.in_(list(scopes)))
    return sorted(found, key=lambda secret: (secret.name, secret.scope == SHARED))


def get_secret(conn: Connection, scope: str, name: str) -> StoredSecret | None:
    found = _read(conn, secrets.c.scope == scope, secrets.c.name == name)
    return found[0] if found else None


def not_sealed_with(conn: Connection, key_id: str) -> list[StoredSecret]:
    return _read(conn, secrets.c.key_id != key_id)


def put_secret(conn: Connection, secret: StoredSecret) -> bool:
    """Insert, or replace the value of the one with this scope and name; whether it is new."""
    changed = conn.execute(
        update(secrets)
        .where(secrets.c.scope == secret.scope, secrets.c.name == secret.name)
        .values(id=secret.id, key_id=secret.key_id, sealed=secret.sealed, updated_at=secret.updated_at)
    ).rowcount
    if changed:
        return False
    conn.execute(
        insert(secrets),
        {
            "id": secret.id,
            "scope": secret.scope,
            "name": secret.name,
            "key_id": secret.key_id,
            "sealed": secret.sealed,
            "created_at": secret.created_at,
            "updated_at": secret.updated_at,
        },
    )
    return True


def reseal(conn: Connection, before: StoredSecret, key_id: str, sealed: str) -> None:
    """Store the same value under another key, unless it was changed meanwhile."""
    conn.execute(
        update(secrets)
        .where(secrets.c.id == before.id, secrets.c.sealed == before.sealed)
        .values(key_id=key_id, sealed=sealed)
    )


def delete_secret(conn: Connection, scope: str, name: str) -> bool:
    return conn.execute(delete(secrets).where(secrets.c.scope == scope, secrets.c.name == name)).rowcount == 1


def _read(conn: Connection, *where: object) -> list[StoredSecret]:
    return [StoredSecret(**row._mapping) for row in conn.execute(select(secrets).where(*where))]  # pyright: ignore
