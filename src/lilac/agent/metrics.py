"""The agent's own figures for Prometheus, on this machine's loopback only, and only where a port for them is set.

Everything is read when it is asked for, from what the agent knows anyway.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lilac import __version__
from lilac.agent.gpus import Reading
from lilac.model.errors import Unavailable

HOST = "127.0.0.1"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsPage:
    """Serves `GET /metrics` between `open` and `close`."""

    def __init__(
        self,
        port: int,
        *,
        gpus: Callable[[], Reading],
        replicas: Callable[[], Iterable[Mapping[str, Any]]],
        machine: Callable[[], Mapping[str, Any] | None],
    ) -> None:
        self._port = port
        self._registry = CollectorRegistry()
        self._registry.register(_State(gpus, replicas, machine))
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port in use; where 0 was asked for, the one that was free."""
        return self._port

    async def open(self) -> None:
        """Raises `Unavailable` if the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self._port).start()
        except OSError as error:
            await self.close()
            raise Unavailable(
                f"Cannot serve metrics on {HOST}:{self._port}: {error.strerror}. Set metrics_port to a free port."
            ) from None
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE})


class _State(Collector):
    def __init__(
        self,
        gpus: Callable[[], Reading],
        replicas: Callable[[], Iterable[Mapping[str, Any]]],
        machine: Callable[[], Mapping[str, Any] | None],
    ) -> None:
        self._gpus = gpus
        self._replicas = replicas
        self._machine = machine

    def describe(self) -> Iterable[Any]:
        return ()

    def collect(self) -> Iterable[Any]:
        build = GaugeMetricFamily("lilac_agent_build_info", "Always 1.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build
        replicas = GaugeMetricFamily("lilac_agent_replicas", "Replicas held, by state.", labels=("state",))
        for state, count in sorted(Tally(str(told["state"]) for told in self._replicas()).items()):
            replicas.add_metric((state,), count)
        yield replicas
        used = GaugeMetricFamily("lilac_agent_used", "What the machine uses, as last sampled.", labels=("resource",))
        sample = self._machine()
        if sample is not None:
            for name in ("cpu_millicores", "memory_mb"):
                used.add_metric((name,), sample[name])
        yield used
        yield from self._of_gpus()

    def _of_gpus(self) -> Iterable[Any]:
        reading = self._gpus()
        labels = ("gpu", "model")
        healthy = GaugeMetricFamily("lilac_agent_gpu_healthy", "1 for a healthy GPU or MIG device.", labels=labels)
        memory = GaugeMetricFamily("lilac_agent_gpu_memory_mb", "Memory in use, in MiB.", labels=labels)
        load = GaugeMetricFamily("lilac_agent_gpu_utilization_pct", "Load, where the driver tells it.", labels=labels)
        for gpu in reading.gpus or ():
            healthy.add_metric((gpu.uuid, gpu.model), float(gpu.healthy))
            use = reading.use.get(gpu.uuid)
            if use is not None:
                memory.add_metric((gpu.uuid, gpu.model), use.memory_mb)
                if use.utilization_pct is not None:
                    load.add_metric((gpu.uuid, gpu.model), use.utilization_pct)
        yield from (healthy, memory, load)
