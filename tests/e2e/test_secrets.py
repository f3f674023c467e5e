"""Secrets from the API to a process and nowhere else: a real control plane, a real agent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.platform import Agent, Server, clean_environment, eventually, lilac, one_node

VALUE = "Corr3ct-H0rse-Battery"
KEY = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\n-----END KEY-----"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[tuple[Server, Agent]]:
    with one_node(tmp_path) as running:
        yield running


def below(directory: Path) -> Iterator[tuple[Path, bytes]]:
    for path in directory.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def test_a_secret_reaches_the_job_and_nothing_else(platform: tuple[Server, Agent]) -> None:
    server, agent = platform
    api = server.api
    told = api.put("/secrets/token", {"value": VALUE})
    api.put("/secrets/pem", {"value": KEY})
    assert sorted(told) == ["created_at", "name", "shared", "updated_at"]
    assert [s["name"] for s in api.get("/secrets")["secrets"]] == ["pem", "token"]
    script = (
        f'[ "$TOKEN" = {VALUE} ] && echo right; echo "token=$TOKEN"; cat $LILAC_SECRETS_DIR/key.pem; echo; '
        'stat -c %a $LILAC_SECRETS_DIR/key.pem; echo "$LILAC_SECRETS_DIR" >&2; exit 3'
    ).replace(VALUE, '"$(printf %s Corr3ct- H0rse- Battery)"')
    job = api.submit(
        "/bin/sh", "-c", script,
        secrets=[{"name": "token", "env": "TOKEN"}, {"name": "pem", "file": "key.pem"}],
    )  # fmt: skip
    api.wait(job)
    output = api.text(f"/training_jobs/{job}/logs", follow="true")
    lines = output.splitlines()
    assert lines[:6] == [
        "right", f"token={'*' * len(VALUE)}", "*" * 19, "*" * 17, "*" * 17, "400",
    ]  # fmt: skip
    shown = json.dumps([api.get(f"/training_jobs/{job}"), api.get("/events"), api.get("/secrets")])
    assert VALUE not in shown
    assert "MIIEowIBAAKCAQEA7" not in shown
    replicas = agent.directory / "state" / "replicas"
    eventually(lambda: not any(replicas.iterdir()), 30, "the journal to be empty")
    for path, content in (*below(server.directory), *below(agent.directory)):
        assert VALUE.encode() not in content, path
        assert b"MIIEowIBAAKCAQEA7" not in content, path


def test_unknown_secrets_are_refused_and_deleted_ones_fail_with_their_name(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    with pytest.raises(AssertionError, match=r"422.*no secret .*absent.*lilac secrets set absent"):
        api.submit("/bin/true", secrets=[{"name": "absent", "env": "A"}])
    api.put("/secrets/gone", {"value": VALUE})
    node = eventually(lambda: api.get("/nodes")["nodes"], 30, "the node")[0]
    api.post(f"/nodes/{node['id']}/drain")
    job = api.submit("/bin/true", secrets=[{"name": "gone", "env": "A"}])
    api.delete("/secrets/gone")
    api.post(f"/nodes/{node['id']}/resume")
    ended = api.wait(job)
    assert (ended["job_status"], ended["reason"]) == ("failed", "start")
    assert "secret gone does not exist any more" in ended["message"]


def test_the_command_line_takes_values_from_standard_input_only(platform: tuple[Server, Agent]) -> None:
    server = platform[0]
    variables = {"LILAC_API_ENDPOINT": server.address, "LILAC_USER_API_KEY": server.api.user_key()}
    environment = clean_environment(server.directory, variables)

    def run(*words: str, given: str = "") -> str:
        done = subprocess.run(
            [lilac(), "secrets", *words], input=given, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    assert run("set", "token", given=f"{VALUE}\n") == "Set token.\n"
    listed = run("ls")
    assert "token" in listed
    assert VALUE not in listed
    assert run("rm", "token") == "Removed token.\n"
    assert server.api.get("/secrets") == {"secrets": []}


def test_a_wrong_value_is_not_repeated_in_the_error(platform: tuple[Server, Agent]) -> None:
    api = platform[0].api
    for value in (VALUE + "\0", VALUE * 5000, [VALUE]):
        with pytest.raises(AssertionError) as refused:
            api.put("/secrets/token", {"value": value})
        assert "422" in str(refused.value)
        assert VALUE not in str(refused.value)
