"""By hand, as the README tells it: a control plane on one machine, agents on two others, a user with the CLI.

The machines are network namespaces; every command is typed as a user would, prompts included.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.fixtures.network import NetnsHosts
from tests.fixtures.platform import Process, clean_environment, eventually, lilac

LISTENING = re.compile(r"Listening on (\S+)")


class Machine:
    """One host with a home directory of its own, on which commands are typed."""

    def __init__(self, hosts: NetnsHosts, host: str, home: Path) -> None:
        self.hosts, self.host, self.home = hosts, host, home
        home.mkdir()
        self.env = clean_environment(home, {"TERM": "xterm", "COLUMNS": "120"})
        self.services: list[Process] = []

    def serve(self, *arguments: str) -> Process:
        """Start a service that goes on."""
        service = Process(
            [lilac(), *arguments],
            env=self.env,
            log=self.home / f"{arguments[0]}.log",
            prefix=self.hosts.command(self.host),
        )
        self.services.append(service)
        return service

    def types(self, *arguments: str, expect_exit: int = 0) -> str:
        """Run a command without a terminal; its standard output."""
        done = self.hosts.run(
            self.host, lilac(), *arguments, env=self.env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == expect_exit, done.stdout + done.stderr
        return done.stdout if expect_exit == 0 else done.stderr

    def answers(self, command: str, *dialogue: tuple[str, str]) -> str:
        """Run a command on a terminal, answering its prompts; what stood on the screen."""
        program, *arguments = self.hosts.command(self.host, lilac(), *command.split())
        child = pexpect.spawn(program, arguments, env=self.env, timeout=60, encoding="utf-8", dimensions=(50, 120))
        screen = ""
        for prompt, answer in dialogue:
            child.expect_exact(prompt)
            screen += child.before + prompt
            child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        screen += child.before
        assert child.exitstatus == 0, screen
        return screen

    def close(self) -> None:
        for service in reversed(self.services):
            service.stop()


@pytest.fixture
def machines(netns_hosts: NetnsHosts, tmp_path: Path) -> Iterator[dict[str, Machine]]:
    made = {host: Machine(netns_hosts, host, tmp_path / host) for host in "abc"}
    yield made
    for machine in reversed(made.values()):
        machine.close()


@pytest.mark.slow
def test_three_machines_set_up_and_used_by_hand(machines: dict[str, Machine]) -> None:
    head, *others = machines.values()
    endpoint = f"http://{head.hosts.address('a')}:8080"

    server = head.serve("server", "start", "--host", head.hosts.address("a"))
    password = server.wait_for(re.compile(r"password: (\S+)")).group(1)
    assert server.wait_for(LISTENING).group(1) == endpoint

    user = others[0]
    user.answers(f"login --endpoint {endpoint} --username admin", ("assword", password))
    assert (user.home / ".lilac/config.toml").stat().st_mode & 0o777 == 0o600
    cluster_key = json.loads(user.types("clusters", "keys", "create", "default", "-o", "json"))["key"]

    for machine in others:
        machine.answers(
            "agent configure",
            ("Lilac API Endpoint:", "\x15" + endpoint),
            ("Cluster API Key", cluster_key),
            ("rivate", "n"),
        )
        machine.serve("agent", "start", "--runtime", "process", "--name", f"node-{machine.host}")
    eventually(
        lambda: (
            {n["name"] for n in json.loads(user.types("nodes", "ls", "-o", "json"))["nodes"]} == {"node-b", "node-c"}
        ),
        60,
        "both nodes to have joined",
    )

    other_user = others[1]
    api_key = json.loads(user.types("keys", "create", "laptop", "-o", "json"))["key"]
    other_user.answers("configure", ("Endpoint", "\x15" + endpoint), ("Key", api_key))

    queue = json.loads(user.types("queues", "ls", "-o", "json"))[0]
    told = user.types(
        "submit", "--non-interactive", "--name", "first", "--runtime", "process", "--queue-id", queue["id"],
        "--cpu", "100", "--memory", "64", "--", "/bin/sh", "-c", "echo hello from $LILAC_JOB_NAME",
    )  # fmt: skip
    assert re.search(r"Job ID: [0-9a-f-]{36}\s*$", told)
    assert "hello from first" in user.types("logs", "-f", "first")
    shown = user.types("jobs", "show", "first")
    assert "succeeded" in shown

    gpus = user.types(
        "submit", "--non-interactive", "--name", "big", "--runtime", "process", "--queue-id", "default",
        "--cpu", "100", "--memory", "64", "--gpu-count", "8", "--gpu-model", "H100", "--gpu-memory", "80",
        "--command", "true",
    )  # fmt: skip
    assert "8 x H100" in gpus or "8 × H100" in gpus
    assert "H100" in user.types("explain", "big")
    container = ("--name", "boxed", "--docker-uri", "busybox", "--queue-id", "default", "--cpu", "10", "--memory", "8")
    user.types("submit", "--non-interactive", *container)
    assert "docker" in user.types("explain", "boxed")
    user.types("cancel", "big", "boxed")
    assert json.loads(user.types("jobs", "show", "big", "-o", "json"))["job_status"] == "cancelled"

    screen = other_user.answers(
        "submit --runtime process --command true",
        ("Job Name:", "asked"), ("Image URI:", ""), ("Queue:", ""), ("CPU (millicores):", "100"),
        ("Memory (MB):", "64"), ("need GPUs?", "n"), ("Submit this job?", "y"),
    )  # fmt: skip
    assert "Job Summary:" in screen
    assert "Job ID:" in screen
    assert other_user.types("jobs", "wait", "asked")


@pytest.mark.slow
def test_a_machine_cut_off_silently_goes_on_and_is_heard_again(machines: dict[str, Machine]) -> None:
    head, worker, _ = machines.values()
    head.env |= {"LILAC_ADMIN_PASSWORD": "correct horse battery", "LILAC_NODE_LOST_AFTER_S": "600"}
    endpoint = f"http://{head.hosts.address('a')}:8080"
    head.serve("server", "start", "--host", head.hosts.address("a")).wait_for(LISTENING)
    head.answers(f"login --endpoint {endpoint} --username admin", ("assword", "correct horse battery"))
    key = json.loads(head.types("clusters", "keys", "create", "default", "-o", "json"))["key"]
    worker.env |= {"LILAC_API_ENDPOINT": endpoint, "LILAC_CLUSTER_API_KEY": key}
    worker.serve("agent", "start", "--runtime", "process", "--name", "far")
    gate = worker.home / "gate"
    submit = ("submit", "--non-interactive", "--runtime", "process", "--queue", "default")
    head.types(
        *submit,
        "--name",
        "survivor",
        "--cpu",
        "10",
        "--memory",
        "8",
        "--",
        "/bin/sh",
        "-c",
        f"echo begun; cat {gate}; echo ended",
    )
    os.mkfifo(gate)
    eventually(lambda: "begun" in head.types("logs", "survivor"), 60, "the job to have begun")
    head.hosts.cut("b")
    gate.write_text("meanwhile\n")
    eventually(
        lambda: "ended" in "".join(p.read_text() for p in worker.home.glob(".lilac/agent/replicas/*/output")),
        60,
        "the job to end while its machine is cut off",
    )
    assert json.loads(head.types("jobs", "show", "survivor", "-o", "json"))["job_status"] == "running"
    head.hosts.heal()
    head.types("jobs", "wait", "survivor")
    assert head.types("logs", "-f", "survivor") == "begun\nmeanwhile\nended\n"
