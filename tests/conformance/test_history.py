"""Reading the history: from a number on, about one thing, of some kinds, from either end."""

from __future__ import annotations

from dataclasses import replace

from lilac.model.events import Event, EventKind
from lilac.model.ids import UserId
from lilac.store import events
from lilac.store.database import Database, Transaction
from tests.conformance import builders as make


async def test_the_history_is_read_by_everything_it_is_about(database: Database) -> None:
    job, node, queue = make.new_id(), make.new_id(), make.new_id()
    recorded = [
        make.an_event(EventKind.JOB_SUBMITTED, job_id=job, queue_id=queue),
        make.an_event(EventKind.NODE_JOINED, node_id=node),
        make.an_event(EventKind.JOB_ASSIGNED, job_id=job, node_id=node),
        make.an_event(EventKind.SERVER_STARTED),
    ]

    def record(tx: Transaction) -> None:
        for event in recorded:
            tx.record(event)

    await database.write(record)

    async def listed(**where: object) -> list[Event]:
        return await database.read(lambda conn: events.list_events(conn, **{"limit": 10} | where))  # pyright: ignore

    submitted, joined, assigned, started = await listed()
    assert await listed(job_id=job) == [submitted, assigned]
    assert await listed(node_id=node) == [joined, assigned]
    assert await listed(queue_id=queue) == [submitted]
    assert await listed(job_id=job, node_id=node) == [assigned]
    assert await listed(kinds=[EventKind.NODE_JOINED, EventKind.SERVER_STARTED]) == [joined, started]
    assert await listed(kinds=[]) == []
    assert await listed(after=joined.seq) == [assigned, started]
    assert await listed(after=started.seq) == []
    assert await listed(limit=2) == [submitted, joined]
    assert await listed(limit=2, newest_first=True) == [started, assigned]
    assert await listed(newest_first=True, job_id=job) == [assigned, submitted]
    assert await database.read(events.last_seq) == started.seq


async def test_following_the_history_misses_and_repeats_nothing(database: Database) -> None:
    seen: list[Event] = []
    after = 0
    for number in range(20):
        for part in range(number % 4):
            await database.write(lambda tx, data={"n": (number, part)}: tx.record(make.an_event(data=data)))
        news = await database.read(lambda conn, after=after: events.list_events(conn, after=after, limit=100))
        seen += news
        after = news[-1].seq if news else after
    assert [tuple(event.data["n"]) for event in seen] == [(n, part) for n in range(20) for part in range(n % 4)]


async def test_the_history_is_counted_by_time_kind_and_user(database: Database) -> None:
    def an_end(at: float, user: str | None, kind: EventKind = EventKind.JOB_FAILED) -> Event:
        return replace(make.an_event(kind), at=at, user_id=None if user is None else UserId(user))

    recorded = [
        an_end(1200.0, "ada"),
        an_end(1799.25, "ada"),
        an_end(1800.0, "ada", EventKind.JOB_SUCCEEDED),
        an_end(1900.0, "ada", EventKind.JOB_SUBMITTED),
        an_end(2000.0, "bob"),
        an_end(2399.0, None),
    ]

    def record(tx: Transaction) -> None:
        for event in recorded:
            tx.record(event)

    await database.write(record)
    first, *_, last = [event.seq for event in await database.read(lambda conn: events.list_events(conn, limit=10))]
    kinds = (EventKind.JOB_FAILED, EventKind.JOB_SUCCEEDED)

    async def counted(after: int) -> dict[tuple[int, str, str], int]:
        return await database.read(events.count_by_time, after, last, kinds, bucket_s=600)

    assert await counted(0) == {
        (2, "job.failed", "ada"): 2,
        (3, "job.succeeded", "ada"): 1,
        (3, "job.failed", "bob"): 1,
        (3, "job.failed", ""): 1,
    }
    assert (await counted(first))[2, "job.failed", "ada"] == 1
    befores = [await database.read(events.last_before, at) for at in (1000.0, 1200.0, 1200.5, 1800.0, 9999.0)]
    assert befores == [0, 0, first, first + 1, last]
