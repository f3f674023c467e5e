"""`lilac events`: the history, or what happens now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import wording
from lilac.cli.completing import job_names, node_names, queue_names
from lilac.cli.output import clean, cut_to_terminal, is_wide, note, output_option, paint, print_json
from lilac.model.errors import NotFound
from lilac.model.ids import parse_uuid

if TYPE_CHECKING:
    from lilac.client.shapes import Event

_FIRST = ("name", "state", "attempt", "exit_code", "reason", "message")
_UNTOLD = frozenset({"submitted_at", "placements", "resources"})
"""Of use to programs; shown with `--output wide` and in documents."""
_SUBJECTS = ("job_id", "node_id", "queue_id", "cluster_id", "user_id")


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Go on with what happens; Ctrl-C ends it.")
@click.option("--job", help="Only about this job.", shell_complete=job_names)
@click.option("--node", help="Only about this node.", shell_complete=node_names)
@click.option("--queue", help="Only about this queue.", shell_complete=queue_names)
@click.option("--kind", help="Only of this kind, e.g. job.failed.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@output_option
@click.pass_context
def events(
    ctx: click.Context,
    *,
    follow: bool,
    job: str | None,
    node: str | None,
    queue: str | None,
    kind: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """What happened, to what, when, by whom. With --follow, --output json prints one event to a line."""
    from lilac.cli.session import connected

    with connected() as client:
        job_id = client.jobs.find(job)["job_id"] if job else None
        node = _known(client.nodes.get, node)
        queue = _known(client.queues.get, queue)
        if follow:
            try:
                for event in client.events.follow(job_id=job_id, node_id=node, queue_id=queue, kind=kind):
                    if as_json:
                        click.echo(json.dumps(event, ensure_ascii=False))
                    else:
                        print_events([event])
            except KeyboardInterrupt:
                note("")
                ctx.exit(130)
        page = client.events.list(job_id=job_id, node_id=node, queue_id=queue, kind=kind, limit=limit)
    if as_json:
        print_json(page)
    elif not page["events"]:
        note("No events.")
    else:
        print_events(page["events"])


def _known(get: Callable[[str], Any], name: str | None) -> str | None:
    """The id of what is called so; of what is there no more, the id that was given."""
    if name is None:
        return None
    try:
        return get(name)["id"]
    except NotFound:
        if parse_uuid(name) is None:
            raise
        return name


def print_events(found: Iterable[Event]) -> None:
    """One line each: when, what, to what, by whom, details; cut on a terminal."""
    for event in found:
        at = wording.epoch(event["at"])
        when = wording.clock(at) if at is not None else "-"
        subject = next((str(event.get(name)) for name in _SUBJECTS if event.get(name)), "")
        data = event["data"] or {}
        told = {
            key: data[key] for key in sorted(data, key=_rank) if is_wide() or not (key in _UNTOLD or data[key] is None)
        }
        facts = ", ".join(f"{clean(key)}: {clean(_short(value))}" for key, value in told.items())
        who = "" if event["actor"] == "system" else f"by {clean(event['actor'])}"
        line = "  ".join(part for part in (event["kind"].ljust(16), subject[:8].ljust(8), who, facts) if part)
        line = cut_to_terminal(f"{when}  {line}".rstrip())
        click.echo(f"{paint(when, 'dim')}{line[len(when) :]}")


def _rank(key: str) -> int:
    return _FIRST.index(key) if key in _FIRST else len(_FIRST)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else text[:119] + "…"
