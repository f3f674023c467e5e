"""Named volumes as they are stored: one name per owner, one node per volume, and who still uses it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lilac.model.errors import Conflict
from lilac.model.ids import NodeId
from lilac.model.states import JobState
from lilac.model.surroundings import VolumeMount
from lilac.model.volumes import Volume
from lilac.store import accounts, volumes
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make

HERE, THERE = NodeId("here"), NodeId("there")


def a_volume(tx: Transaction, name: str = "models", **changes: object) -> Volume:
    user = make.a_user()
    if "owner_id" not in changes:
        accounts.insert_user(tx.conn, user, "hash")
    volume = Volume(id=make.new_id(), name=name, created_at=1.0, **{"owner_id": user.id} | changes)  # pyright: ignore
    volumes.insert_volume(tx.conn, volume)
    return volume


async def test_a_name_is_taken_once_per_owner(database: Database) -> None:
    first = await database.write(a_volume)
    other = await database.write(a_volume)
    with pytest.raises(Conflict, match="volume 'models' already"):
        await database.write(lambda tx: a_volume(tx, owner_id=first.owner_id))
    second = await database.write(lambda tx: a_volume(tx, "data", owner_id=first.owner_id))
    assert await database.read(volumes.list_volumes, first.owner_id) == [second, first]
    assert len(await database.read(volumes.list_volumes)) == 3
    found = await database.write(lambda tx: volumes.named(tx.conn, first.owner_id, ["models", "none"]))
    assert found == {"models": first}
    await database.write(lambda tx: volumes.delete_volume(tx.conn, first.id))
    assert await database.read(volumes.get_volume, first.id) is None
    assert await database.read(volumes.get_volume, other.id) == other


async def test_the_first_use_decides_where_the_data_is(database: Database) -> None:
    one = await database.write(a_volume)
    two = await database.write(a_volume)
    assert await database.read(volumes.places) == {}
    assert await database.write(lambda tx: volumes.settle(tx.conn, [one.id], HERE, 5.0)) == {}
    assert await database.write(lambda tx: volumes.settle(tx.conn, [one.id, two.id], THERE, 6.0)) == {one.id: HERE}
    assert await database.read(volumes.places) == {one.id: HERE}
    assert await database.write(lambda tx: volumes.settle(tx.conn, [one.id, two.id], HERE, 7.0)) == {}
    assert await database.read(volumes.places) == {one.id: HERE, two.id: HERE}
    kept = await database.read(volumes.get_volume, one.id)
    assert kept is not None
    assert kept.last_used_at == 7.0


async def test_a_volume_of_a_live_job_is_in_use(database: Database) -> None:
    volume = await database.write(a_volume)

    def store(tx: Transaction, state: JobState) -> str:
        queue = make.store_queue(tx, name=str(state))
        mount = VolumeMount(path="/models", name="models", volume_id=volume.id)
        spec = replace(make.a_job(queue.id).spec, volumes=(mount,))
        return make.store_job(tx, queue.id, spec=spec, owner_id=volume.owner_id, state=state).id

    await database.write(store, JobState.SUCCEEDED)
    assert await database.read(volumes.user_of, volume) is None
    live = await database.write(store, JobState.RUNNING)
    assert await database.read(volumes.user_of, volume) == (live, "digits")


async def test_a_doomed_volume_is_kept_with_its_node_until_it_is_forgotten(database: Database) -> None:
    one, two = await database.write(a_volume), await database.write(lambda tx: a_volume(tx, "data"))

    def doom(tx: Transaction, volume: Volume, node_id: NodeId) -> None:
        volumes.doom_volume(tx.conn, volume, node_id, 9.0)

    await database.write(doom, one, HERE)
    await database.write(doom, two, THERE)
    assert await database.read(volumes.list_volumes) == []
    assert await database.read(volumes.doomed) == {HERE: {one.id: "models"}, THERE: {two.id: "data"}}
    assert await database.read(volumes.doomed, [THERE]) == {THERE: {two.id: "data"}}
    assert await database.write(lambda tx: volumes.forget_doomed(tx.conn, HERE, [two.id])) == []
    (forgotten,) = await database.write(lambda tx: volumes.forget_doomed(tx.conn, HERE, [one.id, two.id]))
    assert (forgotten.id, forgotten.name, forgotten.owner_id) == (one.id, "models", one.owner_id)
    await database.write(lambda tx: volumes.forget_doomed(tx.conn, THERE))
    assert await database.read(volumes.doomed) == {}
