"""Several control planes on one PostgreSQL: one winner per step, and one order of events for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lilac.model.events import Event
from lilac.model.ids import JobId
from lilac.model.states import JobState
from lilac.store import accounts, events, jobs
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make
from tests.fixtures.postgres import PostgresServer


@pytest.fixture
async def two(postgres_server: PostgresServer, postgres_template: str) -> AsyncIterator[tuple[Database, Database]]:
    url = postgres_server.create_database(postgres_template)
    one, other = Database.open(url), Database.open(url)
    await one.start()
    await other.start()
    yield one, other
    await one.close()
    await other.close()
    postgres_server.drop_database(url)


async def test_each_step_has_one_winner(two: tuple[Database, Database]) -> None:
    def store(tx: Transaction) -> list[JobId]:
        queue = make.store_queue(tx)
        return [job.id for job in jobs.insert_jobs(tx.conn, [make.a_job(queue.id) for _ in range(100)])]

    ids = await two[0].write(store)

    def cancel(tx: Transaction, job_id: JobId, who: str) -> bool:
        won = jobs.update_job(tx.conn, job_id, states={JobState.QUEUED}, state=JobState.CANCELLED, message=who)
        if won:
            tx.record(make.an_event(job_id=job_id, actor=who))
        return won

    async def cancel_all(database: Database, who: str, order: list[JobId]) -> set[JobId]:
        won = await asyncio.gather(*(database.write(cancel, job_id, who) for job_id in order))
        return {job_id for job_id, mine in zip(order, won, strict=True) if mine}

    # Opposite orders make the two lock rows against each other, so deadlocks happen and must be survived.
    won = await asyncio.gather(cancel_all(two[0], "one", ids), cancel_all(two[1], "other", ids[::-1]))
    assert won[0] | won[1] == set(ids)
    assert not won[0] & won[1]
    stored = await two[0].read(jobs.get_jobs, ids)
    assert {job.id for job in stored.values() if job.message == "one"} == won[0]
    told = await two[1].read(lambda conn: events.list_events(conn, limit=1000))
    assert sorted(event.job_id or "" for event in told) == sorted(ids)


async def test_who_follows_the_history_by_number_misses_no_event_of_anybody(two: tuple[Database, Database]) -> None:
    per_writer, writers = 40, 4

    async def write(database: Database, name: str) -> None:
        for number in range(per_writer):
            await database.write(lambda tx, n=number: tx.record(make.an_event(data={"by": name, "n": n})))

    async def follow(database: Database) -> list[Event]:
        seen: list[Event] = []
        while len(seen) < 2 * writers * per_writer:
            after = seen[-1].seq if seen else 0
            seen += await database.read(lambda conn, a=after: events.list_events(conn, after=a, limit=1000))
        return seen

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(follow(database)) for database in two]
        for which, database in enumerate(two):
            for writer in range(writers):
                tasks.create_task(write(database, f"{which}/{writer}"))
    one, other = (follower.result() for follower in followers)
    assert one == other
    assert len({event.seq for event in one}) == 2 * writers * per_writer
    by_writer: dict[str, list[int]] = {}
    for event in one:
        by_writer.setdefault(event.data["by"], []).append(event.data["n"])
    assert all(numbers == list(range(per_writer)) for numbers in by_writer.values())


async def test_jobs_of_both_get_different_numbers(two: tuple[Database, Database]) -> None:
    stored = await asyncio.gather(*(two[n % 2].write(make.store_job) for n in range(60)))
    assert len({job.seq for job in stored}) == 60


async def test_a_setting_has_one_first_writer(two: tuple[Database, Database]) -> None:
    values = await asyncio.gather(
        *(
            two[n % 2].write(lambda tx, n=n: accounts.put_setting_once(tx.conn, "secret", f"value {n}"))
            for n in range(20)
        )
    )
    assert len(set(values)) == 1
