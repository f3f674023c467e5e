"""A node whose call waits is in good health, however short the silence is after which a node counts as lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lilac.control.platform import Platform
from lilac.control.settings import Settings
from tests.integration.control.stand import FakeAgent, Stand, open_stand


async def test_a_call_waits_for_less_than_the_silence_after_which_the_node_is_lost(tmp_path: Path) -> None:
    async with open_stand(tmp_path) as stand:
        await _with_lost_after(stand, 0.8)
        agent = FakeAgent(stand)
        await agent.beat()
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(20):
            reply = await agent.send(agent.body(wait_s=30))
        assert reply["revision"] == agent.revision
        assert 0.5 < asyncio.get_running_loop().time() - began < 15


async def _with_lost_after(stand: Stand, seconds: float) -> None:
    await stand.platform.stop()
    settings = Settings(data_dir=stand.settings.data_dir, node_lost_after_s=seconds)
    stand.platform = stand.invariants.platform = Platform(settings, stand.clock)
    await stand.platform.start()
