"""`lilac volumes`: directories that outlive jobs, each on one node."""

from __future__ import annotations

import click

from lilac.cli.output import clean, output_option, print_json, print_table


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
            clean(each["node_name"] or each["node_id"] or "-"),
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
    """Forget volumes that no live job uses. Their data stays on their nodes; this says where."""
    from lilac.cli.session import connected

    with connected() as client:
        for ref in refs:
            volume = client.volumes.get(ref)
            client.volumes.delete(volume["id"])
            click.echo(f"Removed {clean(volume['name'])}.")
            if volume["node_id"]:
                node = clean(volume["node_name"] or volume["node_id"])
                click.echo(f"Its data is still on node {node} as lilac-{volume['id']}.")
