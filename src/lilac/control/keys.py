"""API keys of people and of clusters: making, listing, deleting. A key's text is only in the answer that made it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import NamedTuple

from lilac.control.authentication import Authenticator
from lilac.control.principals import Principal, require_user
from lilac.control.tokens import SHOWN_PREFIX_LENGTH, hash_key, make_key
from lilac.model.accounts import ApiKey, KeyScope
from lilac.model.errors import Forbidden, InvalidInput, NotFound
from lilac.model.events import Event, EventKind
from lilac.model.ids import ClusterId, KeyId, UserId
from lilac.store import accounts as store
from lilac.store import clusters as cluster_store
from lilac.store.database import Database, Transaction

_MAX_NAME = 100


class NewKey(NamedTuple):
    key: ApiKey
    text: str
    """The secret itself. Shown once, stored nowhere."""


class Keys:
    def __init__(self, db: Database, clock: Callable[[], float], authenticator: Authenticator) -> None:
        self._db = db
        self._clock = clock
        self._authenticator = authenticator

    async def create(
        self,
        principal: Principal,
        *,
        name: str = "",
        expires_at: float | None = None,
        scope: KeyScope = KeyScope.ADMIN,
    ) -> NewKey:
        """A key of the caller's own, which acts with the caller's role as far as its scope goes."""
        user_id = require_user(principal)
        return await self._create(principal, name=name, expires_at=expires_at, scope=scope, user_id=user_id)

    async def create_for_cluster(
        self, principal: Principal, cluster_id: ClusterId, *, name: str = "", expires_at: float | None = None
    ) -> NewKey:
        """A key for the agents of a cluster's nodes, good for their reports only."""
        return await self._create(principal, name=name, expires_at=expires_at, cluster_id=cluster_id)

    async def list(self, principal: Principal) -> list[ApiKey]:
        return await self._db.read(lambda conn: store.list_keys(conn, user_id=require_user(principal)))

    async def list_of_user(self, user_id: UserId) -> list[ApiKey]:
        """For administrators: the keys of anybody."""
        return await self._db.read(lambda conn: store.list_keys(conn, user_id=user_id))

    async def delete_of_user(self, principal: Principal, user_id: UserId, key_id: KeyId) -> None:
        """For administrators: take a key away from anybody."""
        if not await self._db.write(_delete, principal.actor, key_id, user_id, None, self._clock()):
            raise NotFound("API key not found: the user has no key with this id.")
        self._authenticator.forget()

    async def list_of_cluster(self, cluster_id: ClusterId) -> list[ApiKey]:
        return await self._db.read(lambda conn: store.list_keys(conn, cluster_id=cluster_id))

    async def delete(self, principal: Principal, key_id: KeyId) -> None:
        """Delete a key of the caller's own.

        Raises:
            Forbidden: the caller has no such key (whether somebody else has is not told).
        """
        user_id = require_user(principal)
        if not await self._db.write(_delete, principal.actor, key_id, user_id, None, self._clock()):
            raise Forbidden("Forbidden: you have no API key with this id.")
        self._authenticator.forget()

    async def delete_of_cluster(self, principal: Principal, cluster_id: ClusterId, key_id: KeyId) -> None:
        if not await self._db.write(_delete, principal.actor, key_id, None, cluster_id, self._clock()):
            raise NotFound("API key not found: the cluster has no key with this id.")
        self._authenticator.forget()

    async def _create(
        self,
        principal: Principal,
        *,
        name: str,
        expires_at: float | None,
        scope: KeyScope = KeyScope.ADMIN,
        user_id: UserId | None = None,
        cluster_id: ClusterId | None = None,
    ) -> NewKey:
        now = self._clock()
        if len(name) > _MAX_NAME or not name.isprintable():
            raise InvalidInput(f"name must be printable and at most {_MAX_NAME} characters long.", field="name")
        if expires_at is not None and expires_at <= now:
            raise InvalidInput("expires_at must be in the future.", field="expires_at")
        text = make_key()
        key = ApiKey(
            id=KeyId(str(uuid.uuid4())),
            prefix=text[:SHOWN_PREFIX_LENGTH],
            user_id=user_id,
            cluster_id=cluster_id,
            name=name,
            scope=scope,
            created_at=now,
            expires_at=expires_at,
        )
        await self._db.write(_insert, principal.actor, key, hash_key(text))
        return NewKey(key, text)


def _insert(tx: Transaction, actor: str, key: ApiKey, key_hash: str) -> None:
    if key.cluster_id is not None and cluster_store.get_cluster(tx.conn, key.cluster_id) is None:
        raise NotFound("Cluster not found")
    if key.user_id is not None and store.get_user(tx.conn, key.user_id) is None:
        raise NotFound("User not found")
    store.insert_key(tx.conn, key, key_hash)
    tx.record(
        Event(
            kind=EventKind.KEY_CREATED,
            at=key.created_at,
            actor=actor,
            user_id=key.user_id,
            cluster_id=key.cluster_id,
            data={"key_id": key.id, "prefix": key.prefix, "name": key.name, "scope": str(key.scope)},
        )
    )


def _delete(
    tx: Transaction, actor: str, key_id: KeyId, user_id: UserId | None, cluster_id: ClusterId | None, now: float
) -> bool:
    if not store.delete_key(tx.conn, key_id, user_id=user_id, cluster_id=cluster_id):
        return False
    tx.record(
        Event(
            kind=EventKind.KEY_DELETED,
            at=now,
            actor=actor,
            user_id=user_id,
            cluster_id=cluster_id,
            data={"key_id": key_id},
        )
    )
    return True
