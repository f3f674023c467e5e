"""Cables cut, agents and control planes killed, under load: judged by the history and by the jobs' own diaries.

Two people go on submitting meanwhile (`tests.fixtures.load`), one of them only `exclusive` jobs. Every job keeps a
diary of when it really ran (`tests.fixtures.diaries`), and at the end the one checker of histories that all tests of
faults share says whether anything that cannot be is recorded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.diaries import check_diaries, check_output, spans
from tests.fixtures.history import History, check_api, events_of_api
from tests.fixtures.load import Load
from tests.fixtures.network import NetnsHosts
from tests.fixtures.platform import Agent, Api, Server, eventually, one_node

A_THIRD = {"cpu_millicores": 1000 * (os.cpu_count() or 1) // 3, "memory_mb": 16, "gpus": None}
"""Of a node, so that all nodes get work."""
A_SIXTH = {**A_THIRD, "cpu_millicores": A_THIRD["cpu_millicores"] // 2}
CUTS: dict[str, Callable[[NetnsHosts], None]] = {
    "silence": lambda hosts: hosts.cut("b"),
    "one way": lambda hosts: hosts.mute("b", "a"),
    "resets": lambda hosts: hosts.reset("b", "a"),
}


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS)
def test_three_agents_one_cut_off_and_one_killed_lose_nothing(
    netns_hosts: NetnsHosts, tmp_path: Path, cut: str
) -> None:
    hosts = netns_hosts
    server = Server(
        tmp_path / "server",
        host=hosts.address("a"),
        settings={"LILAC_NODE_LOST_AFTER_S": "3"},
        prefix=hosts.command("a"),
    )
    with hosts.inside("a"), server:
        api = server.api
        key = api.cluster_key()
        agents = {
            host: Agent(tmp_path / host, server.address, key, name=f"node-{host}", prefix=hosts.command(host))
            for host in "abc"
        }
        try:
            for agent in agents.values():
                agent.start()
            eventually(lambda: len(_nodes(api)) == 3, 60, "three nodes to have joined")
            address, user_key, diaries = (lambda: [server.address]), api.user_key(), tmp_path / "diaries"
            third = {"resource_requirements": A_THIRD}
            alone = {"resource_requirements": A_SIXTH, "exclusive": True, "grace_s": 1}
            with (
                Load(address, user_key, diaries, pause_s=0.5, longest_s=2.0, more=third) as load,
                Load(address, user_key, diaries, seed=2, pause_s=0.5, longest_s=4.0, more=alone) as exclusive,
            ):
                eventually(lambda: all(node["jobs"] for node in _nodes(api)), 60, "all three nodes to work")
                CUTS[cut](hosts)
                agents["c"].kill()
                eventually(lambda: _lost(api) == {"node-b", "node-c"}, 60, "both to be lost")
                hosts.heal()
                agents["c"].start()
                eventually(lambda: not _lost(api), 60, "both to be back")
            _assert_all_is_well(api, load, exclusive)
        finally:
            for agent in agents.values():
                if agent.process is not None and agent.process.popen.poll() is None:
                    agent.stop()
                agent.end_replicas()


@pytest.mark.slow
def test_a_control_plane_killed_again_and_again_under_load_loses_nothing_and_runs_nothing_twice(tmp_path: Path) -> None:
    with one_node(tmp_path) as (server, _agent):
        with Load(lambda: [server.address], server.api.user_key(), tmp_path / "diaries") as load:
            for life in range(4):
                known = len(load.acknowledged)
                eventually(lambda k=known: len(load.acknowledged) >= k + 8, 60, "jobs to be taken")
                time.sleep(0.05 * life)  # another moment each time
                server.kill()
                server.restart()
        history = _assert_all_is_well(server.api, load)
        ran = spans(load.diaries)
        assert {span.job_id for span in ran} == set(history.jobs)
        assert len(ran) == len(history.jobs), "each ran once"


def _nodes(api: Api) -> list[dict[str, Any]]:
    return api.get("/nodes")["nodes"]


def _lost(api: Api) -> set[str]:
    return {node["name"] for node in _nodes(api) if node["node_status"] == "lost"}


def _assert_all_is_well(api: Api, load: Load, exclusive: Load | None = None) -> History:
    alone = exclusive.acknowledged if exclusive is not None else []
    acknowledged = [*load.acknowledged, *alone]
    for job in acknowledged:
        ended = api.wait(job)
        assert ended["job_status"] == "succeeded", ended
    ended_all: Callable[[], bool] = lambda: not History().take_all(events_of_api(api)).unfinished()  # noqa: E731
    eventually(ended_all, 60, "every replica to have ended")
    history = check_api(api, acknowledged)
    check_diaries(spans(load.diaries), exclusive=alone)
    whole = {(span.job_id, span.attempt) for span in spans(load.diaries) if span.ended}
    for job in acknowledged:
        past = history.jobs[job]
        assert (job, past.attempt) in whole, f"{job} has succeeded as attempt {past.attempt}, which did not run whole"
        check_output(api.text(f"/training_jobs/{job}/logs", follow="true"))
    return history
