"""What is proved after each step: architecture section 11, from the history, the rows, the memory and the machines.

* every event since the last step goes through `tests.fixtures.history`, over all lives of the control plane;
* rows of jobs and live replicas say what the history says;
* every few steps the rows are judged by themselves, and board and fleet must equal what a fresh start would build;
* output that was told to be complete is never longer, or another, later: who followed it to its end has all of it;
* `Truth`, which the machines tell what they really run: no replica runs twice at the same time, a GPU is used by one
  replica, no two attempts of an `exclusive` job run at the same instant anywhere, and nothing begins to run of an
  attempt that was given out after the job had ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from lilac.control import rebuilding
from lilac.model.ids import ReplicaKey
from tests.fixtures.history import History, check_rows, events_of_connection, lost
from tests.fixtures.invariants import wrong_memory, wrong_rows
from tests.sim.plane import Plane

_WHOLE_EVERY = 10


class Truth:
    """What really runs, as the machines tell it."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.running: dict[tuple[str, ReplicaKey], tuple[str, ...]] = {}
        self.shipped: dict[ReplicaKey, int] = {}
        """How many bytes of output of replicas that ended the control plane has taken, by its own word."""
        self.begun = 0

    def begins(self, machine: str, key: ReplicaKey, gpus: tuple[str, ...], *, exclusive: bool = False) -> None:
        self.begun += 1
        for (where, other), used in self.running.items():
            if other == key and key.attempt:
                self.wrong.append(f"replica {key} begins on {machine} while it runs on {where}")
            if set(gpus) & set(used):
                self.wrong.append(f"replica {key} begins on {machine} with GPUs {gpus} while {other} uses {used}")
            if exclusive and other.job_id == key.job_id and other.attempt != key.attempt:
                self.wrong.append(f"exclusive: {key} begins on {machine} while {other} runs on {where}")
        self.running[(machine, key)] = gpus

    def ends(self, machine: str, key: ReplicaKey) -> None:
        self.running.pop((machine, key), None)

    def has_shipped(self, key: ReplicaKey, size: int) -> None:
        self.shipped[key] = max(size, self.shipped.get(key, 0))


class Proof:
    """One for the whole simulation."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.truth = Truth()
        self.history = History(gapless=True)
        self.acknowledged: dict[str, None] = {}
        self.events: list[dict[str, Any]] = []
        self._complete: dict[Path, int] = {}
        """Streams of output that have ended, and how long they were when that was first seen."""
        self._steps = 0

    def step(self, *, whole: bool = False) -> list[dict[str, Any]]:
        """Look at everything that is new; the new events. Raises `AssertionError` with all that is wrong."""
        self._steps += 1
        found = [*self.plane.wrong, *self.truth.wrong]
        fresh: list[dict[str, Any]] = []
        if self.plane.up:
            with self.plane.connection() as conn:
                fresh = list(events_of_connection(conn, after=self.history.seq))
                self.history.take_all(fresh)
                found += [*self.history.wrong, *check_rows(conn, self.history)]
                found += [f"job {job} was acknowledged and is lost" for job in lost(self.history, self.acknowledged)]
                if whole or self._steps % _WHOLE_EVERY == 0:
                    found += self._whole(conn)
            found += self._changed_output()
        self.events += fresh
        assert not found, "\n".join(found)
        return fresh

    def _changed_output(self) -> Iterable[str]:
        for mark in self.plane.settings.resolved_log_dir.glob("*/*/*/end"):
            size = sum(segment.stat().st_size for segment in mark.parent.glob("0*"))
            if self._complete.setdefault(mark.parent, size) != size:
                yield f"output of {mark.parent.parent.name} {mark.parent.name} was complete and has changed since"

    def _whole(self, conn: Connection) -> Iterable[str]:
        return [
            *wrong_rows(conn, machines_shrink=True),
            *wrong_memory(self.plane.platform.projection, rebuilding.load(conn)),
        ]
