"""The history: to read in pages, or to follow as a stream of server-sent events.

A stream first replays from the store what came after the given point, then goes on with what is committed, without a
gap or a repeat: it listens before it reads the store, and skips what it has sent. Whenever numbers are missing (a slow
reader, or another server of the control plane wrote them) it reads the store again from where it stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from lilac.api.auth import Caller, router
from lilac.api.replies import Json
from lilac.api.schemas.events import EventsShape
from lilac.api.schemas.fields import Time
from lilac.api.wire import event_to_wire
from lilac.control.history import EVERYTHING, Sight, sight_of
from lilac.control.times import from_rfc3339
from lilac.model.errors import InvalidInput
from lilac.model.events import Event, EventKind
from lilac.model.ids import INT64_MAX, ClusterId, JobId, NodeId, QueueId, UserId, parse_uuid
from lilac.store import events as store

routes = router("events")

HEARTBEAT_S = 15.0
_PAGE = 500
_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events: those that match all that is given."""

    job_id: JobId | None = None
    node_id: NodeId | None = None
    queue_id: QueueId | None = None
    cluster_id: ClusterId | None = None
    user_id: UserId | None = None
    actor: str | None = None
    since: float | None = None
    until: float | None = None
    kinds: frozenset[EventKind] | None = None
    sight: Sight = EVERYTHING
    """What the caller may see at all."""

    def matches(self, event: Event) -> bool:
        return (
            (self.job_id is None or event.job_id == self.job_id)
            and (self.node_id is None or event.node_id == self.node_id)
            and (self.queue_id is None or event.queue_id == self.queue_id)
            and (self.cluster_id is None or event.cluster_id == self.cluster_id)
            and (self.user_id is None or event.user_id == self.user_id)
            and (self.actor is None or event.actor == self.actor)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and (self.kinds is None or event.kind in self.kinds)
            and self.sight.sees(event)
        )


@routes.get(
    "/events",
    operation_id="listEvents",
    response_model=EventsShape,
    responses={200: {"content": {_STREAM: {"schema": {"type": "string"}}}}},
)
async def list_events(
    request: Request,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int | None, Query(ge=0, le=INT64_MAX)] = None,
    before: Annotated[
        int | None, Query(ge=1, le=INT64_MAX, description="Of the events before this one, the newest.")
    ] = None,
    job_id: str | None = None,
    node_id: str | None = None,
    queue_id: str | None = None,
    cluster_id: str | None = None,
    user_id: Annotated[str | None, Query(description="Whom it is about; of a job, the owner.")] = None,
    actor: Annotated[str | None, Query(description="Who did it: user:NAME, node:ID, cluster:ID or system.")] = None,
    since: Annotated[Time | None, Query(description="Not before this time (RFC 3339).")] = None,
    until: Annotated[Time | None, Query(description="Before this time (RFC 3339).")] = None,
    kind: Annotated[str | None, Query(description="One kind or several, separated by commas.")] = None,
) -> Response:
    """The events after `after` that the caller may see, oldest first; without `after` the newest, still oldest first.

    `next` is what to give as `after` for the following page, null on the last one. To page back from the newest, give
    the number of the first event as `before`; an empty page is the end. With `Accept: text/event-stream`
    the reply is a stream that goes on: from `Last-Event-ID` or `after`, else from now on.
    """
    where = EventFilter(
        job_id=JobId(_id("job_id", job_id)) if job_id else None,
        node_id=NodeId(_id("node_id", node_id)) if node_id else None,
        queue_id=QueueId(_id("queue_id", queue_id)) if queue_id else None,
        cluster_id=ClusterId(_id("cluster_id", cluster_id)) if cluster_id else None,
        user_id=UserId(_id("user_id", user_id)) if user_id else None,
        actor=actor,
        since=from_rfc3339(since) if since is not None else None,
        until=from_rfc3339(until) if until is not None else None,
        kinds=frozenset(_kinds(kind)) if kind else None,
        sight=sight_of(caller),
    )
    platform = request.app.state.platform
    if _STREAM in request.headers.get("accept", ""):
        resume_at = request.headers.get("last-event-id", "").strip()
        if resume_at:
            after = _seq(resume_at)
        return StreamingResponse(
            stream(platform, where, after),
            media_type=_STREAM,
            headers={"content-type": _STREAM, "cache-control": "no-store", "x-accel-buffering": "no"},
        )
    if after is not None and before is not None:
        raise InvalidInput("Give after or before, not both.", field="before")
    return await event_page(platform, where, after, limit, before=before)


