from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.agent.agent_stand import Agent, FakeControlPlane


@pytest.fixture
async def control_plane() -> AsyncIterator[FakeControlPlane]:
    fake = FakeControlPlane()
    await fake.up()
    yield fake
    await fake.down()
    assert fake.faults == []


@pytest.fixture
async def agent(control_plane: FakeControlPlane, tmp_path: Path) -> AsyncIterator[Agent]:
    handle = Agent(control_plane, tmp_path / "state")
    await handle.start()
    yield handle
    await handle.clean_up()
    assert "Traceback" not in handle.log, handle.log
