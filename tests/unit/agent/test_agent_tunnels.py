"""The agent's end of a tunnel keeps its bounds, whatever the other end sends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from lilac.agent.tunnels import AgentTunnels
from lilac.agent.wire import TunnelOffer
from lilac.model.ids import JobId, ReplicaKey
from lilac.tunnel.frames import MOST_BYTES, WINDOW_BYTES, Command, Frame, Kind, decode, open_frame, read_exit

OFFER = TunnelOffer("t", ReplicaKey(JobId("j"), 1, 0), None)


class Wire:
    """A WebSocket on which these frames have come; what is sent on it is kept."""

    def __init__(self, *frames: Frame) -> None:
        self._coming = [frame.encoded() for frame in frames]
        self.sent: list[Frame] = []
        self.over = asyncio.Event()

    async def receive(self) -> aiohttp.WSMessage:
        if not self._coming:
            await asyncio.Event().wait()
        return aiohttp.WSMessage(aiohttp.WSMsgType.BINARY, self._coming.pop(0), None)

    async def send_bytes(self, message: bytes) -> None:
        self.sent.append(decode(message))
        if self.sent[-1].kind is Kind.EXIT:
            self.over.set()

    async def close(self) -> None:
        """Nothing is open."""


class Deaf:
    """A command that reads nothing and says nothing."""

    async def read(self) -> None:
        await asyncio.Event().wait()

    async def write(self, data: bytes) -> None:
        await asyncio.Event().wait()

    async def resize(self, rows: int, cols: int) -> None:
        """It has no terminal."""

    async def close(self) -> None:
        """Nothing runs."""


async def carried(*frames: Frame) -> list[Frame]:
    """What a tunnel answers to these frames until it ends."""
    wire = Wire(open_frame(Command(argv=("cat",))), *frames)

    async def dial(tunnel_id: str, url: str | None) -> Wire:
        return wire

    async def open_session(entry: object, opening: object) -> Deaf:
        return Deaf()

    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    running = (SimpleNamespace(open_session=open_session), Path(), ended)
    tunnels = AgentTunnels(
        cast("Any", SimpleNamespace(dial=dial)), cast("Any", SimpleNamespace(running=lambda key: running))
    )
    tunnels.offered([OFFER])
    async with asyncio.timeout(30):
        await wire.over.wait()
    await tunnels.close()
    return wire.sent


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([Frame(Kind.INPUT, bytes(MOST_BYTES))] * (WINDOW_BYTES // MOST_BYTES + 1), "without credit"),
        ([Frame(Kind.RESIZE, b"[]")], "must be a JSON object"),
        ([*[Frame(Kind.INPUT), Frame(Kind.END)] * 5, Frame(Kind.INPUT, b"x"), Frame(Kind.EXIT)], "not for the agent"),
    ],
)
async def test_an_end_that_keeps_to_no_rule_is_told_and_cut_off(frames: list[Frame], why: str) -> None:
    opened, last = await carried(*frames)
    assert opened.kind is Kind.OPENED
    assert why in str(read_exit(last))
