"""Flow control of one direction of a tunnel: the sender's window, and the receiver's account of what it has consumed.

Invariant: sent and not yet credited bytes never exceed `WINDOW_BYTES`.
"""

from __future__ import annotations

import asyncio

from lilac.tunnel.frames import WINDOW_BYTES


class SendWindow:
    """How much may still be sent. `take` waits for room, `add` gives it."""

    def __init__(self, size: int = WINDOW_BYTES) -> None:
        self._size = size
        self._left = size
        self._changed = asyncio.Event()

    async def take(self, count: int) -> None:
        while self._left < min(count, self._size):
            self._changed.clear()
            await self._changed.wait()
        self._left -= count

    def add(self, count: int) -> None:
        self._left = min(self._size, self._left + count)
        self._changed.set()


class ReceiveAccount:
    """Counts what was consumed, and says when it is worth telling the sender."""

    def __init__(self, size: int = WINDOW_BYTES) -> None:
        self._worth = size // 4
        self._consumed = 0

    def consume(self, count: int) -> int:
        """Note consumed bytes; the credit to give now, often 0."""
        self._consumed += count
        if self._consumed < self._worth:
            return 0
        credit, self._consumed = self._consumed, 0
        return credit
