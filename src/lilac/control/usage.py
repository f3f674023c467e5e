"""What replicas and nodes use: taken from agents, kept for a while, asked for by time.

Agents send samples in a call of their own, apart from reports. Here they wait in memory for a moment and are written
by a background service, all together every few seconds, so that no submission ever waits for a row of usage of its own.
What was not written yet is lost when the process dies; nothing depends on it.

Fresh samples are kept for two hours, averages by the minute for `retention_s`, and the totals of each replica for good.
The more nodes there are, the less often each is asked to send: about a hundred calls in five seconds in all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from lilac.control.fleet import Fleet, Station
from lilac.model.errors import Conflict, Forbidden, InvalidInput, LilacError
from lilac.model.ids import ClusterId, JobId, NodeId, ReplicaKey
from lilac.store import usage as store
from lilac.store.database import Database, Transaction

FRESH_S = 2 * 3600
MOST_POINTS = 1_000
_FLUSH_EVERY_S = 5.0
_TOTALS_EVERY = 6
"""Flushes between two writings of totals."""
_THIN_OUT_EVERY_S = 60.0
_SAMPLE_EVERY_S = 5.0
_NOW_S = 60.0
"""A measurement older than this tells nothing of now."""
_NODES_AT_FULL_RATE = 100
_MOST_WAITING = 50_000
_log = structlog.get_logger("lilac.usage")


@dataclass(frozen=True, slots=True)
class GpuNow:
    load_pct: int | None
    memory_mb: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What somebody used at a moment (CPU: since the one before); of GPUs the mean load and the sum of memory."""

    at: int
    cpu_millicores: int
    memory_mb: int
    gpu_pct: float | None = None
    gpu_memory_mb: int | None = None
    gpus: Mapping[str, GpuNow] = field(default_factory=dict[str, GpuNow], compare=False)
    """Each of a node's GPUs by uuid, as far as it tells; this is not stored."""


@dataclass(slots=True)
class Totals:
    samples: int = 0
    cpu_sum: int = 0
    cpu_max: int = 0
    memory_max: int = 0
    gpu_samples: int = 0
    gpu_sum: float = 0.0
    gpu_memory_max: int = 0

    def add(self, one: Measurement) -> None:
        self.samples += 1
        self.cpu_sum += one.cpu_millicores
        self.cpu_max = max(self.cpu_max, one.cpu_millicores)
        self.memory_max = max(self.memory_max, one.memory_mb)
        self.gpu_memory_max = max(self.gpu_memory_max, one.gpu_memory_mb or 0)
        if one.gpu_pct is not None:
            self.gpu_samples += 1
            self.gpu_sum += one.gpu_pct

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one call of an agent brings."""

    node: Sequence[Measurement] = ()
    replicas: Sequence[tuple[ReplicaKey, Measurement]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time in steps of whole seconds."""

    since: int
    until: int
    step_s: int


