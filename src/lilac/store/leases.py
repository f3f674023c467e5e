"""Who leads, and who is there: the rows by which the replicas of a control plane share one PostgreSQL.

`leadership` has one row. Its `epoch` is the fence: it grows with each take-over, and everything that only the leader
may do makes sure in its own transaction, by `still_leads`, that the epoch is the one under which it began. The epoch
is the key of the row: the fence locks the key, which a renewal of the lease does not touch and a take-over must change.
So a take-over waits for what the former leader is about to commit, and nothing of it can be committed later.

The lease is told by the database's clock only; the clocks of the replicas do not matter here.

The advisory lock is what wakes: it is held by the leader's session, so the death of its process or connection lets
the next one in at once, before the lease ends. Whoever got it may take over unless somebody leads without the lock
(after it took over an expired lease from a session that could not be ended).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from lilac.store.sessions import Session
from lilac.store.tables import control_planes, leadership

LEADER_LOCK = 0x6C696C6163_02
"""The key of the advisory lock that the leader's session holds."""
FORGOTTEN_AFTER_S = 86_400.0
_NOW = "extract(epoch FROM clock_timestamp())"
_FENCE = (
    select(leadership.c.epoch)
    .where(leadership.c.epoch == bindparam("epoch"))
    .with_for_update(key_share=True, read=True)
)
_FIRST = (
    "INSERT INTO leadership (epoch, holder, since, expires_at, locked, pruned_to) SELECT 0, '', 0, 0, true, 0 "
    "WHERE NOT EXISTS (SELECT FROM leadership) ON CONFLICT DO NOTHING"
)
_TAKE = (
    f"UPDATE leadership SET epoch = epoch + 1, holder = %(holder)s, since = {_NOW}, "
    f"expires_at = {_NOW} + %(lease_s)s, locked = %(locked)s "
    f"WHERE expires_at <= {_NOW} OR (%(locked)s AND locked) RETURNING epoch"
)
_RENEW = (
    f"UPDATE leadership SET expires_at = {_NOW} + %(lease_s)s, locked = %(locked)s WHERE epoch = %(epoch)s RETURNING 1"
)
_RELEASE = "UPDATE leadership SET expires_at = 0, locked = true WHERE epoch = %(epoch)s"
_EXPIRED = f"SELECT holder FROM leadership WHERE expires_at <= {_NOW}"
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = %(name)s AND datname = current_database() AND pid <> pg_backend_pid()"
)
_PRESENT = (
    "INSERT INTO control_planes (id, name, address, version, started_at, seen_at) "
    f"VALUES (%(id)s, %(name)s, %(address)s, %(version)s, %(started_at)s, {_NOW}) "
    "ON CONFLICT (id) DO UPDATE SET address = excluded.address, seen_at = excluded.seen_at"
)
_LIVE = text(
    f"SELECT id, name, address, version, started_at, seen_at, seen_at > {_NOW} - :patience_s AS live "
    "FROM control_planes ORDER BY started_at, id"
)
_LEADER = text(f"SELECT epoch, holder, since, expires_at > {_NOW} AS valid FROM leadership")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneRow:
    """One replica of the control plane."""

    id: str
    name: str
    address: str
    version: str
    started_at: float
    seen_at: float
    live: bool = True


@dataclass(frozen=True, slots=True)
class LeaderRow:
    epoch: int
    holder: str
    since: float
    valid: bool
    """Whether the lease has not ended."""


def session_name(replica_id: str) -> str:
    """The name under which all database sessions of a replica can be found."""
    return f"lilac {replica_id}"


def still_leads(conn: Connection, epoch: int) -> bool:
    """Whether nobody has taken over since `epoch`; and nobody will before this transaction ends."""
    return conn.execute(_FENCE, {"epoch": epoch}).first() is not None


def list_control_planes(conn: Connection, *, patience_s: float) -> list[ControlPlaneRow]:
    """All that were here within a day; those that were not seen for `patience_s` are not live."""
    return [ControlPlaneRow(**row._mapping) for row in conn.execute(_LIVE, {"patience_s": patience_s})]


def leader(conn: Connection) -> LeaderRow | None:
    row = conn.execute(_LEADER).first()
    return None if row is None or not row.holder else LeaderRow(row.epoch, row.holder, row.since, row.valid)


def forget_control_planes(conn: Connection, *, before: float) -> None:
    conn.execute(delete(control_planes).where(control_planes.c.seen_at < before))


class Ballot:
    """One candidate's dealings with the lease, over two sessions: one of them waits for the lock or holds it."""

    def __init__(self, url: str, replica_id: str, lease_s: float) -> None:
        self._url = url
        self._id = replica_id
        self._lease_s = lease_s
        self._lock: Session | None = None
        self._session: Session | None = None

    async def open(self) -> None:
        """Connect. Raises `Unavailable`."""
        await self.open_session()
        await self._fetch(_FIRST)
        self._lock = await Session.open(self._url, session_name(self._id))

    async def open_session(self) -> None:
        """Connect for statements only. Raises `Unavailable`."""
        self._session = await Session.open(self._url, session_name(self._id))

    async def close(self) -> None:
        """Let go of both sessions, and so of the lock."""
        for session in (self._lock, self._session):
            if session is not None:
                await session.close()
        self._lock = self._session = None

    async def locked(self) -> None:
        """Wait until the lock is ours."""
        assert self._lock is not None
        await self._lock.fetch("SELECT pg_advisory_lock(%(key)s)", {"key": LEADER_LOCK})

    async def holder_of_expired(self) -> str | None:
        """Who led until the lease ended ("" for nobody yet); None while it lasts."""
        found = await self._fetch(_EXPIRED)
        return found[0][0] if found else None

    async def cut_off(self, replica_id: str) -> None:
        """End the database sessions of a leader that has let its lease end: what they hold would be in the way."""
        if replica_id and replica_id != self._id:
            await self._fetch(_CUT_OFF, {"name": session_name(replica_id)})

    async def take(self, *, locked: bool) -> int | None:
        """Lead from now on, under the epoch that is returned; None if somebody else leads."""
        found = await self._fetch(_TAKE, {"holder": self._id, "lease_s": self._lease_s, "locked": locked})
        return found[0][0] if found else None

    async def renew(self, epoch: int, *, locked: bool) -> bool:
        """Lengthen the lease. False if somebody else has taken over."""
        return bool(await self._fetch(_RENEW, {"epoch": epoch, "lease_s": self._lease_s, "locked": locked}))

    async def release(self, epoch: int) -> None:
        """Give the lead away."""
        await self._fetch(_RELEASE, {"epoch": epoch})

    async def present(self, row: ControlPlaneRow) -> None:
        """Say that this replica is there."""
        values = {
            "id": row.id,
            "name": row.name,
            "address": row.address,
            "version": row.version,
            "started_at": row.started_at,
        }
        await self._fetch(_PRESENT, values)

    async def _fetch(self, statement: str, values: dict[str, object] | None = None) -> list[tuple[Any, ...]]:
        assert self._session is not None
        return await self._session.fetch(statement, values)
