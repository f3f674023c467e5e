"""The answer to a COMMIT is lost on the way from PostgreSQL: nothing is lost, made twice, or missing in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lilac.model.errors import Unavailable
from lilac.model.events import Event
from lilac.store import events, listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter
from tests.conformance import builders as make
from tests.fixtures.commit_cutter import CommitCutter, commit_cutter
from tests.fixtures.postgres import PostgresServer


class Follower:
    """What is kept in memory beside the store: the jobs and events that it was told of after commits."""

    def __init__(self, database: Database) -> None:
        self.jobs: list[str] = []
        self.events: list[Event] = []
        self.stale = 0
        self.told = asyncio.Event()
        self._database = database
        database.on_commit = self.events.extend
        database.on_stale = self._is_stale

    def submit(self, tx: Transaction, name: str) -> str:
        job = make.store_job(tx, name=name)
        tx.record(make.an_event(job_id=job.id))
        tx.after(self._note, job.id)
        return job.id

    async def assert_it_knows_what_is_stored(self, count: int) -> None:
        found = await self._database.read(listing.list_jobs, JobFilter(), limit=10)
        assert sorted(self.jobs) == sorted(job.id for job in found)
        assert len(found) == count
        assert await self._database.read(lambda conn: events.list_events(conn, limit=10)) == self.events
        assert [event.job_id for event in self.events] == self.jobs

    def _note(self, job_id: str) -> None:
        self.jobs.append(job_id)
        self.told.set()

    def _is_stale(self) -> None:
        self.stale += 1


@pytest.fixture
async def behind_a_cutter(
    postgres_server: PostgresServer, postgres_template: str
) -> AsyncIterator[tuple[Database, CommitCutter]]:
    url = postgres_server.create_database(postgres_template)
    with commit_cutter(postgres_server.port) as cutter:
        database = Database.open(url.replace(f":{postgres_server.port}/", f":{cutter.port}/"))
        await database.start()
        yield database, cutter
        await database.close()
    postgres_server.drop_database(url)


@pytest.mark.parametrize("lose_request", [False, True], ids=["the answer is lost", "the request is lost"])
async def test_a_server_that_answers_again_soon_says_what_became_of_it(
    behind_a_cutter: tuple[Database, CommitCutter], lose_request: bool
) -> None:
    database, cutter = behind_a_cutter
    follower = Follower(database)
    cutter.cut_next(lose_request=lose_request)
    writing = asyncio.ensure_future(database.write(follower.submit, "in doubt"))
    assert await asyncio.to_thread(cutter.cut.wait, 20)
    cutter.let_in()
    assert await writing == follower.jobs[0]
    await follower.assert_it_knows_what_is_stored(1)


async def test_a_commit_of_which_nobody_knew_is_followed_as_soon_as_the_server_can_be_asked(
    behind_a_cutter: tuple[Database, CommitCutter],
) -> None:
    database, cutter = behind_a_cutter
    follower = Follower(database)
    await database.write(follower.submit, "before")
    follower.told.clear()
    cutter.cut_next(lose_request=False)
    with pytest.raises(Unavailable, match="look before trying again"):
        await database.write(follower.submit, "in doubt")
    with pytest.raises(Unavailable, match="Try again in a moment"):
        await database.write(follower.submit, "while it is in doubt")
    assert len(follower.jobs) == 1
    cutter.let_in()
    async with asyncio.timeout(20):  # without anything else being written
        await follower.told.wait()
    await follower.assert_it_knows_what_is_stored(2)
    await database.write(follower.submit, "after")
    await follower.assert_it_knows_what_is_stored(3)
    assert follower.stale == 0


async def test_a_commit_that_never_arrived_is_not_followed(
    behind_a_cutter: tuple[Database, CommitCutter],
) -> None:
    database, cutter = behind_a_cutter
    follower = Follower(database)
    cutter.cut_next(lose_request=True)
    with pytest.raises(Unavailable, match="look before trying again"):
        await database.write(follower.submit, "never stored")
    cutter.let_in()
    after = await _when_it_is_back(database, follower)
    assert follower.jobs == [after]
    await follower.assert_it_knows_what_is_stored(1)


async def test_a_later_write_finds_out_first_and_comes_after(
    behind_a_cutter: tuple[Database, CommitCutter],
) -> None:
    database, cutter = behind_a_cutter
    follower = Follower(database)
    cutter.cut_next(lose_request=False)
    with pytest.raises(Unavailable):
        await database.write(follower.submit, "in doubt")
    cutter.let_in()
    after = await _when_it_is_back(database, follower)
    assert follower.jobs[1:] == [after]
    await follower.assert_it_knows_what_is_stored(2)


async def test_a_server_that_does_not_know_the_transaction_makes_the_memory_stale(
    behind_a_cutter: tuple[Database, CommitCutter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a fail-over to a server that had not received the commit: it refuses a number from its future."""
    database, cutter = behind_a_cutter
    follower = Follower(database)
    cutter.cut_next(lose_request=False)
    with pytest.raises(Unavailable):
        await database.write(follower.submit, "in doubt")
    doubt = database._writer._doubt
    assert doubt is not None
    doubt.xid = str(1 << 40)
    cutter.let_in()
    await _when_it_is_back(database, follower)
    assert follower.stale == 1


async def _when_it_is_back(database: Database, follower: Follower) -> str:
    """The job that is stored once the server can be reached again."""
    for _ in range(100):
        try:
            return await database.write(follower.submit, "after")
        except Unavailable:
            await asyncio.sleep(0.05)
    raise AssertionError("the database does not come back")
