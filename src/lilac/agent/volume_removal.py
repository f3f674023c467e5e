"""Deletes the data of volumes that people have deleted, and tells the control plane when it is gone.

The control plane names such volumes with its list, until it has been told. Nothing else is ever deleted: a volume that
is merely unknown there stays. What a replica here still has is left alone until that replica is gone from the journal.
What cannot be deleted is tried again, ever more slowly, and said once in the log.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

import structlog

from lilac.agent.backoff import Backoff
from lilac.agent.volumes import DIRECTORY, name_of

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S = 60.0


class VolumeRemoval:
    """`elsewhere` delete a volume where an engine keeps it; `in_use` are the volumes that replicas here have."""

    def __init__(
        self,
        state_dir: Path,
        *,
        elsewhere: Sequence[Callable[[str], Awaitable[None]]] = (),
        in_use: Callable[[], Collection[str]] = lambda: (),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._directory = state_dir / DIRECTORY
        self._elsewhere = elsewhere
        self._in_use = in_use
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._removed: set[str] = set()

    def wanted(self, volume_ids: Collection[str]) -> None:
        """The control plane names these, and none else any more."""
        self._removed &= set(volume_ids)
        for gone in self._tasks.keys() - volume_ids:
            self._tasks.pop(gone).cancel()
        for volume_id in volume_ids:
            if volume_id not in self._tasks:
                self._tasks[volume_id] = asyncio.get_running_loop().create_task(self._remove(volume_id))

    def report(self) -> list[str]:
        """The volumes whose data is gone, for as long as the control plane asks for it."""
        return sorted(self._removed)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _remove(self, volume_id: str) -> None:
        backoff = Backoff(most_s=LONGEST_PAUSE_S)
        while True:
            try:
                if volume_id not in self._in_use():
                    for remove in self._elsewhere:
                        await remove(volume_id)
                    await asyncio.to_thread(_remove_directory, self._directory / name_of(volume_id))
                    break
            except Exception as error:
                if backoff.failures == 0:
                    log.warning("a deleted volume cannot be removed yet", volume=name_of(volume_id), why=str(error))
            await asyncio.sleep(backoff.next_s())
        log.info("removed a deleted volume", volume=name_of(volume_id))
        self._removed.add(volume_id)
        self._changed()


def _remove_directory(directory: Path) -> None:
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        if directory.exists():  # something within it went away meanwhile
            raise
