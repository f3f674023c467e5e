"""Of a control plane with several replicas the agent uses one that answers, and turns to the next at once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from lilac.agent.control_plane import ControlPlane
from lilac.model.errors import Unavailable
from lilac.model.ids import NodeId

NODE = NodeId("0de00000-1111-4222-8333-444455556666")
REPLY = {"revision": "r1", "replicas": [], "assigned_job": None}


class Replica:
    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.url = ""
        self.delay_s = 0.0
        self.healthy = asyncio.Event()
        self.healthy.set()

    async def health(self, request: web.Request) -> web.Response:
        await self.healthy.wait()
        return web.json_response({})

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        return web.json_response(REPLY if self.status == 200 else {"error": "not now"}, status=self.status)


@pytest.fixture
async def pair() -> AsyncIterator[list[Replica]]:
    replicas, runners = [Replica(), Replica()], list[web.AppRunner]()
    for replica in replicas:
        app = web.Application()
        app.router.add_post("/node/{node}/status", replica.answer)
        app.router.add_get("/health", replica.health)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        replica.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    yield replicas
    for runner in runners:
        await runner.cleanup()


async def test_one_replica_is_used_until_it_cannot_serve_and_then_the_next(pair: list[Replica]) -> None:
    control_plane = ControlPlane(",".join(replica.url for replica in pair), "key", NODE)
    await control_plane.open()
    try:
        for _ in range(3):
            await control_plane.status({"wait_s": 0})
        assert [replica.asked for replica in pair] == [3, 0]
        pair[0].status = 503
        assert (await control_plane.status({"wait_s": 0})).revision == "r1"
        pair[0].status = 200
        await control_plane.status({"wait_s": 0})
        assert [replica.asked for replica in pair] == [4, 2], "it stays with the one that answered"
    finally:
        await control_plane.close()


async def test_a_replica_that_is_gone_costs_no_time_and_none_at_all_is_told(pair: list[Replica]) -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{gone.getsockname()[1]}"
    control_plane = ControlPlane(f"{nobody},{pair[0].url}", "key", NODE)
    await control_plane.open()
    try:
        assert (await control_plane.status({"wait_s": 0})).revision == "r1"
    finally:
        await control_plane.close()
    alone = ControlPlane(f"{nobody},{nobody}", "key", NODE)
    await alone.open()
    try:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await alone.status({"wait_s": 0})
    finally:
        await alone.close()


async def test_a_replica_that_hangs_is_left_within_five_seconds(pair: list[Replica]) -> None:
    pair[0].delay_s = 100
    pair[0].healthy.clear()
    control_plane = ControlPlane(",".join(replica.url for replica in pair), "key", NODE)
    await control_plane.open()
    try:
        began = time.monotonic()
        assert (await control_plane.status({"wait_s": 30})).revision == "r1"
        assert time.monotonic() - began < 5.5
        assert [replica.asked for replica in pair] == [1, 1]
    finally:
        await control_plane.close()


async def test_a_replica_that_is_only_slow_is_waited_for(pair: list[Replica]) -> None:
    pair[0].delay_s = 5.5  # longer than a replica that hangs is given
    control_plane = ControlPlane(",".join(replica.url for replica in pair), "key", NODE)
    await control_plane.open()
    try:
        assert (await control_plane.status({"wait_s": 1})).revision == "r1"
        assert [replica.asked for replica in pair] == [1, 0]
    finally:
        await control_plane.close()
