"""Names are unique, references hold, and deleting takes along what belongs to a thing."""

from __future__ import annotations

import pytest

from lilac.model.accounts import Role
from lilac.model.errors import Conflict, InvalidInput, NotFound
from lilac.store import accounts, clusters, jobs
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make
from tests.conformance.builders import NOW


async def test_two_users_cannot_have_one_name(database: Database) -> None:
    await database.write(lambda tx: accounts.insert_user(tx.conn, make.a_user(username="ada"), "hash"))
    with pytest.raises(Conflict, match="'ada'"):
        await database.write(lambda tx: accounts.insert_user(tx.conn, make.a_user(username="ada"), "hash"))
    assert await database.read(accounts.count_users) == 1


async def test_a_user_cannot_take_the_name_of_another(database: Database) -> None:
    bob = make.a_user(username="bob")

    def store(tx: Transaction) -> None:
        accounts.insert_user(tx.conn, make.a_user(username="ada"), "hash")
        accounts.insert_user(tx.conn, bob, "hash")

    await database.write(store)
    with pytest.raises(Conflict):
        await database.write(lambda tx: accounts.update_user(tx.conn, bob.id, username="ada"))
    assert await database.read(accounts.get_user, bob.id) == bob


async def test_a_user_changes_by_the_fields_that_are_given(database: Database) -> None:
    user = make.a_user(first_name="Ada")
    await database.write(lambda tx: accounts.insert_user(tx.conn, user, "old"))

    def change(tx: Transaction) -> bool:
        return accounts.update_user(
            tx.conn, user.id, role=Role.VIEWER, disabled=True, password_hash="new", updated_at=NOW
        )

    assert await database.write(change)
    found = await database.read(accounts.credentials, user.username)
    assert found is not None
    assert found[1] == "new"
    assert found[0] == make.a_user(
        id=user.id, username=user.username, first_name="Ada", role=Role.VIEWER, disabled=True, updated_at=NOW
    )
    assert not await database.write(lambda tx: accounts.update_user(tx.conn, make.new_id(), disabled=True))


async def test_a_field_that_users_do_not_have_is_refused(database: Database) -> None:
    with pytest.raises(TypeError, match="shoe_size"):
        await database.write(lambda tx: accounts.update_user(tx.conn, make.new_id(), shoe_size=44))


async def test_failed_logins_are_remembered(database: Database) -> None:
    user = make.a_user()
    await database.write(lambda tx: accounts.insert_user(tx.conn, user, "hash"))
    await database.write(lambda tx: accounts.note_login(tx.conn, user.id, failed_logins=3, blocked_until=NOW))
    assert await database.read(accounts.credentials, user.username) == (user, "hash", 3, NOW)


