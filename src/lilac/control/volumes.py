"""Named volumes: made by people or by the first job that names them, placed by the first attempt, removed by people.

A job's volumes are looked up by name among its owner's in the transaction that stores the job (`bind`), which makes
those that are missing; so from then on the job and the volume are bound by id, and a volume cannot be removed while a
job that has not ended uses it. Where the data is follows from the first assignment (`lilac.control.loop`).

Removing a volume takes it away from people at once, and dooms its data: the agent of its node is told with its list,
deletes the data and says so, after which nothing is known of the volume any more. A node that is lost does so when it
is back. When a node is removed, what was doomed there is forgotten, and its event names it; its other volumes stay
where they are, since the node may come back with its data, but no job can be submitted with them until then.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from lilac.control.principals import Principal, require_user
from lilac.control.projection import Projection
from lilac.model.accounts import Role
from lilac.model.arrays import JobArray
from lilac.model.clusters import Node
from lilac.model.errors import Conflict, Forbidden, InvalidInput, NotFound
from lilac.model.events import Event, EventKind
from lilac.model.ids import UserId
from lilac.model.jobs import Job, JobSpec
from lilac.model.surroundings import allows_path, check_name
from lilac.model.volumes import Volume
from lilac.store import accounts as account_store
from lilac.store import clusters as cluster_store
from lilac.store import volumes as store
from lilac.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class ShownVolume:
    """A volume with the names of its owner and node."""

    volume: Volume
    owner: str | None
    node_name: str | None
    node_state: str | None
    """The state of its node, or `removed`; None where it has no data."""


class Volumes:
    """The service behind the volume routes."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection

    async def list(self, principal: Principal) -> list[ShownVolume]:
        """One's own; administrators see everybody's."""
        found, owners = await self._db.read(_all_for, principal)
        return [self._shown(volume, owners) for volume in found]

    async def get(self, principal: Principal, ref: str) -> ShownVolume:
        """One of one's own by name or id; of somebody else's, administrators name the id.

        Raises:
            NotFound: there is none that the caller sees.
        """
        found, owners = await self._db.read(_all_for, principal)
        return self._shown(_one_of(found, principal, ref), owners)

    async def create(self, principal: Principal, name: str) -> ShownVolume:
        """Make a volume. It has no place until a job uses it.

        Raises:
            Conflict: one has this name already.
        """
        check_name(name, "name")
        volume = _new(name, require_user(principal), self._clock())
        await self._db.write(_create, volume, principal.actor)
        return self._shown(volume, {principal.user_id: principal.username})

    async def delete(self, principal: Principal, ref: str) -> None:
        """Delete a volume, and have its data deleted.

        Raises:
            Conflict: a job that has not ended uses it.
        Forbidden: it is somebody else's, and the key used is not good for that.
        """
        shown = await self.get(principal, ref)
        if not principal.may_change(shown.volume.owner_id):
            raise Forbidden("Forbidden: this needs a key of scope admin; the volume is somebody else's.")
        await self._db.write(self._delete, shown.volume.id, principal.actor, self._clock())

    def check_offered(self, spec: JobSpec) -> None:
        """Raise `InvalidInput` if a host path is allowed by no node of the queue's clusters."""
        wanted = [(v.host_path, v.read_only) for v in spec.volumes if v.host_path is not None]
        queue = self._projection.queues.get(spec.queue_id)
        if not wanted or queue is None:
            return
        nodes = [
            station.node
            for station in self._projection.fleet.stations.values()
            if station.node.cluster_id in queue.cluster_targets
        ]
        for path, read_only in wanted:
            if any(allows_path(node.inventory.host_paths, path, read_only=read_only) for node in nodes):
                continue
            reading_helps = any(allows_path(node.inventory.host_paths, path, read_only=True) for node in nodes)
            raise InvalidInput(
                f"volumes: no node of queue {queue.name} allows the host path {path}"
                + (" for writing; it may be mounted with read_only." if reading_helps else ".")
                + " Whoever runs the nodes allows paths by allowed_host_paths in the agent's settings.",
                field="volumes.host_path",
            )

    def _delete(self, tx: Transaction, volume_id: str, actor: str, now: float) -> None:
        store.lock_volume(tx.conn, volume_id)
        volume = store.get_volume(tx.conn, volume_id)
        if volume is None:
            return
        user = store.user_of(tx.conn, volume)
        if user is not None:
            raise Conflict(
                f"Volume {volume.name} is used by job {user[1]} ({user[0]}), which has not ended; cancel it first, or "
                "wait for its end."
            )
        node = cluster_store.get_node(tx.conn, volume.node_id) if volume.node_id is not None else None
        data = "to be deleted" if node is not None else "none"
        if node is not None:
            store.doom_volume(tx.conn, volume, node.id, now)
            tx.after(self._projection.doom, node, store.doomed(tx.conn, [node.id]).get(node.id, {}))
        else:
            store.delete_volume(tx.conn, volume.id)
            data = "left on a node that was removed" if volume.node_id is not None else data
        event = _event(EventKind.VOLUME_DELETED, volume, actor, now)
        tx.record(replace(event, data={**event.data, "on_node": data}))

    def _shown(self, volume: Volume, owners: dict[UserId | None, str | None]) -> ShownVolume:
        station = self._projection.fleet.get(volume.node_id) if volume.node_id is not None else None
        state = str(station.node.state) if station is not None else "removed" if volume.node_id is not None else None
        name = station.node.name if station is not None else None
        return ShownVolume(volume, owners.get(volume.owner_id), name, state)


