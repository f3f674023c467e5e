"""The part of a report that describes the machine, kept fresh by a look every few seconds.

A look that finds other limits, other hardware or another health of a GPU is told at once; between looks a report costs
no measuring.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from lilac import __version__
from lilac.agent.config import AgentConfig
from lilac.agent.devices import Devices
from lilac.agent.gpus import Reading, legacy_word
from lilac.agent.inventory import Machine, measure
from lilac.model.resources import Gpu
from lilac.model.surroundings import Feature

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
FEATURES = (
    Feature.ARGS,
    Feature.STOP_SIGNAL,
    Feature.SECRETS,
    Feature.VOLUMES,
    Feature.PORTS,
    Feature.EXCLUSIVE,
    Feature.LIMITS,
)
"""What this agent can do for jobs; a job that asks for more is not placed here."""


class NodeDescription:
    """Await it for the fields of the report that are about the machine. `changed` is called when a look found news."""

    def __init__(
        self,
        config: AgentConfig,
        devices: Devices,
        *,
        changed: Callable[[], None] = lambda: None,
        look_every_s: float = LOOK_EVERY_S,
        disk: Callable[[], Awaitable[Mapping[str, int | bool] | None]] | None = None,
        limits: bool = True,
    ) -> None:
        self._config = config
        self._devices = devices
        self._changed = changed
        self._look_every_s = look_every_s
        self._disk = disk
        self._limits = limits
        self._seen: tuple[Machine, tuple[Gpu, ...] | None, Mapping[str, str], bool] | None = None
        self._described: Mapping[str, Any] = {}

    async def __call__(self) -> Mapping[str, Any]:
        """Return the fields of the report that are about the machine."""
        if self._seen is None:
            await self.look()
        return self._described

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._look_every_s)
            try:
                if await self.look():
                    self._changed()
            except Exception:
                log.exception("measuring the machine failed")

    async def look(self) -> bool:
        """Measure the machine; whether anything is different from before."""
        machine, reading = await asyncio.gather(asyncio.to_thread(measure), self._devices.read())
        described = describe(self._config, machine, reading, limits=self._limits)
        if self._disk is not None and (disk := await self._disk()) is not None:
            described["disk"] = disk
        seen = (machine, reading.gpus, reading.drivers, bool(described.get("disk", {}).get("low")))
        news, self._seen = self._seen is not None and seen != self._seen, seen
        self._described = described
        return news

    def close(self) -> None:
        self._devices.close()


def describe(config: AgentConfig, machine: Machine, reading: Reading, *, limits: bool = True) -> dict[str, Any]:
    """Return the report's fields about the machine, for original servers and for ours.

    `limits` tells whether replicas are kept to what they asked for, whatever runs them.

    The CPU's manufacturer is always `Intel`: an original server's database refuses its other words.
    """
    healthy = [gpu for gpu in reading.gpus or () if gpu.healthy]
    return {
        "memory_info": machine.memory_mb,
        "cpu_info": {
            "manufacturer": "Intel",
            "architecture": machine.architecture,
            "millicores": machine.cpu_millicores,
        },
        "gpu_info": {
            "manufacturer": "Nvidia",
            "model": legacy_word(healthy[0].model),
            "count": len(healthy),
            "memory_mb": healthy[0].memory_mb,
        }
        if healthy
        else None,
        "job_info": None,
        "agent_version": __version__,
        "hostname": config.node_name,
        "runtimes": [str(name) for name in config.runtimes],
        "labels": dict(config.labels),
        "host_paths": list(config.allowed_host_paths),
        "features": [str(feature) for feature in FEATURES if limits or feature is not Feature.LIMITS],
        "gpus": [_gpu(gpu) for gpu in reading.gpus] if reading.gpus is not None else None,
        "drivers": reading.drivers,
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    details = {
        "problem": gpu.problem,
        "mig": gpu.mig,
        "parent": gpu.parent,
        "pci_bus_id": gpu.pci_bus_id,
        "compute_capability": gpu.compute_capability,
    }
    return {
        "uuid": gpu.uuid,
        "model": gpu.model,
        "memory_mb": gpu.memory_mb,
        "healthy": gpu.healthy,
        "lost": gpu.lost,
        **{name: value for name, value in details.items() if value is not None},
    }
