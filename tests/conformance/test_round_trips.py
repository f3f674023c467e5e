"""What is stored comes back the same, with every field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lilac.model.accounts import Role
from lilac.model.clusters import Inventory
from lilac.model.errors import InvalidInput
from lilac.model.events import Event, EventKind
from lilac.store import accounts, clusters, events, jobs, listing
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make
from tests.conformance.builders import NOW


async def test_a_user_comes_back_with_all_fields(database: Database) -> None:
    user = make.a_user(
        role=Role.ADMIN, first_name="Ada", last_name="Łovelace", created_at=NOW, updated_at=NOW + 1, disabled=True
    )
    await database.write(lambda tx: accounts.insert_user(tx.conn, user, "hash"))
    assert await database.read(accounts.get_user, user.id) == user
    assert await database.read(accounts.get_user_by_name, user.username) == user
    assert await database.read(accounts.credentials, user.username) == (user, "hash", 0, None)
    assert await database.read(accounts.list_users) == [user]
    assert await database.read(accounts.count_users) == 1


async def test_what_does_not_exist_is_none(database: Database) -> None:
    assert await database.read(accounts.get_user, make.new_id()) is None
    assert await database.read(accounts.credentials, "nobody") is None
    assert await database.read(accounts.find_key, "no hash") is None
    assert await database.read(accounts.get_setting, "no key") is None
    assert await database.read(clusters.get_cluster, make.new_id()) is None
    assert await database.read(clusters.get_node, make.new_id()) is None
    assert await database.read(clusters.get_queue, make.new_id()) is None
    assert await database.read(jobs.get_job, make.new_id()) is None
    assert await database.read(listing.find_by_name, "no name") is None
    assert await database.read(jobs.get_replica, make.a_replica(make.new_id()).key) is None
    assert await database.read(events.last_seq) == 0


async def test_keys_of_users_and_clusters_come_back_with_all_fields(database: Database) -> None:
    user, cluster = make.a_user(), make.a_cluster()
    of_user = make.a_key(user_id=user.id, name="laptop", created_at=NOW, last_used_at=NOW + 1, expires_at=NOW + 2)
    of_cluster = make.a_key(cluster_id=cluster.id, created_at=NOW + 3)

    def store(tx: Transaction) -> None:
        accounts.insert_user(tx.conn, user, "hash")
        clusters.insert_cluster(tx.conn, cluster)
        accounts.insert_key(tx.conn, of_user, "hash 1")
        accounts.insert_key(tx.conn, of_cluster, "hash 2")

    await database.write(store)
    assert await database.read(accounts.find_key, "hash 1") == of_user
    assert await database.read(accounts.list_keys) == [of_user, of_cluster]
    assert await database.read(lambda conn: accounts.list_keys(conn, user_id=user.id)) == [of_user]
    assert await database.read(lambda conn: accounts.list_keys(conn, cluster_id=cluster.id)) == [of_cluster]


async def test_clusters_and_nodes_come_back_with_all_fields(database: Database) -> None:
    cluster = make.a_cluster(description="Rack 7", created_at=NOW, updated_at=NOW + 1)
    node = make.a_full_node(cluster.id)

    def store(tx: Transaction) -> None:
        clusters.insert_cluster(tx.conn, cluster)
        clusters.upsert_node(tx.conn, node)

    await database.write(store)
    assert await database.read(clusters.get_cluster, cluster.id) == cluster
    assert await database.read(clusters.get_cluster_by_name, cluster.name) == cluster
    assert await database.read(clusters.list_clusters) == [cluster]
    assert await database.read(clusters.get_node, node.id) == node
    assert await database.read(clusters.list_nodes) == [node]
    assert await database.read(clusters.list_nodes, cluster.id) == [node]
    assert await database.read(clusters.list_nodes, make.new_id()) == []


async def test_a_known_node_is_replaced_but_for_its_birth(database: Database) -> None:
    first, second = make.a_cluster(), make.a_cluster()
    node = make.a_full_node(first.id)
    later = make.a_node(
        second.id, id=node.id, name="other", inventory=Inventory(cpu_millicores=1, memory_mb=2), created_at=NOW + 9
    )

    def store(tx: Transaction) -> None:
        clusters.insert_cluster(tx.conn, first)
        clusters.insert_cluster(tx.conn, second)
        clusters.upsert_node(tx.conn, node)
        clusters.upsert_node(tx.conn, later)

    await database.write(store)
    assert await database.read(clusters.get_node, node.id) == later.evolve(created_at=node.created_at)


async def test_a_queue_comes_back_with_its_targets_in_order(database: Database) -> None:
    a, b, c = (make.a_cluster() for _ in range(3))
    queue = make.a_queue(c.id, a.id, b.id, priority=-3, paused=True, created_at=NOW)

    def store(tx: Transaction) -> None:
        for cluster in (a, b, c):
            clusters.insert_cluster(tx.conn, cluster)
        clusters.insert_queue(tx.conn, queue)

    await database.write(store)
    assert await database.read(clusters.get_queue, queue.id) == queue
    assert await database.read(clusters.get_queue_by_name, queue.name) == queue
    assert await database.read(clusters.list_queues) == [queue]


async def test_a_job_comes_back_with_all_fields(database: Database) -> None:
    owner = make.a_user()

    def store(tx: Transaction):
        accounts.insert_user(tx.conn, owner, "hash")
        queue = make.store_queue(tx, name="night")
        full = make.a_full_job(queue.id, owner.id)
        return jobs.insert_jobs(tx.conn, [full, make.a_job(queue.id)])

    full, small = await database.write(store)
    assert full.seq < small.seq
    assert await database.read(jobs.get_job, full.id) == full
    assert await database.read(jobs.get_job, small.id) == small
    assert list((await database.read(jobs.get_jobs, [small.id, make.new_id(), full.id])).items()) == [
        (full.id, full),
        (small.id, small),
    ]
    assert await database.read(jobs.queue_names, [full.id]) == {full.id: "night"}


async def test_attempts_and_replicas_come_back_with_all_fields(database: Database) -> None:
    def store(tx: Transaction):
        job = make.store_job(tx)
        attempt, replica = make.a_full_attempt(job.id), make.a_full_replica(job.id)
        small = make.a_replica(job.id, 3, 2)
        jobs.insert_attempt(tx.conn, make.an_attempt(job.id, 4))
        jobs.insert_attempt(tx.conn, attempt)
        jobs.insert_replicas(tx.conn, [replica, small])
        return attempt, replica, small

    attempt, replica, small = await database.write(store)
    assert await database.read(jobs.attempts_of, attempt.job_id) == [attempt, make.an_attempt(attempt.job_id, 4)]
    assert await database.read(jobs.get_replica, replica.key) == replica
    assert await database.read(jobs.replicas_of, attempt.job_id, 3) == [small, replica]
    assert await database.read(jobs.all_replicas_of, attempt.job_id) == [small, replica]
    assert await database.read(jobs.live_replicas) == [small]
    assert await database.read(jobs.live_replicas, small.node_id) == [small]
    assert await database.read(jobs.live_replicas, replica.node_id) == []


async def test_an_event_comes_back_with_all_fields(database: Database) -> None:
    event = Event(
        kind=EventKind.REPLICA_CHANGED,
        at=NOW,
        job_id=make.new_id(),
        node_id=make.new_id(),
        cluster_id=make.new_id(),
        queue_id=make.new_id(),
        user_id=make.new_id(),
        actor="user:ada",
        data={"rank": 3, "nested": {"list": [1, 2.5, None, True, "ß"]}},
    )
    await database.write(Transaction.record, event)
    [stored] = await database.read(lambda conn: events.list_events(conn, limit=10))
    assert stored.seq == await database.read(events.last_seq)
    assert stored == replace(event, seq=stored.seq)


async def test_a_setting_keeps_the_value_of_the_first_writer(database: Database) -> None:
    assert await database.write(lambda tx: accounts.put_setting_once(tx.conn, "secret", "one")) == "one"
    assert await database.write(lambda tx: accounts.put_setting_once(tx.conn, "secret", "two")) == "one"
    assert await database.read(accounts.get_setting, "secret") == "one"


async def test_messages_of_programs_are_stored_whatever_they_print(database: Database) -> None:
    job = await database.write(lambda tx: make.store_job(tx, message="a\0b \ud800 ü"))
    stored = await database.read(jobs.get_job, job.id)
    assert stored is not None
    assert stored.message == "a\ufffdb ? ü"


@pytest.mark.postgres
async def test_a_name_that_cannot_be_stored_is_the_callers_mistake(postgres_template: str, postgres_server) -> None:
    database = Database.open(postgres_server.create_database(postgres_template))
    await database.start()
    with pytest.raises(InvalidInput, match="cannot store"):
        await database.write(lambda tx: clusters.insert_cluster(tx.conn, make.a_cluster(name="a\0b")))
    await database.close()