async def test_a_key_needs_a_holder_that_exists(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(lambda tx: accounts.insert_key(tx.conn, make.a_key(user_id=make.new_id()), "hash"))


async def test_a_key_is_deleted_only_for_its_holder(database: Database) -> None:
    user, cluster = make.a_user(), make.a_cluster()
    key = make.a_key(user_id=user.id)

    def store(tx: Transaction) -> None:
        accounts.insert_user(tx.conn, user, "hash")
        clusters.insert_cluster(tx.conn, cluster)
        accounts.insert_key(tx.conn, key, "hash")

    await database.write(store)
    assert not await database.write(lambda tx: accounts.delete_key(tx.conn, key.id, cluster_id=cluster.id))
    assert not await database.write(lambda tx: accounts.delete_key(tx.conn, key.id, user_id=make.new_id()))
    assert await database.write(lambda tx: accounts.delete_key(tx.conn, key.id, user_id=user.id))
    assert not await database.write(lambda tx: accounts.delete_key(tx.conn, key.id))


async def test_the_last_use_of_a_key_never_goes_back(database: Database) -> None:
    user = make.a_user()
    keys = [make.a_key(user_id=user.id, last_used_at=used) for used in (None, NOW, NOW)]

    def store(tx: Transaction) -> None:
        accounts.insert_user(tx.conn, user, "hash")
        for key in keys:
            accounts.insert_key(tx.conn, key, f"hash of {key.id}")
        accounts.touch_keys(tx.conn, {keys[0].id: NOW, keys[1].id: NOW + 1, keys[2].id: NOW - 1})
        accounts.touch_keys(tx.conn, {})

    await database.write(store)
    used = {key.id: key.last_used_at for key in await database.read(accounts.list_keys)}
    assert used == {keys[0].id: NOW, keys[1].id: NOW + 1, keys[2].id: NOW}


async def test_two_clusters_cannot_have_one_name(database: Database) -> None:
    await database.write(lambda tx: clusters.insert_cluster(tx.conn, make.a_cluster(name="lab")))
    with pytest.raises(Conflict, match="'lab'"):
        await database.write(lambda tx: clusters.insert_cluster(tx.conn, make.a_cluster(name="lab")))


async def test_two_queues_cannot_have_one_name(database: Database) -> None:
    other = await database.write(lambda tx: make.store_queue(tx))
    await database.write(lambda tx: make.store_queue(tx, name="night"))
    with pytest.raises(Conflict, match="'night'"):
        await database.write(lambda tx: make.store_queue(tx, name="night"))
    with pytest.raises(Conflict, match="'night'"):
        await database.write(lambda tx: clusters.replace_queue(tx.conn, make.a_queue(id=other.id, name="night")))


async def test_a_queue_cannot_target_what_does_not_exist_or_one_cluster_twice(database: Database) -> None:
    cluster = make.a_cluster()
    await database.write(lambda tx: clusters.insert_cluster(tx.conn, cluster))
    unknown = make.new_id()
    with pytest.raises(NotFound, match=unknown):
        await database.write(lambda tx: clusters.insert_queue(tx.conn, make.a_queue(cluster.id, unknown)))
    with pytest.raises(InvalidInput, match="twice"):
        await database.write(lambda tx: clusters.insert_queue(tx.conn, make.a_queue(cluster.id, cluster.id)))
    assert await database.read(clusters.list_queues) == []


async def test_queues_are_listed_in_the_order_of_their_turn(database: Database) -> None:
    def store(tx: Transaction) -> None:
        for name, priority in (("c", 5), ("b", 5), ("a", 9), ("z", -1)):
            make.store_queue(tx, name=name, priority=priority)

    await database.write(store)
    assert [queue.name for queue in await database.read(clusters.list_queues)] == ["z", "b", "c", "a"]


async def test_a_queue_is_replaced_with_its_targets(database: Database) -> None:
    a, b = make.a_cluster(), make.a_cluster()
    queue = make.a_queue(a.id, created_at=NOW)
    new = make.a_queue(b.id, a.id, id=queue.id, name="new", priority=1, paused=True, created_at=NOW)

    def store(tx: Transaction) -> bool:
        clusters.insert_cluster(tx.conn, a)
        clusters.insert_cluster(tx.conn, b)
        clusters.insert_queue(tx.conn, queue)
        return clusters.replace_queue(tx.conn, new)

    assert await database.write(store)
    assert await database.read(clusters.get_queue, queue.id) == new
    assert not await database.write(lambda tx: clusters.replace_queue(tx.conn, make.a_queue()))


async def test_deleting_a_cluster_takes_its_nodes_keys_and_places_in_queues(database: Database) -> None:
    kept, gone = make.a_cluster(), make.a_cluster()
    queue = make.a_queue(gone.id, kept.id)

    def store(tx: Transaction) -> bool:
        for cluster in (kept, gone):
            clusters.insert_cluster(tx.conn, cluster)
            clusters.upsert_node(tx.conn, make.a_node(cluster.id))
            accounts.insert_key(tx.conn, make.a_key(cluster_id=cluster.id), f"hash of {cluster.id}")
        clusters.insert_queue(tx.conn, queue)
        return clusters.delete_cluster(tx.conn, gone.id)

    assert await database.write(store)
    assert [node.cluster_id for node in await database.read(clusters.list_nodes)] == [kept.id]
    assert [key.cluster_id for key in await database.read(accounts.list_keys)] == [kept.id]
    left = await database.read(clusters.get_queue, queue.id)
    assert left is not None
    assert left.cluster_targets == (kept.id,)
    assert not await database.write(lambda tx: clusters.delete_cluster(tx.conn, gone.id))


async def test_a_node_needs_a_cluster_that_exists(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(lambda tx: clusters.upsert_node(tx.conn, make.a_node(make.new_id())))


async def test_a_job_needs_a_queue_that_exists(database: Database) -> None:
    missing = make.new_id()
    with pytest.raises(NotFound, match=missing):
        await database.write(lambda tx: jobs.insert_jobs(tx.conn, [make.a_job(missing)]))

    def mixed(tx: Transaction) -> None:
        queue = make.store_queue(tx)
        jobs.insert_jobs(tx.conn, [make.a_job(queue.id), make.a_job(missing)])

    with pytest.raises(NotFound, match=missing):
        await database.write(mixed)


async def test_two_jobs_cannot_have_one_id(database: Database) -> None:
    job = await database.write(make.store_job)
    with pytest.raises(Conflict):
        await database.write(lambda tx: make.store_job(tx, id=job.id))


async def test_a_job_outlives_its_queue_and_remembers_its_name(database: Database) -> None:
    def store(tx: Transaction):
        queue = make.store_queue(tx, name="night")
        job = make.store_job(tx, queue.id)
        assert clusters.delete_queue(tx.conn, queue.id)
        return job

    job = await database.write(store)
    assert await database.read(jobs.get_job, job.id) == job
    assert await database.read(jobs.queue_names, [job.id]) == {job.id: "night"}
    assert await database.read(jobs.waiting_by_queue) == {}
    assert not await database.write(lambda tx: clusters.delete_queue(tx.conn, job.spec.queue_id))


async def test_a_node_is_forgotten_without_the_history_of_what_ran_there(database: Database) -> None:
    def store(tx: Transaction):
        cluster = make.a_cluster()
        node = make.a_node(cluster.id)
        clusters.insert_cluster(tx.conn, cluster)
        clusters.upsert_node(tx.conn, node)
        job = make.store_job(tx, node_id=node.id)
        replica = make.a_replica(job.id, node_id=node.id)
        jobs.insert_replicas(tx.conn, [replica])
        assert clusters.delete_node(tx.conn, node.id)
        return job, replica

    job, replica = await database.write(store)
    assert await database.read(jobs.get_job, job.id) == job
    assert await database.read(jobs.replicas_of, job.id, 1) == [replica]
