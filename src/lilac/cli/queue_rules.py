"""The rules of a queue beyond name, priority and clusters: limits, order, ageing, preemption; as flags and as facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lilac.cli import quantities, wording
from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    from lilac.client.shapes import Queue, QueueChanges

F = TypeVar("F", bound=Callable[..., Any])

_LIMITS = {
    "jobs": "running_jobs",
    "gpus": "gpus",
    "cpu": "cpu_millicores",
    "memory": "memory_mb",
    "waiting": "waiting_jobs",
}
_LIMIT = "WHAT=MOST"
_WHAT = f"({', '.join(_LIMITS)}; `none` for no limit), e.g. gpus=8 or memory=512GiB; may be repeated."


def rule_options(command: F) -> F:
    """The flags; they reach the command as keyword arguments for `rule_changes`."""
    for option in (
        click.option("--preemption/--no-preemption", default=None, help="Whether others make room for its jobs."),
        click.option("--ageing", metavar="TIME", help="One priority number better for each such wait; or none."),
        click.option("--order", type=click.Choice(["fifo", "fair"]), help="By submission, or users in turns."),
        click.option("--user-limit", multiple=True, metavar=_LIMIT, help="The most for each user in it, as --limit."),
        click.option("--limit", multiple=True, metavar=_LIMIT, help=f"The most at once {_WHAT}"),
    ):
        command = option(command)
    return command


def rule_changes(rules: Mapping[str, Any]) -> QueueChanges:
    """What the flags change, as the API has it."""
    changes: QueueChanges = {}
    if rules["limit"]:
        changes["limits"] = _limits(rules["limit"], "--limit")
    if rules["user_limit"]:
        changes["user_limits"] = _limits(rules["user_limit"], "--user-limit")
    if rules["order"] is not None:
        changes["order"] = rules["order"]
    if rules["ageing"] is not None:
        changes["ageing_s"] = None if rules["ageing"] == "none" else wording.seconds(rules["ageing"], "--ageing")
    if rules["preemption"] is not None:
        changes["preemption"] = rules["preemption"]
    return changes


def keep_limits(changes: QueueChanges, old: Queue) -> None:
    """Add the limits that the queue has and that are not changed: the API takes each set of limits as a whole."""
    limits, user_limits = changes.get("limits"), changes.get("user_limits")
    if limits is not None:
        changes["limits"] = {**(old.get("limits") or {}), **limits}
    if user_limits is not None:
        changes["user_limits"] = {**(old.get("user_limits") or {}), **user_limits}


def rule_facts(queue: Queue) -> list[tuple[str, str]]:
    """The rules that are set, for `print_fields`."""
    facts: list[tuple[str, str]] = []
    for name, limits in (("Limits", queue.get("limits")), ("Per user", queue.get("user_limits"))):
        shown = [_shown(word, (limits or {}).get(key)) for word, key in _LIMITS.items() if (limits or {}).get(key)]
        if shown:
            facts.append((name, ", ".join(shown)))
    if queue.get("order"):
        facts.append(("Order", "users in turns" if queue.get("order") == "fair" else "by submission"))
    if queue.get("ageing_s"):
        facts.append(("Ageing", f"one priority number better for each {wording.span(queue.get('ageing_s') or 0)}"))
    if queue.get("preemption"):
        facts.append(("Preemption", "elastic and preemptible jobs make room for its jobs"))
    return facts


def _limits(texts: tuple[str, ...], flag: str) -> Any:
    found: dict[str, int | None] = {}
    for text in texts:
        word, _, amount = text.partition("=")
        if word not in _LIMITS or not amount:
            raise InvalidInput(f"{flag} must be {_LIMIT} with one of {', '.join(_LIMITS)}, not {text!r}.")
        found[_LIMITS[word]] = None if amount == "none" else _amount(word, amount, flag)
    return found


def _amount(word: str, text: str, flag: str) -> int:
    readers = {"cpu": quantities.millicores, "memory": quantities.memory_mb}
    amount = readers.get(word, lambda plain: int(plain) if plain.isdecimal() else None)(text)
    if amount is None:
        raise InvalidInput(f"{flag} {word}: {text!r} is no such amount.")
    return amount


def _shown(word: str, amount: int | None) -> str:
    match word, amount:
        case "cpu", int():
            return f"{wording.cores(amount)} cores"
        case "memory", int():
            return wording.memory(amount)
        case _:
            return f"{amount} {'running jobs' if word == 'jobs' else 'waiting jobs' if word == 'waiting' else 'GPUs'}"
