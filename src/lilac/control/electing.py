"""The election of the one replica that leads, as each of them runs it.

A candidate waits for the advisory lock, which falls to it at once when the leader's session ends, and looks meanwhile
whether the lease has ended, which tells of a leader that is stopped or cut off while its session lasts. Either lets it
take over: it raises the epoch, which is the fence (`lilac.store.leases`). The leader renews its lease three times
within its length; it stands down when somebody else has taken over, when it could not renew in time, when its session
breaks, and when it is told to.

Everything that lasts is behind the seam `Ballots`; time is the event loop's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

from lilac.model.errors import LilacError, Unavailable

_PAUSES_S = (0.1, 0.2, 0.5, 1.0)
_CUT_OFF_PATIENCE_S = 0.3
_log = structlog.get_logger("lilac.election")


class Ballots(Protocol):
    """See `lilac.store.leases.Ballot`."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def locked(self) -> None: ...
    async def holder_of_expired(self) -> str | None: ...
    async def cut_off(self, replica_id: str) -> None: ...
    async def take(self, *, locked: bool) -> int | None: ...
    async def renew(self, epoch: int, *, locked: bool) -> bool: ...
    async def release(self, epoch: int) -> None: ...


class Election:
    """`won(epoch)` is called when this replica begins to lead, `lost()` when it must not act as leader any more."""

    def __init__(
        self, ballots: Ballots, lease_s: float, *, won: Callable[[int], None], lost: Callable[[], None]
    ) -> None:
        self._ballots = ballots
        self._lease_s = lease_s
        self._won = won
        self._lost = lost
        self._resigning = asyncio.Event()

    def resign(self) -> None:
        """Give the lead away now, and do not ask for it again."""
        self._resigning.set()

    async def run(self) -> None:
        """Stand for election until `resign`. Every trouble with the database ends a reign and is tried again."""
        failures = 0
        while not self._resigning.is_set():
            try:
                await self._ballots.open()
                await self._stand()
                failures = 0
            except LilacError as error:
                if failures == 0:
                    _log.warning("the election is interrupted and goes on when the database answers", why=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)]):
                        await self._resigning.wait()
                failures += 1
            finally:
                with suppress(LilacError):
                    await self._ballots.close()

    async def _stand(self) -> None:
        lock = asyncio.create_task(self._ballots.locked())
        try:
            epoch = await self._win(lock)
            if epoch is not None:
                self._won(epoch)
                try:
                    await self._reign(epoch, lock)
                finally:
                    self._lost()
        finally:
            lock.cancel()
            await asyncio.gather(lock, return_exceptions=True)

    async def _win(self, lock: asyncio.Task[None]) -> int | None:
        """The epoch under which this replica leads; None if it resigned before."""
        while not self._resigning.is_set():
            await self._pause(self._lease_s / 3, None if lock.done() else lock)
            if lock.done():
                lock.result()
            former = await self._ballots.holder_of_expired()
            if former is not None and not lock.done():
                await self._ballots.cut_off(former)
                await self._pause(_CUT_OFF_PATIENCE_S, lock)
            if former is not None or lock.done():
                epoch = await self._ballots.take(locked=lock.done())
                if epoch is not None:
                    return epoch
        return None

    async def _reign(self, epoch: int, lock: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            await self._pause(self._lease_s / 3, None)
            if lock.done():
                lock.result()
            if self._resigning.is_set():
                self._lost()
                await self._ballots.release(epoch)
                return
            began = loop.time()
            try:
                async with asyncio.timeout(self._lease_s - (began - renewed_at)):
                    renewed = await self._ballots.renew(epoch, locked=lock.done())
            except TimeoutError:
                raise Unavailable("The lease could not be renewed in time.") from None
            if not renewed:
                return
            renewed_at = began

    async def _pause(self, seconds: float, lock: asyncio.Task[None] | None) -> None:
        """Until the time is over, the lock is ours, or this replica is to resign."""
        resigning = asyncio.create_task(self._resigning.wait())
        try:
            await asyncio.wait(
                {resigning} if lock is None else {resigning, lock},
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            resigning.cancel()
