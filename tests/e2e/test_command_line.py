"""The command line against a real control plane and a real node: files, arrays, exit codes, pipes, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
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


def test_all_replicas_are_followed_until_each_has_ended(run: Run) -> None:
    words = ["--runtime", "process", "--queue", "default", "--cpu", "50", "--memory", "16", "--size", "3"]
    script = "for n in 1 2 3; do echo $LILAC_RANK line $n; sleep 0.2; done"
    done = run("submit", "--non-interactive", "--name", "gang", *words, "--follow", "--command", script)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sorted(lines) == [f"[{rank}] {rank} line {n}" for rank in range(3) for n in (1, 2, 3)]
    assert [line[:3] for line in lines] != sorted(line[:3] for line in lines), "as it comes, not one after the other"
    assert run("logs", "gang").stdout.splitlines() == sorted(lines)
    assert run("logs", "gang", "--rank", "2", "--tail", "1").stdout == "2 line 3\n"


class LossyProxy:
    """Passes requests on to a server; the answer to each first POST of a body is thrown away with its connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._bodies: set[bytes] = set()
        self.lost = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                reply = httpx2.request(
                    self.command, proxy._server.address + self.path, content=body, headers=headers, trust_env=False
                )
                if self.command == "POST" and body not in proxy._bodies:
                    proxy._bodies.add(body)
                    proxy.lost += 1
                    self.close_connection = True
                    return
                self.send_response(reply.status_code)
                self.send_header("Content-Type", reply.headers.get("content-type", ""))
                self.send_header("Content-Length", str(len(reply.content)))
                self.end_headers()
                self.wfile.write(reply.content)

            do_GET = do_POST = _pass_on

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> LossyProxy:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def test_what_was_submitted_once_runs_once_also_where_the_answer_gets_lost(
    run: Run, server: Server, environ: dict[str, str]
) -> None:
    needs = ["--runtime", "process", "--queue", "default", "--cpu", "100", "--memory", "32"]
    single = ["submit", "--non-interactive", "--name", "one", *needs]
    with LossyProxy(server) as proxy:
        environ["LILAC_API_ENDPOINT"] = proxy.address
        done = run(*single, "-o", "json", "--", "true")
        assert done.returncode == 0, done.stderr
        assert proxy.lost == 1
        assert "carried out" not in done.stderr
        several = run("submit", "-f", "-", "-o", "json", typed=FILE)
        assert several.returncode == 0, several.stderr
        assert proxy.lost == 2
    environ["LILAC_API_ENDPOINT"] = server.address
    told = [json.loads(done.stdout)["id"], *(job["id"] for job in json.loads(several.stdout))]
    assert sorted(run("jobs", "ls", "--all", "--quiet").stdout.split()) == sorted(told)
    by_key = [run(*single, "--idempotency-key", "nightly", "-o", "json", "--", "true").stdout for _ in range(2)]
    assert json.loads(by_key[0])["id"] == json.loads(by_key[1])["id"]
    other = run(*single, "--idempotency-key", "nightly", "--", "false")
    assert other.returncode == 5
    assert "used for another submission" in other.stderr
