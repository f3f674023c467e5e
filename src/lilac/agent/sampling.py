"""Samples what the machine and its replicas use, and sends it: one task, one walk over the machine at a time.

A new replica is looked at after a second, all of them and the machine every few seconds; the control plane says how
often. What cannot be sent is kept for some minutes and goes with the next call. A control plane that does not know
the call is asked again only much later. Samples are for people; nothing else depends on them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import psutil
import structlog

from lilac.agent.backoff import Backoff
from lilac.agent.gpus import Use
from lilac.agent.journal import Entry
from lilac.agent.measuring import Counters, of_container, of_sessions
from lilac.agent.runtime import Runtime
from lilac.model.clusters import RuntimeName
from lilac.model.errors import LilacError, NotFound
from lilac.model.ids import ReplicaKey

log = structlog.get_logger(__name__)

EVERY_S = 5.0
FIRST_AFTER_S = 1.0
UNKNOWN_CALL_PAUSE_S = 600.0
_MOST_KEPT = 5_000
_MOST_PER_CALL = 2_000
_MIB = 1 << 20


class UsageCalls(Protocol):
    async def usage(self, samples: Mapping[str, Any]) -> float: ...


class Sampler:
    """`running` gives the replicas that run, `use` the GPUs' last known use by uuid."""

    def __init__(
        self,
        control_plane: UsageCalls,
        *,
        running: Callable[[], list[tuple[Runtime, Entry]]],
        use: Callable[[], Mapping[str, Use]],
        every_s: float = EVERY_S,
    ) -> None:
        self._control_plane = control_plane
        self._running = running
        self._use = use
        self._every_s = every_s
        self._before: dict[ReplicaKey, tuple[float, Counters]] = {}
        self._pids: dict[ReplicaKey, int] = {}
        self._sampled: set[ReplicaKey] = set()
        self._node_before: tuple[float, float] | None = None
        self._node: deque[dict[str, Any]] = deque(maxlen=_MOST_KEPT)
        self._replicas: deque[dict[str, Any]] = deque(maxlen=_MOST_KEPT)
        self.latest_node: Mapping[str, Any] | None = None
        """The newest sample of the machine."""
        self._silent_until = float("-inf")
        self._pause = Backoff(first_s=5.0, most_s=60.0)
        self._send_again_at = float("-inf")

    async def run(self) -> None:
        """Sample and send until cancelled."""
        loop = asyncio.get_running_loop()
        self._sample_node()
        due = loop.time() + self._every_s
        while True:
            await asyncio.sleep(FIRST_AFTER_S)
            try:
                whole = loop.time() >= due
                if whole:
                    due = loop.time() + self._every_s
                await self.sample(whole=whole)
                if self._node or self._replicas:
                    await self._send()
            except Exception:
                log.exception("sampling failed")

    async def sample(self, *, whole: bool = True) -> None:
        """Look at all replicas and the machine, or only at the replicas that were not sampled yet."""
        running = self._running()
        keys = {entry.key for _, entry in running}
        self._before = {key: seen for key, seen in self._before.items() if key in keys}
        self._pids = {key: pid for key, pid in self._pids.items() if key in keys}
        self._sampled &= keys
        chosen = [(runtime, entry) for runtime, entry in running if whole or entry.key not in self._sampled]
        if chosen:
            for runtime, entry in chosen:
                if entry.key not in self._pids and (pid := await runtime.main_process(entry)) is not None:
                    self._pids[entry.key] = pid
            counters = await asyncio.to_thread(_count, [(runtime.name, e.key) for runtime, e in chosen], self._pids)
            now, use = time.time(), self._use()
            for _, entry in chosen:
                if (seen := counters.get(entry.key)) is not None:
                    self._take(entry, now, seen, use)
        if whole:
            self._sample_node()

    def _take(self, entry: Entry, now: float, seen: Counters, use: Mapping[str, Use]) -> None:
        before = self._before.get(entry.key)
        self._before[entry.key] = (now, seen)
        if before is None or now <= before[0]:
            return
        self._sampled.add(entry.key)
        uuids = entry.assignment.gpu_uuids
        self._replicas.append(
            {
                "job_id": entry.key.job_id,
                "attempt": entry.key.attempt,
                "rank": entry.key.rank,
                "at": round(now, 3),
                "cpu_millicores": round(max(0.0, seen.cpu_s - before[1].cpu_s) / (now - before[0]) * 1000),
                "memory_mb": seen.memory_bytes // _MIB,
                "gpus": [_gpu(uuid, use[uuid]) for uuid in uuids if uuid in use],
            }
        )

    def _sample_node(self) -> None:
        now, times = time.time(), psutil.cpu_times()
        busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        before, self._node_before = self._node_before, (now, busy)
        if before is None or now <= before[0]:
            return
        memory = psutil.virtual_memory()
        self.latest_node = {
            "at": round(now, 3),
            "cpu_millicores": round(max(0.0, busy - before[1]) / (now - before[0]) * 1000),
            "memory_mb": (memory.total - memory.available) // _MIB,
            "gpus": [_gpu(uuid, used) for uuid, used in self._use().items()],
        }
        self._node.append(dict(self.latest_node))

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            self._node.clear()
            self._replicas.clear()
            return
        if loop.time() < self._send_again_at:
            return
        node, replicas = list(self._node)[:_MOST_PER_CALL], list(self._replicas)[:_MOST_PER_CALL]
        try:
            self._every_s = await self._control_plane.usage({"node": node, "replicas": replicas})
        except NotFound as error:
            log.debug("the control plane takes no usage", why=str(error))
            self._silent_until = loop.time() + UNKNOWN_CALL_PAUSE_S
        except LilacError as error:
            log.debug("usage cannot be sent now", why=str(error))
            self._send_again_at = loop.time() + self._pause.next_s()
        else:
            self._pause.reset()
            for kept, sent in ((self._node, node), (self._replicas, replicas)):
                for _ in range(min(len(sent), len(kept))):
                    kept.popleft()


def _count(chosen: list[tuple[RuntimeName, ReplicaKey]], pids: Mapping[ReplicaKey, int]) -> dict[ReplicaKey, Counters]:
    sessions = {key: pids[key] for name, key in chosen if name is RuntimeName.PROCESS and key in pids}
    by_leader = of_sessions(sessions.values())
    found = {key: by_leader[leader] for key, leader in sessions.items() if leader in by_leader}
    for name, key in chosen:
        if name is RuntimeName.DOCKER and key in pids and (seen := of_container(pids[key])) is not None:
            found[key] = seen
    return found


def _gpu(uuid: str, used: Use) -> dict[str, Any]:
    return {"uuid": uuid, "utilization_pct": used.utilization_pct, "memory_mb": used.memory_mb}
