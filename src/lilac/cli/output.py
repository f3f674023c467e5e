"""What commands print: tables that fit, JSON that is one document, colours where they are wanted.

Results go to standard output, everything else (notes, warnings, progress, prompts) to standard error. With
`--output json` (or `yaml`) standard output holds the API's objects and nothing else, with `--quiet` only their ids.
On a terminal a table is cut to its width; elsewhere, and with `--output wide`, nothing is ever cut.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, TextIO, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_ROOMY = 24
"""How wide a flexible column should be: others are left out for that, and it is cut down to that before others are."""
_FORM = "lilac.output"
_QUIET = "lilac.quiet"
_ID_KEYS = ("id", "job_id", "user_id", "cluster_id", "name")
_COLOURS = {
    "queued": "yellow",
    "starting": "cyan",
    "preparing": "cyan",
    "assigned": "cyan",
    "running": "blue",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "magenta",
    "stopped": "magenta",
    "available": "green",
    "busy": "blue",
    "draining": "yellow",
    "lost": "red",
    "preempted": "yellow",
    "paused": "yellow",
}


def output_option(command: F) -> F:
    """`--output table|wide|json|yaml` and `--quiet`. The command gets `as_json`: whether to call `print_json`, which
    prints in the form that was asked for."""

    def is_document(ctx: click.Context, _param: click.Parameter, value: str) -> bool:
        ctx.meta[_FORM] = value
        return value in ("json", "yaml") or bool(ctx.meta.get(_QUIET))

    def note_quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        ctx.meta[_QUIET] = value

    quiet = click.option(
        "--quiet", is_flag=True, is_eager=True, expose_value=False, callback=note_quiet, help="Print only ids."
    )
    form = click.option(
        "-o",
        "--output",
        "as_json",
        type=click.Choice(["table", "wide", "json", "yaml"]),
        default="table",
        callback=is_document,
        help="How to print the result.",
    )
    return form(quiet(command))


def is_wide() -> bool:
    """Whether everything is to be shown, however wide it gets."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_FORM) == "wide"