def data_deleted(tx: Transaction, projection: Projection, node: Node, volume_ids: Collection[str], now: float) -> None:
    """The agent of a node says that the data of doomed volumes is gone."""
    for volume in store.forget_doomed(tx.conn, node.id, volume_ids):
        tx.record(_event(EventKind.VOLUME_DATA_DELETED, volume, f"node:{node.name}", now))
    tx.after(projection.doom, node, store.doomed(tx.conn, [node.id]).get(node.id, {}))


def left_by(conn: Connection, node: Node) -> list[str]:
    """Forget what is doomed on a node that is removed; returns what a person may call the data that stays there."""
    left = [*store.forget_doomed(conn, node.id), *store.on_node(conn, node.id)]
    return [f"{volume.name} (lilac-{volume.id})" for volume in left]


def bind(tx: Transaction, works: Sequence[Job | JobArray], actor: str) -> list[Job | JobArray]:
    """The jobs with the volumes that their names mean; those that are missing are made.

    Raises:
        InvalidInput: a missing one is only to be read, or two of one job are on different nodes.
    """
    return [_bound(tx, work, actor) for work in works]


def _bound(tx: Transaction, work: Job | JobArray, actor: str) -> Job | JobArray:
    names = list(dict.fromkeys(v.name for v in work.spec.volumes if v.name is not None))
    if not names:
        return work
    if work.owner_id is None:
        raise InvalidInput("volumes: only a person's jobs have named volumes.", field="volumes")
    known = store.named(tx.conn, work.owner_id, names)
    for mount in work.spec.volumes:
        if mount.name is None or mount.name in known:
            continue
        if mount.read_only:
            raise InvalidInput(
                f"volumes: there is no volume {mount.name!r} that could be read; leave read_only out to have it made.",
                field="volumes.name",
            )
        known[mount.name] = _create(tx, _new(mount.name, work.owner_id, work.submitted_at), actor)
    placed = [volume for volume in known.values() if volume.node_id is not None]
    for volume in placed[1:]:
        if volume.node_id != placed[0].node_id:
            raise InvalidInput(
                f"volumes: the data of {placed[0].name} and of {volume.name} is on different nodes; a job runs where "
                "its volumes are.",
                field="volumes",
            )
    if placed and placed[0].node_id is not None and cluster_store.get_node(tx.conn, placed[0].node_id) is None:
        raise InvalidInput(
            f"volumes: the data of {placed[0].name} is on a node that was removed. Bring the node back, with its "
            f"agent's state, or let a new volume begin: lilac volumes rm {placed[0].name}.",
            field="volumes.name",
        )
    mounts = tuple(v if v.name is None else replace(v, volume_id=known[v.name].id) for v in work.spec.volumes)
    return replace(work, spec=replace(work.spec, volumes=mounts))


def _new(name: str, owner_id: UserId, now: float) -> Volume:
    return Volume(id=str(uuid.uuid4()), name=name, owner_id=owner_id, created_at=now)


def _create(tx: Transaction, volume: Volume, actor: str) -> Volume:
    store.insert_volume(tx.conn, volume)
    tx.record(_event(EventKind.VOLUME_CREATED, volume, actor, volume.created_at))
    return volume


def _event(kind: EventKind, volume: Volume, actor: str, now: float) -> Event:
    data = {"id": volume.id, "name": volume.name}
    return Event(kind=kind, at=now, actor=actor, user_id=volume.owner_id, node_id=volume.node_id, data=data)


def _all_for(conn: Connection, principal: Principal) -> tuple[list[Volume], dict[UserId | None, str | None]]:
    everybody = principal.role is Role.ADMIN
    found = store.list_volumes(conn, None if everybody else require_user(principal))
    if not everybody:
        return found, {principal.user_id: principal.username}
    return found, {user.id: user.username for user in account_store.list_users(conn)}


def _one_of(found: Sequence[Volume], principal: Principal, ref: str) -> Volume:
    for volume in found:
        if volume.id == ref or (volume.name == ref and volume.owner_id == principal.user_id):
            return volume
    others = sum(volume.name == ref for volume in found)
    hint = f" {others} of others have this name: name it by its id." if others else ""
    raise NotFound(f"There is no volume {ref!r} of yours.{hint}")
