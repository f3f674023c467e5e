"""The command line against a real control plane and a real node: files, arrays, exit codes, pipes, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.platform import Server, clean_environment, eventually, lilac, one_node

Run = Callable[..., "subprocess.CompletedProcess[str]"]

FILE = """\
name: prepare
runtime: process
queue: default
command: echo prepared
resources: {cpu: 100m, memory: 32MiB}
---
name: sweep
runtime: process
queue: default
command: echo $LILAC_ARRAY_INDEX; test $LILAC_ARRAY_INDEX != 1
array: 0-2
after: [prepare]
resources: {cpu: 100m, memory: 32MiB}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with one_node(tmp_path) as (control_plane, _):
        eventually(lambda: control_plane.api.get("/nodes")["nodes"], 60, "the node to join")
        yield control_plane


@pytest.fixture
def environ(server: Server, tmp_path: Path) -> dict[str, str]:
    variables = {"LILAC_API_ENDPOINT": server.address, "LILAC_USER_API_KEY": server.api.user_key()}
    return clean_environment(tmp_path, variables)


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    def command(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [lilac(), *words], env=environ, input=typed, capture_output=True, text=True, timeout=120, check=False
        )

    return command


def test_a_file_of_jobs_from_submission_to_running_what_failed_again(run: Run) -> None:
    done = run("submit", "-f", "-", "--wait", "-o", "json", typed=FILE)
    assert done.returncode == 7, done.stderr
    prepare, sweep = json.loads(done.stdout)
    assert (prepare["job_status"], sweep["job_status"]) == ("succeeded", "failed")
    assert run("logs", "sweep[2]").stdout == "2\n"
    failed = run("jobs", "elements", "sweep", "--status", "failed", "--quiet").stdout.split()
    assert len(failed) == 1
    again = run("jobs", "show", "sweep", "--yaml").stdout
    assert "array: 0-2" in again
    assert run("submit", "-f", "-", "--dry-run", typed=again).returncode == 0
    retried = json.loads(run("jobs", "retry", "sweep", "-o", "json").stdout)
    assert run("jobs", "wait", retried["id"]).returncode == 7
    listed = run("jobs", "ls", "--search", "SWEEP", "--quiet").stdout.split()
    assert set(listed) == {sweep["job_id"], retried["id"]}


def test_rules_of_queues_labels_of_nodes_and_what_if(run: Run) -> None:
    assert run("queues", "edit", "default", "--limit", "jobs=5", "--user-limit", "memory=1GiB").returncode == 0
    assert run("queues", "edit", "default", "--limit", "gpus=8", "--order", "fair").returncode == 0
    shown = run("queues", "show", "default").stdout
    assert "5 running jobs, 8 GPUs" in shown
    assert "users in turns" in shown
    (node,) = json.loads(run("nodes", "ls", "-o", "json").stdout)["nodes"]
    assert "rack=b2" in run("nodes", "label", node["name"], "rack=b2").stdout
    assert run("nodes", "drain", node["name"]).returncode == 0
    words = "submit --non-interactive --name w --runtime process --queue default --cpu 100 --memory 32 -- true"
    assert run(*words.split()).returncode == 0
    told = run("what-if", "--cancel", "w", "-o", "json")
    assert "others" in json.loads(told.stdout), told.stderr
    assert run("cancel", "--mine", "--yes").stdout == "Cancelled 1 job.\n"


def test_a_followed_job_goes_on_after_ctrl_c(run: Run, environ: dict[str, str], server: Server) -> None:
    words = "submit --non-interactive --name f --runtime process --queue default --cpu 100 --memory 32 --follow"
    script = "echo here; sleep 600"
    with subprocess.Popen(
        [lilac(), *words.split(), "--", "sh", "-c", script],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        assert following.stdout.readline() == "here\n"
        following.send_signal(signal.SIGINT)
        said = following.stderr.read()
    assert following.returncode == 130
    assert "the job goes on" in said
    assert server.api.get("/training_jobs/f")["job_status"] == "running"
    assert run("cancel", "f").returncode == 0
    assert run("jobs", "wait", "f").returncode == 7


def test_a_job_that_a_signal_ended_passes_its_code_on_and_a_closed_pipe_is_quiet(
    run: Run, environ: dict[str, str]
) -> None:
    words = "submit --non-interactive --name k --runtime process --queue default --cpu 100 --memory 32 --follow"
    assert run(*words.split(), "--", "sh", "-c", "kill -9 $$").returncode == 137
    piped = subprocess.run(
        ["bash", "-c", f"{lilac()} events -n 1000 | head -1"], env=environ, capture_output=True, text=True, check=True
    )
    assert (len(piped.stdout.splitlines()), piped.stderr) == (1, "")