@dataclass(slots=True)
class _Waiting:
    replicas: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    nodes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Usage:
    """The service behind the routes named usage; `run` writes and tidies."""

    def __init__(self, db: Database, clock: Callable[[], float], fleet: Fleet, *, retention_s: float) -> None:
        self._db = db
        self._clock = clock
        self._fleet = fleet
        self._retention_s = retention_s
        self._waiting = _Waiting()
        self._totals: dict[ReplicaKey, Totals] = {}
        self._flushes = 0
        self.latest: dict[NodeId, Measurement] = {}
        """The newest measurement of each node that speaks to this server."""

    def take(self, node_id: NodeId, cluster_id: ClusterId, sent: Sent) -> float:
        """Take samples of a node; return after how many seconds the next are welcome.

        Raises:
            Conflict: the node is not known (yet).
            Forbidden: it belongs to another cluster than the key.
        """
        station = self._fleet.get(node_id)
        if station is None:
            raise Conflict("The node is not known; report first.")
        if station.node.cluster_id != cluster_id:
            raise Forbidden("The node belongs to another cluster than this key.")
        now = self._clock()
        if len(self._waiting.replicas) + len(self._waiting.nodes) < _MOST_WAITING:
            held = _held_on(station) if sent.node else {}
            for one in sent.node:
                if _plausible(one, now):
                    self._waiting.nodes.append({"node_id": node_id, **_row(one), **held})
                    self.latest[node_id] = one
            for key, one in sent.replicas:
                if key in station.held and _plausible(one, now):
                    row = {"job_id": key.job_id, "attempt": key.attempt, "rank": key.rank, **_row(one)}
                    self._waiting.replicas.append(row)
                    self._totals.setdefault(key, Totals()).add(one)
        return _SAMPLE_EVERY_S * max(1.0, len(self._fleet.stations) / _NODES_AT_FULL_RATE)

    def gpus_now(self, node_id: NodeId) -> Mapping[str, GpuNow]:
        """What each GPU of a node does now; nothing of nodes that speak to another server, or not at all."""
        one = self.latest.get(node_id)
        return one.gpus if one is not None and self._clock() - one.at < _NOW_S else {}

    async def run(self) -> None:
        """Background service."""
        thinned_at = float("-inf")
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            try:
                await self.flush()
                if self._clock() - thinned_at >= _THIN_OUT_EVERY_S:
                    thinned_at = self._clock()
                    await self.tidy()
            except LilacError as error:
                _log.warning("usage could not be written", error=str(error))

    async def flush(self, *, everything: bool = False) -> None:
        """Write what waits. What cannot be written now is given up."""
        waiting, self._waiting = self._waiting, _Waiting()
        totals: dict[ReplicaKey, Totals] = {}
        self._flushes += 1
        if everything or self._flushes % _TOTALS_EVERY == 0:
            totals, self._totals = self._totals, {}
        if waiting.replicas or waiting.nodes or totals:
            await self._db.write(_write, waiting, totals)

    async def tidy(self) -> None:
        """Thin out what is not fresh any more, and drop what is too old."""
        now = self._clock()
        while await self._db.write(lambda tx: store.thin_out(tx.conn, before=int(now - FRESH_S))):
            pass
        await self._db.write(lambda tx: store.forget(tx.conn, before=int(now - self._retention_s)))

    async def of_job(self, job_id: JobId, attempt: int, rank: int | None, window: Window) -> list[dict[str, Any]]:
        return await self._db.read(store.job_series, job_id, attempt, rank, **_bounds(window))

    async def of_node(self, node_id: NodeId, window: Window) -> list[dict[str, Any]]:
        return await self._db.read(store.node_series, node_id, **_bounds(window))

    async def of_cluster(self, cluster_id: ClusterId, window: Window) -> list[dict[str, Any]]:
        return await self._db.read(store.cluster_series, cluster_id, **_bounds(window))

    async def totals(self, job_id: JobId) -> dict[tuple[int, int], dict[str, Any]]:
        """Peaks and means of a job's replicas by attempt and rank, with what is not written yet."""
        found: dict[tuple[int, int], Totals] = {}
        for row in await self._db.read(store.totals_of, job_id):
            values = {name: row[name] for name in Totals.__slots__}
            found[row["attempt"], row["rank"]] = Totals(**values)
        for key, more in self._totals.items():
            if key.job_id == job_id:
                known = found.setdefault((key.attempt, key.rank), Totals())
                for name in ("samples", "cpu_sum", "gpu_samples", "gpu_sum"):
                    setattr(known, name, getattr(known, name) + getattr(more, name))
                for name in ("cpu_max", "memory_max", "gpu_memory_max"):
                    setattr(known, name, max(getattr(known, name), getattr(more, name)))
        return {place: _shown(one) for place, one in found.items() if one.samples}

    def window(self, since: float | None, until: float | None, step_s: int | None) -> Window:
        """The stretch that was asked for: by default the last hour, in steps that make at most a few hundred points.

        Raises:
            InvalidInput: it ends before it begins, or has more than a thousand steps.
        """
        end = int(until if until is not None else self._clock()) + 1
        begin = int(since if since is not None else end - 3600)
        if end <= begin:
            raise InvalidInput("until must be later than since.", field="until")
        step = step_s if step_s is not None else max(5, -(-(end - begin) // 500))
        if (end - begin) / step > MOST_POINTS + 1:
            raise InvalidInput(
                f"step must be at least {-(-(end - begin) // MOST_POINTS)} for so long a time.", field="step"
            )
        return Window(since=begin, until=end, step_s=step)


def _write(tx: Transaction, waiting: _Waiting, totals: dict[ReplicaKey, Totals]) -> None:
    store.insert_samples(tx.conn, waiting.replicas, waiting.nodes)
    rows = [
        {"job_id": key.job_id, "attempt": key.attempt, "rank": key.rank, **one.values()}
        for key, one in sorted(totals.items())
    ]
    store.add_totals(tx.conn, rows)


def _row(one: Measurement) -> dict[str, Any]:
    return {
        "resolution_s": 0,
        "at": one.at,
        "samples": 1,
        "cpu_millicores": one.cpu_millicores,
        "memory_mb": one.memory_mb,
        "gpu_pct": one.gpu_pct,
        "gpu_memory_mb": one.gpu_memory_mb,
    }


def _held_on(station: Station) -> dict[str, int]:
    """What jobs hold of a node now, used or not. Samples are sent about when they are taken."""
    asked = [held.spec.resources for held in station.held.values()]
    return {
        "allocated_millicores": sum(each.cpu_millicores for each in asked),
        "allocated_memory_mb": sum(each.memory_mb for each in asked),
        "allocated_gpus": sum(len(held.replica.gpu_uuids) for held in station.held.values()),
    }


def _plausible(one: Measurement, now: float) -> bool:
    """Whether it is of about now: a node whose clock is far off would write into another time."""
    return now - 3600 < one.at < now + 300


def _bounds(window: Window) -> dict[str, int]:
    return {"since": window.since, "until": window.until, "step_s": window.step_s}


def _shown(one: Totals) -> dict[str, Any]:
    with_gpus = one.gpu_samples > 0
    return {
        "cpu_millicores_mean": round(one.cpu_sum / one.samples),
        "cpu_millicores_max": one.cpu_max,
        "memory_mb_max": one.memory_max,
        "gpu_utilization_pct_mean": round(one.gpu_sum / one.gpu_samples, 1) if with_gpus else None,
        "gpu_memory_mb_max": one.gpu_memory_max if with_gpus or one.gpu_memory_max else None,
    }
