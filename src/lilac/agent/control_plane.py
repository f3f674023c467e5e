"""The two calls that the agent makes, over one HTTP session. Raises typed errors.

The control plane may have several replicas, whose addresses are then given together. One is used as long as it answers;
when it does not, or says that it cannot serve, the next one is tried at once, each once per call: both calls may be
made twice without harm. Beyond that nothing is tried again here.

Where another one may answer, a replica that hangs is left within five seconds. Nothing tells it from one that has no
news, so calls wait for a short time only; and one whose answer is overdue is asked for its health: as long as it says
anything to that it is only slow, and is waited for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from lilac import __version__
from lilac.agent.wire import Reply, parse_reply
from lilac.model.errors import Forbidden, InvalidInput, LilacError, LogGap, NotFound, Unauthenticated, Unavailable
from lilac.model.ids import NodeId, ReplicaKey

_ANSWER_PATIENCE_S = 30.0
_CONNECT_PATIENCE_S = 10.0
_WAIT_AMONG_SEVERAL_S = 2.5
_OVERDUE_AFTER_S = 1.0
_HEALTH_PATIENCE_S = 1.5
_CONNECT_PATIENCE_AMONG_SEVERAL_S = 2.0
_HEARTBEAT_S = 20.0
_ON_CLOSE: Any = aiohttp.ClientWSTimeout(ws_close=5.0)  # pyright: ignore[reportCallIssue] - made by attrs


@dataclass(frozen=True, slots=True)
class Ack:
    """How far the control plane has the output."""

    offset: int


class ControlPlane:
    """A client of the node routes. `open` and `close` belong to the running event loop."""

    def __init__(self, endpoint: str, key: str, node_id: NodeId, *, ca_file: str | None = None) -> None:
        self._endpoints = [one.strip().rstrip("/") for one in endpoint.split(",")]
        self._endpoint = self._endpoints[0]
        self._key = key
        self._node_id = node_id
        self._ca_file = ca_file
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}", "User-Agent": f"lilac-agent/{__version__}"},
            connector=aiohttp.TCPConnector(limit=32, keepalive_timeout=60, ssl=_trusting(self._ca_file)),
            trust_env=True,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def status(self, report: Mapping[str, Any]) -> Reply:
        """Send one report and return the list; waits up to the report's `wait_s` and some more."""
        wait_s = float(report.get("wait_s", 0))
        if len(self._endpoints) > 1 and wait_s > _WAIT_AMONG_SEVERAL_S:
            wait_s = _WAIT_AMONG_SEVERAL_S
            report = {**report, "wait_s": wait_s}
        body = await self._post(
            f"/node/{self._node_id}/status",
            orjson.dumps(report),
            content_type="application/json",
            wait_s=wait_s,
        )
        return parse_reply(_decoded(body))

    async def append(self, key: ReplicaKey, offset: int, data: bytes, *, end: bool) -> Ack:
        """Send output from `offset` on. `LogGap` tells where to go on, `NotFound` that nobody wants it."""
        body = await self._post(
            f"/node/{self._node_id}/logs/{key}?offset={offset}{'&end=true' if end else ''}",
            data,
            content_type="application/octet-stream",
            wait_s=0.0,
        )
        document = _decoded(body)
        try:
            return Ack(int(document["offset"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("The server's answer to output holds no offset.") from error

    async def dial(self, tunnel_id: str, url: str | None) -> aiohttp.ClientWebSocketResponse:
        """Open this end of a tunnel, at `url` if it is not the end point that the agent speaks to."""
        if self._session is None:
            raise Unavailable("The connection is closed.")
        base = (url or self._endpoint).rstrip("/")
        try:
            return await self._session.ws_connect(
                f"{base}/node/{self._node_id}/tunnels/{tunnel_id}",
                heartbeat=_HEARTBEAT_S,
                max_msg_size=1 << 20,
                timeout=_ON_CLOSE,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"The tunnel cannot be dialled at {base}: {error or type(error).__name__}.") from error

    async def usage(self, samples: Mapping[str, Any]) -> float:
        """Send samples of usage; return after how many seconds the next are welcome."""
        body = await self._post(
            f"/node/{self._node_id}/usage",
            orjson.dumps(samples),
            content_type="application/json",
            wait_s=0,
        )
        try:
            return max(1.0, float(_decoded(body)["next_s"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput("The server's answer to samples does not say when to send more.") from error

    async def _post(self, path: str, data: bytes, *, content_type: str, wait_s: float) -> bytes:
        for _ in self._endpoints[1:]:
            endpoint = self._endpoint
            try:
                return await self._post_to(endpoint, path, data, content_type=content_type, wait_s=wait_s)
            except Unavailable:
                if self._endpoint == endpoint:  # no other call has moved on already
                    following = (self._endpoints.index(endpoint) + 1) % len(self._endpoints)
                    self._endpoint = self._endpoints[following]
        return await self._post_to(self._endpoint, path, data, content_type=content_type, wait_s=wait_s)

    async def _post_to(self, endpoint: str, path: str, data: bytes, *, content_type: str, wait_s: float) -> bytes:
        asking = self._ask(endpoint, path, data, content_type=content_type, wait_s=wait_s)
        if len(self._endpoints) == 1:
            return await asking
        call = asyncio.get_running_loop().create_task(asking)
        try:
            answered, _ = await asyncio.wait([call], timeout=wait_s + _OVERDUE_AFTER_S)
            while not answered:
                if not await self._is_healthy(endpoint) and not call.done():
                    raise Unavailable(f"The control plane at {endpoint} hangs.")
                answered, _ = await asyncio.wait([call], timeout=_OVERDUE_AFTER_S)
            return call.result()
        finally:
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)

    async def _is_healthy(self, endpoint: str) -> bool:
        """Whether it says anything at all: a replica that does is only slow."""
        try:
            if self._session is not None:
                timeout = aiohttp.ClientTimeout(total=_HEALTH_PATIENCE_S)
                async with self._session.get(f"{endpoint}/health", timeout=timeout, allow_redirects=False):
                    return True
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass
        return False

    async def _ask(self, endpoint: str, path: str, data: bytes, *, content_type: str, wait_s: float) -> bytes:
        if self._session is None:
            raise Unavailable("The connection is closed.")
        several = len(self._endpoints) > 1
        connect_s = _CONNECT_PATIENCE_AMONG_SEVERAL_S if several else _CONNECT_PATIENCE_S
        try:
            async with self._session.post(
                endpoint + path,
                data=data,
                headers={"Content-Type": content_type},
                timeout=aiohttp.ClientTimeout(total=wait_s + _ANSWER_PATIENCE_S, sock_connect=connect_s),
                allow_redirects=False,
            ) as response:
                body = await response.read()
                if response.status == 200:
                    return body
                raise _error(response.status, body, response.headers.get("Location"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = str(error) or type(error).__name__
            raise Unavailable(f"The control plane at {endpoint} cannot be reached: {words}.") from error


def _trusting(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InvalidInput(f"Cannot use the certificate authorities in {ca_file}: {error}.", field="ca_file") from None


def _error(status: int, body: bytes, location: str | None) -> LilacError:
    document = _decoded(body)
    text = document.get("error") or document.get("detail") or "" if isinstance(document, dict) else ""
    match status:
        case 401:
            return Unauthenticated("The control plane does not accept the cluster key (401): check cluster_api_key.")
        case 403:
            return Forbidden(f"The control plane refuses this node (403): {text or 'the key may not speak for it'}")
        case 404:
            return NotFound(f"The control plane answered 404: {text or 'not found'}")
        case 409 if isinstance(document, dict) and isinstance(document.get("offset"), int):
            return LogGap("The control plane expects other output.", offset=document["offset"])
        case 301 | 302 | 307 | 308:
            return InvalidInput(f"The control plane sends the agent elsewhere: set api_endpoint to {location}.")
        case _:
            return Unavailable(f"The control plane answered {status}: {str(text)[:300] or body[:200]!r}")


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
