"""Figures for Prometheus: what happened is counted as it happens, what is the case is read when somebody asks.

A scrape touches memory only, and costs by nodes, running jobs and queues, never by history. Counters and histograms
begin anew with each process, as Prometheus expects; with several servers each tells what it did itself.

`GAUGES` and `COUNTED` are the whole list; the reference is made from them.
"""

from __future__ import annotations

import platform as machine
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

import lilac
from lilac.model.events import Event, EventKind
from lilac.model.ids import QueueId
from lilac.model.states import NodeState

if TYPE_CHECKING:
    from lilac.control.platform import Platform

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WAITS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
_PLANS_S = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
_REQUESTS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_STALE_S = 300.0
"""A sample this old says nothing about now."""
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

_ENDS = {
    EventKind.JOB_SUCCEEDED: "succeeded",
    EventKind.JOB_FAILED: "failed",
    EventKind.JOB_CANCELLED: "cancelled",
}

Values = Iterator[tuple[Sequence[str], float]]


@dataclass(frozen=True, slots=True)
class Read:
    """A figure that is read at each scrape."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    read: Callable[[Platform], Values]
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure that is counted as things happen; with `buckets` a histogram."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = field(default=())


COUNTED: tuple[Counted, ...] = (
    Counted("lilac_events", "Events of the history, by kind.", ("kind",)),
    Counted("lilac_jobs_submitted", "Jobs submitted.", ("queue",)),
    Counted("lilac_jobs_started", "Attempts of jobs that were given their places."),
    Counted("lilac_jobs_requeued", "Attempts that failed and are tried again, by reason.", ("reason",)),
    Counted("lilac_jobs_ended", "Jobs that ended, by how.", ("state", "queue")),
    Counted("lilac_job_wait_seconds", "From submission to the first places.", (), _WAITS_S),
    Counted("lilac_job_start_seconds", "From submission to running, of first attempts.", (), _WAITS_S),
    Counted("lilac_plan_seconds", "Duration of one pass of the scheduler.", (), _PLANS_S),
    Counted("lilac_commit_operations", "Writes that shared one commit.", (), _SIZES),
    Counted("lilac_log_bytes", "Output of jobs taken from agents."),
    Counted("lilac_http_requests", "Requests answered, by route and status.", ("method", "route", "status")),
    Counted(
        "lilac_http_request_seconds",
        "Time to the reply, by route; without those that wait on purpose.",
        ("method", "route"),
        _REQUESTS_S,
    ),
)

WAITING_ROUTES = frozenset(
    {
        "/node/{node_id}/status",
        "/training_jobs/{job}/wait",
        "/training_jobs/{job}/logs",
        "/events",
    }
)
"""Routes whose replies may wait for something to happen; only counted."""


class Metrics:
    """One per process. `generate` gives the page."""

    def __init__(self) -> None:
        disable_created_metrics()  # the time of the first of each kind is of no use here, and doubles the page
        self._registry = CollectorRegistry()
        self._counted: dict[str, Any] = {}
        for one in COUNTED:
            kind: Any = Histogram if one.buckets else Counter
            more = {"buckets": one.buckets} if one.buckets else {}
            self._counted[one.name] = kind(one.name, one.meaning, one.labels, registry=self._registry, **more)
        self.cluster_names: Mapping[str, str] = {}
        """Names of clusters by id, as of the last scrape."""
        self._platform: Platform | None = None
        self._plans: Any = self._counted["lilac_plan_seconds"]
        self._commits: Any = self._counted["lilac_commit_operations"]

    def watch(self, platform: Platform) -> None:
        """Read the platform's state at each scrape from now on."""
        self._platform = platform
        self._registry.register(_State(platform))

    def generate(self) -> bytes:
        return generate_latest(self._registry)

    def take_events(self, events: Sequence[Event]) -> None:
        """Count committed events."""
        for (kind, queue_id), count in Tally((event.kind, event.queue_id) for event in events).items():
            self._counted["lilac_events"].labels(str(kind)).inc(count)
            if kind is EventKind.JOB_SUBMITTED:
                self._counted["lilac_jobs_submitted"].labels(self._queue_name(queue_id)).inc(count)
            elif kind is EventKind.JOB_ASSIGNED:
                self._counted["lilac_jobs_started"].inc(count)
            elif kind in _ENDS:
                self._counted["lilac_jobs_ended"].labels(_ENDS[kind], self._queue_name(queue_id)).inc(count)
        for event in events:
            if event.kind is EventKind.JOB_ASSIGNED:
                self._first(event, "lilac_job_wait_seconds")
            elif event.kind is EventKind.JOB_RUNNING:
                self._first(event, "lilac_job_start_seconds")
            elif event.kind is EventKind.JOB_REQUEUED:
                self._counted["lilac_jobs_requeued"].labels(str(event.data.get("reason", ""))).inc()

    def planned(self, seconds: float) -> None:
        self._plans.observe(seconds)

    def committed(self, operations: int) -> None:
        self._commits.observe(operations)

    def logged(self, size: int) -> None:
        self._counted["lilac_log_bytes"].inc(size)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one reply; `route` is the template of the path."""
        self._counted["lilac_http_requests"].labels(method, route, str(status)).inc()
        if route not in WAITING_ROUTES:
            self._counted["lilac_http_request_seconds"].labels(method, route).observe(seconds)

    def _queue_name(self, queue_id: QueueId | None) -> str:
        queues = self._platform.projection.queues if self._platform is not None else {}
        queue = queues.get(str(queue_id))
        return queue.name if queue is not None else ""

    def _first(self, event: Event, name: str) -> None:
        submitted_at = event.data.get("submitted_at")
        if event.data.get("attempt") == 1 and isinstance(submitted_at, int | float):
            self._counted[name].observe(max(0.0, event.at - submitted_at))


class _State(Collector):
    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def describe(self) -> Iterable[Any]:
        return ()

    def collect(self) -> Iterable[Any]:
        for one in GAUGES:
            kind = CounterMetricFamily if one.counter else GaugeMetricFamily
            family = kind(one.name, one.meaning, labels=one.labels)
            for labels, value in one.read(self._platform):
                family.add_metric(list(labels), value)
            yield family


def _waiting(platform: Platform) -> Values:
    projection = platform.projection
    for queue in projection.queues.values():
        yield (queue.name,), projection.board.waiting_in(queue.id)


def _holding(platform: Platform) -> Values:
    """Jobs with an attempt that holds resources, by what people see."""
    names = {queue.id: queue.name for queue in platform.projection.queues.values()}
    tally: Tally[tuple[str, str]] = Tally()
    for job in platform.projection.board.running_jobs():
        state = "stopping" if job.stopping else "starting" if job.started_at is None else "running"
        tally[state, names.get(job.queue_id, "")] += 1
    yield from sorted(tally.items())


def _nodes(platform: Platform) -> Values:
    names = dict(platform.metrics.cluster_names)
    tally: Tally[tuple[str, str]] = Tally()
    for station in platform.projection.fleet.stations.values():
        node = station.node
        busy = node.state is NodeState.AVAILABLE and bool(station.held)
        tally[names.get(node.cluster_id, node.cluster_id), str(NodeState.BUSY if busy else node.state)] += 1
    yield from sorted(tally.items())


def _capacity(platform: Platform) -> Values:
    total: Tally[tuple[str, str]] = Tally()
    for station in platform.projection.fleet.stations.values():
        if station.node.state is not NodeState.LOST:
            inventory = station.node.inventory
            cluster = platform.metrics.cluster_names.get(station.node.cluster_id, station.node.cluster_id)
            total[cluster, "cpu_millicores"] += inventory.cpu_millicores
            total[cluster, "memory_mb"] += inventory.memory_mb
            total[cluster, "gpus"] += sum(gpu.healthy for gpu in inventory.gpus)
    yield from sorted(total.items())


def _allocated(platform: Platform) -> Values:
    total: Tally[tuple[str, str]] = Tally()
    for station in platform.projection.fleet.stations.values():
        cluster = platform.metrics.cluster_names.get(station.node.cluster_id, station.node.cluster_id)
        for held in station.held.values():
            need = held.spec.resources
            total[cluster, "cpu_millicores"] += need.cpu_millicores
            total[cluster, "memory_mb"] += need.memory_mb
            total[cluster, "gpus"] += len(held.replica.gpu_uuids)
    yield from sorted(total.items())


def _used(platform: Platform) -> Values:
    for node_id, one in list(platform.usage.latest.items()):
        name = platform.projection.fleet.node_name(node_id)
        if name is not None and one.at > platform.clock() - _STALE_S:
            yield (name, "cpu_millicores"), one.cpu_millicores
            yield (name, "memory_mb"), one.memory_mb
            if one.gpu_memory_mb is not None:
                yield (name, "gpu_memory_mb"), one.gpu_memory_mb
            if one.gpu_pct is not None:
                yield (name, "gpu_utilization_pct"), round(one.gpu_pct, 1)


def _unhealthy_gpus(platform: Platform) -> Values:
    for station in platform.projection.fleet.stations.values():
        gpus = station.node.inventory.gpus
        if gpus:
            yield (station.node.name, "lost"), sum(gpu.lost for gpu in gpus)
            yield (station.node.name, "unhealthy"), sum(not gpu.healthy and not gpu.lost for gpu in gpus)


def _one(value: Callable[[Platform], float]) -> Callable[[Platform], Values]:
    def read(platform: Platform) -> Values:
        yield (), value(platform)

    return read


def _leads(platform: Platform) -> float:
    return float(platform.lead.leads)


def _build(platform: Platform) -> Values:
    yield (lilac.__version__, machine.python_version(), platform.db.engine_name), 1


GAUGES: tuple[Read, ...] = (
    Read("lilac_build_info", "Always 1.", ("version", "python", "database"), _build),
    Read("lilac_jobs_waiting", "Jobs that wait, by queue.", ("queue",), _waiting),
    Read("lilac_jobs_holding", "Attempts that hold resources, by state.", ("state", "queue"), _holding),
    Read("lilac_nodes", "Nodes by state.", ("cluster", "state"), _nodes),
    Read("lilac_capacity", "What live nodes have; of GPUs the healthy ones.", ("cluster", "resource"), _capacity),
    Read("lilac_allocated", "What jobs hold.", ("cluster", "resource"), _allocated),
    Read("lilac_node_used", "What machines use, as last sampled.", ("node", "resource"), _used),
    Read("lilac_gpus_failed", "GPUs that get nothing new.", ("node", "state"), _unhealthy_gpus),
    Read("lilac_agent_polls_open", "Agents that wait for their lists now.", (), _one(lambda p: p.nodes.open_polls)),
    Read("lilac_commits", "Transactions committed.", (), _one(lambda p: p.db.commits), counter=True),
    Read("lilac_ready", "1 while the server takes work.", (), _one(lambda p: float(p.ready))),
    Read("lilac_leader", "1 where this server schedules.", (), _one(_leads)),
)
