from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from lilac.agent.config import load
from lilac.agent.gpus import Reading, Use
from lilac.agent.metrics import MetricsPage
from lilac.model.errors import InvalidInput, Unavailable
from lilac.model.resources import Gpu

READING = Reading(
    (Gpu("GPU-a", "NVIDIA H100", 80_000), Gpu("MIG-1", "NVIDIA A100 MIG 1g.5gb", 4_864).failed("lost", lost=True)),
    {},
    {"GPU-a": Use(700, 55)},
)


def a_page(port: int = 0) -> MetricsPage:
    return MetricsPage(
        port,
        gpus=lambda: READING,
        replicas=lambda: [{"state": "running"}, {"state": "running"}, {"state": "failed"}],
        machine=lambda: {"cpu_millicores": 1500, "memory_mb": 900},
    )


async def test_the_page_tells_replicas_use_and_gpus_on_the_loopback_only() -> None:
    page = a_page()
    await page.open()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{page.port}/metrics") as reply:
            text = await reply.text()
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        assert lines['lilac_agent_replicas{state="running"}'] == "2.0"
        assert lines['lilac_agent_used{resource="cpu_millicores"}'] == "1500.0"
        assert lines['lilac_agent_gpu_healthy{gpu="GPU-a",model="NVIDIA H100"}'] == "1.0"
        assert lines['lilac_agent_gpu_healthy{gpu="MIG-1",model="NVIDIA A100 MIG 1g.5gb"}'] == "0.0"
        assert lines['lilac_agent_gpu_utilization_pct{gpu="GPU-a",model="NVIDIA H100"}'] == "55.0"
        with pytest.raises(Unavailable, match="metrics_port"):
            await a_page(page.port).open()
    finally:
        await page.close()


def test_a_port_is_set_by_file_or_environment_and_nothing_listens_without(tmp_path: Path) -> None:
    needed = {"LILAC_API_ENDPOINT": "http://x", "LILAC_CLUSTER_API_KEY": "k", "HOME": str(tmp_path)}
    assert load(environ=needed).metrics_port is None
    assert load(environ={**needed, "LILAC_AGENT_METRICS_PORT": "9400"}).metrics_port == 9400
    for wrong in ("0", "70000", "x", "-1"):
        with pytest.raises(InvalidInput):
            load(environ={**needed, "LILAC_AGENT_METRICS_PORT": wrong})
