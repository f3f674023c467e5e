"""What the demo shows: each step is a real command with its real output."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from lilac.cli.demo.stage import Stage, lilac
from lilac.cli.output import paint
from lilac.client import Client, config
from lilac.client.patience import Patience
from lilac.model.errors import LilacError, Unavailable

_TRAINING = Path(__file__).with_name("train_digits.py")
_TRAINING_MEMORY_MB = "1024"


def tell(directory: Path, *, runtime: str, keep: bool) -> int:
    """Run the demo and return its exit code. Whatever happens, nothing is left running, unless it is to be kept."""
    _check_training_library()
    with _signals_as_exceptions():
        if runtime == "process":
            return _play(Stage(directory, {}), "process", "", [sys.executable, str(_TRAINING)], keep=keep)
        from lilac.cli.demo import images

        with images.find_engine() as engine:
            click.echo(f"Container engine: {engine.words}")
            image = images.prepare(engine, _TRAINING, say=click.echo)
            stage = Stage(directory, {"DOCKER_HOST": engine.host})
            kept = False
            try:
                code = _play(stage, "docker", image, images.training_command(), keep=keep)
                kept = keep
                return code
            finally:
                node_id = stage.node_id()
                if node_id is not None and not kept:
                    engine.remove_containers_of(node_id)


def _play(stage: Stage, runtime: str, image: str, command: Sequence[str], *, keep: bool) -> int:
    try:
        stage.prepare()
        story = _Story(stage, runtime)
        story.set_up()
        code = story.train(image, command)
        story.explain_the_impossible()
        story.close(keep=keep)
        return code
    except subprocess.CalledProcessError as error:
        click.echo(f"\nThe demo stops here: that command ended with exit code {error.returncode}.", err=True)
        return 1
    except KeyboardInterrupt:
        click.echo("\nInterrupted: stopping everything.", err=True)
        raise
    finally:
        stage.strike()


class _Story:
    def __init__(self, stage: Stage, runtime: str) -> None:
        self._stage = stage
        self._runtime = runtime
        self._endpoint = ""
        self._ui = ""
        """Where the web interface is; empty where it is not built."""
        self._passwords: dict[str, str] = {}
        self._node = "demo-node"

    def set_up(self) -> None:
        """An administrator makes the platform."""
        _heading("The administrator starts a control plane, and describes the cluster")
        words = ["server", "start", "--port", "0", "--data-dir", str(self._stage.directory / "server")]
        _show([*words, "&"], self._stage.directory)
        greeting = self._stage.start_server(words)
        username, password = _first_credentials(greeting)
        self._endpoint = greeting[-1].removeprefix("Listening on ").split(" ", 1)[0]
        self._ui = next((line.split(" ")[-1].strip() for line in greeting if line.startswith("Web interface: ")), "")
        click.echo(f"Listening on {self._endpoint}")
        self._run("admin", ["login", "--endpoint", self._endpoint, "--username", username, "--password-stdin"],
                  typed=password)  # fmt: skip
        self._run("admin", ["clusters", "create", "lab"])
        self._run("admin", ["queues", "create", "training", "--cluster", "lab", "--priority", "10"])
        ada_password = os.urandom(12).hex()
        self._passwords = {"ada": ada_password, username: password}
        self._run("admin", ["users", "create", "ada", "--password-stdin"], typed=ada_password)
        key = self._secret("admin", ["clusters", "keys", "create", "lab", "--name", self._node])

        _heading("This machine becomes a node of it")
        self._run("node", ["agent", "configure", "--endpoint", self._endpoint, "--cluster-key-stdin"], typed=key)
        words = ["agent", "start", "--runtime", self._runtime, "--name", self._node]
        _show([*words, "&"], self._stage.directory)
        self._start_agent(words)
        self._run("admin", ["nodes", "ls"])

        _heading("Ada logs in and submits a training job")
        self._run("ada", ["login", "--endpoint", self._endpoint, "--username", "ada", "--password-stdin"],
                  typed=ada_password)  # fmt: skip

    def train(self, image: str, command: Sequence[str]) -> int:
        """Submit the training, follow it, look at it; return its exit code."""
        what = ["--runtime", "process"] if not image else ["--image", image]
        words = ["submit", "--non-interactive", "--name", "digits", *what, "--queue", "training", "--cpu", "1000"]
        words += ["--memory", _TRAINING_MEMORY_MB, "--time-limit", "10m", "--env", "OMP_NUM_THREADS=1", "--follow"]
        words += ["--", *command]
        code = self._run("ada", words, check=False)
        _heading("What became of it, and where the time went")
        self._run("ada", ["jobs", "show", "digits"])
        return code

    def explain_the_impossible(self) -> None:
        _heading("A job that can never run here is told so")
        what = ["--runtime", "process"] if self._runtime == "process" else ["--image", "debian:12"]
        words = ["submit", "--non-interactive", "--name", "giant", *what, "--queue", "training", "--cpu", "1000"]
        words += ["--memory", "1024", "--gpu-count", "8", "--gpu-model", "H100", "--", "python", "train.py"]
        self._run("ada", words)
        self._run("ada", ["explain", "giant"])
        self._run("ada", ["cancel", "giant"])

    def close(self, *, keep: bool) -> None:
        settings = config.load(self._stage.directory / "ada" / ".lilac" / "config.toml", {})
        click.echo()
        if not keep:
            if self._ui:
                click.echo(f"The web interface was at {self._ui}; see it with `lilac demo --keep`.")
            click.echo(f"The API's reference was at {self._endpoint}/docs; see it with `lilac demo --keep`.")
            click.echo(f"Stopping everything. Logs and data stay in {_relative(self._stage.directory)}.")
            return
        self._stage.keep({"endpoint": self._endpoint})
        where = _relative(self._stage.directory)
        click.echo(f"The platform keeps running at {self._endpoint} (API reference: {self._endpoint}/docs).")
        if self._ui:
            click.echo(f"The web interface is at {self._ui}. Sign in as one of:")
            for name, password in self._passwords.items():
                click.echo(f"  {name}, password {password}")
        click.echo("Use it as Ada:")
        home = shlex.quote(str(self._stage.directory / "ada" / ".lilac" / "config.toml"))
        click.echo(f"  export LILAC_API_ENDPOINT={settings.api_endpoint}")
        click.echo(f"  export LILAC_USER_API_KEY=$(sed -n 's/^api_key = \"\\(.*\\)\"/\\1/p' {home})")
        click.echo("  lilac ps")
        click.echo(f"Stop it with `lilac demo --stop --dir {where}`.")

    def _start_agent(self, words: Sequence[str]) -> None:
        """Start the agent and return once the control plane knows its node."""
        settings = config.load(self._stage.directory / "admin" / ".lilac" / "config.toml", {})
        news: queue.Queue[object] = queue.Queue()

        def watch() -> None:
            try:
                with Client(settings.api_endpoint, settings.api_key) as client:
                    for event in client.events.follow(after=0, patience=Patience(20)):
                        if event["kind"] == "node.joined":
                            news.put(event)
                            return
            except LilacError as error:
                news.put(error)

        threading.Thread(target=watch, daemon=True).start()
        self._stage.start_agent(words)
        self._stage.wait_for(news, "the agent's first report")

    def _run(self, who: str, words: Sequence[str], *, typed: str | None = None, check: bool = True) -> int:
        """Show a command, run it as this person with its output going straight to the screen."""
        _show(words, self._stage.directory, typed=typed is not None)
        sys.stdout.flush()
        done = subprocess.run(
            [*lilac(), *words],
            env=self._stage.environment(who),
            input=None if typed is None else f"{typed}\n".encode(),
            stdin=subprocess.DEVNULL if typed is None else None,
            check=check,
        )
        return done.returncode

    def _secret(self, who: str, words: Sequence[str]) -> str:
        """Like `_run`, for a command whose output is a secret: shown in part only."""
        _show(words, self._stage.directory)
        done = subprocess.run(
            [*lilac(), *words],
            env=self._stage.environment(who),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            text=True,
        )
        secret = done.stdout.strip()
        click.echo(f"{secret[:12]}{'*' * 12}")
        return secret


def _check_training_library() -> None:
    if importlib.util.find_spec("sklearn") is None:
        raise Unavailable("the demo trains with scikit-learn, which is not installed: pip install 'lilac[demo]'.")


def _first_credentials(greeting: Sequence[str]) -> tuple[str, str]:
    found = {}
    for line in greeting:
        name, _, value = line.strip().partition(":")
        found[name] = value.strip()
    if "username" not in found or "password" not in found:
        raise Unavailable("the control plane did not print its first credential.")
    return found["username"], found["password"]


def _heading(text: str) -> None:
    click.echo(f"\n{paint(f'── {text} ──', 'bold')}")


def _show(words: Sequence[str], directory: Path, *, typed: bool = False) -> None:
    line = " ".join(word if word == "&" else shlex.quote(word) for word in words)
    line = line.replace(str(directory), str(_relative(directory)))
    click.echo(paint(f"\n$ lilac {line}{'   (password or key from standard input)' if typed else ''}", "cyan"))
    sys.stdout.flush()


def _relative(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


@contextlib.contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Have a request to end pass through the clean-up, like Ctrl-C."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