async def event_page(
    platform: Any, where: EventFilter, after: int | None, limit: int, *, before: int | None = None
) -> Response:
    """One page of events as `GET /events` gives it."""
    found, _ = await platform.db.read(_page, where, after, limit, before)
    following = str(found[-1].seq) if after is not None and len(found) == limit else None
    return Json({"events": [event_to_wire(event) for event in found], "next": following})


async def stream(platform: Any, where: EventFilter, after: int | None) -> AsyncGenerator[bytes, None]:
    """The stream's bytes, until the bus closes or the reader goes away."""
    async with platform.bus.subscribe() as subscription:
        at: int = await platform.db.read(store.last_seq) if after is None else after
        yield b"retry: 1000\n: connected\n\n"
        behind = True
        while not platform.bus.closed.is_set():
            if behind:
                subscription.overflowed = False
                found, at, behind = await platform.db.read(_catch_up, where, at)
                for event in found:
                    yield frame(event)
                continue
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    event = await anext(subscription)
            except TimeoutError:
                behind = True
                yield b": still here\n\n"
                continue
            except StopAsyncIteration:
                return
            if subscription.overflowed or event.seq > at + 1:
                behind = True
            elif event.seq == at + 1:
                at = event.seq
                if where.matches(event):
                    yield frame(event)


def frame(event: Event) -> bytes:
    """One event as a server-sent event: number, kind, JSON."""
    data = orjson.dumps(event_to_wire(event), default=str)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.seq, event.kind.value.encode(), data)


def _page(
    conn: Connection, where: EventFilter, after: int | None, limit: int, before: int | None = None
) -> tuple[list[Event], int]:
    """At most `limit` events, oldest first, and the newest number there is."""
    newest = store.last_seq(conn)
    found = store.list_events(
        conn,
        after=after or 0,
        before=before,
        limit=limit,
        job_id=where.job_id,
        node_id=where.node_id,
        queue_id=where.queue_id,
        cluster_id=where.cluster_id,
        user_id=where.user_id,
        actor=where.actor,
        since=where.since,
        until=where.until,
        kinds=where.kinds,
        jobs_of=where.sight.jobs_of,
        accounts_of=where.sight.accounts_of,
        newest_first=after is None,
    )
    return (found[::-1] if after is None else found), newest


def _catch_up(conn: Connection, where: EventFilter, after: int) -> tuple[list[Event], int, bool]:
    """The next events, the number up to which nothing is missing now, and whether there is more."""
    found, newest = _page(conn, where, after, _PAGE)
    if len(found) == _PAGE:
        return found, found[-1].seq, True
    return found, max(after, newest), False


def _id(field: str, text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise InvalidInput(f"{field} must be an id, not {text[:60]!r}.", field=field)
    return found


def _seq(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:19]) > INT64_MAX or len(text) > 19:
        raise InvalidInput(f"Last-Event-ID must be the number of an event, not {text[:60]!r}.", field="Last-Event-ID")
    return int(text)


def _kinds(text: str) -> Iterator[EventKind]:
    for word in text.split(","):
        try:
            yield EventKind(word.strip())
        except ValueError:
            raise InvalidInput(
                f"kind must be one of {', '.join(EventKind)}, not {word.strip()[:60]!r}.", field="kind"
            ) from None
