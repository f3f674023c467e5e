"""`lilac volumes`: directories that outlive jobs, each on one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lilac.cli.completing import volume_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, note, output_option, print_fields, print_json, print_table

if TYPE_CHECKING:
    from lilac.client.shapes import Volume


@click.group("volumes", cls=NounGroup)
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
    if not found:
        note("No volumes. `lilac volumes create NAME` makes one; so does a job that names it.")
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


@volumes.command("show")
@click.argument("ref", metavar="NAME", shell_complete=volume_names)
@output_option
def show(ref: str, *, as_json: bool) -> None:
    """Show one volume, by name or id: whose it is, and where its data is."""
    from lilac.cli import wording
    from lilac.cli.session import connected

    with connected() as client:
        found = client.volumes.get(ref)
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("Volume", clean(found["name"])),
            ("ID", found["id"]),
            ("Owner", clean(found["owner"] or "-")),
            ("Node", _place(found) if found["node_id"] else "not chosen before a job uses it"),
            ("Created", wording.when(found["created_at"])),
            ("Used", wording.when(found["last_used_at"]) if found["last_used_at"] else "never"),
        ]
    )


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
@click.argument("refs", metavar="NAME...", nargs=-1, required=True, shell_complete=volume_names)
@output_option
def remove(refs: tuple[str, ...], *, as_json: bool) -> None:
    """Delete volumes that no live job uses, with their data."""
    from lilac.cli.session import connected

    removed: list[str] = []
    with connected() as client:
        for ref in refs:
            volume = client.volumes.get(ref)
            client.volumes.delete(volume["id"])
            removed.append(volume["id"])
            if as_json:
                continue
            click.echo(f"Removed {clean(volume['name'])}.")
            if volume["node_id"]:
                click.echo(_fate(volume))
    if as_json:
        print_json({"deleted": removed})


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
