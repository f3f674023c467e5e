"""Whether this replica of the control plane leads, and the only door for what a leader alone may write.

On SQLite there is one control plane, which always leads. On PostgreSQL `write` puts the fence in front of an operation:
in its own transaction it makes sure that nobody has taken over since this replica began to lead. So a leader that was
stopped for a while, and does not know yet that it was replaced, changes nothing: its operations raise `NotLeading`.

Services that act as leader wait for `held` and then write through here; they need not ask again in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from lilac.model.errors import Unavailable
from lilac.store import leases
from lilac.store.database import Database, Transaction

P = ParamSpec("P")
R = TypeVar("R")


class NotLeading(Unavailable):
    """Another replica leads: what was to be written is its business now."""


class Leadership:
    """Used on the event loop's thread. `begin` and `end` are the election's."""

    def __init__(self, db: Database, *, shared: bool) -> None:
        self._db = db
        self._shared = shared
        self._held = asyncio.Event()
        self.epoch = 0
        if not shared:
            self._held.set()

    @property
    def leads(self) -> bool:
        return self._held.is_set()

    async def held(self) -> None:
        """Wait until this replica leads."""
        await self._held.wait()

    def begin(self, epoch: int) -> None:
        self.epoch = epoch
        self._held.set()

    def end(self) -> None:
        if self._shared:
            self._held.clear()

    async def write(self, fn: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `Database.write`, if this replica leads when it is written.

        Raises:
            NotLeading: it does not.
        """
        if not self._shared:
            return await self._db.write(fn, *args, **kwargs)
        if not self.leads:
            raise _not_leading()
        return await self._db.write(_fenced, self.epoch, fn, args, kwargs)


def _fenced(tx: Transaction, epoch: int, fn: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    if not leases.still_leads(tx.conn, epoch):
        raise _not_leading()
    return fn(tx, *args, **kwargs)


def _not_leading() -> NotLeading:
    return NotLeading("Another replica of the control plane leads now; this one does not schedule.")
