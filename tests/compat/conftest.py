"""The fixtures of `fixtures.py`, and a whole control plane with its HTTP interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from lilac.api.app import create_app
from tests.integration.control.stand import PASSWORD, Stand, open_stand
from tests.unit.api.fixtures import admin, empty_database, house, nobody

__all__ = ["admin", "api", "empty_database", "house", "nobody", "stand"]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
async def api(stand: Stand) -> AsyncIterator[httpx2.AsyncClient]:
    """The control plane by HTTP, as its administrator."""
    transport = httpx2.ASGITransport(create_app(stand.platform))
    async with httpx2.AsyncClient(transport=transport, base_url="http://lilac.test") as client:
        token = (await client.post("/auth/login", json={"username": "admin", "password": PASSWORD})).json()
        client.headers["Authorization"] = f"Bearer {token['access_token']}"
        yield client
