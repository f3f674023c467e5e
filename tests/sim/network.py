"""What lies between a node and the control plane: messages are delayed, lost, held back, repeated, and overtake.

A call is a request and a reply that cross separately. A node may be cut off one way or both: its requests do not
arrive, or they do and the replies are lost. A stalled line loses nothing: everything arrives when it moves again, long
after the caller gave up. A lost message is a caller that waits for its time-out; a refused connection fails at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from lilac.model.errors import LilacError
from tests.sim.plane import Plane, Unreachable

T = TypeVar("T")


class Cut(StrEnum):
    NONE = "none"
    REQUESTS = "requests are lost"
    REPLIES = "replies are lost"
    BOTH = "nothing arrives"
    RESET = "connections are reset"
    STALL = "everything arrives late"


@dataclass
class Line:
    """The connection of one node."""

    plane: Plane
    rng: Random
    loss: float = 0.0
    repeat: float = 0.0
    delay_s: float = 0.02
    cut: Cut = Cut.NONE
    moving: asyncio.Event = field(default_factory=asyncio.Event)
    echoes: dict[asyncio.Task[None], None] = field(default_factory=dict[asyncio.Task[None], None])

    def __post_init__(self) -> None:
        self.moving.set()

    def become(self, cut: Cut) -> None:
        self.cut = cut
        if cut is Cut.STALL:
            self.moving.clear()
        else:
            self.moving.set()

    async def call(self, request: Callable[[Any], Awaitable[T]], timeout_s: float) -> T:
        """Raises `Unreachable` if no answer came back in time, and what the control plane answers as an error."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._cross(Cut.REQUESTS)
                if self.rng.random() < self.repeat:
                    echo = asyncio.ensure_future(self._again(request))
                    self.echoes[echo] = None
                    echo.add_done_callback(lambda done: self.echoes.pop(done, None))
                try:
                    answer = await self.plane.call(request)
                except LilacError:
                    await self._cross(Cut.REPLIES)
                    raise
                await self._cross(Cut.REPLIES)
                return answer
        except TimeoutError:
            raise Unreachable from None

    async def _cross(self, way: Cut) -> None:
        if self.cut is Cut.RESET:
            raise Unreachable
        if self.cut in (way, Cut.BOTH) or self.rng.random() < self.loss:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self.rng.expovariate(1 / self.delay_s))
        await self.moving.wait()

    async def _again(self, request: Callable[[Any], Awaitable[T]]) -> None:
        """The same message arrives a second time, later."""
        await asyncio.sleep(self.rng.uniform(0, 40))
        try:
            await self.plane.call(request)
        except Exception as error:
            del error
