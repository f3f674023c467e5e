"""People who were let in to a tunnel and have not said what they want: counted, and waited for only so long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lilac.api.app import create_app
from lilac.control import tunnels
from lilac.tunnel.frames import decode, read_exit
from tests.integration.control.stand import FakeAgent, Stand


class Visitor:
    """One WebSocket call of the application in this process."""

    def __init__(self, app: Any, path: str, key: str) -> None:
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws",
            "server": ("lilac.test", 80), "client": ("127.0.0.1", 1), "root_path": "", "subprotocols": [],
            "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"authorization", f"Bearer {key}".encode())],
            "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self.task = asyncio.ensure_future(app(scope, self._inbox.get, self.heard.put))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self.heard.get()

    async def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(10):
            await self.task


@pytest.fixture
async def visit(stand: Stand) -> Any:
    """Makes visitors of a running job."""
    app = create_app(stand.platform)
    job = await stand.submit()
    agent = FakeAgent(stand)
    for _ in range(2):
        await agent.beat()
        await stand.settle()
    await agent.beat()
    agent.become("running")
    await agent.beat()
    assert await stand.state(job) == "running"
    key = (await stand.platform.accounts.keys.create(stand.user)).text
    return lambda: Visitor(app, f"/training_jobs/{job}/exec", key)


async def test_who_says_nothing_is_shown_out(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnels, "OPENING_WITHIN_S", 0.05)
    silent = visit()
    assert (await silent.next())["type"] == "websocket.accept"
    said = await silent.next()
    assert "begins with an OPEN frame" in str(read_exit(decode(said["bytes"])))
    assert (await silent.next())["type"] == "websocket.close"
    async with asyncio.timeout(10):
        await silent.task


async def test_who_has_said_nothing_counts_as_a_tunnel(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnels, "MOST_PER_USER", 2)
    silent = [visit(), visit()]
    for one in silent:
        assert (await one.next())["type"] == "websocket.accept"
    refused = await visit().next()
    assert (refused["type"], refused["status"]) == ("websocket.http.response.start", 429)
    for one in silent:
        await one.leave()
    again = visit()
    assert (await again.next())["type"] == "websocket.accept"
    await again.leave()
