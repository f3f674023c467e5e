"""Commands and connections inside of running jobs, by the command line, through a real control plane and agent."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.fixtures.docker import DockerEngine
from tests.fixtures.platform import Agent, Server, clean_environment, eventually, lilac, one_node

WAITING_JOB = ("/bin/sh", "-c", "echo up; sleep 600")


class Desk:
    """A user's machine."""

    def __init__(self, server: Server, home: Path) -> None:
        self.server = server
        self.env = clean_environment(
            home, {"LILAC_API_ENDPOINT": server.address, "LILAC_USER_API_KEY": server.api.user_key(), "TERM": "xterm"}
        )

    def run(self, *argv: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [lilac(), *argv], env={**self.env, **env}, input=stdin, capture_output=True, timeout=120, check=False
        )

    def spawn(self, *argv: str) -> Any:
        return pexpect.spawn(lilac(), list(argv), env=self.env, timeout=60, dimensions=(33, 101), encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("exec")
    with one_node(directory) as (server, _):
        yield Desk(server, directory)


@pytest.fixture
def job(desk: Desk) -> Iterator[str]:
    job = desk.server.api.submit(*WAITING_JOB, name="long", env={"COLOUR": "mauve"})
    desk.server.api.wait_until(job, "running")
    yield job
    if desk.server.api.get(f"/training_jobs/{job}")["job_status"] == "running":
        desk.server.api.post(f"/training_jobs/{job}/cancel")


def test_a_command_runs_beside_the_job_and_its_code_output_and_errors_come_back(desk: Desk, job: str) -> None:
    done = desk.run("exec", "long", "--", "sh", "-c", "echo $COLOUR $LILAC_RANK; pwd; echo oops >&2; exit 7")
    assert done.returncode == 7
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "mauve 0"
    assert lines[1].endswith("/work")
    assert done.stderr == b"oops\n"
    kinds = [e["kind"] for e in desk.server.api.get(f"/training_jobs/{job}/events")["events"]]
    assert kinds[-2:] == ["job.exec_opened", "job.exec_closed"]
    told = desk.server.api.get(f"/training_jobs/{job}/events")["events"][-2]
    assert (told["actor"], told["data"]["program"]) == ("user:admin", "sh")
    assert "oops" not in str(told)


def test_input_is_passed_on_to_its_end_and_fifty_megabytes_come_back_as_they_were(desk: Desk, job: str) -> None:
    counted = desk.run("exec", job, "--", "wc", "-c", stdin=b"x" * 100_001)
    assert (counted.returncode, counted.stdout.strip()) == (0, b"100001")
    blob = os.urandom(1 << 20) * 50
    echoed = desk.run("exec", job, "--", "cat", stdin=blob)
    assert echoed.returncode == 0
    assert hashlib.sha256(echoed.stdout).digest() == hashlib.sha256(blob).digest()


def test_a_shell_on_a_terminal_knows_its_size_takes_ctrl_c_and_gives_its_code(desk: Desk, job: str) -> None:
    shell = desk.spawn("exec", job)
    shell.sendline("PS1=ready'> '")
    shell.expect("ready> ")
    shell.sendline("stty size")
    shell.expect("33 101")
    shell.setwinsize(44, 90)
    shell.sendline("until [ \"$(stty size)\" = '44 90' ]; do sleep 0.05; done; echo re''sized")
    shell.expect("resized")
    shell.sendline("sleep 300")
    shell.expect("sleep 300")
    shell.sendcontrol("c")
    shell.expect("ready> ")
    shell.sendline("exit 5")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 5


def test_what_was_started_ends_when_the_client_is_killed(desk: Desk, job: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    client = subprocess.Popen(
        [lilac(), "exec", job, "--", "sh", "-c", f"echo $$ >{mark}; exec sleep 300"],
        env=desk.env,
        stdin=subprocess.PIPE,
    )
    try:
        pid = int(eventually(lambda: mark.exists() and mark.read_text().strip(), 60, "the command to start"))
    finally:
        client.kill()
        client.communicate()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), 60, "the command to be gone")


