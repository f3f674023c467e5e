"""The disk of a container engine: where it keeps images and what containers write.

Known only where the engine's directory is on this machine; an engine elsewhere tells nothing about its disk.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from lilac.agent.docker_engine import DockerEngine, EngineAway, EngineError

PATIENCE_S = 2.0
_MIB = 1 << 20
_FULL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Disk:
    total_bytes: int
    free_bytes: int
    """What others than root may still write."""

    @property
    def is_full(self) -> bool:
        """Whether hardly anything can be written any more."""
        return self.free_bytes < _FULL_BYTES

    def report(self) -> dict[str, int]:
        """As the wire has it."""
        return {"total_mb": self.total_bytes // _MIB, "free_mb": self.free_bytes // _MIB}


class EngineDisk:
    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine
        self._directory: Path | None = None

    async def measure(self) -> Disk | None:
        """Return the disk as it is now, or None where it cannot be told."""
        if not self._engine.is_local:
            return None
        try:
            if self._directory is None:
                async with asyncio.timeout(PATIENCE_S):  # a report must not wait for an engine that hangs
                    self._directory = Path((await self._engine.info())["DockerRootDir"])
            return await asyncio.to_thread(measure, self._directory)
        except (EngineAway, EngineError, KeyError, TimeoutError):
            return None


def measure(directory: Path) -> Disk | None:
    """Return the disk that holds this directory, None if there is no such directory here."""
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
