"""Databases for the conformance suite: every test that takes `database` runs on each engine.

A PostgreSQL database is a copy of one that was migrated once, which takes a fraction of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lilac.store.database import Database
from tests.conformance.builders import Gate
from tests.fixtures.postgres import PostgresServer

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A migrated, empty PostgreSQL database to copy."""
    url = postgres_server.create_database()

    async def migrate() -> None:
        database = Database.open(url)
        await database.start()
        await database.close()

    asyncio.run(migrate())
    return url


@pytest.fixture(params=["sqlite", "memory", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with the schema, or without where it costs nothing to make it."""
    yield from _url(request, tmp_path)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """As `url`, of those that several can open and that stay when all have closed."""
    yield from _url(request, tmp_path)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database.open(url)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    gate = Gate()
    yield gate
    gate.release()


def _url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "memory":
        yield "sqlite://"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'lilac.db'}"
    else:
        template: str = request.getfixturevalue("postgres_template")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made = server.create_database(template)
        yield made
        server.drop_database(made)
