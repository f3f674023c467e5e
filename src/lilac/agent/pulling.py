"""Getting images: one pull per image at a time, with the right credential, and told to all replicas that wait for it.

The engine tells of a pull layer by layer; people want one number. `PullProgress` adds up: bytes that have come, and of
how many, as soon as the size of every layer is known (the engine begins with three at a time). Told at once, and then
at most twice a second.

A credential that can be renewed and is refused is renewed, and the pull tried once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lilac.agent.docker_engine import DockerEngine, EngineError
from lilac.agent.docker_failures import pull_failure, was_refused
from lilac.agent.registries.credentials import Registries
from lilac.agent.runtime import StartFailure
from lilac.model.errors import LilacError
from lilac.model.states import FailureReason

TELL_EVERY_S = 0.5


class Told(Protocol):
    """Who waits for an image; as `Observer.progressed`, for one replica."""

    def __call__(self, *, message: str | None, progress: Mapping[str, Any] | None, **times: float) -> None: ...


class Room(Protocol):
    """Who minds the disk."""

    async def make_room(self, image: str) -> frozenset[str]:
        """Before a pull: the ids of the images that are there; `StartFailure` where there is no room."""
        ...

    async def pulled(self, image: str, before: frozenset[str]) -> None:
        """After a pull, with what `make_room` returned."""
        ...


class PullProgress:
    """Adds up the engine's lines about one pull."""

    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._totals: dict[str, int | None] = {}

    def take(self, line: Mapping[str, Any]) -> bool:
        """Take in one line; whether it changed anything."""
        layer, status = line.get("id"), str(line.get("status") or "")
        if not isinstance(layer, str) or status.startswith("Pulling from") or status == "Already exists":
            return False
        before = (self._done.get(layer), self._totals.get(layer, -1))
        detail = line.get("progressDetail") or {}
        current, total = detail.get("current"), detail.get("total")
        if status in ("Pulling fs layer", "Waiting"):
            self._totals.setdefault(layer, None)
        elif status == "Downloading" and isinstance(current, int):
            self._done[layer] = max(current, self._done.get(layer, 0))
            if isinstance(total, int) and total > 0:
                self._totals[layer] = total
        elif status in ("Verifying Checksum", "Download complete", "Extracting", "Pull complete"):
            if self._totals.get(layer) is None and status == "Extracting" and isinstance(total, int) and total > 0:
                self._totals[layer] = total
            # A small layer may come without a word about its size.
            known = self._totals.get(layer)
            self._totals[layer] = self._done[layer] = known if known is not None else self._done.get(layer, 0)
        return before != (self._done.get(layer), self._totals.get(layer, -1))

    @property
    def done(self) -> int:
        return sum(self._done.values())

    @property
    def total(self) -> int | None:
        """The bytes to come in all, or None while the size of a layer is not known."""
        sizes = list(self._totals.values())
        known = [size for size in sizes if size is not None]
        return sum(known) if sizes and len(known) == len(sizes) else None

    def report(self) -> dict[str, Any]:
        """As the wire has it."""
        return {"step": "pull", "done": self.done, "total": self.total}


@dataclass(slots=True)
class _Pull:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[Told] = field(default_factory=list[Told])

    def tell(self, *, message: str | None, progress: Mapping[str, Any] | None, **times: float) -> None:
        for told in self.waiting:
            told(message=message, progress=progress, **times)


class Puller:
    """Gets images for replicas."""

    def __init__(
        self,
        engine: DockerEngine,
        registries: Registries,
        room: Room | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._registries = registries
        self._room = room
        self._clock = clock
        self._pulls: dict[str, _Pull] = {}

    async def ensure(self, image: str, told: Told) -> None:
        """Return when the engine has the image; `StartFailure` if it cannot be had, `EngineAway` if nobody answers."""
        pull = self._pulls.setdefault(image, _Pull())
        pull.waiting.append(told)
        try:
            async with pull.lock:
                if not await self._engine.has_image(image):
                    await self._pull(image, pull)
        except EngineError as error:
            raise pull_failure(image, str(error)) from error
        finally:
            pull.waiting.remove(told)
            if not pull.waiting:
                self._pulls.pop(image, None)

    async def _pull(self, image: str, pull: _Pull) -> None:
        before = await self._room.make_room(image) if self._room is not None else frozenset[str]()
        started = self._clock()
        pull.tell(message=f"Pulling {image}.", progress=None, pull_started=started)
        for anew in (False, True):
            try:
                found = await self._registries.for_image(image, anew=anew)
            except LilacError as error:
                raise StartFailure(FailureReason.IMAGE, f"The image {image} cannot be pulled: {error}") from error
            progress, told_at = PullProgress(), float("-inf")
            try:
                async for line in self._engine.pull(image, found.credential):
                    if progress.take(line) and time.monotonic() - told_at >= TELL_EVERY_S:
                        told_at = time.monotonic()
                        pull.tell(message=f"Pulling {image}.", progress=progress.report(), pull_started=started)
                break
            except EngineError as error:
                renewable = found.credential is not None and found.credential.renewable
                if renewable and not anew and was_refused(str(error)):
                    continue
                raise pull_failure(image, str(error), found.complaint) from error
        pull.tell(message=None, progress=None, pull_started=started, pull_finished=self._clock())
        if self._room is not None:
            await self._room.pulled(image, before)
