"""Fixtures around `House`, for several folders of tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from lilac.model.accounts import Role
from tests.unit.api.house import House, make_template, open_house


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    asyncio.run(make_template(path))
    return path


@pytest.fixture
async def house(empty_database: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(empty_database, tmp_path / "lilac.db") as opened:
        yield opened


@pytest.fixture
async def admin(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the key of an administrator named ada."""
    async with house.client(await house.add_key("ada", Role.ADMIN)) as client:
        yield client


@pytest.fixture
async def nobody(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a credential."""
    async with house.client() as client:
        yield client
