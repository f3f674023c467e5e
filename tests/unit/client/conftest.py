from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from standin import USER_KEY, StandIn, furnish

from lilac.client import Client


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn().running() as server:
        yield furnish(server)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[Client]:
    with Client(stand_in.url, USER_KEY) as client:
        yield client
