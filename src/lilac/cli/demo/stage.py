"""The demo's processes: started in sessions of their own, watched, and all gone at the end.

Nothing is ever killed by name. What the demo may end is what it started: the control plane and the agent (their
process numbers are trusted only together with their start times), and the processes below them. Jobs are made to
outlive an agent on purpose, so the demo makes itself the foster parent of orphaned descendants (Linux) and ends those
too.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from lilac.model.errors import Conflict, LilacError, Unavailable

MARK = "lilac-demo"
_STATE = "running.json"
_PR_SET_CHILD_SUBREAPER = 36
_GENTLE_S = 8.0


class Stage:
    """A directory for everything of the demo, and the two processes of the platform in it."""

    def __init__(self, directory: Path, variables: Mapping[str, str]) -> None:
        self.directory = directory
        self._variables = variables
        self._server: subprocess.Popen[str] | None = None
        self._agent: subprocess.Popen[str] | None = None
        self.kept: list[subprocess.Popen[str]] = []

    def prepare(self) -> None:
        """An empty directory of our own. Raises `Conflict` if there is something in it that the demo did not make."""
        _adopt_orphans()
        if self.directory.exists():
            if any(self.directory.iterdir()) and not (self.directory / MARK).exists():
                raise Conflict(f"{self.directory} holds other things: give the demo another place with --dir.")
            stop_kept(self.directory)
            shutil.rmtree(self.directory)
        self.directory.mkdir(parents=True, mode=0o700)
        (self.directory / MARK).write_text("Everything in this directory belongs to `lilac demo` and may be deleted.\n")
        for home in ("admin", "ada", "node"):
            (self.directory / home).mkdir(mode=0o700)

    def environment(self, home: str) -> dict[str, str]:
        """Variables for one person's (or the node's) commands: a home of their own, nothing of this user's Lilac."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LILAC_")}
        return {**kept, "HOME": str(self.directory / home), "PYTHONUNBUFFERED": "1", **self._variables}

    def start_server(self, words: Sequence[str]) -> list[str]:
        """Start the control plane; return what it printed until it listened."""
        log = open(self.directory / "server.log", "w", encoding="utf-8")  # noqa: SIM115 - the child's from now on
        with log:
            self._server = self._spawn(words, self.environment("admin"), subprocess.PIPE, log)
            assert self._server.stdout is not None
            lines: list[str] = []
            for line in self._server.stdout:
                lines.append(line.rstrip("\n"))
                log.write(line)
                log.flush()
                if line.startswith("Listening on "):
                    return lines
        raise Unavailable(f"the control plane did not start: {self._last_words('server.log')}")

    def start_agent(self, words: Sequence[str]) -> None:
        with open(self.directory / "agent.log", "w", encoding="utf-8") as log:
            self._agent = self._spawn(words, self.environment("node"), log, log)

    def wait_for(self, happened: queue.Queue[object], what: str, limit_s: float = 60.0) -> None:
        """Block until something is put into the queue; an agent that dies meanwhile is told with its last words."""
        agent = self._agent
        if agent is not None:
            threading.Thread(target=lambda: happened.put(("died", agent.wait())), daemon=True).start()
        try:
            news = happened.get(timeout=limit_s)
        except queue.Empty:
            raise Unavailable(f"{what} did not happen within {limit_s:.0f} s: see {self.directory}.") from None
        if isinstance(news, LilacError):
            raise news
        if isinstance(news, tuple):
            raise Unavailable(f"the agent ended: {self._last_words('agent.log')}")

    def keep(self, facts: Mapping[str, str]) -> None:
        """Let the platform run on, and note how to find it again."""
        assert self._server is not None
        assert self._agent is not None
        processes = [_identity(self._server.pid), _identity(self._agent.pid)]
        text = json.dumps({"processes": processes, "node_id": self.node_id(), **self._variables, **facts}, indent=2)
        (self.directory / _STATE).write_text(text)
        if self._server.stdout is not None:
            self._server.stdout.close()
        self.kept = [self._server, self._agent]
        self._server = self._agent = None

    def node_id(self) -> str | None:
        """The identity of the demo's node, once it has one."""
        try:
            return tomllib.loads((self.directory / "node" / ".lilac" / "agent.toml").read_text())["node_id"]
        except (OSError, ValueError, KeyError):
            return None

    def strike(self) -> None:
        """End everything that is left: agent and control plane gently, then whatever is still below us."""
        started = [process for process in (self._agent, self._server) if process is not None]
        jobs = [child for process in started if process.poll() is None for child in _below(process.pid)]
        for process in started:
            _end(process)
        self._agent = self._server = None
        if not self.kept:  # A platform that is kept keeps its jobs too.
            _kill([*jobs, *_below(os.getpid())])

    def _spawn(
        self, words: Sequence[str], environment: Mapping[str, str], out: int | IO[str], errors: IO[str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*lilac(), *words],
            env=dict(environment),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            text=True,
            start_new_session=True,
        )

    def _last_words(self, name: str) -> str:
        text = (self.directory / name).read_text(encoding="utf-8", errors="replace").strip()
        last = text.splitlines()[-1] if text else "it said nothing"
        return f"{last.removeprefix('Error: ')} (its log: {self.directory / name})"


def lilac() -> list[str]:
    """The words that start the `lilac` of this very installation."""
    return [sys.executable, "-m", "lilac.cli.main"]


def stop_kept(directory: Path) -> bool:
    """End the platform that an earlier demo left running in this directory; whether there was one."""
    state = directory / _STATE
    try:
        noted = json.loads(state.read_text())
        alive = [process for process in map(_same_process, noted["processes"]) if process is not None]
    except (OSError, ValueError, KeyError):
        return False
    everything = [*alive, *(child for process in alive for child in _below(process.pid))]
    for process in reversed(alive):  # The agent before the control plane, so that it can say good-bye.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            process.terminate()
            process.wait(_GENTLE_S)
    _kill(everything)
    if noted.get("DOCKER_HOST") and noted.get("node_id"):
        from lilac.cli.demo import images

        with contextlib.suppress(Unavailable), images.find_engine(noted["DOCKER_HOST"]) as engine:
            engine.remove_containers_of(noted["node_id"])
    state.unlink(missing_ok=True)
    return bool(alive)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_GENTLE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _adopt_orphans() -> None:
    """Have orphaned descendants become our children, so that they can be found."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    """End processes that should be gone: asked first, then forced. Numbers that were given anew are left alone."""
    left = [process for process in dict.fromkeys(processes) if process.is_running()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=2.0)
        if not left:
            return


def _identity(pid: int) -> dict[str, float]:
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _same_process(noted: Mapping[str, float]) -> psutil.Process | None:
    try:
        process = psutil.Process(int(noted["pid"]))
        return process if abs(process.create_time() - noted["created"]) < 0.01 else None
    except (psutil.NoSuchProcess, KeyError, ValueError):
        return None
