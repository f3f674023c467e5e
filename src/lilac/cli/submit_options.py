"""The flags of `lilac submit` beyond the documented first ones, and what they mean in a request."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lilac.cli import wording
from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.shapes import NewJob

F = TypeVar("F", bound=Callable[..., Any])

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_CLASSES = ("node_lost", "image", "out_of_memory", "error")
_PAIR = "KEY=VALUE"
_OPTIONS = (
    click.option("--command", "shell_line", metavar="TEXT", help="A line for `sh -c`, instead of the image's command."),
    click.option("--arg", "args", multiple=True, metavar="WORD", help="A word behind the command, or for the image's."),
    click.option("-e", "--env", multiple=True, metavar=_PAIR, help="A variable; KEY alone takes it from here."),
    click.option("--env-file", multiple=True, metavar="FILE", help="Variables from a file, KEY=VALUE on each line."),
    click.option("--workdir", help="The directory in which the command runs."),
    click.option(
        "--time-limit", metavar="TIME", help="Ends the job after e.g. 90, 10m or 2h. Short ones start sooner."
    ),
    click.option("--priority", type=int, help="Within the queue; higher goes first (0)."),
    click.option("--size", metavar="N|MIN:MAX", help="How many replicas; with a range the job is elastic."),
    click.option("--array", metavar="INDEXES", help="Many of one kind: 0-9999, 1,3,5-9, or 0-99%10 for ten at once."),
    click.option("--after", multiple=True, metavar="JOB[:COND]", help="Start after a job's success, end or failure."),
    click.option("--retries", metavar="N|CLASS=N,…", help=f"New attempts; classes are {', '.join(_CLASSES)}."),
    click.option("--grace", metavar="TIME", help="Between the polite signal to end and the kill (30s)."),
    click.option("--stop-signal", type=click.Choice(STOP_SIGNALS), help="The polite signal (SIGTERM)."),
    click.option("--secret", multiple=True, metavar="NAME[=VAR]", help="A secret of the platform as a variable."),
    click.option("--volume", multiple=True, metavar="NAME:PATH[:ro]", help="A named volume, or /HOST:PATH[:ro]."),
    click.option("--port", multiple=True, metavar="N[/udp]", help="A port to publish."),
    click.option("--label", multiple=True, metavar=_PAIR, help="A label of the job."),
    click.option("--node-selector", multiple=True, metavar=_PAIR, help="Only nodes with this label."),
    click.option("--exclusive", is_flag=True, help="Never two attempts at once, even if a node is cut off."),
    click.option("--preemptible", is_flag=True, help="May be stopped and queued again for a job of higher priority."),
    click.option("--strict", is_flag=True, help="Fail now if no node could ever run it, instead of waiting."),
)


def job_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def options_of(flags: Mapping[str, Any], words: list[str] | None) -> NewJob:
    """The optional fields of the body; those not asked for are left to the server's defaults."""
    body: dict[str, Any] = {
        "command": _command(flags["shell_line"], words),
        "args": list(flags["args"]) or None,
        "env": _environment(flags["env_file"], flags["env"]) or None,
        "working_dir": flags["workdir"] or None,
        "time_limit_s": _seconds(flags["time_limit"], "--time-limit"),
        "priority": flags["priority"],
        "array": flags["array"],
        "after": [_after(text) for text in flags["after"]] or None,
        "grace_s": _seconds(flags["grace"], "--grace"),
        "stop_signal": flags["stop_signal"],
        "secrets": [_secret(text) for text in flags["secret"]] or None,
        "volumes": [_volume(text) for text in flags["volume"]] or None,
        "ports": [_port(text) for text in flags["port"]] or None,
        "labels": dict(wording.pair(text, "--label") for text in flags["label"]) or None,
        "node_selector": dict(wording.pair(text, "--node-selector") for text in flags["node_selector"]) or None,
        **{name: True for name in ("exclusive", "preemptible", "strict") if flags[name]},
    }
    if flags["size"] is not None:
        least, most = _size(flags["size"])
        body |= {"size": {"min": least, "max": most}, "kind": "elastic" if least != most else None}
    if flags["retries"] is not None:
        body |= _retries(flags["retries"])
    found: Any = {name: value for name, value in body.items() if value is not None}
    return found