def test_signals_are_passed_on_without_a_terminal(desk: Desk, job: str) -> None:
    client = subprocess.Popen(
        [
            lilac(),
            "exec",
            job,
            "--",
            "sh",
            "-c",
            "trap 'echo caught; exit 9' INT; echo on; while :; do sleep 0.1; done",
        ],
        env=desk.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"on\n"
    client.send_signal(signal.SIGINT)
    assert client.stdout.readline() == b"caught\n"
    client.communicate(timeout=60)
    assert client.returncode == 9


def test_the_session_ends_with_the_replica_and_says_so(desk: Desk, job: str) -> None:
    client = subprocess.Popen(
        [lilac(), "exec", job, "--", "sh", "-c", "echo on; sleep 300"],
        env=desk.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"on\n"
    desk.server.api.post(f"/training_jobs/{job}/cancel")
    _, errors = client.communicate(timeout=60)
    assert client.returncode != 0
    assert b"ended" in errors or client.returncode in (129, 137, 143)


def test_refusals_are_sentences(desk: Desk, job: str) -> None:
    absent = desk.run("exec", "nothing", "--", "true")
    assert (absent.returncode, b"no job 'nothing'" in absent.stderr) == (3, True)
    no_rank = desk.run("exec", job, "--rank", "3", "--", "true")
    assert (no_rank.returncode, b"no replica 3" in no_rank.stderr) == (5, True)
    unknown = desk.run("exec", job, "--", "no-such-program")
    assert (unknown.returncode, b"no-such-program cannot be started: No such file" in unknown.stderr) == (5, True)
    waiting = desk.server.api.submit(
        "true", name="big", resource_requirements={"cpu_millicores": 10**9, "memory_mb": 1}
    )
    early = desk.run("exec", waiting, "--", "true")
    assert (early.returncode, b"it is queued" in early.stderr) == (5, True)
    down = desk.run("exec", job, "--", "true", LILAC_API_ENDPOINT="http://127.0.0.1:1")
    assert down.returncode == 6
    assert b"Traceback" not in absent.stderr + no_rank.stderr + unknown.stderr + early.stderr + down.stderr


def test_others_cannot_run_commands_in_a_job(desk: Desk, job: str) -> None:
    api = desk.server.api
    for name, role in (("mem", "member"), ("vi", "viewer")):
        api.post("/users", {"username": name, "password": "correct horse battery", "role": role})
    statuses = {"mem": 3, "vi": 4}
    for name, code in statuses.items():
        login = api.post("/auth/login", {"username": name, "password": "correct horse battery"})
        done = desk.run("exec", job, "--", "true", LILAC_USER_API_KEY=login["access_token"])
        assert done.returncode == code, (name, done.stderr)
    node = desk.run("exec", job, "--", "true", LILAC_USER_API_KEY=api.cluster_key())
    assert node.returncode == 4


def test_a_restarted_agent_ends_the_session_and_the_job_goes_on(tmp_path: Path) -> None:
    with one_node(tmp_path) as (server, agent):
        desk = Desk(server, tmp_path)
        job = server.api.submit(*WAITING_JOB)
        server.api.wait_until(job, "running")
        client = subprocess.Popen(
            [lilac(), "exec", job, "--", "sh", "-c", "echo on; sleep 300"],
            env=desk.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert client.stdout is not None
        assert client.stdout.readline() == b"on\n"
        agent.stop()
        _, errors = client.communicate(timeout=60)
        assert client.returncode != 0
        assert b"Error" in errors
        agent.start()
        again = eventually(
            lambda: (done := desk.run("exec", job, "--", "echo", "again")).returncode == 0 and done, 60, "exec again"
        )
        assert again.stdout == b"again\n"
        assert server.api.get(f"/training_jobs/{job}")["job_status"] == "running"


def test_a_port_of_a_job_is_reached_from_here(desk: Desk) -> None:
    script = "import http.server as h; s = h.HTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler); "
    script += "print(s.server_port, flush=True); s.serve_forever()"
    job = desk.server.api.submit(sys.executable, "-c", script)
    remote = eventually(lambda: desk.server.api.text(f"/training_jobs/{job}/logs").strip(), 60, "the port to be told")
    forward = subprocess.Popen(
        [lilac(), "port-forward", job, f"0:{remote}"], env=desk.env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert forward.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        assert found is not None
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", int(found.group(1))), timeout=60) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.0 200")
    finally:
        forward.send_signal(signal.SIGINT)
        forward.communicate(timeout=60)
    assert forward.returncode == 130


@pytest.mark.xdist_group("docker")
def test_a_command_and_a_port_in_a_container(docker_engine: DockerEngine, tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        agent = Agent(
            tmp_path / "agent",
            server.address,
            server.api.cluster_key(),
            runtimes=("docker",),
            env={"DOCKER_HOST": docker_engine.host},
        )
        with agent:
            try:
                body = {
                    "name": "boxed",
                    "definition": docker_engine.busybox,
                    "queue_id": "default",
                    "command": ["sh", "-c", "while :; do echo served | nc -l -p 8080; done"],
                    "env": {"COLOUR": "mauve"},
                    "resource_requirements": {"cpu_millicores": 500, "memory_mb": 64, "gpus": None},
                }
                job = server.api.post("/training_jobs", body)["id"]
                server.api.wait_until(job, "running")
                desk = Desk(server, tmp_path)
                done = desk.run(
                    "exec", job, "--", "sh", "-c", "echo $COLOUR; cat; echo oops >&2; exit 7", stdin=b"in\n"
                )
                assert (done.returncode, done.stdout, done.stderr) == (7, b"mauve\nin\n", b"oops\n")

                shell = desk.spawn("exec", job)
                shell.sendline("stty size")
                shell.expect("33 101")
                shell.sendline("exit 4")
                shell.expect(pexpect.EOF)
                shell.close()
                assert shell.exitstatus == 4

                client = subprocess.Popen(
                    [lilac(), "exec", job, "--", "sh", "-c", "echo on; exec sleep 297"],
                    env=desk.env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                assert client.stdout is not None
                assert client.stdout.readline() == b"on\n"
                client.kill()
                client.communicate()
                eventually(
                    lambda: b"sleep 297" not in desk.run("exec", job, "--", "ps").stdout, 60, "the command to be gone"
                )
                forward = subprocess.Popen(
                    [lilac(), "port-forward", job, "0:8080"], env=desk.env, stdout=subprocess.PIPE, text=True
                )
                try:
                    assert forward.stdout is not None
                    found = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
                    assert found is not None
                    with socket.create_connection(("127.0.0.1", int(found.group(1))), timeout=60) as connection:
                        connection.shutdown(socket.SHUT_WR)
                        assert b"".join(iter(lambda: connection.recv(65536), b"")) == b"served\n"
                finally:
                    forward.send_signal(signal.SIGINT)
                    forward.communicate(timeout=60)
            finally:
                docker_engine.remove_containers(f"lilac.node={agent.node_id}")
