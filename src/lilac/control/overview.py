"""The state of everything in a few figures, for the first page that somebody looks at.

What is now comes from memory and from the indexed counts of jobs. What ended lately comes from the history: it is
counted into buckets of ten minutes by owner once, from the last day on, and from then on only what is new is read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from lilac.control.jobs import Jobs
from lilac.control.principals import Principal
from lilac.control.projection import Projection
from lilac.control.times import rfc3339
from lilac.model.accounts import Role
from lilac.model.events import EventKind
from lilac.model.states import JobState, NodeState
from lilac.store import events as event_store
from lilac.store.database import Database
from lilac.store.listing import JobFilter

LATELY_S = 86_400
_BUCKET_S = 600
_OPEN = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
_ENDS = {
    EventKind.JOB_SUCCEEDED: "succeeded",
    EventKind.JOB_FAILED: "failed",
    EventKind.JOB_CANCELLED: "cancelled",
}


class Overview:
    """The service behind `/overview`."""

    def __init__(self, db: Database, clock: Callable[[], float], projection: Projection, jobs: Jobs) -> None:
        self._db = db
        self._clock = clock
        self._projection = projection
        self._jobs = jobs
        self._ended: Counter[tuple[int, str, str]] = Counter()
        """How many jobs ended, by bucket of time, kind and owner."""
        self._read_to: int | None = None
        self._one_at_a_time = asyncio.Lock()

    async def for_person(self, principal: Principal) -> dict[str, Any]:
        """Jobs that the caller may see, counted, and the machines."""
        states = await self._jobs.summary(principal, JobFilter(states=_OPEN))
        ended = await self._ended_lately(principal)
        return {
            "at": rfc3339(self._clock()),
            "jobs": {
                "waiting": states[JobState.QUEUED],
                "starting": states[JobState.STARTING],
                "running": states[JobState.RUNNING],
            },
            "last_day": {word: ended[word] for word in _ENDS.values()},
            **self._machines(),
        }

    def _machines(self) -> dict[str, Any]:
        nodes = Counter[str]()
        total, used = Counter[str](), Counter[str]()
        unhealthy = 0
        for station in self._projection.fleet.stations.values():
            node, inventory = station.node, station.node.inventory
            if node.state is NodeState.LOST:
                nodes["lost"] += 1
                continue
            nodes["draining" if node.cordoned else "busy" if station.held else "available"] += 1
            total.update(cpu_millicores=inventory.cpu_millicores, memory_mb=inventory.memory_mb)
            total.update(gpus=len(inventory.gpus))
            unhealthy += sum(not gpu.healthy for gpu in inventory.gpus)
            for held in station.held.values():
                asked = held.spec.resources
                used.update(cpu_millicores=asked.cpu_millicores, memory_mb=asked.memory_mb)
                used.update(gpus=len(held.replica.gpu_uuids))
        return {
            "nodes": {word: nodes[word] for word in ("available", "busy", "draining", "lost")},
            "capacity": {word: total[word] for word in ("cpu_millicores", "memory_mb", "gpus")},
            "allocated": {word: used[word] for word in ("cpu_millicores", "memory_mb", "gpus")},
            "unhealthy_gpus": unhealthy,
        }

    async def _ended_lately(self, principal: Principal) -> Counter[str]:
        now = self._clock()
        async with self._one_at_a_time:
            self._read_to, fresh = await self._db.read(_ends_after, self._read_to, now - LATELY_S)
            self._ended.update(fresh)
            oldest = int((now - LATELY_S) // _BUCKET_S)
            self._ended = Counter({key: count for key, count in self._ended.items() if key[0] > oldest})
        lately = Counter[str]()
        for (_, kind, owner_id), count in self._ended.items():
            if principal.role is not Role.MEMBER or owner_id == principal.user_id:
                lately[_ENDS[EventKind(kind)]] += count
        return lately


def _ends_after(conn: Connection, after: int | None, since: float) -> tuple[int, dict[tuple[int, str, str], int]]:
    """The newest number, and the ends of jobs after a number; at first those since a time."""
    newest = event_store.last_seq(conn)
    begin = event_store.last_before(conn, since) if after is None else after
    return newest, event_store.count_by_time(conn, begin, newest, tuple(_ENDS), bucket_s=_BUCKET_S)
