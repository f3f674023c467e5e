"""How failures look: one sentence, the right exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import Run
from standin import JOB_ID, USER_KEY, Asked, Reply, StandIn, attempt, job

LILAC = [sys.executable, "-m", "lilac.cli.main"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 4), (403, 4), (404, 3), (409, 5), (422, 2), (429, 4), (500, 1), (503, 6)],
)
def test_the_exit_code_tells_the_kind_of_failure(lilac: Run, stand_in: StandIn, status: int, code: int) -> None:
    stand_in.answer("GET", "/queues", Reply({"error": "The sentence of the server."}, status))
    done = lilac("queues", "ls")
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("Error: The sentence of the server.\n")


def test_an_unreachable_control_plane_is_six(lilac: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LILAC_API_ENDPOINT", "http://127.0.0.1:1")
    done = lilac("ps")
    assert done.code == 6
    assert "cannot reach the control plane at http://127.0.0.1:1: connection refused. Is it running?" in done.err


def test_a_refused_key_says_where_it_came_from(lilac: Run, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.answer("GET", "/training_jobs", Reply({"error": "The API key is not known."}, 401))
    assert "from LILAC_USER_API_KEY was sent. Run `lilac login`" in lilac("ps").err
    monkeypatch.delenv("LILAC_USER_API_KEY")
    assert "No API key is configured: run `lilac login`" in lilac("ps").err


def test_broken_configuration_is_told_with_its_place(lilac: Run, home: Path) -> None:
    (home / ".lilac").mkdir()
    (home / ".lilac" / "config.toml").write_text("api_key = \n")
    done = lilac("ps")
    assert done.code == 2
    assert "config.toml: line 1 (api_key): not valid TOML" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sumbit"], "Did you mean `submit`?"),
        (["jobs", "lss"], "ls"),
        (["ps", "--statsu", "x"], "--status"),
        (["submit", "--gpucount", "1"], "--gpu-count"),
        (["ps", "--limit", "many"], "many"),
        (["logs"], "JOB"),
        (["submit", "words", "without", "dashes"], "unexpected"),
    ],
)
def test_wrong_usage_is_two_with_a_hint(lilac: Run, words: list[str], hint: str) -> None:
    done = lilac(*words)
    assert done.code == 2
    assert done.out == ""
    assert hint in done.err
    assert "--help`" in done.err


def test_a_bare_lilac_shows_its_help_and_is_wrong_usage(lilac: Run) -> None:
    done = lilac()
    assert done.code == 2
    assert "submit" in done.err


def test_help_lists_commands_and_exit_codes(lilac: Run) -> None:
    done = lilac("--help")
    assert done.code == 0
    for text in ("submit", "explain", "Exit codes:", "cannot be reached", "LILAC_API_ENDPOINT"):
        assert text in done.out


def test_a_fault_of_our_own_asks_for_debug_and_debug_shows_where(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues", ["not", "queues"])
    done = lilac("queues", "ls")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "--debug" in done.err
    assert "Traceback" in lilac("queues", "ls", "--debug").err


def test_debug_after_two_dashes_belongs_to_the_job(lilac: Run, stand_in: StandIn) -> None:
    lilac("submit", "--non-interactive", "--name", "x", "--image", "i", "--queue", "default", "--cpu", "1",
          "--memory", "1", "--", "run", "--debug")  # fmt: skip
    assert stand_in.sent("POST", "/training_jobs")[0].body["command"] == ["run", "--debug"]


def _environment(stand_in: StandIn, home: Path) -> dict[str, str]:
    mine = {"HOME": str(home), "LILAC_API_ENDPOINT": stand_in.url, "LILAC_USER_API_KEY": USER_KEY}
    return {**os.environ, **mine}


def test_ctrl_c_while_following_only_stops_following(stand_in: StandIn, home: Path) -> None:
    running = job(job_status="running", attempts=[attempt(state="running")])
    stand_in.answer("GET", "/training_jobs/digits", running)
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}", running)

    def endless(_: Asked) -> Reply:
        def pieces():
            yield b"one\n"
            stop.wait(30)

        return Reply(pieces())

    import threading

    stop = threading.Event()
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/logs", endless)
    with subprocess.Popen(
        [*LILAC, "logs", "-f", "digits"], env=_environment(stand_in, home), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    stop.set()
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert not stand_in.sent("POST", f"/training_jobs/{JOB_ID}/cancel")


def test_a_reader_that_goes_away_is_no_news(stand_in: StandIn, home: Path) -> None:
    jobs = [job(job_name=f"job-{n}" + "x" * 200) for n in range(2000)]
    stand_in.answer("GET", "/training_jobs", {"jobs": jobs})
    with subprocess.Popen(
        [*LILAC, "ps"], env=_environment(stand_in, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(20) == 141
    assert errors == b""


HEAVY = (
    "asyncio",
    "email",
    "fastapi",
    "http.client",
    "pydantic",
    "questionary",
    "sqlalchemy",
    "ssl",
    "urllib.request",
    "websockets",
    "yaml",
)
SUBMIT = "submit --non-interactive --name x --image debian:12 --queue default --cpu 1000 --memory 64"


@pytest.mark.parametrize(
    ("words", "also_not"),
    [
        (["--version"], ("click",)),
        (["--help"], ()),
        (["submit", "--help"], ()),
        (["server", "--help"], ()),
        (["agent", "start", "--help"], ()),
        (["demo", "--help"], ()),
        (["jobs", "--help"], ()),
    ],
)
def test_starting_loads_nothing_heavy(home: Path, words: list[str], also_not: tuple[str, ...]) -> None:
    script = (
        "import sys\n"
        "from lilac.cli.main import main\n"
        f"code = main({words!r})\n"
        f"print([name for name in {(*HEAVY, *also_not)!r} if name in sys.modules], code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


HELP_OF_SERVER = [["server", "start", "--help"], ["server", "password", "--help"]]


@pytest.mark.parametrize("words", HELP_OF_SERVER, ids=lambda words: words[1])
def test_the_help_of_the_server_loads_its_settings_and_not_the_server(home: Path, words: list[str]) -> None:
    script = (
        "import sys\n"
        "from lilac.cli.main import main\n"
        f"code = main({words!r})\n"
        "loaded = [name for name in ('fastapi', 'starlette', 'sqlalchemy', 'questionary', 'uvicorn', 'orjson')\n"
        "          if name in sys.modules]\n"
        "print(loaded, code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"
    assert "--database-url" in done.stdout


@pytest.mark.parametrize(
    "words",
    [["ps"], ["jobs", "ls"], ["jobs", "show", "digits"], ["explain", "giant"], ["logs", "digits"], SUBMIT.split()],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_that_talks_loads_no_more_than_it_needs(stand_in: StandIn, home: Path, words: list[str]) -> None:
    script = (
        "import sys\n"
        "from lilac.cli.main import main\n"
        f"code = main({words!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=_environment(stand_in, home)
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_told(lilac: Run, flag: str) -> None:
    from lilac import __version__

    assert lilac(flag).out == f"lilac {__version__}\n"
