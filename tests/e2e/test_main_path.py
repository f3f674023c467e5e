"""From submit to finished with real processes: a control plane, an agent, jobs that are processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.platform import Agent, Server, eventually, one_node


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[tuple[Server, Agent]]:
    with one_node(tmp_path) as running:
        yield running


def test_a_job_runs_and_its_output_exit_code_and_timings_are_there(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    job = api.submit("/bin/sh", "-c", "echo out; echo err >&2; echo $LILAC_JOB_NAME $GREETING", env={"GREETING": "hi"})
    ended = api.wait(job)
    assert (ended["job_status"], ended["exit_code"]) == ("succeeded", 0)
    assert api.text(f"/training_jobs/{job}/logs", follow="true") == "out\nerr\njob hi\n"
    steps = ended["waterfall"]
    order = ["submitted", "planned", "assigned", "received", "started", "exited", "finished"]
    assert [steps[s] for s in order] == sorted(steps[s] for s in order)
    assert [a["state"] for a in ended["attempts"]] == ["succeeded"]


def test_a_failing_job_keeps_its_exit_code_and_says_so(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    ended = api.wait(api.submit("/bin/sh", "-c", "exit 3"))
    assert (ended["job_status"], ended["exit_code"], ended["reason"]) == ("failed", 3, "error")
    assert "3" in ended["message"]


def test_a_missing_program_is_named(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    ended = api.wait(api.submit("no-such-program-anywhere"))
    assert (ended["job_status"], ended["reason"]) == ("failed", "start")
    assert "no-such-program-anywhere" in ended["message"]


def test_a_followed_log_comes_while_the_job_runs(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    fifo = platform[1].directory / "gate"
    job = api.submit("/bin/sh", "-c", f"echo first; mkfifo {fifo}; cat {fifo}; echo last")
    with api._http.stream("GET", f"/training_jobs/{job}/logs", params={"follow": "true"}) as stream:
        chunks = stream.iter_text()
        seen = next(chunks)
        assert seen == "first\n"
        eventually(fifo.exists, 20, "the job to wait at its gate")
        fifo.write_text("middle\n")
        for chunk in chunks:
            seen += chunk
    assert seen == "first\nmiddle\nlast\n"


def test_cancel_gives_a_process_its_grace_and_frees_its_resources_when_it_is_gone(
    platform: tuple[Server, Agent],
) -> None:
    api = platform[0].api
    job = api.submit(sys.executable, "-c", POLITE, grace_s=20)
    eventually(lambda: "ready" in api.text(f"/training_jobs/{job}/logs"), 30, "the job to be ready")
    api.post(f"/training_jobs/{job}/cancel")
    assert api.get(f"/training_jobs/{job}")["job_status"] == "cancelled"
    assert api.text(f"/training_jobs/{job}/logs", follow="true") == "ready\nsaved\n"
    replica = eventually(
        lambda: (r := api.get(f"/training_jobs/{job}")["attempts"][0]["replicas"][0])["state"] == "stopped" and r,
        30,
        "the replica to have stopped",
    )
    assert replica["exit_code"] == 0
    assert eventually(lambda: api.get("/nodes")["nodes"][0]["jobs"] == [], 10, "the node to be empty")


POLITE = """
import signal, sys, threading
done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: done.set())
print("ready", flush=True)
done.wait(60)
print("saved", flush=True)
"""


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    job = api.submit("/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60; done", grace_s=1)
    eventually(lambda: "ready" in api.text(f"/training_jobs/{job}/logs"), 30, "the job to be ready")
    api.post(f"/training_jobs/{job}/cancel")
    eventually(
        lambda: api.get(f"/training_jobs/{job}")["attempts"][0]["replicas"][0]["state"] == "stopped",
        30,
        "the replica to have stopped",
    )


def test_a_time_limit_ends_a_job(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    ended = api.wait(api.submit("/bin/sleep", "600", time_limit_s=1, grace_s=1))
    assert (ended["job_status"], ended["reason"]) == ("failed", "time_limit")


def test_a_job_that_does_not_fit_says_why_and_starts_as_soon_as_there_is_room(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    node = eventually(lambda: api.get("/nodes")["nodes"], 30, "the node")[0]
    whole = {"cpu_millicores": node["cpu"]["millicores"], "memory_mb": 16, "gpus": None}
    first = api.submit("/bin/sleep", "600", name="hog", resource_requirements=whole)
    api.wait_until(first, "running")
    second = api.submit("/bin/true", name="waiter", resource_requirements=whole)
    waiting = api.get(f"/training_jobs/{second}")["waiting"]
    assert waiting["code"] == "resources"
    told = api.get(f"/training_jobs/{second}/explain")
    assert [h["job_name"] for h in told["holders"]] == ["hog"]
    assert told["position"] == 1
    api.post(f"/training_jobs/{first}/cancel")
    assert api.wait(second)["job_status"] == "succeeded"


def test_what_no_node_can_ever_run_is_accepted_with_the_reason_and_refused_when_strict(
    platform: tuple[Server, Agent],
) -> None:
    api = platform[0].api
    eventually(lambda: api.get("/nodes")["nodes"], 30, "the node")
    asked = {"cpu_millicores": 100, "memory_mb": 16, "gpus": {"count": 8, "model": "H100"}}
    job = api.submit("/bin/true", resource_requirements=asked)
    assert api.get(f"/training_jobs/{job}")["waiting"]["code"] == "never_fits"
    with pytest.raises(AssertionError, match=r"422.*unsatisfiable"):
        api.submit("/bin/true", resource_requirements=asked, strict=True)
    api.post(f"/training_jobs/{job}/cancel")


def test_a_gang_starts_on_several_nodes_as_a_whole(tmp_path: Path) -> None:
    with one_node(tmp_path) as (server, first):
        api = server.api
        node = eventually(lambda: api.get("/nodes")["nodes"], 30, "the node")[0]
        whole = {"cpu_millicores": node["cpu"]["millicores"], "memory_mb": 16, "gpus": None}
        job = api.submit(
            "/bin/sh", "-c", "echo $LILAC_RANK of $LILAC_WORLD_SIZE", resource_requirements=whole,
            size={"min": 2, "max": 2},
        )  # fmt: skip
        assert api.get(f"/training_jobs/{job}")["job_status"] == "queued"
        with Agent(tmp_path / "second", server.address, api.cluster_key(), name="second"):
            ended = api.wait(job)
            assert ended["job_status"] == "succeeded"
            replicas = ended["attempts"][0]["replicas"]
            assert len({r["node_id"] for r in replicas}) == 2
            for rank in (0, 1):
                assert api.text(f"/training_jobs/{job}/logs", rank=rank, follow="true") == f"{rank} of 2\n"
        assert first.process is not None


def test_an_event_stream_tells_the_whole_story_in_order(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    job = api.submit("/bin/true")
    api.wait(job)
    kinds = [e["kind"] for e in api.get(f"/training_jobs/{job}/events")["events"]]
    assert kinds[0] == "job.submitted"
    assert kinds[1] == "job.assigned"
    assert kinds[-1] == "job.succeeded"
