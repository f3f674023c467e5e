"""Named volumes as they are stored: a name per owner, and the node where the data is.

`settle` is part of the transaction that assigns an attempt: so what a volume's row says about its node and where its
jobs were started can never differ.

A volume that was deleted while it had data is *doomed*: out of the way for people, and kept with its node until the
data is gone there.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Row, Text, cast, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lilac.model.errors import Conflict
from lilac.model.ids import NodeId, UserId
from lilac.model.states import JobState
from lilac.model.volumes import Volume
from lilac.store import faults
from lilac.store.tables import arrays, doomed_volumes, jobs, volumes

_LIVE = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)


def insert_volume(conn: Connection, volume: Volume) -> None:
    """Raises `Conflict` if its owner has one of this name."""
    row = {
        "id": volume.id,
        "name": volume.name,
        "owner_id": volume.owner_id,
        "node_id": volume.node_id,
        "created_at": volume.created_at,
        "last_used_at": volume.last_used_at,
    }
    try:
        conn.execute(insert(volumes), row)
    except IntegrityError as error:
        if faults.is_duplicate(error, "volumes.owner_id", "volumes.owner_id_name"):
            raise Conflict(f"There is a volume {volume.name!r} already; choose another name.", field="name") from error
        raise


def list_volumes(conn: Connection, owner_id: UserId | None = None) -> list[Volume]:
    """All of an owner, or of everybody, by name."""
    where = [volumes.c.owner_id == owner_id] if owner_id is not None else []
    rows = conn.execute(select(volumes).where(*where).order_by(volumes.c.name, volumes.c.id))
    return [_volume(row) for row in rows]


def get_volume(conn: Connection, volume_id: str) -> Volume | None:
    row = conn.execute(select(volumes).where(volumes.c.id == volume_id)).first()
    return None if row is None else _volume(row)


def named(conn: Connection, owner_id: UserId, names: Collection[str]) -> dict[str, Volume]:
    """An owner's volumes of these names. Within a write they stay until the end of the transaction."""
    where = (volumes.c.owner_id == owner_id, volumes.c.name.in_(list(names)))
    rows = conn.execute(select(volumes).where(*where).with_for_update(read=True))
    return {row.name: _volume(row) for row in rows}


def delete_volume(conn: Connection, volume_id: str) -> None:
    conn.execute(delete(volumes).where(volumes.c.id == volume_id))


def lock_volume(conn: Connection, volume_id: str) -> None:
    """Let no job be submitted with it until the end of the transaction."""
    conn.execute(select(volumes.c.id).where(volumes.c.id == volume_id).with_for_update()).all()


def doom_volume(conn: Connection, volume: Volume, node_id: NodeId, now: float) -> None:
    """Delete a volume whose data is still to be deleted on this node."""
    delete_volume(conn, volume.id)
    row = {"id": volume.id, "name": volume.name, "owner_id": volume.owner_id, "node_id": node_id, "deleted_at": now}
    conn.execute(insert(doomed_volumes), row)


def doomed(conn: Connection, node_ids: Collection[NodeId] | None = None) -> dict[NodeId, dict[str, str]]:
    """By node, the ids and names of the volumes whose data is to be deleted there; of all nodes without an argument."""
    where = [doomed_volumes.c.node_id.in_(list(node_ids))] if node_ids is not None else []
    found: dict[NodeId, dict[str, str]] = {}
    for row in conn.execute(select(doomed_volumes).where(*where).order_by(doomed_volumes.c.id)):
        found.setdefault(NodeId(row.node_id), {})[row.id] = row.name
    return found


def forget_doomed(conn: Connection, node_id: NodeId, volume_ids: Collection[str] | None = None) -> list[Volume]:
    """Forget doomed volumes of a node, all of them without an argument; returns those that were known."""
    where = [doomed_volumes.c.node_id == node_id]
    if volume_ids is not None:
        where.append(doomed_volumes.c.id.in_(list(volume_ids)))
    rows = conn.execute(select(doomed_volumes).where(*where).order_by(doomed_volumes.c.id).with_for_update()).all()
    conn.execute(delete(doomed_volumes).where(doomed_volumes.c.id.in_([row.id for row in rows])))
    return [
        Volume(id=row.id, name=row.name, owner_id=row.owner_id, node_id=node_id, created_at=row.deleted_at)
        for row in rows
    ]


def on_node(conn: Connection, node_id: NodeId) -> list[Volume]:
    """The volumes whose data is on a node."""
    rows = conn.execute(select(volumes).where(volumes.c.node_id == node_id).order_by(volumes.c.name, volumes.c.id))
    return [_volume(row) for row in rows]


def places(conn: Connection) -> dict[str, NodeId]:
    """The node of each volume that has data."""
    rows = conn.execute(select(volumes.c.id, volumes.c.node_id).where(volumes.c.node_id.is_not(None)))
    return {row.id: NodeId(row.node_id) for row in rows}


def settle(conn: Connection, volume_ids: Collection[str], node_id: NodeId, now: float) -> dict[str, NodeId]:
    """Note that a job on this node is about to use these volumes: those without a place get it there.

    Returns those that are elsewhere; then nothing was written, and the job must not be started here.
    """
    rows = conn.execute(select(volumes).where(volumes.c.id.in_(list(volume_ids))).with_for_update()).all()
    elsewhere = {row.id: NodeId(row.node_id) for row in rows if row.node_id not in (None, node_id)}
    if not elsewhere:
        found = volumes.c.id.in_([row.id for row in rows])
        conn.execute(update(volumes).where(found).values(node_id=node_id, last_used_at=now))
    return elsewhere


def user_of(conn: Connection, volume: Volume) -> tuple[str, str] | None:
    """Id and name of a job or array that has not ended and uses the volume."""
    for table in (jobs, arrays):
        mine = table.c.owner_id == volume.owner_id if volume.owner_id is not None else table.c.owner_id.is_(None)
        row = conn.execute(
            select(table.c.id, table.c.name)
            .where(mine, table.c.state.in_(_LIVE), cast(table.c.spec, Text).contains(volume.id, autoescape=True))
            .limit(1)
        ).first()
        if row is not None:
            return row.id, row.name
    return None


def _volume(row: Row[tuple[object, ...]]) -> Volume:
    return Volume(**row._mapping)  # pyright: ignore
