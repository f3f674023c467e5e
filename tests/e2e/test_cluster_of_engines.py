"""Three machines, each with a network and a Docker engine of its own: one cut off, one whose agent is killed.

What runs is told by the engines themselves (`tests.fixtures.engine_watch`), what is recorded by the history, which the
checker goes over that all tests of faults share. Half of the jobs are `exclusive`, and stubborn: they do not care about
SIGTERM, so only the guardian beside each of them ends it in time on a machine that nobody can reach.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.diaries import check_diaries, check_output
from tests.fixtures.docker import DockerEngine, private_daemon
from tests.fixtures.engine_watch import EngineWatch
from tests.fixtures.history import History, check_api, events_of_api
from tests.fixtures.network import HOSTS, NetnsHosts
from tests.fixtures.platform import Agent, Api, Server, eventually

pytestmark = pytest.mark.xdist_group("docker")

COUNTING = "trap '' TERM; n=0; while [ $n -lt {} ]; do echo line $n; n=$((n+1)); sleep 0.2; done; echo end $n"
A_THIRD = {"cpu_millicores": 1000 * (os.cpu_count() or 1) // 3, "memory_mb": 16, "gpus": None}
"""Of a node, so that all nodes get work."""
CUTS: dict[str, Callable[[NetnsHosts], None]] = {
    "silence": lambda hosts: hosts.cut("b"),
    "one way": lambda hosts: hosts.mute("b", "a"),
    "resets": lambda hosts: hosts.reset("b", "a"),
}
SETTINGS = {"LILAC_NODE_LOST_AFTER_S": "6", "LILAC_LEASE_S": "4"}


@pytest.fixture
def engines(netns_hosts: NetnsHosts) -> Iterator[dict[str, DockerEngine]]:
    with contextlib.ExitStack() as stack:
        yield {h: stack.enter_context(private_daemon(netns=netns_hosts.namespace(h)))[1] for h in HOSTS}


@pytest.fixture
def cluster(
    netns_hosts: NetnsHosts, engines: dict[str, DockerEngine], tmp_path: Path
) -> Iterator[tuple[Api, dict[str, Agent]]]:
    """A control plane on `a`, and an agent beside each engine."""
    hosts = netns_hosts
    place = {"host": hosts.address("a"), "prefix": hosts.command("a")}
    with hosts.inside("a"), Server(tmp_path / "server", settings=SETTINGS, **place) as server:
        key = server.api.cluster_key()
        agents: dict[str, Agent] = {}
        try:
            for host, engine in engines.items():
                agents[host] = Agent(
                    tmp_path / host,
                    server.address,
                    key,
                    name=host,
                    runtimes=("docker",),
                    env={"DOCKER_HOST": engine.host},
                    prefix=hosts.command(host),
                ).start()
            eventually(lambda: len(_nodes(server.api)) == len(HOSTS), 60, "three nodes to have joined")
            yield server.api, agents
        finally:
            hosts.heal()
            for agent in agents.values():
                if agent.process is not None and agent.process.popen.poll() is None:
                    agent.stop()


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS)
def test_three_engines_one_cut_off_and_one_without_its_agent_run_no_exclusive_job_twice_and_lose_nothing(
    netns_hosts: NetnsHosts, engines: dict[str, DockerEngine], cluster: tuple[Api, dict[str, Agent]], cut: str
) -> None:
    api, agents = cluster
    image = {engine.busybox for engine in engines.values()}.pop()  # each has it, by the same name
    with EngineWatch(engines) as watch:
        exclusive = [_submit(api, image, 60, exclusive=True) for _ in range(8)]
        plain = [_submit(api, image, 20) for _ in range(4)]
        ran: Callable[[str], set[str]] = lambda host: {span.job_id for span in watch.spans()[host]}  # noqa: E731
        eventually(lambda: all(ran(h) & {*exclusive} for h in HOSTS), 120, "an exclusive job to run on each machine")
        CUTS[cut](netns_hosts)
        agents["c"].kill()
        cut_off, orphaned = ran("b") & {*exclusive}, ran("c") & {*exclusive}
        eventually(lambda: _lost(api) == {"b", "c"}, 60, "both to be lost")
        plain += [_submit(api, image, 5) for _ in range(4)]
        eventually(lambda: (cut_off | orphaned) & ran("a"), 120, "an exclusive job to have begun on the machine left")
        netns_hosts.heal()
        agents["c"].start()
        eventually(lambda: not _lost(api), 60, "both to be back")
        history = _assert_all_is_well(api, [*exclusive, *plain])
        eventually(lambda: not any(engine.containers("lilac.job") for engine in engines.values()), 60, "all to be gone")
        spans = [span for there in watch.spans().values() for span in there]
    check_diaries(spans, exclusive=exclusive)
    assert not {pair for pair in watch.together if any(job in pair[0] for job in exclusive)}
    assert watch.looks > 10
    assert {span.job_id for span in spans} == {*exclusive, *plain}
    moved = {job for job in exclusive if history.jobs[job].attempt > 1}
    assert moved & (cut_off | orphaned), "no exclusive job was begun elsewhere: the test has tested nothing"
    whole = {(span.job_id, span.attempt) for span in spans if span.ended}
    assert whole >= {(job, history.jobs[job].attempt) for job in (*exclusive, *plain)}


def _submit(api: Api, image: str, lines: int, **more: Any) -> str:
    fields = {"runtime": "docker", "definition": image, "resource_requirements": A_THIRD, "grace_s": 2}
    return api.submit("sh", "-c", COUNTING.format(lines), **{**fields, "max_retries": 20, **more})


def _assert_all_is_well(api: Api, jobs: list[str]) -> History:
    for job in jobs:
        ended = api.wait(job, 100)
        assert ended["job_status"] == "succeeded", ended
        check_output(api.text(f"/training_jobs/{job}/logs", follow="true"))
    ended_all: Callable[[], bool] = lambda: not History().take_all(events_of_api(api)).unfinished()  # noqa: E731
    eventually(ended_all, 60, "every replica to have ended")
    return check_api(api, jobs, gapless=True)


def _nodes(api: Api) -> list[dict[str, Any]]:
    return api.get("/nodes")["nodes"]


def _lost(api: Api) -> set[str]:
    return {node["name"] for node in _nodes(api) if node["node_status"] == "lost"}
