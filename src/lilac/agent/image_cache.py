"""Keeps the images that the agent pulled within a budget of disk, and pulls from filling the disk.

The agent removes images that it pulled itself and nobody uses: the least recently used first, while they take more than
the budget, or less than the floor is free. It remembers them in a small file, `images.json` in its state directory. An
image that was there before the agent's first pull of it, that somebody gave a name of their own, or that any container
has (running or not) is never removed, nor counted.

Images share layers. A layer counts once, by the sizes that the engine tells in an image's history; where those cannot
be matched to the layers the image counts whole.

Below the floor nothing is pulled: the replica fails with reason `engine`, and a sentence.

`choose` and `layers_of` are pure; `ImageCache` does the calls. Removing and starting meet at `pinned`: whoever is about
to use an image pins it first, and waits for a removal that is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import structlog

from lilac.agent.config import write_private
from lilac.agent.disk import Disk, EngineDisk
from lilac.agent.docker_engine import DockerEngine, EngineAway, EngineError
from lilac.agent.registries.references import full_reference
from lilac.agent.runtime import StartFailure
from lilac.model.states import FailureReason

log = structlog.get_logger(__name__)

GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The rules: `budget_bytes` None for no limit, `floor_bytes` 0 for no floor."""

    state_file: Path
    budget_bytes: int | None = None
    floor_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """An image that the agent pulled: by which names, and when it was used last (seconds since 1970)."""

    names: tuple[str, ...]
    used_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One of ours that is there, with its layers and their sizes in bytes."""

    id: str
    used_at: float
    layers: Mapping[str, int] = field(default_factory=dict[str, int])


def choose(held: Collection[Held], *, budget_bytes: int | None, missing_bytes: int) -> list[str]:
    """Return the ids of those to remove, in that order, so that what is left fits into the budget and `missing_bytes`
    become free; all of them if that is not enough. Images that must stay are not in `held`, or have no end in it."""
    left = sorted(held, key=lambda image: (image.used_at, image.id))
    chosen: list[str] = []
    before = taken(left)
    while left:
        now = taken(left)
        fits = budget_bytes is None or now <= budget_bytes
        if fits and before - now >= missing_bytes:
            break
        chosen.append(left.pop(0).id)
    return chosen


def taken(held: Collection[Held]) -> int:
    """Return the bytes that these images take together: each layer once."""
    layers: dict[str, int] = {}
    for image in held:
        layers.update(image.layers)
    return sum(layers.values())


def layers_of(identity: str, details: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return an image's layers, named by all that is below them, with their sizes.

    The history, newest first, has a size for each step; steps that changed nothing have 0 and no layer.
    """
    whole = int(details.get("Size") or 0)
    diffs = list((details.get("RootFS") or {}).get("Layers") or [])
    sizes = [int(step.get("Size") or 0) for step in reversed(history)]
    if len(sizes) != len(diffs):
        sizes = [size for size in sizes if size > 0]
    if not diffs or len(sizes) != len(diffs):
        return {identity: whole}
    layers: dict[str, int] = {}
    chain = hashlib.sha256()
    for diff, size in zip(diffs, sizes, strict=True):
        chain.update(f"{diff}\n".encode())
        layers[chain.hexdigest()] = size
    return layers


