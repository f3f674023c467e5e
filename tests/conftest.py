"""Fixtures for all tests: real neighbours, made when first asked for and gone at the end.

| fixture | scope | what it gives |
| --- | --- | --- |
| `postgres_server` | session | PostgreSQL: `.create_database()` returns a URL; `.stop() .start() .restart() .kill()` |
| `docker_engine` | session | a Docker engine: `.host`, image names `.busybox` and `.python`, `.containers(label)` |
| `docker_daemon` | module | `(daemon, engine)`: an own `dockerd` that may be stopped, killed and started again |
| `netns_hosts` | function | three hosts on a network: `.run("a", …)`, `.popen("b", …)`, `.cut("c")`, `.heal()` |
| `free_port` | session | a function that returns a free TCP port |

Tests that use the first three carry the marks `postgres` and `docker` by themselves. What the machine lacks leads to a
skip with one line that says what to install (`tests.fixtures.requirement`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.fixtures import docker, network, ports, postgres
from tests.fixtures.requirement import Absent, skip

MARKS = {"postgres_server": "postgres", "docker_engine": "docker", "docker_daemon": "docker"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKS:
                item.add_marker(MARKS[fixture])


def pytest_configure() -> None:
    # Otherwise Python makes an event loop when pytest-asyncio looks for the present one, and a later `asyncio.run` in a
    # test that is not async drops that loop unclosed.
    asyncio.set_event_loop(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except Absent as absent:
        skip(absent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except Absent as absent:
        skip(absent)


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return ports.free_port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    with postgres.running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def docker_engine(request: pytest.FixtureRequest) -> Iterator[docker.DockerEngine]:
    parallel = request.config.pluginmanager.hasplugin("xdist")
    with docker.shared_engine(request.getfixturevalue("testrun_uid") if parallel else docker.fresh_id()) as engine:
        yield engine


@pytest.fixture(scope="module")
def docker_daemon() -> Iterator[tuple[docker.DockerDaemon, docker.DockerEngine]]:
    with docker.private_daemon() as daemon_and_engine:
        yield daemon_and_engine


@pytest.fixture
def netns_hosts() -> Iterator[network.NetnsHosts]:
    with network.netns_hosts() as hosts:
        yield hosts
