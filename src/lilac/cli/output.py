"""What commands print: tables that fit, JSON that is one document, colours where they are wanted.

Results go to standard output, everything else (notes, warnings, progress, prompts) to standard error. With
`--output json` standard output holds the API's objects and nothing else. On a terminal a table is cut to its width;
elsewhere nothing is ever cut.
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
    """`--output table|json`, given to the command as `as_json`."""

    def is_json(_ctx: click.Context, _param: click.Parameter, value: str) -> bool:
        return value == "json"

    return click.option(
        "-o",
        "--output",
        "as_json",
        type=click.Choice(["table", "json"]),
        default="table",
        callback=is_json,
        help="How to print the result.",
    )(command)


def print_json(value: Any) -> None:
    """Print one document: indented for people on a terminal, on one line for programs."""
    indent = 2 if sys.stdout.isatty() else None
    click.echo(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


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
) -> None:
    """Print rows under headings in aligned columns; the column `states` is coloured by its words.

    On a terminal that is too narrow the column `flexible` is cut first, with an ellipsis; then the widest.
    """
    widths = [max(text_width(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    if sys.stdout.isatty():
        widths = _fit(widths, shutil.get_terminal_size().columns - len(indent), flexible)
    click.echo(indent + paint(_line(headings, widths), "bold"))
    for row in rows:
        click.echo(indent + _line(row, widths, states=states))


def print_fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Print facts, one to a line, their names aligned."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        first, *rest = value.splitlines() or [""]
        value = coloured(first) if name == "State" else first
        click.echo(f"{paint(name.ljust(width), 'bold')}  {value}".rstrip())
        for line in rest:
            click.echo(f"{' ' * width}  {line}")


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


def _fit(widths: list[int], total: int, flexible: int | None) -> list[int]:
    widths = list(widths)
    spare = total - sum(widths) - 2 * (len(widths) - 1)
    if spare < 0 and flexible is not None:
        cut = min(-spare, max(widths[flexible] - 12, 0))
        widths[flexible] -= cut
        spare += cut
    while spare < 0 and max(widths) > 8:
        widest = widths.index(max(widths))
        widths[widest] -= 1
        spare += 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int], *, states: int | None = None) -> str:
    shown: list[str] = []
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        text = _cut(cell, width)
        gap = " " * (width - text_width(text))
        shown.append((coloured(text) if index == states else text) + gap)
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
