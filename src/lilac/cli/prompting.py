"""Questions to a person at a terminal, drawn on standard error so that standard output stays the result's.

The question library is slow to load, so only a function that asks loads it. Ctrl-C raises `KeyboardInterrupt`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any


def has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def text(question: str, default: str = "", *, required: bool = True) -> str:
    import questionary

    def check(answer: str) -> bool | str:
        return True if answer.strip() or not required else "Please type something."

    return questionary.text(question, default=default, validate=check, **_drawn()).unsafe_ask().strip()


def integer(question: str, default: int | None, *, least: int = 1, optional: bool = False) -> int | None:
    """A whole number; with `optional`, nothing typed is None."""
    import questionary

    def check(answer: str) -> bool | str:
        if optional and not answer.strip():
            return True
        try:
            number = int(answer)
        except ValueError:
            return "Please type a whole number."
        return True if number >= least else f"Please type a number of at least {least}."

    shown = "" if default is None else str(default)
    answer = questionary.text(question, default=shown, validate=check, **_drawn()).unsafe_ask().strip()
    return int(answer) if answer else None


def choose(question: str, choices: Sequence[tuple[str, str]], default: str | None = None) -> str:
    """One of `(title, value)`; returns the value. The list is shown also when it has one entry."""
    import questionary

    options = [questionary.Choice(title, value=value) for title, value in choices]
    chosen = next((option for option in options if option.value == default), None)
    return questionary.select(question, choices=options, default=chosen, **_drawn()).unsafe_ask()


def confirm(question: str, default: bool) -> bool:
    import questionary

    return questionary.confirm(question, default=default, **_drawn()).unsafe_ask()


def secret(question: str) -> str:
    """Something that is not shown while it is typed; may be empty."""
    import questionary

    return questionary.password(question, **_drawn()).unsafe_ask().strip()


def masked(key: str | None) -> str:
    """Enough of a key to know it again."""
    if not key:
        return "none"
    return f"{key[:9]}…{key[-4:]}" if len(key) > 20 else "…" + key[-2:]


def _drawn() -> dict[str, Any]:
    from prompt_toolkit.output import create_output

    return {"output": create_output(stdout=sys.stderr)}
