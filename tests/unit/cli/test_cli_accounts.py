"""`login` and `configure`: what they ask, send and save. The questions are answered at a pseudo-terminal."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import pexpect
import pytest
from running import Run
from standin import USER_KEY, Reply, StandIn

ENTER = "\r"


def _config(home: Path) -> dict[str, str]:
    return tomllib.loads((home / ".lilac" / "config.toml").read_text())


def talk(home: Path, *words: str, **variables: str) -> pexpect.spawn:
    """A command at a terminal of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LILAC_")}
    environ = {**kept, "HOME": str(home), "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", **variables}
    command = ["-m", "lilac.cli.main", *words]
    return pexpect.spawn(sys.executable, command, env=environ, timeout=20, encoding="utf-8", dimensions=(40, 120))


def finish(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None
    return child.exitstatus


def test_login_keeps_a_key_and_not_the_password(lilac: Run, stand_in: StandIn, home: Path) -> None:
    done = lilac("login", "--endpoint", stand_in.url, "--username", "ada", "--password-stdin", typed="sesame\n")
    assert done.code == 0
    assert stand_in.sent("POST", "/auth/login")[0].body == {"username": "ada", "password": "sesame"}
    made = stand_in.sent("POST", "/account/api-keys")[0]
    assert made.headers["authorization"] == "Bearer jwt"
    assert "@" in made.body["name"]
    assert _config(home) == {"api_endpoint": stand_in.url, "api_key": USER_KEY}
    assert stat.S_IMODE((home / ".lilac" / "config.toml").stat().st_mode) == 0o600
    assert "sesame" not in done.out + done.err
    assert USER_KEY not in done.out + done.err
    assert "LILAC_USER_API_KEY in the environment outweigh" in done.err


def test_login_can_answer_in_json(lilac: Run, stand_in: StandIn) -> None:
    done = lilac("login", "--username", "ada", "--password-stdin", "-o", "json", typed="x\n")
    assert json.loads(done.out)["username"] == "ada"


def test_a_wrong_password_saves_nothing(lilac: Run, stand_in: StandIn, home: Path) -> None:
    stand_in.answer("POST", "/auth/login", Reply({"error": "Invalid credentials"}, 401))
    done = lilac("login", "--username", "ada", "--password-stdin", typed="wrong\n")
    assert done.code == 4
    assert "Invalid credentials" in done.err
    assert not (home / ".lilac").exists()


def test_login_without_a_terminal_names_the_flags(lilac: Run) -> None:
    done = lilac("login", "--username", "ada")
    assert done.code == 2
    assert "--password-stdin" in done.err
    assert lilac("login", "--password-stdin", typed="x\n").code == 2


def test_login_asks_what_it_was_not_told(stand_in: StandIn, home: Path) -> None:
    child = talk(home, "login")
    child.expect("Lilac API Endpoint:")
    child.send("\x15" + stand_in.url + ENTER)
    child.expect("Username:")
    child.send("\x15ada" + ENTER)
    child.expect("Password:")
    child.send("sesame" + ENTER)
    child.expect("Logged in")
    assert finish(child) == 0
    assert stand_in.sent("POST", "/auth/login")[0].body == {"username": "ada", "password": "sesame"}
    assert _config(home)["api_key"] == USER_KEY


def test_configure_asks_for_endpoint_and_key_and_tries_them(stand_in: StandIn, home: Path) -> None:
    child = talk(home, "configure")
    child.expect("Lilac API Endpoint:")
    child.expect("http://localhost:8080")
    child.send("\x15" + stand_in.url + ENTER)
    child.expect("User API Key:")
    child.send("lilac_sk_mine" + ENTER)
    child.expect("Saved in .*config.toml")
    child.expect("belongs to ada")
    assert finish(child) == 0
    assert _config(home) == {"api_endpoint": stand_in.url, "api_key": "lilac_sk_mine"}


def test_configure_shows_what_is_configured_but_not_the_whole_key(stand_in: StandIn, home: Path) -> None:
    (home / ".lilac").mkdir()
    (home / ".lilac" / "config.toml").write_text(f'api_endpoint = "{stand_in.url}"\napi_key = "{USER_KEY}"\n')
    child = talk(home, "configure")
    child.expect("Lilac API Endpoint:")
    child.send(ENTER)
    child.expect("User API Key")
    child.expect("lilac_sk_…uuuu")
    assert "u" * 10 not in child.before
    child.send(ENTER)
    assert finish(child) == 0
    assert _config(home) == {"api_endpoint": stand_in.url, "api_key": USER_KEY}


def test_configure_warns_and_saves_all_the_same(lilac: Run, stand_in: StandIn, home: Path) -> None:
    stand_in.answer("GET", "/account/details", Reply({"error": "The API key is not known."}, 401))
    done = lilac("configure", "--endpoint", stand_in.url, "--api-key-stdin", typed="lilac_sk_new\n")
    assert done.code == 0
    assert "Warning: The API key is not known." in done.err
    assert _config(home)["api_key"] == "lilac_sk_new"


def test_configure_repairs_a_broken_file(lilac: Run, stand_in: StandIn, home: Path) -> None:
    (home / ".lilac").mkdir()
    (home / ".lilac" / "config.toml").write_text("api_key = \n")
    done = lilac("configure", "--endpoint", stand_in.url, "--api-key-stdin", typed="k\n")
    assert done.code == 0
    assert _config(home) == {"api_endpoint": stand_in.url, "api_key": "k"}


def test_configure_without_a_terminal_names_the_flags_and_variables(lilac: Run) -> None:
    done = lilac("configure")
    assert done.code == 2
    assert "--api-key-stdin" in done.err
    assert "LILAC_API_ENDPOINT" in done.err


def test_leaving_a_question_with_ctrl_c_is_130_and_saves_nothing(stand_in: StandIn, home: Path) -> None:
    child = talk(home, "configure")
    child.expect("Lilac API Endpoint:")
    child.sendintr()
    assert finish(child) == 130
    assert not (home / ".lilac").exists()


def test_submit_asks_in_the_known_order_with_flags_as_answers(stand_in: StandIn, home: Path) -> None:
    variables = {"LILAC_API_ENDPOINT": stand_in.url, "LILAC_USER_API_KEY": USER_KEY}
    words = [
        "submit",
        "--name",
        "from-flag",
        "--queue",
        "default",
        "--cpu",
        "2000",
        "--gpu-count",
        "2",
        "--gpu-model",
        "A100",
    ]
    child = talk(home, *words, **variables)
    child.expect("Job Name:")
    child.expect("from-flag")
    child.send(ENTER)
    child.expect("Docker Image URI:")
    child.send("debian:12" + ENTER)
    child.expect("Queue:")
    child.expect("default")
    child.send(ENTER)
    child.expect("CPU")
    child.send(ENTER)
    child.expect("Memory")
    child.send("lots" + ENTER)
    child.expect("Please type a whole number")
    child.send("\x15" + "512" + ENTER)
    child.expect("Does the job need GPUs")
    child.send(ENTER)
    child.expect("How many GPUs")
    child.send("\x15" + "1" + ENTER)
    child.expect("GPU model")
    child.send(ENTER)
    child.expect("GPU memory")
    child.send(ENTER)
    child.expect("Job Summary:")
    child.expect("- GPUs: 1 x A100")
    child.expect("Submit this job")
    child.send(ENTER)
    child.expect("Job ID: ")
    assert finish(child) == 0
    body = stand_in.sent("POST", "/training_jobs")[0].body
    assert (body["name"], body["definition"]) == ("from-flag", "debian:12")
    assert body["resource_requirements"] == {
        "cpu_millicores": 2000,
        "memory_mb": 512,
        "gpus": {"count": 1, "model": "A100", "memory_gb": None},
    }


def test_declining_a_submission_sends_nothing_and_is_no_failure(stand_in: StandIn, home: Path) -> None:
    variables = {"LILAC_API_ENDPOINT": stand_in.url, "LILAC_USER_API_KEY": USER_KEY}
    words = ["submit", "--name", "n", "--docker-uri", "i", "--queue", "default", "--cpu", "1", "--memory", "1"]
    child = talk(home, *words, **variables)
    for question in ("Job Name:", "Docker Image URI:", "Queue:", "CPU", "Memory", "Does the job need GPUs"):
        child.expect(question)
        child.send(ENTER)
    child.expect("Submit this job")
    child.send("n")
    child.expect("Not submitted")
    assert finish(child) == 0
    assert stand_in.sent("POST", "/training_jobs") == []


def test_agent_configure_asks_and_keeps_the_node(stand_in: StandIn, home: Path) -> None:
    child = talk(home, "agent", "configure")
    child.expect("Lilac API Endpoint:")
    child.send("\x15" + stand_in.url + ENTER)
    child.expect("Cluster API Key:")
    child.send("lilac_sk_cluster" + ENTER)
    child.expect("private Docker registry")
    child.send("y")
    child.expect("Registry URL:")
    child.send("https://registry.example" + ENTER)
    child.expect("Username:")
    child.send("robot" + ENTER)
    child.expect("Password or token")
    child.send("token" + ENTER)
    child.expect("Saved in .*agent.toml")
    assert finish(child) == 0
    path = home / ".lilac" / "agent.toml"
    first = tomllib.loads(path.read_text())
    assert first["cluster_api_key"] == "lilac_sk_cluster"
    assert first["private_registry"] == {
        "registry_url": "https://registry.example",
        "username": "robot",
        "secret": "token",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    child = talk(home, "agent", "configure")
    child.expect("Lilac API Endpoint:")
    child.send(ENTER)
    child.expect("Cluster API Key")
    child.send(ENTER)
    child.expect("private Docker registry")
    child.send("n")
    assert finish(child) == 0
    second = tomllib.loads(path.read_text())
    assert "private_registry" not in second
    assert (second["node_id"], second["cluster_api_key"]) == (first["node_id"], first["cluster_api_key"])


def test_agent_configure_asks_for_no_password_of_ecr(stand_in: StandIn, home: Path) -> None:
    child = talk(home, "agent", "configure")
    child.expect("Lilac API Endpoint:")
    child.send("\x15" + stand_in.url + ENTER)
    child.expect("Cluster API Key:")
    child.send("lilac_sk_cluster" + ENTER)
    child.expect("private Docker registry")
    child.send("y")
    child.expect("Registry URL:")
    child.send("https://123456789012.dkr.ecr.eu-west-1.amazonaws.com" + ENTER)
    child.expect("ask AWS")
    child.send("y")
    child.expect("Saved in .*agent.toml")
    assert finish(child) == 0
    kept = tomllib.loads((home / ".lilac" / "agent.toml").read_text())["private_registry"]
    assert kept == {"registry_url": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"}


def test_agent_configure_takes_everything_from_variables(
    lilac: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LILAC_CLUSTER_API_KEY", "lilac_sk_cluster")
    assert lilac("agent", "configure", "--non-interactive").code == 0
    assert tomllib.loads((home / ".lilac" / "agent.toml").read_text())["cluster_api_key"] == "lilac_sk_cluster"


def test_agent_configure_without_a_terminal_says_what_to_do(lilac: Run) -> None:
    done = lilac("agent", "configure")
    assert done.code == 2
    assert "--non-interactive" in done.err