class ImageCache:
    """The images of one engine. Calls come from one event loop."""

    def __init__(
        self, engine: DockerEngine, disk: EngineDisk, keeping: Keeping, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._disk = disk
        self._keeping = keeping
        self._clock = clock
        self._ours: dict[str, Ours] | None = None
        self._layers: dict[str, dict[str, int]] = {}
        self._low = False
        self._pins: Counter[str] = Counter()
        self._removing = asyncio.Lock()
        self._trimming = asyncio.Lock()
        self._tight = False
        """Whether the last look left more than there should be."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def pinned(self, image: str) -> AsyncIterator[None]:
        """Within, the image is not removed, and counts as used now."""
        name = full_reference(image)
        self._pins[name] += 1
        try:
            async with self._removing:
                pass
            self._touch(name)
            yield
        finally:
            self._pins[name] -= 1
            if not self._pins[name]:
                del self._pins[name]

    def is_low(self, free_bytes: int) -> bool:
        """Whether too little is free for new containers. What can be removed is, soon; and a disk that was low is so
        until there is a tenth more than the floor, so that it does not go to and fro."""
        floor = self._keeping.floor_bytes
        if free_bytes < floor:
            self.look()
        self._low = free_bytes < (floor * 11 // 10 if self._low else floor)
        return self._low

    async def make_room(self, image: str) -> frozenset[str]:
        """Before a pull: see that the floor is free; return the ids of the images that are there already.

        Raises `StartFailure` where there is no room.
        """
        free = await self._free()
        if free is not None and free < self._keeping.floor_bytes:
            await self._trim()
            free = await self._free()
        if free is not None and free < self._keeping.floor_bytes:
            raise StartFailure(
                FailureReason.ENGINE,
                f"The image {image} is not pulled: {free / GB:.1f} GB of the engine's disk are free, and "
                f"{self._keeping.floor_bytes / GB:g} GB are to stay free (min_free_disk_gb). Free some of it.",
            )
        return frozenset(str(found["Id"]) for found in await self._engine.images())

    async def pulled(self, image: str, before: Collection[str]) -> None:
        """After a pull: it is ours, unless it was there under another name."""
        details = await self._engine.image(image)
        if details is None:
            return
        identity, name, ours = str(details["Id"]), full_reference(image), self._state()
        known = ours.get(identity)
        if known is None and identity in before:
            return
        names = (*(known.names if known is not None else ()), name)
        ours[identity] = Ours(names=tuple(dict.fromkeys(names)), used_at=self._clock())
        await self._save()
        self.look()

    def look(self, *, only_if_tight: bool = False) -> None:
        """Remove what is too much, soon and in the background."""
        if only_if_tight and not self._tight:
            return
        task = asyncio.get_running_loop().create_task(self._trim_quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _trim_quietly(self) -> None:
        try:
            await self._trim()
        except (EngineAway, EngineError, OSError) as error:
            log.warning("images could not be removed", why=str(error))

    async def _trim(self) -> None:
        async with self._trimming:
            free = await self._free()
            floor, budget = self._keeping.floor_bytes, self._keeping.budget_bytes
            missing = max(0, floor - free) if free is not None else 0
            if budget is None and not missing:
                self._tight = False
                return
            held, unused = await self._held()
            # Those in use stay, and their layers with them: the budget is for all of ours.
            keep = {image.id for image in held} - {image.id for image in unused}
            ages = [replace(image, used_at=float("inf")) if image.id in keep else image for image in held]
            chosen = choose(ages, budget_bytes=budget, missing_bytes=missing)
            removed = False
            for identity in chosen:
                if identity not in keep:
                    removed |= await self._remove(identity)
            if removed:
                await self._save()
            self._tight = any(identity in keep for identity in chosen)

    async def _held(self) -> tuple[list[Held], list[Held]]:
        """Return ours that are there, and those of them that nobody uses; forget those that are gone."""
        ours = self._state()
        listed = {str(found["Id"]): found for found in await self._engine.images()}
        used = {str(container.get("ImageID")) for container in await self._engine.containers([])}
        for gone in ours.keys() - listed.keys():
            del ours[gone]
            self._layers.pop(gone, None)
        held: list[Held] = []
        unused: list[Held] = []
        for identity, entry in ours.items():
            tags = {full_reference(tag) for tag in listed[identity].get("RepoTags") or [] if "<none>" not in tag}
            if tags - set(entry.names):
                continue  # somebody gave it a name of their own: theirs now
            image = Held(id=identity, used_at=entry.used_at, layers=await self._layers_of(identity))
            held.append(image)
            if identity not in used and not any(self._pins[name] for name in entry.names):
                unused.append(image)
        return held, unused

    async def _layers_of(self, identity: str) -> dict[str, int]:
        if identity not in self._layers:
            details = await self._engine.image(identity) or {}
            self._layers[identity] = layers_of(identity, details, await self._engine.history(identity))
        return self._layers[identity]

    async def _remove(self, identity: str) -> bool:
        """Remove one image by its names, never by force; whether it is gone."""
        ours = self._state()
        entry = ours[identity]
        async with self._removing:
            for name in entry.names:
                if self._pins[name]:
                    return False
                try:
                    await self._engine.remove_image(name)
                except EngineError as error:
                    log.info("an image stays", image=name, why=str(error))
                    return False
        del ours[identity]
        self._layers.pop(identity, None)
        log.info("removed an image that was not used for long", image=entry.names[0])
        return True

    async def _free(self) -> int | None:
        disk: Disk | None = await self._disk.measure()
        return disk.free_bytes if disk is not None else None

    def _touch(self, name: str) -> None:
        ours = self._state()
        for identity, entry in ours.items():
            if name in entry.names:
                ours[identity] = replace(entry, used_at=self._clock())

    def _state(self) -> dict[str, Ours]:
        if self._ours is None:
            self._ours = _read(self._keeping.state_file)
        return self._ours

    async def _save(self) -> None:
        document = {
            "version": 1,
            "images": {
                identity: {"names": list(entry.names), "used_at": entry.used_at}
                for identity, entry in self._state().items()
            },
        }
        await asyncio.to_thread(write_private, self._keeping.state_file, orjson.dumps(document).decode() + "\n")


def _read(path: Path) -> dict[str, Ours]:
    """What the file tells; a file that is gone or broken makes no image ours, so none is removed that might not be."""
    try:
        images = orjson.loads(path.read_bytes())["images"]
        return {
            str(identity): Ours(names=tuple(str(name) for name in entry["names"]), used_at=float(entry["used_at"]))
            for identity, entry in images.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("the list of pulled images cannot be read; they stay", file=str(path), why=str(error))
        return {}