def print_json(value: Any) -> None:
    """Print one document: JSON, indented for people on a terminal and on one line for programs; YAML; or only ids."""
    context = click.get_current_context(silent=True)
    meta = context.meta if context is not None else {}
    if meta.get(_QUIET):
        for identity in ids_of(value):
            click.echo(identity)
    elif meta.get(_FORM) == "yaml":
        import yaml

        plain = json.loads(json.dumps(value, default=str))
        click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), nl=False)
    else:
        indent = 2 if sys.stdout.isatty() else None
        click.echo(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def ids_of(value: Any) -> list[str]:
    """The ids of what a document of the API holds: of one thing, of a list, or of the list in an object."""
    if isinstance(value, list):
        return [identity for item in value for identity in ids_of(item)]
    if not isinstance(value, dict):
        return [str(value)] if value is not None else []
    for key in _ID_KEYS:
        if isinstance(value.get(key), str):
            return [value[key]]
    lists = [item for item in value.values() if isinstance(item, list)]
    return ids_of(lists[0]) if lists else []


def note(text: str) -> None:
    """Say something that is not the result."""
    click.echo(text, err=True)


def print_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    flexible: int | None = None,
    states: int | None = None,
    indent: str = "",
    droppable: Sequence[int] = (),
) -> None:
    """Print rows under headings in aligned columns; the column `states` is coloured by its words.

    On a terminal that is too narrow the columns `droppable` are left out, in that order, until there is some room for
    the column `flexible`, which is then cut, with an ellipsis; then the widest that holds no ids.
    """
    widths = [max(text_width(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    shown = list(range(len(headings)))
    if sys.stdout.isatty() and not is_wide():
        room = shutil.get_terminal_size().columns - len(indent)
        for column in droppable:
            needed = sum(min(widths[at], _ROOMY) if at == flexible else widths[at] for at in shown)
            if needed + 2 * (len(shown) - 1) > room:
                shown.remove(column)
        whole = [at for at in shown if headings[at] == "ID"]
        fitted = _fit({at: widths[at] for at in shown}, room, flexible, whole)
        widths = [fitted.get(at, 0) for at in range(len(widths))]
    click.echo(indent + paint(_line(headings, widths, shown), "bold"))
    for row in rows:
        click.echo(indent + _line(row, widths, shown, states=states))


def print_fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Print facts, one to a line, their names aligned; on a terminal long ones go on below themselves."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        first, *rest = [part for line in value.splitlines() or [""] for part in wrapped(line, width + 2)]
        value = coloured(first) if name == "State" else first
        click.echo(f"{paint(name.ljust(width), 'bold')}  {value}".rstrip())
        for line in rest:
            click.echo(f"{' ' * width}  {line}")


def wrapped(text: str, indent: int = 0) -> list[str]:
    """A text in lines that fit a terminal beside `indent` columns, broken between words; elsewhere as it is."""
    room = shutil.get_terminal_size().columns - indent
    if not sys.stdout.isatty() or is_wide() or room < _ROOMY:
        return [text]
    lines: list[str] = []
    left = 0
    for word in text.split(" "):
        width = text_width(click.unstyle(word))
        if lines and width < left:
            lines[-1] += f" {word}"
            left -= width + 1
        else:
            lines.append(word)
            left = room - width
    return lines


def cut_to_terminal(text: str) -> str:
    """A line cut to a terminal's width; elsewhere as it is."""
    return _cut(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() and not is_wide() else text


def coloured(state: str) -> str:
    """A state's word (or a text that begins with one) in the colour of that state."""
    word = state.split(" ", 1)[0].rstrip(":,.")
    colour = _COLOURS.get(word)
    return paint(word, colour) + state[len(word) :] if colour else state


def paint(text: str, colour: str, *, stream: TextIO | None = None) -> str:
    """`text` in a colour (or `bold`, `dim`), if the stream is a terminal that wants colours."""
    if not wants_colour(sys.stdout if stream is None else stream):
        return text
    if colour in ("bold", "dim"):
        return click.style(text, bold=colour == "bold" or None, dim=colour == "dim" or None)
    return click.style(text, fg=colour)


def wants_colour(stream: TextIO) -> bool:
    """By the usual signs: `NO_COLOR`, `TERM=dumb`, a terminal."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def clean(text: object) -> str:
    """A value as text of one line without control characters: names come from other people."""
    return "".join(char if char.isprintable() else "�" for char in str(text).replace("\n", " "))


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _fit(widths: dict[int, int], total: int, flexible: int | None, whole: Sequence[int]) -> dict[int, int]:
    """The widths of columns so that they fit; those of `whole` stay as they are if that is possible at all."""
    widths = dict(widths)
    spare = total - sum(widths.values()) - 2 * (len(widths) - 1)
    if spare < 0 and flexible is not None and flexible in widths:
        cut = min(-spare, max(widths[flexible] - _ROOMY, 0))
        widths[flexible] -= cut
        spare += cut
    for candidates in ([at for at in widths if at not in whole], list(widths)):
        while spare < 0 and candidates and max(widths[at] for at in candidates) > 3:
            widest = max(candidates, key=lambda at: widths[at])
            widths[widest] -= 1
            spare += 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], columns: Sequence[int], *, states: int | None = None) -> str:
    shown: list[str] = []
    for at in columns:
        text = _cut(cells[at], widths[at])
        gap = " " * (widths[at] - text_width(text))
        shown.append((coloured(text) if at == states else text) + gap)
    return "  ".join(shown).rstrip()


def _cut(text: str, width: int) -> str:
    if text_width(text) <= width:
        return text
    kept, used = "", 0
    for char in text:
        step = _char_width(char)
        if used + step > width - 1:
            break
        kept, used = kept + char, used + step
    return kept + "…"
