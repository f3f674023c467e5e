"""The part of a report that describes the machine: measured anew when it is older than half a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lilac import __version__
from lilac.agent.config import AgentConfig
from lilac.agent.gpus import GpuReader, legacy_word
from lilac.agent.inventory import Machine, measure
from lilac.model.resources import Gpu

FRESH_S = 30.0


class NodeDescription:
    def __init__(
        self,
        config: AgentConfig,
        *,
        fresh_s: float = FRESH_S,
        disk: Callable[[], Awaitable[Mapping[str, int] | None]] | None = None,
    ) -> None:
        self._disk = disk
        self._config = config
        self._fresh_s = fresh_s
        self._reader = GpuReader()
        self._described: Mapping[str, Any] = {}
        self._read_at = float("-inf")

    async def __call__(self) -> Mapping[str, Any]:
        """Return the fields of the report that are about the machine."""
        if time.monotonic() - self._read_at >= self._fresh_s:
            machine, gpus = await asyncio.to_thread(self._read)
            described = describe(self._config, machine, gpus)
            if self._disk is not None and (disk := await self._disk()) is not None:
                described["disk"] = disk
            self._described = described
            self._read_at = time.monotonic()
        return self._described

    def close(self) -> None:
        self._reader.close()

    def _read(self) -> tuple[Machine, tuple[Gpu, ...]]:
        return measure(), self._reader.read()


def describe(config: AgentConfig, machine: Machine, gpus: tuple[Gpu, ...]) -> dict[str, Any]:
    """Return the report's fields about the machine, for original servers and for ours.

    The CPU's manufacturer is always `Intel`: an original server's database refuses its other words.
    """
    healthy = [gpu for gpu in gpus if gpu.healthy]
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
        "gpus": [
            {"uuid": gpu.uuid, "model": gpu.model, "memory_mb": gpu.memory_mb, "healthy": gpu.healthy} for gpu in gpus
        ],
    }
