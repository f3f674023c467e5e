"""The history: read it in pages, or follow it as it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from lilac.client.connection import Connection, SilentStream
from lilac.client.patience import Patience
from lilac.model.errors import LilacError, Unavailable

if TYPE_CHECKING:
    from lilac.client.shapes import Event, EventPage


class Events:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        limit: int | None = None,
        after: int | str | None = None,
        job_id: str | None = None,
        node_id: str | None = None,
        queue_id: str | None = None,
        kind: str | None = None,
    ) -> EventPage:
        params = {
            "limit": limit,
            "after": after,
            "job_id": job_id,
            "node_id": node_id,
            "queue_id": queue_id,
            "kind": kind,
        }
        return self._connection.call("GET", "/events", params=params)

    def follow(
        self,
        *,
        after: int | None = None,
        job_id: str | None = None,
        node_id: str | None = None,
        queue_id: str | None = None,
        kind: str | None = None,
        patience: Patience | None = None,
    ) -> Iterator[Event]:
        """Yield events as they happen, for ever; a broken stream goes on after the last event that came."""
        patience = Patience() if patience is None else patience
        only: Mapping[str, object] = {"job_id": job_id, "node_id": node_id, "queue_id": queue_id, "kind": kind}
        while True:
            try:
                for event in self._stream({**only, "after": after}):
                    patience.progress()
                    if after is None or event["seq"] > after:
                        after = event["seq"]
                        yield event
            except SilentStream:
                continue
            except Unavailable as error:
                patience.wait(error)
            else:
                patience.wait(Unavailable("the stream of events ended."))

    def _stream(self, params: Mapping[str, object]) -> Iterator[Event]:
        with self._connection.stream("/events", params=params, accept="text/event-stream") as reply:
            if "text/event-stream" not in reply.headers.get("content-type", ""):
                raise LilacError(f"{self._connection.endpoint} does not offer a stream of events.")
            for data in messages(reply.pieces()):
                event = json.loads(data)
                if isinstance(event, dict) and "seq" in event:
                    yield event  # pyright: ignore[reportReturnType]


def messages(pieces: Iterable[bytes]) -> Iterator[str]:
    """The data of each message of a stream of server-sent events; one that breaks off is none."""
    rest = b""
    data: list[str] = []
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            field, _, value = text.partition(":")
            if field == "data":
                data.append(value.removeprefix(" "))
            elif not text and data:
                yield "\n".join(data)
                data = []
