"""Secrets of users and of everybody: put in, named by jobs, handed to the node that runs the job, never read back.

A value leaves the control plane by one way only: in the list of the node that is to start a replica whose job names the
secret (`for_node`), at the moment when the list is handed out. So a secret that was replaced counts at the next
attempt, and one that was deleted while a job waited lets its attempt fail with a sentence.

Who names a secret gets their own of that name, else the shared one, which administrators make.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection

from lilac.control.fleet import Held
from lilac.control.principals import Principal, require_user
from lilac.control.sealing import Sealed, Sealer, load_sealer
from lilac.model.errors import Forbidden, InvalidInput, NotFound, Unavailable
from lilac.model.events import Event, EventKind
from lilac.model.ids import ReplicaKey, UserId
from lilac.model.jobs import JobSpec
from lilac.model.states import ReplicaState
from lilac.model.surroundings import MOST_SECRET_BYTES, check_name
from lilac.store import jobs as job_store
from lilac.store import secrets as store
from lilac.store.database import Database, Transaction
from lilac.store.secrets import SHARED, StoredSecret

_log = structlog.get_logger("lilac.secrets")


@dataclass(frozen=True, slots=True)
class KnownSecret:
    """All that anybody is told of a secret."""

    name: str
    shared: bool
    created_at: float
    updated_at: float


class Secrets:
    """The service behind the secret routes, and the values for nodes."""

    def __init__(self, db: Database, clock: Callable[[], float], *, configured_key: str | None, key_file: Path) -> None:
        self._db = db
        self._clock = clock
        self._configured_key = configured_key
        self._key_file = key_file
        self._sealer: Sealer | None = None

    async def list(self, principal: Principal) -> list[KnownSecret]:
        """One's own and the shared ones, without their values."""
        found = await self._db.read(store.list_secrets, (require_user(principal), SHARED))
        return [_known(secret) for secret in found]

    async def put(self, principal: Principal, name: str, value: str, *, shared: bool = False) -> KnownSecret:
        """Keep a value under a name, instead of the one before if there is one."""
        scope = self._scope(principal, shared)
        check_name(name, "name")
        if not value or "\0" in value or len(value.encode()) > MOST_SECRET_BYTES:
            raise InvalidInput(
                f"value must be 1 to {MOST_SECRET_BYTES} bytes of text without NUL characters.", field="value"
            )
        now = self._clock()
        secret_id = str(uuid.uuid4())
        sealed = (await self._keys()).seal(value, secret_id)
        secret = StoredSecret(
            id=secret_id,
            scope=scope,
            name=name,
            key_id=sealed.key_id,
            sealed=sealed.text,
            created_at=now,
            updated_at=now,
        )
        return _known(await self._db.write(self._put, secret, principal))

    async def delete(self, principal: Principal, name: str, *, shared: bool = False) -> None:
        """Forget a secret. Jobs that run keep what they were given; those that wait fail when they are to start."""
        await self._db.write(self._delete, self._scope(principal, shared), name, principal, self._clock())

    async def check_known(self, principal: Principal, spec: JobSpec) -> None:
        """Raise `InvalidInput` if the job names a secret that its owner does not have."""
        if not spec.secrets:
            return
        scopes = [scope for scope in (principal.user_id, SHARED) if scope is not None]
        known = {secret.name for secret in await self._db.read(store.list_secrets, scopes)}
        for secret in spec.secrets:
            if secret.name not in known:
                raise InvalidInput(
                    f"There is no secret {secret.name!r}: store it first with `lilac secrets set {secret.name}`.",
                    field="secrets.name",
                )

    async def for_node(self, listed: Collection[Held]) -> Mapping[ReplicaKey, Mapping[str, str]]:
        """The values for the replicas that are to start now, by name. What cannot be had is absent."""
        starting = [
            held
            for held in listed
            if held.spec.secrets and held.replica.state is ReplicaState.ASSIGNED and not held.replica.stop_wanted
        ]
        if not starting:
            return {}
        sealer = await self._keys()
        found = await self._db.read(_sealed_for, starting)
        values: dict[ReplicaKey, dict[str, str]] = {}
        for held in starting:
            mine = values.setdefault(held.replica.key, {})
            for name, secret in found[held.replica.key].items():
                try:
                    mine[name] = sealer.open(Sealed(secret.key_id, secret.sealed), secret.id)
                except Unavailable as error:
                    _log.error("a secret cannot be opened", secret=name, why=str(error))
        return values

    async def reseal(self) -> None:
        """Bring what older keys sealed under the present one, at each start. Needs no key where nothing is kept."""
        if not await self._db.read(store.not_sealed_with, ""):
            return
        sealer = await self._keys()
        for secret in await self._db.read(store.not_sealed_with, sealer.active):
            try:
                value = sealer.open(Sealed(secret.key_id, secret.sealed), secret.id)
            except Unavailable as error:
                _log.warning("a secret cannot be opened", secret=secret.name, why=str(error))
                continue
            sealed = sealer.seal(value, secret.id)
            await self._db.write(lambda tx, s=secret, n=sealed: store.reseal(tx.conn, s, n.key_id, n.text))

    async def _keys(self) -> Sealer:
        if self._sealer is None:
            self._sealer = await asyncio.to_thread(load_sealer, self._configured_key, self._key_file)
        return self._sealer

    @staticmethod
    def _scope(principal: Principal, shared: bool) -> str:
        user_id = require_user(principal)
        if not shared:
            return user_id
        if not principal.is_admin:
            raise Forbidden("Forbidden: only administrators keep shared secrets; leave `shared` out for your own.")
        return SHARED

    def _put(self, tx: Transaction, secret: StoredSecret, principal: Principal) -> StoredSecret:
        store.put_secret(tx.conn, secret)
        _record(tx, EventKind.SECRET_SET, principal, secret.scope, secret.name, secret.updated_at)
        kept = store.get_secret(tx.conn, secret.scope, secret.name)
        assert kept is not None
        return kept

    @staticmethod
    def _delete(tx: Transaction, scope: str, name: str, principal: Principal, now: float) -> None:
        if not store.delete_secret(tx.conn, scope, name):
            raise NotFound(f"There is no {'shared ' if scope == SHARED else ''}secret {name!r}.")
        _record(tx, EventKind.SECRET_DELETED, principal, scope, name, now)


def _sealed_for(conn: Connection, starting: Collection[Held]) -> dict[ReplicaKey, dict[str, StoredSecret]]:
    jobs = job_store.get_jobs(conn, {held.replica.key.job_id for held in starting})
    found: dict[ReplicaKey, dict[str, StoredSecret]] = {}
    for held in starting:
        mine = found.setdefault(held.replica.key, {})
        job = jobs.get(held.replica.key.job_id)
        owner = job.owner_id if job is not None else None
        for wanted in held.spec.secrets:
            own = store.get_secret(conn, owner, wanted.name) if owner is not None else None
            secret = own or store.get_secret(conn, SHARED, wanted.name)
            if secret is not None:
                mine[wanted.name] = secret
    return found


def _known(secret: StoredSecret) -> KnownSecret:
    return KnownSecret(secret.name, secret.scope == SHARED, secret.created_at, secret.updated_at)


def _record(tx: Transaction, kind: EventKind, principal: Principal, scope: str, name: str, now: float) -> None:
    about = None if scope == SHARED else UserId(scope)
    data = {"name": name, "shared": scope == SHARED}
    tx.record(Event(kind=kind, at=now, actor=principal.actor, user_id=about or principal.user_id, data=data))
