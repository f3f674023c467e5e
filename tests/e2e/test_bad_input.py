"""What wrong input gets: one clear sentence, the right exit code, nothing lost, no traceback."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fixtures.platform import Agent, Api, Server, clean_environment, eventually, lilac

pytestmark = pytest.mark.xdist_group("bad input")


class Shell:
    """Types commands as somebody with this key."""

    def __init__(self, home: Path, address: str, key: str) -> None:
        self.home, self.address, self.key = home, address, key

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        configured = {"LILAC_API_ENDPOINT": self.address, "LILAC_USER_API_KEY": self.key}
        return subprocess.run(
            [lilac(), *arguments],
            env=clean_environment(self.home, {**configured, **(env or {})}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def refused(self, exit_code: int, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """The sentence that the command ends with."""
        done = self.run(*arguments, env=env)
        assert done.returncode == exit_code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        assert done.stderr.strip(), "it says why"
        return done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return server.api


@pytest.fixture(scope="module")
def shell(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"), server.address, server.api.user_key())


def submit(**changed: str) -> list[str]:
    flags = {"name": "x", "docker-uri": "busybox", "queue-id": "default", "cpu": "100", "memory": "64"} | changed
    return ["submit", "--non-interactive", *(part for k, v in flags.items() for part in (f"--{k}", v))]


@pytest.mark.parametrize(
    ("changed", "exit_code", "said"),
    [
        ({"queue-id": "defautl"}, 3, "defautl"),
        ({"cpu": "-5"}, 2, "cpu"),
        ({"cpu": "0"}, 2, "cpu"),
        ({"cpu": "many"}, 2, "many"),
        ({"cpu": "99999999999"}, 2, "cpu"),
        ({"memory": "-1"}, 2, "memory"),
        ({"gpu-count": "-1"}, 2, "gpu"),
        ({"gpu-count": "1", "gpu-memory": "-16"}, 2, "gpu"),
        ({"name": " "}, 2, "name"),
        ({"docker-uri": "two words"}, 2, "two words"),
        ({"size": "3:1"}, 2, "size"),
        ({"time-limit": "soon"}, 2, "soon"),
        ({"env": "=x"}, 2, "="),
    ],
)
def test_a_malformed_request_is_refused_by_the_name_of_what_is_wrong(
    shell: Shell, api: Api, changed: dict[str, str], exit_code: int, said: str
) -> None:
    before = len(api.get("/training_jobs")["jobs"])
    assert said.lower() in shell.refused(exit_code, *submit(**changed)).lower()
    assert len(api.get("/training_jobs")["jobs"]) == before


def test_all_missing_flags_are_named_at_once(shell: Shell) -> None:
    said = shell.refused(2, "submit", "--non-interactive", "--name", "x")
    assert all(flag in said for flag in ("--docker-uri", "--queue-id", "--cpu", "--memory"))


def test_what_can_never_run_is_accepted_with_its_reason_and_refused_when_strict(shell: Shell) -> None:
    assert shell.run(*submit(name="giant", **{"gpu-count": "64"})).returncode == 0
    assert "no node" in shell.run("explain", "giant").stdout  # none at all, or none with GPUs
    assert "no node" in shell.refused(2, *submit(name="giant2", **{"gpu-count": "64"}), "--strict")
    assert shell.run("cancel", "giant").returncode == 0


def test_a_wrong_key_is_told_what_to_do(shell: Shell) -> None:
    said = shell.refused(4, "ps", env={"LILAC_USER_API_KEY": "lilac_sk_" + "a" * 32})
    assert "lilac login" in said


def test_a_cluster_s_key_is_no_user_s_key(shell: Shell, api: Api) -> None:
    shell.refused(4, "ps", env={"LILAC_USER_API_KEY": api.cluster_key()})


def test_a_revoked_key_is_refused_at_once(shell: Shell, api: Api) -> None:
    made = api.post("/account/api-keys", {"name": "short-lived"})
    assert shell.run("ps", env={"LILAC_USER_API_KEY": made["key"]}).returncode == 0
    api.delete(f"/account/api-keys/{made['id']}")
    shell.refused(4, "ps", env={"LILAC_USER_API_KEY": made["key"]})


def test_a_role_that_may_not_is_told_which_one_may(shell: Shell, api: Api, server: Server) -> None:
    api.post("/users", {"username": "visitor", "password": "a long password", "role": "viewer"})
    home = shell.home / "visitor"
    home.mkdir()
    logged_in = subprocess.run(
        [lilac(), "login", "--endpoint", server.address, "--username", "visitor", "--password-stdin"],
        env=clean_environment(home, {}),
        input="a long password\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert logged_in.returncode == 0, logged_in.stderr
    visitor = Shell(home, server.address, "")
    env = {"LILAC_USER_API_KEY": (home / ".lilac/config.toml").read_text().split('api_key = "')[1].split('"')[0]}
    assert "member" in visitor.refused(4, *submit(), env=env)
    assert "admin" in visitor.refused(4, "queues", "create", "q", "--cluster", "default", "--priority", "1", env=env)


def test_an_unknown_job_is_not_found(shell: Shell) -> None:
    for command in ("logs", "explain", "cancel"):
        assert "nowhere" in shell.refused(3, command, "nowhere")


def test_a_job_that_has_ended_cannot_be_cancelled(shell: Shell, api: Api, server: Server, tmp_path: Path) -> None:
    with Agent(tmp_path, server.address, api.cluster_key(), name="brief"):
        job = api.submit("/bin/true", name="over")
        api.wait(job)
    assert "succeeded" in shell.refused(5, "cancel", job)


def test_an_unreachable_control_plane_is_named_with_where_it_is_configured(shell: Shell) -> None:
    said = shell.refused(6, "ps", env={"LILAC_API_ENDPOINT": "http://127.0.0.1:1"})
    assert "http://127.0.0.1:1" in said
    assert "LILAC_API_ENDPOINT" in said or "config.toml" in said


def test_another_service_at_the_address_is_told_as_such(shell: Shell) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{other.server_port}"
            done = shell.run("ps", env={"LILAC_API_ENDPOINT": address})
        finally:
            other.shutdown()
            thread.join()
    assert done.returncode not in (0, 130)
    assert "Traceback" not in done.stderr
    assert address in done.stderr


@pytest.mark.parametrize(("file", "arguments"), [("config.toml", ("ps",)), ("agent.toml", ("agent", "start"))])
def test_a_broken_file_is_told_by_file_and_line(tmp_path: Path, file: str, arguments: tuple[str, ...]) -> None:
    (tmp_path / ".lilac").mkdir()
    path = tmp_path / ".lilac" / file
    path.write_text('api_endpoint = "http://127.0.0.1:1"\nthis is = not toml\n')
    done = run_alone(tmp_path, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert str(path) in done.stderr
    assert "line 2" in done.stderr


@pytest.mark.parametrize(("file", "arguments"), [("config.toml", ("ps",)), ("agent.toml", ("agent", "start"))])
def test_a_wrong_type_is_told_by_file_and_key(tmp_path: Path, file: str, arguments: tuple[str, ...]) -> None:
    (tmp_path / ".lilac").mkdir()
    path = tmp_path / ".lilac" / file
    path.write_text("api_endpoint = 8080\n")
    done = run_alone(tmp_path, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert str(path) in done.stderr
    assert "api_endpoint" in done.stderr


def test_an_agent_without_a_key_is_told_how_to_get_one(tmp_path: Path) -> None:
    done = run_alone(tmp_path, "agent", "start", env={"LILAC_API_ENDPOINT": "http://127.0.0.1:1"})
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "lilac agent configure" in done.stderr


def test_an_agent_with_a_wrong_key_says_so_and_goes_on_trying(server: Server, tmp_path: Path) -> None:
    agent = Agent(tmp_path, server.address, "lilac_sk_" + "b" * 32)
    with agent:
        assert agent.process is not None
        eventually(lambda: "401" in agent.process.output or "key" in agent.process.output, 30, "a word about the key")
        assert agent.process.popen.poll() is None


def test_a_job_waits_and_is_not_lost_while_the_node_s_engine_is_down(server: Server, tmp_path: Path) -> None:
    api = server.api
    agent = Agent(
        tmp_path,
        server.address,
        api.cluster_key(),
        runtimes=("docker",),
        env={"DOCKER_HOST": "unix:///nonexistent.sock"},
    )
    with agent:
        body = {"name": "boxed", "definition": "busybox", "queue_id": "default", "max_retries": 0,
                "resource_requirements": {"cpu_millicores": 10, "memory_mb": 8, "gpus": None}}  # fmt: skip
        job = api.post("/training_jobs", body)["id"]
        replica = eventually(
            lambda: (a := api.get(f"/training_jobs/{job}")["attempts"]) and (r := a[0]["replicas"][0])["message"] and r,
            60,
            "a word about the engine",
        )
        assert "nonexistent.sock" in replica["message"] or "engine" in replica["message"].lower()
        api.post(f"/training_jobs/{job}/cancel")


def test_a_port_in_use_and_a_data_directory_in_use_are_refused(server: Server, tmp_path: Path) -> None:
    done = run_alone(tmp_path, "server", "start", "--port", str(server.port), "--data-dir", str(tmp_path / "d"))
    assert done.returncode == 6
    assert str(server.port) in done.stderr
    done = run_alone(tmp_path, "server", "start", "--port", "0", "--data-dir", str(server.directory / "data"))
    assert done.returncode == 5
    assert str(server.directory / "data") in done.stderr


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"LILAC_PORT": "http"}, "port"),
        ({"LILAC_DATABASE_URL": "mysql://x/y"}, "mysql"),
        ({"LILAC_LOG_FORMAT": "xml"}, "log_format"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, env: dict[str, str], said: str) -> None:
    done = run_alone(tmp_path, "server", "start", "--data-dir", str(tmp_path / "data"), env={"LILAC_PORT": "0", **env})
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert said in done.stderr.lower()


def test_names_cannot_play_with_the_terminal(shell: Shell, api: Api) -> None:
    for name in ("\x1b[31mred", "two\nlines", "bell\x07"):
        with pytest.raises(AssertionError, match=r"422.*control characters"):
            api.submit("/bin/true", name=name)
    assert "control characters" in shell.refused(2, *submit(name="\x1b[31mred"))


def run_alone(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [lilac(), *arguments],
        env=clean_environment(home, env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
