"""Concurrent writes share transactions, and nobody pays for the mistake of another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lilac.model.errors import Conflict, InvalidInput, Unavailable
from lilac.model.events import Event, EventKind
from lilac.store import accounts, clusters, events, jobs
from lilac.store.database import BATCH_LIMIT, Database, Transaction
from tests.conformance import builders as make
from tests.conformance.builders import Gate, queue_up


def store_and_record(tx: Transaction, name: str) -> str:
    """A cluster and an event about it; fails if there is one of that name."""
    cluster = make.a_cluster(name=name)
    clusters.insert_cluster(tx.conn, cluster)
    tx.record(make.an_event(EventKind.CLUSTER_CREATED, cluster_id=cluster.id, data={"name": name}))
    return name


async def names_told(database: Database) -> list[str]:
    told = await database.read(lambda conn: events.list_events(conn, limit=10_000))
    assert [event.seq for event in told] == sorted({event.seq for event in told})
    return [event.data["name"] for event in told]


async def test_two_hundred_concurrent_writes_share_one_commit(database: Database, gate: Gate) -> None:
    names = [f"c{number}" for number in range(200)]
    await gate.hold(database)
    before = database.commits
    tasks = await queue_up(*(database.write(store_and_record, name) for name in names))
    await gate.released()
    assert await asyncio.gather(*tasks) == names
    assert database.commits - before == 2
    assert await names_told(database) == names


async def test_a_transaction_takes_only_so_many_writes(database: Database, gate: Gate) -> None:
    await gate.hold(database)
    before = database.commits
    tasks = await queue_up(*(database.write(make.store_queue) for _ in range(2 * BATCH_LIMIT + 1)))
    await gate.released()
    await asyncio.gather(*tasks)
    assert database.commits - before == 4


async def test_an_operation_that_fails_takes_nobody_with_it(database: Database, gate: Gate) -> None:
    await database.write(store_and_record, "taken")
    await gate.hold(database)
    before = database.commits
    names = ["a", "taken", "b", "c", "taken", "d"]
    tasks = await queue_up(*(database.write(store_and_record, name) for name in names))
    await gate.released()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert database.commits - before == 2
    assert [type(result) for result in results] == [str, Conflict, str, str, Conflict, str]
    assert [result for result in results if isinstance(result, str)] == ["a", "b", "c", "d"]
    assert await names_told(database) == ["taken", "a", "b", "c", "d"]
    assert [cluster.name for cluster in await database.read(clusters.list_clusters)] == ["a", "b", "c", "d", "taken"]


async def test_an_operation_that_fails_leaves_nothing_behind(database: Database) -> None:
    def half(tx: Transaction) -> None:
        store_and_record(tx, "half")
        raise InvalidInput("enough")

    with pytest.raises(InvalidInput, match="enough"):
        await database.write(half)
    assert await database.read(clusters.list_clusters) == []
    assert await database.read(events.last_seq) == 0


async def test_an_event_that_cannot_be_written_fails_its_own_operation_only(database: Database, gate: Gate) -> None:
    def bad(tx: Transaction) -> None:
        tx.record(make.an_event(data={"what": object()}))

    await gate.hold(database)
    good, failing = await queue_up(database.write(store_and_record, "a"), database.write(bad))
    await gate.released()
    assert await good == "a"
    with pytest.raises(TypeError):
        await failing
    assert await names_told(database) == ["a"]


async def test_events_are_told_in_commit_order_before_their_writers_go_on(database: Database, gate: Gate) -> None:
    happened: list[object] = []

    def told(batch: object) -> None:
        happened.extend(event.data["name"] for event in batch)  # pyright: ignore

    database.on_commit = told

    async def write(name: str) -> None:
        happened.append((await database.write(store_and_record, name),))

    await gate.hold(database)
    tasks = await queue_up(*(write(name) for name in "abc"))
    await gate.released()
    await asyncio.gather(*tasks)
    await write("d")
    assert happened == ["a", "b", "c", ("a",), ("b",), ("c",), "d", ("d",)]


async def test_events_are_told_with_the_numbers_they_are_stored_under(database: Database) -> None:
    told: list[Event] = []
    database.on_commit = told.extend
    await asyncio.gather(*(database.write(store_and_record, f"c{number}") for number in range(50)))
    assert told == await database.read(lambda conn: events.list_events(conn, limit=100))


async def test_a_listener_that_fails_harms_no_writer(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("listener")

    database.on_commit = fail
    assert await database.write(store_and_record, "a") == "a"
    assert "on_commit failed" in caplog.text


async def test_a_reader_sees_what_was_acknowledged(database: Database) -> None:
    async def write_then_read(number: int) -> None:
        job = await database.write(make.store_job)
        assert await database.read(jobs.get_job, job.id) == job, number

    await asyncio.gather(*(write_then_read(number) for number in range(50)))


async def test_a_reader_cannot_write(shared_url: str) -> None:
    database = Database.open(shared_url)
    await database.start()
    with pytest.raises(Exception, match=r"readonly|read-only|cannot be used"):
        await database.read(lambda conn: clusters.insert_cluster(conn, make.a_cluster()))
    assert await database.read(clusters.list_clusters) == []
    await database.close()


async def test_a_read_is_one_snapshot(shared_url: str) -> None:
    database = Database.open(shared_url)
    await database.start()
    loop = asyncio.get_running_loop()

    def count_twice(conn: object) -> tuple[int, int]:
        first = accounts.count_users(conn)  # pyright: ignore
        writing = database.write(lambda tx: accounts.insert_user(tx.conn, make.a_user(), "hash"))
        asyncio.run_coroutine_threadsafe(writing, loop).result(30)
        return first, accounts.count_users(conn)  # pyright: ignore

    assert await database.read(count_twice) == (0, 0)
    assert await database.read(accounts.count_users) == 1
    await database.close()


async def test_an_error_of_a_read_reaches_its_caller(database: Database) -> None:
    def fail(_: object) -> None:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput, match="no"):
        await database.read(fail)


async def test_a_caller_that_gives_up_disturbs_nobody(database: Database, gate: Gate) -> None:
    await gate.hold(database)
    first, second, third = await queue_up(*(database.write(store_and_record, name) for name in "abc"))
    second.cancel()
    await gate.released()
    assert (await first, await third) == ("a", "c")
    with pytest.raises(asyncio.CancelledError):
        await second
    assert {"a", "c"} <= set(await names_told(database))


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lilac.db'}"
    gate = Gate()
    database = Database.open(url)
    await database.start()
    await gate.hold(database)
    tasks = await queue_up(*(database.write(store_and_record, name) for name in "abc"))
    closing = asyncio.ensure_future(database.close())
    await asyncio.sleep(0)
    await gate.released()
    await closing
    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    again = Database.open(url)
    await again.start()
    assert await names_told(again) == ["a", "b", "c"]
    await again.close()


async def test_a_database_that_is_not_open_says_so(url: str) -> None:
    database = Database.open(url)
    with pytest.raises(Unavailable, match="not started"):
        await database.write(make.store_queue)
    await database.start()
    await database.close()
    await database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.write(make.store_queue)
    with pytest.raises(Unavailable, match="closed"):
        await database.read(clusters.list_queues)
