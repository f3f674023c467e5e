"""`lilac queues`: where jobs wait."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from lilac.cli.completing import cluster_names, queue_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, cut_to_terminal, note, output_option, print_fields, print_json, print_table
from lilac.cli.queue_rules import keep_limits, rule_changes, rule_facts, rule_options
from lilac.model.errors import NotFound

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.shapes import Queue


@click.group("queues", cls=NounGroup)
def queues() -> None:
    """Queues: a lower priority number goes first; clusters are tried in the order given.

    QUEUE is a name or an id, and so is each cluster.
    """


@queues.command("ls")
@output_option
def list_queues(*, as_json: bool) -> None:
    """List the queues, those that go first on top."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.queues.list()
        names = {} if as_json else _cluster_names(client)
    if as_json:
        print_json(found)
        return
    if not found:
        note("No queues. `lilac queues create NAME --cluster CLUSTER` makes one.")
        return
    rows = [
        [
            clean(queue["name"]),
            str(queue["priority"]),
            "paused" if queue.get("paused") else "open",
            str(queue.get("waiting_jobs", "-")),
            ", ".join(clean(names.get(target, target)) for target in queue["cluster_targets"]) or "-",
            queue["id"],
        ]
        for queue in found
    ]
    print_table(["NAME", "PRIORITY", "STATE", "WAITING", "CLUSTERS", "ID"], rows, flexible=4, states=2)


@queues.command("show")
@click.argument("queue", shell_complete=queue_names)
@output_option
def show(queue: str, *, as_json: bool) -> None:
    """Show one queue and what waits in it."""
    from lilac.cli.session import connected

    with connected() as client:
        found = find_queue(client, queue)
        if as_json:
            print_json(found)
            return
        waiting = client.queues.jobs(found["id"])
        names = _cluster_names(client)
    print_fields(
        [
            ("Queue", clean(found["name"])),
            ("ID", found["id"]),
            ("Priority", str(found["priority"])),
            ("State", "paused" if found.get("paused") else "open"),
            ("Clusters", ", ".join(clean(names.get(target, target)) for target in found["cluster_targets"]) or "-"),
            ("Waiting", str(len(waiting))),
            *rule_facts(found),
        ]
    )
    for place, job in enumerate(waiting[:20], start=1):
        click.echo(cut_to_terminal(f"  {place:>3}. {job['job_id']}  {clean(job['job_name'])}"))
    if len(waiting) > 20:
        click.echo(f"  … and {len(waiting) - 20} more")


@queues.command("create")
@click.argument("name")
@click.option("--cluster", "clusters", multiple=True, required=True, help="A cluster it leads to; repeat in order.",
              shell_complete=cluster_names)  # fmt: skip
@click.option("--priority", type=int, default=100, show_default=True, help="A lower number goes first.")
@rule_options
@output_option
def create(name: str, *, clusters: tuple[str, ...], priority: int, as_json: bool, **rules: Any) -> None:
    """Make a queue."""
    from lilac.cli.session import connected

    changes = rule_changes(rules)
    with connected() as client:
        made = client.queues.create(name=name, priority=priority, clusters=list(clusters))
        if changes:
            made = client.queues.edit(made["id"], changes)
    _told(made, f"Queue {clean(made['name'])} made ({made['id']}).", as_json)


@queues.command("edit")
@click.argument("queue", shell_complete=queue_names)
@click.option("--name", help="A new name.")
@click.option("--priority", type=int, help="A new priority; a lower number goes first.")
@click.option("--cluster", "clusters", multiple=True, help="The clusters it leads to from now on, in order.",
              shell_complete=cluster_names)  # fmt: skip
@rule_options
@output_option
def edit(
    queue: str, *, name: str | None, priority: int | None, clusters: tuple[str, ...], as_json: bool, **rules: Any
) -> None:
    """Change a queue; what is not given stays."""
    from lilac.cli.session import connected

    changes = rule_changes(rules)
    if name is not None:
        changes["name"] = name
    if priority is not None:
        changes["priority"] = priority
    if clusters:
        changes["cluster_targets"] = list(clusters)
    if not changes:
        raise click.UsageError("nothing to change: give --name, --priority, --cluster, --limit or the like.",
                               click.get_current_context())  # fmt: skip
    with connected() as client:
        old = find_queue(client, queue)
        keep_limits(changes, old)
        changed = client.queues.edit(old["id"], changes)
    _told(changed, f"Queue {clean(changed['name'])} changed.", as_json)


@queues.command("pause")
@click.argument("queue", shell_complete=queue_names)
@output_option
def pause(queue: str, *, as_json: bool) -> None:
    """Start nothing more from a queue; what runs goes on, and jobs can still be submitted."""
    changed = _set_paused(queue, True)
    _told(changed, f"Queue {clean(changed['name'])} is paused.", as_json)


@queues.command("resume")
@click.argument("queue", shell_complete=queue_names)
@output_option
def resume(queue: str, *, as_json: bool) -> None:
    """Start jobs from a paused queue again."""
    changed = _set_paused(queue, False)
    _told(changed, f"Queue {clean(changed['name'])} is open.", as_json)


@queues.command("rm")
@click.argument("queue", shell_complete=queue_names)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--cancel-waiting", is_flag=True, help="Cancel what waits in it.")
@output_option
def delete(queue: str, *, yes: bool, cancel_waiting: bool, as_json: bool) -> None:
    """Delete a queue. Refused while jobs wait in it, unless --cancel-waiting is given."""
    from lilac.cli.session import connected

    with connected() as client:
        found = find_queue(client, queue)
        if not confirmed(f"Delete queue {found['name']}?", yes):
            return
        client.queues.delete(found["id"], cancel_waiting=cancel_waiting)
    _told({"deleted": found["id"]}, f"Queue {clean(found['name'])} deleted.", as_json)


def find_queue(client: Client, name: str) -> Queue:
    """A queue by id or name. A name that does not exist is answered with the nearest ones."""
    known = client.queues.list()
    for queue in known:
        if name in (queue["id"], queue["name"]):
            return queue
    from difflib import get_close_matches

    near = get_close_matches(name, [queue["name"] for queue in known], n=2)
    advice = f" Did you mean {' or '.join(near)}?" if near else ""
    raise NotFound(f"there is no queue {name!r}.{advice}")


def confirmed(question: str, yes: bool) -> bool:
    """Ask at a terminal; elsewhere only `--yes` will do."""
    from lilac.cli import prompting

    if yes:
        return True
    if not prompting.has_terminal():
        raise click.UsageError(
            "there is no terminal to ask for confirmation on: give --yes.", click.get_current_context()
        )
    if prompting.confirm(question, False):
        return True
    print("Nothing done.", file=sys.stderr)
    return False


def _set_paused(queue: str, paused: bool) -> Queue:
    from lilac.cli.session import connected

    with connected() as client:
        queue_id = find_queue(client, queue)["id"]
        return client.queues.pause(queue_id) if paused else client.queues.resume(queue_id)


def _cluster_names(client: Client) -> dict[str, str]:
    return {cluster["cluster_id"]: cluster["cluster_name"] for cluster in client.clusters.list()}


def _told(value: object, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        click.echo(sentence)
