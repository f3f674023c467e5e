"""The control plane that every test here begins with, and its HTTP interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from lilac.api.app import create_app
from lilac.control.principals import Principal
from tests.integration.control.stand import Stand, open_stand

Clients = Callable[[Principal | str | None], Awaitable[httpx2.AsyncClient]]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[Clients]:
    """Makes clients: of a person, with a credential, or of nobody."""
    app = create_app(stand.platform)
    made: list[httpx2.AsyncClient] = []

    async def make(who: Principal | str | None) -> httpx2.AsyncClient:
        key = (await stand.platform.accounts.keys.create(who)).text if isinstance(who, Principal) else who
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        made.append(
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://lilac.test", headers=headers)
        )
        return made[-1]

    yield make
    for one in made:
        await one.aclose()
