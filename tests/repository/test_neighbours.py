"""The fixtures that other tests stand on do what they say."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import psycopg

from tests.fixtures.docker import DockerDaemon, DockerEngine
from tests.fixtures.network import NetnsHosts
from tests.fixtures.postgres import PostgresServer


def test_a_database_survives_the_server_being_killed(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE a AS SELECT 1 AS x")
    url = postgres_server.create_database(template=template)
    postgres_server.kill()
    postgres_server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT x FROM a").fetchone() == (1,)
    postgres_server.drop_database(url)


def test_images_of_this_machine_run(docker_engine: DockerEngine) -> None:
    for image, command in ((docker_engine.busybox, ["true"]), (docker_engine.python, ["python3", "-c", "import ssl"])):
        status, body = run(docker_engine, image, command)
        assert (status, body) == (0, b"")


def test_containers_outlive_their_engine(docker_daemon: tuple[DockerDaemon, DockerEngine]) -> None:
    daemon, engine = docker_daemon
    container = start(engine, engine.busybox, ["sleep", "1000"])
    daemon.kill()
    assert daemon.pid is None
    daemon.start()
    assert [c["State"] for c in engine.containers("lilac-test") if c["Id"] == container] == ["running"]


def test_a_host_can_be_cut_off_and_comes_back(netns_hosts: NetnsHosts, free_port: Callable[[], int]) -> None:
    server = ["python3", "-m", "http.server", "80", "--bind", netns_hosts.address("a")]
    netns_hosts.popen("a", *server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def reachable() -> bool:
        line = f"import socket; socket.create_connection(('{netns_hosts.address('a')}', 80), 1)"
        return netns_hosts.run("b", "python3", "-c", line, check=False).returncode == 0

    eventually(reachable)
    netns_hosts.cut("a")
    assert not reachable()
    netns_hosts.heal()
    eventually(reachable)
    netns_hosts.mute("a", "b")
    assert not reachable()
    netns_hosts.heal()
    netns_hosts.reset("b", "a")
    assert not reachable()
    assert free_port() != free_port()


def start(engine: DockerEngine, image: str, command: list[str]) -> str:
    return engine.start_container(image, command, labels={"lilac-test": "1"})


def run(engine: DockerEngine, image: str, command: list[str]) -> tuple[int, bytes]:
    container = start(engine, image, command)
    status = engine.wait_container(container)
    output = engine.request("GET", f"/containers/{container}/logs?stdout=1&stderr=1")[1]
    engine.request("DELETE", f"/containers/{container}?force=1")
    return status, output


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not come to pass in 30 s"
