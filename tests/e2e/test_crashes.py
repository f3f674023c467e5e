"""Killing the control plane and the agents in the middle of work: nothing is lost and nothing runs twice.

Every job appends a line to a file of its own when it begins and another when it ends, so the files tell how often
each job really ran, whatever the records say.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.history import check_api
from tests.fixtures.platform import Agent, Server, eventually, one_node

BEGIN_AND_END = 'echo begin >>"$0"; sleep "$1"; echo end >>"$0"; echo done'


def submit_all(api, directory: Path, count: int, seconds: Callable[[], float]) -> dict[str, Path]:
    directory.mkdir()
    jobs = {}
    for n in range(count):
        proof = directory / f"{n}"
        job = api.submit("/bin/sh", "-c", BEGIN_AND_END, str(proof), f"{seconds():.2f}", name=f"job-{n}",
                         resource_requirements={"cpu_millicores": 50, "memory_mb": 1, "gpus": None})  # fmt: skip
        jobs[job] = proof
    return jobs


def assert_each_ran_once(api, jobs: dict[str, Path]) -> None:
    for job, proof in jobs.items():
        ended = api.wait(job)
        assert ended["job_status"] == "succeeded", ended
        assert proof.read_text() == "begin\nend\n", f"{proof} ran twice or not to its end"
        assert len(ended["attempts"]) == 1
        assert api.text(f"/training_jobs/{job}/logs", follow="true") == "done\n", "the output is there exactly once"
    check_api(api, jobs)


@pytest.mark.slow
def test_the_control_plane_killed_in_the_middle_of_200_jobs_loses_none_and_runs_none_twice(tmp_path: Path) -> None:
    rng = random.Random(4)
    with one_node(tmp_path) as (server, _agent):
        jobs = submit_all(server.api, tmp_path / "proofs", 200, lambda: rng.uniform(0.0, 0.4))
        for ended_before in (20, 90):
            eventually(
                lambda n=ended_before: sum("end" in p.read_text() for p in jobs.values() if p.exists()) >= n,
                120,
                f"{ended_before} jobs to have ended",
            )
            server.kill()
            server.restart()
        assert_each_ran_once(server.api, jobs)


@pytest.mark.slow
def test_submissions_that_were_acknowledged_survive_a_kill_at_any_moment(tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        acknowledged = [server.api.submit("/bin/true", name=f"j{n}") for n in range(50)]
        server.kill()
        server.restart()
        listed = {j["job_id"] for j in server.api.get("/training_jobs")["jobs"]}
        assert listed >= set(acknowledged)


@pytest.mark.slow
def test_an_agent_killed_in_the_middle_of_20_jobs_adopts_them_and_runs_none_twice(tmp_path: Path) -> None:
    rng = random.Random(5)
    with one_node(tmp_path) as (server, agent):
        jobs = submit_all(server.api, tmp_path / "proofs", 20, lambda: rng.uniform(1.0, 3.0))
        for begun in (5, 15):
            eventually(lambda n=begun: sum(p.exists() for p in jobs.values()) >= n, 60, f"{begun} jobs to have begun")
            agent.kill()
            agent.start()
        assert_each_ran_once(server.api, jobs)


@pytest.mark.slow
def test_a_node_that_goes_silent_is_lost_and_its_job_runs_again_elsewhere(tmp_path: Path) -> None:
    with one_node(tmp_path, settings={"LILAC_NODE_LOST_AFTER_S": "2"}) as (server, agent):
        api = server.api
        job = api.submit("/bin/sh", "-c", "echo on attempt $LILAC_ATTEMPT; [ $LILAC_ATTEMPT = 2 ] || sleep 600")
        api.wait_until(job, "running")
        agent.kill()
        agent.end_replicas()
        eventually(lambda: api.get("/nodes")["nodes"][0]["node_status"] == "lost", 30, "the node to be lost")
        with Agent(tmp_path / "other", server.address, api.cluster_key(), name="other"):
            ended = api.wait(job)
        assert (ended["job_status"], ended["retries"], ended["node_name"]) == ("succeeded", 1, "other")
        assert [a["state"] for a in ended["attempts"]] == ["lost", "succeeded"]
        assert api.text(f"/training_jobs/{job}/logs") == "on attempt 2\n"
