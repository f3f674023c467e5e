"""Writes the pages of this directory from the code: `make docs`. With `--check` it only says whether they are current.

Each page is a function of what the code already states once: the state tables, the hierarchy of errors, the kinds of
events, the settings, the tree of commands, the OpenAPI document. Nothing here is a second source.
"""

from __future__ import annotations

import argparse
import difflib
import enum
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

HERE = Path(__file__).parent
NOTICE = "<!-- Written by `make docs` from the code; changes here are lost. -->\n\n"


def main() -> int:
    """Write the pages, or compare them; 1 if one is not current."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; fail if a page is not current")
    arguments.add_argument("--openapi", action="store_true", help="print the OpenAPI document instead")
    given = arguments.parse_args()
    if given.openapi:
        json.dump(_openapi(), sys.stdout, indent=1, sort_keys=True)
        return 0
    check = given.check
    outcomes = [_bring_up_to_date(name, page, check) for name, page in PAGES.items()]
    return 0 if all(outcomes) else 1


def _bring_up_to_date(name: str, page: Callable[[], str], check: bool) -> bool:
    path = HERE / name
    try:
        text = ("" if name.endswith(".json") else NOTICE) + page().rstrip() + "\n"
    except ModuleNotFoundError as missing:
        print(f"docs/reference/{name} cannot be written: there is no module {missing.name}.")
        return False
    present = path.read_text() if path.exists() else ""
    if text == present:
        return True
    if not check:
        path.write_text(text)
        print(f"wrote docs/reference/{name}")
        return True
    changes = difflib.unified_diff(present.splitlines(), text.splitlines(), "committed", "generated", "", "", 0)
    print(f"docs/reference/{name} is not current: run `make docs` and commit.", *list(changes)[:12], sep="\n  ")
    return False


def states() -> str:
    """The state machines, each as a diagram and as a table."""
    from lilac.model import states as model

    parts = ["# States\n\nA change that is not listed here is refused. States without a way out are terminal.\n"]
    for name, table in model.TABLES.items():
        initial = next(iter(table))
        parts.append(f"## {name.capitalize()}\n")
        parts.append("```mermaid\nstateDiagram-v2")
        parts.append(f"  [*] --> {initial}")
        parts += [f"  {old} --> {new}" for old, news in table.items() for new in sorted(news)]
        parts += [f"  {old} --> [*]" for old, news in table.items() if not news]
        parts.append("```\n")
        rows = [
            (f"`{old}`", ", ".join(f"`{new}`" for new in sorted(news)) or "terminal") for old, news in table.items()
        ]
        parts.append(_table(("state", "may become"), rows))
    retried = {str(reason) for reason in model.RETRIED}
    rows = [(f"`{reason}`", "yes" if reason in retried else "no") for reason in map(str, model.FailureReason)]
    parts.append("## Reasons of failure\n\nTried again: costs one retry of the job and leads to a new attempt.\n")
    parts.append(_table(("reason", "tried again"), rows))
    return "\n".join(parts)


def errors() -> str:
    """Codes for programs, HTTP status, exit codes."""
    from lilac.model import errors as model

    kinds = sorted(_descendants(model.LilacError), key=lambda kind: (kind.http_status, kind.code))
    rows = [
        (
            f"`{k.code}`",
            str(k.http_status),
            str(k.exit_code),
            _first_paragraph(k.__doc__ or HTTPStatus(k.http_status).phrase),
        )
        for k in kinds
    ]
    codes = (inspect.getdoc(model) or "").split("Exit codes:", 1)[-1].strip().rstrip(".")
    exits = [tuple(part.strip().split(" ", 1)) for part in codes.replace("\n", " ").split(";")]
    return "\n".join(
        [
            '# Errors\n\nEvery error of the API is `{"error": "<sentence>", "code": "<stable word>", …}`.\n',
            _table(("code", "HTTP status", "exit code of `lilac`", "meaning"), rows),
            "## Exit codes\n",
            _table(("exit code", "meaning"), exits),
        ]
    )


def events() -> str:
    """The kinds of events and what an event carries."""
    from lilac.model.events import Event, EventKind

    kinds = [(f"`{kind}`",) for kind in EventKind]
    fields = [(f"`{name}`", f"`{kind}`") for name, kind in Event.__annotations__.items()]
    return "\n".join(
        [
            "# Events\n\nOne row of the append-only history is written with each change that it tells.\n",
            _table(("kind",), kinds),
            "## Fields\n",
            _table(("field", "type"), fields),
        ]
    )


def settings() -> str:
    """The settings of the control plane."""
    from lilac.control import settings as control

    rows: list[tuple[str, ...]] = []
    for name, field in control.Settings.model_fields.items():
        default = "" if field.default_factory else field.get_default()
        shown = "" if default in ("", None) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        rows.append((f"`{name}`", f"`LILAC_{name.upper()}`", shown, field.description or ""))
    return "\n".join(
        [
            f"# Settings of the control plane\n\n{_first_paragraph(control.__doc__, 1)}\n",
            _table(("setting", "environment", "default", "meaning"), rows),
        ]
    )


def commands() -> str:
    """Every command of `lilac` with its arguments and options."""
    from lilac.cli import app

    parts = ["# The command `lilac`\n"]
    root = next(value for value in vars(app).values() if isinstance(value, click.Group))
    parts.append(f"{_prose(app.EXIT_CODES)}\n")
    for path, command in _walk(root, click.Context(root, info_name="lilac")):
        parts.append(f"## `{path.command_path}`\n")
        usage = command.get_usage(path).removeprefix("Usage: ")
        parts.append(f"{_prose(command.help or command.short_help)}\n\n```\n{' '.join(usage.split())}\n```\n")
        records = [record for p in command.get_params(path) if (record := _record(p, path)) is not None]
        if records:
            parts.append(_table(("option", "meaning"), records))
    return "\n".join(parts)


def _openapi() -> dict[str, Any]:
    from lilac.api.app import create_app

    return create_app(SimpleNamespace(settings=SimpleNamespace(cors_origins=[]))).openapi()


def routes() -> str:
    """Every route with the credential it needs."""
    from lilac.api.rights import RULES

    document = _openapi()
    parts = ["# Routes of the HTTP API\n\nEvery route exists at the root and under `/api`. The complete document, with"]
    parts[0] += " all fields, is served by the control plane at `/openapi.json` and readable at `/docs`.\n"
    by_tag: dict[str, list[tuple[str, ...]]] = {tag["name"]: [] for tag in document.get("tags", [])}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            rule = RULES.get((method.upper(), path), "")
            allowed = rule.name.lower() if isinstance(rule, enum.Enum) else str(rule)
            row = (f"`{method.upper()} {path}`", allowed, _purpose(operation))
            by_tag.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    for tag, rows in by_tag.items():
        if rows:
            parts.append(f"## {tag.capitalize()}\n")
            parts.append(_table(("route", "who may", "what it does"), rows))
    return "\n".join(parts)


def job_file() -> str:
    """Every key of a job file."""
    from lilac.cli.jobfile.fields import FIELDS
    from lilac.cli.jobfile.kinds import Field, Object

    def rows(fields: Iterable[Field], prefix: str = "") -> Iterator[tuple[str, ...]]:
        for field in fields:
            needed = "yes" if field.needed else ""
            example = f"`{field.example}`" if field.example else ""
            yield f"`{prefix}{field.name}`", field.about, example, needed
            if isinstance(field.kind, Object):
                yield from rows(field.kind.fields, f"{prefix}{field.name}.")

    return "\n".join(
        [
            "# Job files\n\nWhat `lilac submit -f FILE` takes: YAML, one job in each document of the file. Flags of "
            "the command override the file. Mistakes are told all at once, with line and column. The same as "
            "[JSON Schema](job.schema.json), for editors; `lilac schema job` prints it.\n",
            _table(("key", "meaning", "example", "needed"), rows(FIELDS)),
        ]
    )


def metrics() -> str:
    """The figures at `/metrics`."""
    from lilac.control import metrics as control

    rows: list[tuple[str, str, tuple[str, ...], str]] = []
    for one in control.GAUGES:
        rows.append((one.name + "_total" * one.counter, "counter" if one.counter else "gauge", one.labels, one.meaning))
    for one in control.COUNTED:
        kind, ending = ("histogram", "") if one.buckets else ("counter", "_total")
        rows.append((one.name + ending, kind, one.labels, one.meaning))
    shown = [
        (f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), text) for name, kind, labels, text in rows
    ]
    return "\n".join(
        [
            f"# Metrics of the control plane\n\n{_first_paragraph(control.__doc__, 1)}\n",
            _table(("metric", "kind", "labels", "meaning"), sorted(shown)),
        ]
    )


def job_schema() -> str:
    """The JSON Schema of a job file."""
    from lilac.cli.jobfile import schema

    return json.dumps(schema.job_schema(), indent=2) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "states.md": states,
    "errors.md": errors,
    "events.md": events,
    "settings.md": settings,
    "commands.md": commands,
    "routes.md": routes,
    "job-yaml.md": job_file,
    "job.schema.json": job_schema,
    "metrics.md": metrics,
}


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _first_paragraph(text: str | None, index: int = 0) -> str:
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return " ".join(paragraphs[min(index, len(paragraphs) - 1)].split())


def _purpose(operation: dict[str, Any]) -> str:
    """The first paragraph of the description; the name of the operation where it only tells the rights."""
    said = _first_paragraph(operation.get("description"))
    return operation.get("summary", "").capitalize() + "." if not said or said.startswith("Needs ") else said


def _descendants(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _descendants(below)


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Leaf commands, in the order in which `--help` lists them."""
    if not isinstance(command, click.Group):
        yield context, command
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is None:
            raise SystemExit(f"`{context.command_path} --help` lists `{name}`, and there is no such command.")
        if not below.hidden:
            yield from _walk(below, click.Context(below, info_name=name, parent=context))


def _prose(text: str | None) -> str:
    """A help text as Markdown: paragraphs that click keeps as they are become blocks of code."""
    paragraphs = inspect.cleandoc((text or "").lstrip()).split("\n\n")
    return "\n\n".join(f"```\n{p[2:]}\n```" if p.startswith("\b\n") else p for p in paragraphs if p.strip())


def _record(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    if isinstance(parameter, click.Option) and (parameter.hidden or "--help" in parameter.opts):
        return None
    record = parameter.get_help_record(context)
    if record is None:
        return None
    return f"`{record[0]}`", " ".join(record[1].split())


if __name__ == "__main__":
    sys.exit(main())
