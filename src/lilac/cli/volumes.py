"""`lilac volumes`: directories that outlive jobs, each on one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lilac.cli.output import clean, output_option, print_json, print_table

if TYPE_CHECKING:
    from lilac.client.shapes import Volume


@click.group("volumes", no_args_is_help=True)
def volumes() -> None:
    """Named volumes: directories that outlive jobs."""


@volumes.command("ls")
@output_option
def list_volumes(*, as_json: bool) -> None:
    """List your own volumes (administrators: everybody's) and where their data is."""
    from lilac.cli import wording
    from lilac.cli.session import connected

    with connected() as client:
        found = client.volumes.list()
    if as_json:
        print_json({"volumes": found})
        return
    rows = [
        [
            clean(each["name"]),
            clean(each["owner"] or "-"),
            _place(each),
            wording.ago(each["last_used_at"]) if each["last_used_at"] else "-",
            each["id"],
        ]
        for each in found
    ]
    print_table(["NAME", "OWNER", "NODE", "USED", "ID"], rows, flexible=0)


@volumes.command("create")
@click.argument("name")
@output_option
def create(name: str, *, as_json: bool) -> None:
    """Make a volume. Its data will be on the node of the first job that uses it."""
    from lilac.cli.session import connected

    with connected() as client:
        made = client.volumes.create(name)
    if as_json:
        print_json(made)
    else:
        click.echo(f"Created {clean(made['name'])}.")


@volumes.command("rm")
@click.argument("refs", metavar="NAME...", nargs=-1, required=True)
def remove(refs: tuple[str, ...]) -> None:
    """Delete volumes that no live job uses, with their data."""
    from lilac.cli.session import connected

    with connected() as client:
        for ref in refs:
            volume = client.volumes.get(ref)
            client.volumes.delete(volume["id"])
            click.echo(f"Removed {clean(volume['name'])}.")
            if volume["node_id"]:
                click.echo(_fate(volume))


def _place(volume: Volume) -> str:
    node = clean(volume["node_name"] or volume["node_id"] or "-")
    state = volume.get("node_state")
    return f"{node} ({state})" if state in ("lost", "removed") else node


def _fate(volume: Volume) -> str:
    """What becomes of the data of a volume that was deleted just now."""
    node, state = clean(volume["node_name"] or volume["node_id"] or ""), volume.get("node_state")
    if state == "removed":
        return f"Its data was on a node that was removed ({node}), and stays there as lilac-{volume['id']}."
    if state == "lost":
        return f"Its data is deleted when node {node} is back, which is lost now."
    return f"Its data on node {node} is being deleted."
