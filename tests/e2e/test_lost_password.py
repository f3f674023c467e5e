"""The administrator's password is lost: whoever holds the server's machine gets back in, while the server runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx2

from tests.fixtures.platform import PASSWORD, Server, clean_environment, eventually, lilac

OWN = {"X-Requested-With": "lilac"}
NEW = "a better password"


def run(home: Path, *argv: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [lilac(), "server", "password", *argv],
        env=clean_environment(home, {}),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sign_in(client: httpx2.Client, password: str) -> int:
    body = {"username": "admin", "password": password}
    return client.post("/auth/session", json=body, headers=OWN).status_code


def test_a_password_is_set_beside_the_running_server_and_ends_older_sign_ins(tmp_path: Path) -> None:
    with (
        Server(tmp_path / "server") as server,
        httpx2.Client(base_url=server.address, trust_env=False) as before,
        httpx2.Client(base_url=server.address, trust_env=False) as after,
    ):
        assert sign_in(before, PASSWORD) == 200
        done = run(
            tmp_path, "admin", "--password-stdin", "--data-dir", str(server.directory / "data"), typed=NEW + "\n"
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "The password of admin (admin) is changed" in done.stdout
        assert NEW not in done.stdout
        assert (sign_in(after, PASSWORD), sign_in(after, NEW)) == (401, 200)
        assert before.post("/auth/session/refresh", headers=OWN).status_code == 401
        eventually(lambda: before.get("/auth/session").status_code == 401, 20, "the older login token to be void")
        changed = after.get("/events", params={"kind": "user.changed"}).json()["events"]
        assert [(e["actor"], e["data"]["changed"]) for e in changed] == [("system", ["password"])]


def test_a_password_is_made_where_that_is_wanted(tmp_path: Path) -> None:
    with Server(tmp_path / "server") as server:
        done = run(tmp_path, "admin", "--generate", "--data-dir", str(server.directory / "data"))
        assert done.returncode == 0, done.stderr
        made = done.stdout.rpartition("password: ")[2].strip()
        with httpx2.Client(base_url=server.address, trust_env=False) as client:
            assert sign_in(client, made) == 200


def test_what_is_wrong_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    elsewhere = ("--data-dir", str(tmp_path / "nothing here"))
    refused = run(tmp_path, "admin", "--generate", *elsewhere)
    assert refused.returncode == 3
    assert "There is no database" in refused.stderr
    assert not (tmp_path / "nothing here").exists()
    refused = run(tmp_path, "admin", *elsewhere)
    assert refused.returncode == 2
    assert "--password-stdin or --generate" in refused.stderr
    with Server(tmp_path / "server") as server:
        there = ("--data-dir", str(server.directory / "data"))
        refused = run(tmp_path, "nobody", "--generate", *there)
        assert (refused.returncode, refused.stdout) == (3, "")
        assert "there is no account 'nobody'" in refused.stderr
        refused = run(tmp_path, "admin", "--password-stdin", *there, typed="short\n")
        assert refused.returncode == 2
        assert "at least 8 characters" in refused.stderr
