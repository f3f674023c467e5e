"""The history in pages, and as a stream without gap or repeat, wherever it begins and whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import aclosing
from typing import Any

import httpx2
import looptime
import pytest

from lilac.api.routers import events as router
from lilac.api.routers.events import HEARTBEAT_S, EventFilter, stream
from lilac.control.bus import Bus
from lilac.model.events import Event, EventKind
from lilac.model.ids import QueueId
from lilac.store.database import Transaction
from tests.unit.api.house import House

ANY = EventFilter()
QUEUES = [QueueId(f"0000000{n}-0000-4000-8000-000000000000") for n in range(2)]


async def record(house: House, count: int = 1, *, queue: int = 0, kind: EventKind = EventKind.QUEUE_CHANGED) -> None:
    def put(tx: Transaction) -> None:
        for n in range(count):
            tx.record(Event(kind=kind, at=house.clock.now, queue_id=QUEUES[queue], data={"n": n}))

    await house.db.write(put)


async def seqs(frames: AsyncIterator[bytes], count: int) -> list[int]:
    """The numbers of the next events of a stream."""
    found: list[int] = []
    while len(found) < count:
        lines = (await anext(frames)).decode().splitlines()
        found += [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    return found


async def test_pages_follow_each_other_to_the_end(house: House, admin: httpx2.AsyncClient) -> None:
    await record(house, 5)
    first = (await admin.get("/events?after=0&limit=4")).json()
    assert [event["seq"] for event in first["events"]] == [1, 2, 3, 4]
    second = (await admin.get(f"/events?after={first['next']}&limit=4")).json()
    assert [event["seq"] for event in second["events"]] == [5, 6, 7]
    assert second["next"] is None


async def test_pages_go_back_from_the_newest_to_the_first(house: House, admin: httpx2.AsyncClient) -> None:
    await record(house, 5)
    newest = (await admin.get("/events?limit=3")).json()["events"]
    assert [event["seq"] for event in newest] == [5, 6, 7]
    older = (await admin.get(f"/events?before={newest[0]['seq']}&limit=3&kind=queue.changed")).json()["events"]
    assert [event["seq"] for event in older] == [3, 4]
    assert (await admin.get("/events?before=1")).json() == {"events": [], "next": None}
    reply = await admin.get("/events?before=3&after=1")
    assert (reply.status_code, reply.json()["field"]) == (422, "before")


async def test_without_a_point_the_newest_are_given_oldest_first(house: House, admin: httpx2.AsyncClient) -> None:
    await record(house, 5)
    page = (await admin.get("/events?limit=2")).json()
    assert [event["seq"] for event in page["events"]] == [6, 7]
    assert set(page["events"][0]) == {
        *("seq", "at", "kind", "actor", "job_id", "node_id", "cluster_id", "queue_id", "user_id", "data"),
    }


async def test_events_are_chosen_by_thing_and_kind(house: House, admin: httpx2.AsyncClient) -> None:
    await record(house, queue=0)
    await record(house, queue=1)
    await record(house, queue=1, kind=EventKind.QUEUE_DELETED)
    page = (await admin.get(f"/events?queue_id={QUEUES[1]}")).json()
    assert [event["queue_id"] for event in page["events"]] == [QUEUES[1]] * 2
    page = (await admin.get("/events?kind=queue.deleted,user.created")).json()
    assert [event["kind"] for event in page["events"]] == ["user.created", "queue.deleted"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=abc", "limit"),
        ("after=-1", "after"),
        ("after=99999999999999999999", "after"),
        ("kind=nonsense", "kind"),
        ("job_id=x", "job_id"),
    ],
)
async def test_wrong_questions_are_refused_by_name(admin: httpx2.AsyncClient, query: str, field: str) -> None:
    reply = await admin.get(f"/events?{query}")
    assert (reply.status_code, reply.json()["field"]) == (422, field)


async def test_a_stream_replays_and_then_goes_on_live(house: House) -> None:
    await record(house, 3)
    async with aclosing(stream(house, ANY, 1)) as frames:
        assert await seqs(frames, 2) == [2, 3]
        await record(house, 2)
        assert await seqs(frames, 2) == [4, 5]


async def test_a_stream_without_a_point_begins_now(house: House) -> None:
    await record(house, 3)
    async with aclosing(stream(house, ANY, None)) as frames:
        await anext(frames)
        await record(house)
        assert await seqs(frames, 1) == [4]


async def test_what_is_committed_during_the_replay_comes_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(house, 3)
    monkeypatch.setattr(router, "_PAGE", 2)
    async with aclosing(stream(house, ANY, 0)) as frames:
        assert await seqs(frames, 1) == [1]
        await record(house, 2)
        assert await seqs(frames, 4) == [2, 3, 4, 5]
        await record(house)
        assert await seqs(frames, 1) == [6]


async def test_a_slow_reader_misses_nothing(house: House) -> None:
    async with aclosing(stream(house, ANY, 0)) as frames:
        await anext(frames)
        await record(house, 1)
        assert await seqs(frames, 1) == [1]
        await record(house, 1500)
        await record(house, 1500)
        assert await seqs(frames, 3000) == list(range(2, 3002))


async def test_events_of_another_server_are_read_from_the_store(house: House) -> None:
    async with aclosing(stream(house, ANY, 0)) as frames:
        await record(house)
        assert await seqs(frames, 1) == [1]
        house.db.on_commit = None
        await record(house, 2)
        house.db.on_commit = house.bus.publish
        await record(house)
        assert await seqs(frames, 3) == [2, 3, 4]


async def test_a_stream_holds_only_what_was_asked_for(house: House) -> None:
    async with aclosing(stream(house, EventFilter(queue_id=QUEUES[1]), 0)) as frames:
        await record(house, queue=0)
        await record(house, queue=1)
        assert await seqs(frames, 1) == [2]
        await record(house, queue=0)
        await record(house, queue=1)
        assert await seqs(frames, 1) == [4]


async def test_a_stream_ends_when_the_server_does_and_lets_go_of_the_bus(house: House) -> None:
    frames = stream(house, ANY, 0)
    await anext(frames)
    waiting = asyncio.ensure_future(anext(frames))
    await record(house)
    assert b"id: 1" in await waiting
    waiting = asyncio.ensure_future(anext(frames))
    house.bus.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert not house.bus._subscriptions  # pyright: ignore[reportPrivateUsage]


async def test_a_reader_that_goes_away_leaves_nothing_behind(house: House) -> None:
    async with aclosing(stream(house, ANY, 0)) as frames:
        await anext(frames)
        assert len(house.bus._subscriptions) == 1  # pyright: ignore[reportPrivateUsage]
    assert not house.bus._subscriptions  # pyright: ignore[reportPrivateUsage]


class QuietDatabase:
    """A store without events, for virtual time: no threads."""

    async def read(self, fn: Any, *args: Any) -> Any:
        return [], 0, False


class QuietPlatform:
    def __init__(self) -> None:
        self.bus = Bus()
        self.db = QuietDatabase()


def test_a_quiet_stream_shows_signs_of_life() -> None:
    async def watch() -> tuple[float, bytes]:
        began = asyncio.get_running_loop().time()
        async with aclosing(stream(QuietPlatform(), ANY, 0)) as frames:
            await anext(frames)
            said = await anext(frames)
        return asyncio.get_running_loop().time() - began, said

    loop = looptime.new_event_loop()
    try:
        waited, said = loop.run_until_complete(watch())
    finally:
        loop.close()
    assert waited == pytest.approx(HEARTBEAT_S)
    assert said.startswith(b":")


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "2"}, {}])
async def test_over_http_a_stream_resumes_after_the_last_event_seen(
    house: House, admin: httpx2.AsyncClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(house, 2)

    subscribed = asyncio.Event()
    subscribe = house.bus.subscribe
    monkeypatch.setattr(house.bus, "subscribe", lambda: (subscribed.set(), subscribe())[1])

    async def close_when_read() -> None:
        await subscribed.wait()
        await record(house)
        house.bus.close()

    closing = asyncio.ensure_future(close_when_read())
    query = "" if headers else "?after=2"
    reply = await admin.get(f"/events{query}", headers={**headers, "Accept": "text/event-stream"})
    await closing
    assert reply.headers["content-type"] == "text/event-stream"
    data = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    assert [event["seq"] for event in data] == list(range(3, 3 + len(data)))
    assert reply.text.startswith("retry: ")


async def test_a_point_that_is_no_number_is_refused(admin: httpx2.AsyncClient) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "abc"}
    reply = await admin.get("/events", headers=headers)
    assert (reply.status_code, reply.json()["field"]) == (422, "Last-Event-ID")


async def test_a_stream_ends_promptly_when_its_reader_hangs_up(house: House) -> None:
    await record(house)
    key = await house.add_key("ada")
    got_some = asyncio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await got_some.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if b"id: 1" in message.get("body", b""):
            got_some.set()

    headers = [(b"accept", b"text/event-stream"), (b"authorization", f"Bearer {key}".encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "root_path": "",
        "scheme": "http",
        "query_string": b"after=0",
        "headers": headers,
    }
    async with asyncio.timeout(5):
        await house.app(scope, receive, send)
    assert not house.bus._subscriptions  # pyright: ignore[reportPrivateUsage]