def with_job_ids(client: Client, body: NewJob) -> NewJob:
    """The request with the jobs that it waits for named by their ids."""
    after: Any = body.get("after")
    if not after:
        return body
    resolved = [
        item if str(item["job_id"]).startswith("#") else {**item, "job_id": client.jobs.find(item["job_id"])["job_id"]}
        for item in after
    ]
    changed: Any = {**body, "after": resolved}
    return changed


def _command(shell_line: str | None, words: list[str] | None) -> list[str] | None:
    if shell_line is not None and words:
        raise InvalidInput("give the command with --command or after --, not both.")
    if shell_line is not None:
        return ["sh", "-c", shell_line]
    return words or None


def _environment(files: tuple[str, ...], pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in files:
        found |= _env_file(name)
    return found | dict(_variable(text) for text in pairs)


def _env_file(name: str) -> dict[str, str]:
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidInput(f"--env-file {name}: {why}.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise InvalidInput(f"{name}:{number}: a line must be KEY=VALUE, not {line!r}.")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[key.strip()] = value
    return found


def _variable(text: str) -> tuple[str, str]:
    if "=" in text:
        return wording.pair(text, "--env")
    if text not in os.environ:
        raise InvalidInput(f"--env {text}: there is no such variable here; give {text}=VALUE.")
    return text, os.environ[text]


def _seconds(text: str | None, what: str) -> int | None:
    return None if text is None else wording.seconds(text, what)


def _size(text: str) -> tuple[int, int]:
    least, colon, most = text.partition(":")
    try:
        low = int(least)
        high = int(most) if colon else low
    except ValueError:
        raise InvalidInput(f"--size must be a number or MIN:MAX, not {text!r}.") from None
    if not 1 <= low <= high:
        raise InvalidInput(f"--size must be at least 1 and MIN not above MAX, not {text!r}.")
    return low, high


def _retries(text: str) -> dict[str, Any]:
    if text.isdecimal():
        return {"max_retries": int(text)}
    found: dict[str, int] = {}
    for part in text.split(","):
        name, _, count = part.strip().partition("=")
        if name not in _CLASSES or not count.isdecimal():
            raise InvalidInput(
                f"--retries must be a number, or CLASS=N with a class of {', '.join(_CLASSES)}, not {part!r}."
            )
        found[name] = int(count)
    return {"retries": found}


def _after(text: str) -> dict[str, str]:
    job, colon, condition = text.rpartition(":")
    if not colon:
        return {"job_id": text}
    if condition not in ("success", "any", "failure"):
        raise InvalidInput(f"--after must be JOB, JOB:success, JOB:any or JOB:failure, not {text!r}.")
    return {"job_id": job, "condition": condition}


def _secret(text: str) -> dict[str, str]:
    name, _, variable = text.partition("=")
    if not name:
        raise InvalidInput(f"--secret must be NAME or NAME=VARIABLE, not {text!r}.")
    return {"name": name, "env": variable or name}


def _volume(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"([^:]+):(/[^:]*)(?::(ro|rw))?", text)
    if found is None:
        raise InvalidInput(f"--volume must be NAME:PATH or /HOST:PATH, with :ro to only read, not {text!r}.")
    source = {"host_path": found[1]} if found[1].startswith("/") else {"name": found[1]}
    return {**source, "path": found[2], "read_only": found[3] == "ro"}


def _port(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"([0-9]{1,5})(?:/(tcp|udp))?", text)
    if found is None or not 1 <= int(found[1]) <= 65_535:
        raise InvalidInput(f"--port must be a port such as 8080 or 53/udp, not {text!r}.")
    return {"port": int(found[1]), **({"protocol": found[2]} if found[2] else {})}
