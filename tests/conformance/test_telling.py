"""What a commit on PostgreSQL leaves for other replicas: a row that names what it touched, and a notification."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from lilac.model.events import Event
from lilac.store import changes, leases
from lilac.store.database import Database, Transaction
from lilac.store.leases import Ballot, ControlPlaneRow
from lilac.store.sessions import Session
from tests.conformance import builders as make
from tests.fixtures.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres_server: PostgresServer, postgres_template: str):
    made = postgres_server.create_database(postgres_template)
    yield made
    postgres_server.drop_database(made)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database.open(url)
    await opened.start()
    opened.tell_replicas("me")
    yield opened
    await opened.close()


async def _present(url: str, name: str) -> None:
    ballot = Ballot(url, name, 5.0)
    await ballot.open_session()
    await ballot.present(ControlPlaneRow(id=name, name=name, address="", version="", started_at=0.0, seen_at=0.0))
    await ballot.close()


def _submit(tx: Transaction) -> str:
    job = make.store_job(tx)
    tx.record(make.an_event(job_id=job.id, data={"n": 1}))
    tx.record(make.an_event(job_id=job.id, data={"n": 2}))
    tx.after(lambda told: None, job)
    return job.id


async def test_a_commit_names_its_events_and_what_it_touched(database: Database) -> None:
    told: list[Event] = []
    database.on_commit = told.extend
    job_id = await database.write(_submit)
    news = await database.read(changes.after, 0, replica="another", limit=10)
    assert [event.data["n"] for event in told] == [1, 2]
    assert news.event_ranges == ((told[0].seq, told[1].seq),)
    assert news.touched.works == {(job_id, 0)}
    assert not (await database.read(changes.after, 0, replica="me", limit=10)).touched


async def test_a_commit_without_events_is_told_too_and_one_that_touches_nothing_is_not(database: Database) -> None:
    node = make.a_node(make.new_id())
    await database.write(lambda tx: tx.after(lambda told: None, node))
    await database.write(lambda tx: None)
    news = await database.read(changes.after, 0, replica="another", limit=10)
    assert news.touched.nodes == {node.id}
    assert news.last == await database.read(changes.last_seq) == 1


async def test_only_where_another_replica_is_known_there_is_a_notification(database: Database, url: str) -> None:
    listener = await Session.open(url, "listener")
    await listener.listen(changes.CHANNEL)
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async for _, payload in listener.notifications():
            heard.put_nowait(payload)

    task = asyncio.create_task(listen())
    try:
        await _present(url, "me")
        await database.write(_submit)
        await _present(url, "another")
        database.tell_replicas("told with company")
        await database.write(_submit)
        async with asyncio.timeout(20):
            assert await heard.get() == "told with company"
            await database.write(lambda tx: tx.after(lambda told: None, make.a_node(make.new_id())))
            assert await heard.get() == "told with company"
        await database.write(lambda tx: leases.forget_control_planes(tx.conn, before=1e12))
        assert heard.empty()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await listener.close()
