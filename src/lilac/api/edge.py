"""What every request passes first and every reply last, in one small ASGI layer.

On the way in: a leading `/api` and doubled slashes are taken off the path, an escaped slash stays part of a name, a
request id is taken over or made, and the body is limited. On the way out: the request id and the headers that tell
browsers to be careful. An exception that nobody handled becomes a plain 500, with all the details in the log under the
same request id.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, unquote

import structlog
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lilac.api.errors import problem

logger = structlog.get_logger(__name__)

MAX_BODY_BYTES = 2 << 20
MAX_LIST_BYTES = 32 << 20
"""Of a list of jobs."""
REQUEST_ID = "lilac.request_id"
_USABLE_ID = re.compile(rb"[A-Za-z0-9._:@/+=-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ESCAPED_SLASH = "\uf8ff"
"""Stands for `%2F` until a path has been divided: no name holds it, since it is not printable."""
_SLASHES = re.compile(r"/{2,}")
_SECURITY_HEADERS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cache-control": b"no-store",
}
"""Defaults: a reply that sets one of these itself keeps its own."""
_JSON_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        _normalise_path(scope)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        request_id, length = _read_headers(scope)
        scope[REQUEST_ID] = request_id.decode()
        started = False
        begun_at = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _count(scope, message["status"], time.perf_counter() - begun_at)
                _add_headers(message, request_id)
            await send(message)

        try:
            most = _most_bytes(scope)
            if length > most:
                await _too_large(most)(scope, receive, send_with_headers)
                return
            await self._app(scope, _limited(receive, most), send_with_headers)
        except ClientDisconnect:
            logger.debug("the caller went away", request_id=scope[REQUEST_ID], path=scope["path"])
        except Exception as error:
            logger.error(
                "request failed",
                request_id=scope[REQUEST_ID],
                method=scope["method"],
                path=scope["path"],
                exc_info=error,
            )
            if started:
                raise
            reply = problem(500, "Something went wrong", code="internal", request_id=scope[REQUEST_ID])
            await reply(scope, receive, send_with_headers)


def _most_bytes(scope: MutableMapping[str, Any]) -> int:
    return MAX_LIST_BYTES if scope["path"] == "/training_jobs/bulk" else MAX_BODY_BYTES


def _count(scope: Scope, status: int, seconds: float) -> None:
    metrics = getattr(scope["app"].state.platform, "metrics", None)
    if metrics is not None:
        route = getattr(scope.get("route"), "path", None) or "(none)"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        metrics.answered(method, route, status, seconds)


class _Name(StringConvertor):
    """A part of a path. Its escaped slashes, which divide nothing, are slashes again."""

    def convert(self, value: str) -> str:
        return value.replace(_ESCAPED_SLASH, "/")


register_url_convertor("str", _Name())


def _normalise_path(scope: MutableMapping[str, Any]) -> None:
    """`/api//queues/` is `/queues`."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" in raw.lower():
        path = unquote(re.sub("%2f", quote(_ESCAPED_SLASH), raw.decode("latin-1"), flags=re.IGNORECASE))
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if path == "/api" or path.startswith("/api/"):
        path = path[4:]
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    scope["path"] = path or "/"


def _read_headers(scope: Scope) -> tuple[bytes, int]:
    request_id, length = b"", 0
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _USABLE_ID.fullmatch(value):
            request_id = value
        elif name == b"content-length" and value.isdigit():
            length = int(value[:20])
    return request_id or str(uuid.uuid4()).encode(), length


def _limited(receive: Receive, most: int) -> Receive:
    """Bodies without a declared length are counted as they come."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, f"The body is larger than {most} bytes.")
        return message

    return counted


def _too_large(most: int) -> ASGIApp:
    return problem(413, f"The body is larger than {most} bytes.")


def _add_headers(message: Message, request_id: bytes) -> None:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    present: set[bytes] = set()
    is_json = False
    for name, value in headers:
        present.add(name)
        is_json = is_json or (name == b"content-type" and value == b"application/json")
    headers.extend(item for item in _SECURITY_HEADERS.items() if item[0] not in present)
    if is_json and _JSON_POLICY[0] not in present:
        headers.append(_JSON_POLICY)
    headers.append((b"x-request-id", request_id))
    message["headers"] = headers
