"""`lilac clusters`: groups of nodes, and the keys with which their agents report."""

from __future__ import annotations

import click

from lilac.cli import wording
from lilac.cli.completing import cluster_names
from lilac.cli.keys import expires_option, expiry, find_key, print_keys, print_new_key
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, note, output_option, print_fields, print_json, print_table
from lilac.cli.queues import confirmed
from lilac.cli.usage import cluster_usage


@click.group("clusters", cls=NounGroup)
def clusters() -> None:
    """Clusters: groups of nodes. CLUSTER is a name or an id."""


@clusters.command("ls")
@output_option
def list_clusters(*, as_json: bool) -> None:
    """List the clusters."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.clusters.list()
    if as_json:
        print_json({"clusters": found})
        return
    if not found:
        note("No clusters. `lilac clusters create NAME` makes one.")
        return
    rows = [
        [
            clean(cluster["cluster_name"]),
            str(cluster["total_nodes"]),
            str(cluster["busy_nodes"]),
            str(cluster["total_running_jobs"]),
            clean(cluster["cluster_description"] or "-"),
            cluster["cluster_id"],
        ]
        for cluster in found
    ]
    print_table(["NAME", "NODES", "BUSY", "RUNNING JOBS", "DESCRIPTION", "ID"], rows, flexible=4, droppable=[2, 4])


@clusters.command("show")
@click.argument("cluster", shell_complete=cluster_names)
@output_option
def show(cluster: str, *, as_json: bool) -> None:
    """Show one cluster: what it has and what of it is in use."""
    from lilac.cli.nodes import print_nodes
    from lilac.cli.session import connected

    with connected() as client:
        info = client.clusters.info(cluster)
        if as_json:
            print_json(info)
            return
        nodes = client.clusters.nodes(info["cluster_id"])
    memory, cpu, gpus = info["memory_info"], info["cpu_info"], info["gpu_info"]
    facts = [
        ("Cluster", clean(info["cluster_name"])),
        ("ID", info["cluster_id"]),
        ("Description", clean(info["cluster_description"] or "-")),
        ("Nodes", f"{info['total_nodes']}, {info['busy_nodes']} busy"),
        ("Running jobs", str(info["job_info"]["total_running_jobs"])),
        ("CPU", f"{wording.cores(cpu['used_millicores'])} of {wording.cores(cpu['total_millicores'])} cores in use"),
        ("Memory", f"{wording.memory(memory['used_memory_mb'])} of {wording.memory(memory['total_memory_mb'])} in use"),
        ("GPUs", f"{gpus['used_gpus']} of {gpus['total_gpus']} in use"),
        ("Created", wording.when(info["created_at"])),
    ]
    print_fields(facts)
    if nodes:
        click.echo()
        print_nodes(nodes)


@clusters.command("create")
@click.argument("name")
@click.option("--description", help="What it is, for people.")
@output_option
def create(name: str, *, description: str | None, as_json: bool) -> None:
    """Make a cluster."""
    from lilac.cli.session import connected

    with connected() as client:
        cluster_id = client.clusters.create(name, description)
    if as_json:
        print_json({"cluster_id": cluster_id})
    else:
        click.echo(f"Cluster {clean(name)} made ({cluster_id}).")
        note(f"Its agents need a key: lilac clusters keys create {name}")


@clusters.command("rm")
@click.argument("cluster", shell_complete=cluster_names)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def delete(cluster: str, *, yes: bool, as_json: bool) -> None:
    """Delete a cluster, its keys and its lost nodes; refused while nodes or jobs are alive in it."""
    from lilac.cli.session import connected

    with connected() as client:
        info = client.clusters.info(cluster)
        if not confirmed(f"Delete cluster {info['cluster_name']} and its keys?", yes):
            return
        client.clusters.delete(info["cluster_id"])
    if as_json:
        print_json({"deleted": info["cluster_id"]})
    else:
        click.echo(f"Cluster {clean(info['cluster_name'])} deleted.")


clusters.add_command(cluster_usage)


@clusters.group("keys", cls=NounGroup)
def cluster_keys() -> None:
    """The keys with which a cluster's agents report."""


@cluster_keys.command("ls")
@click.argument("cluster", shell_complete=cluster_names)
@output_option
def list_keys(cluster: str, *, as_json: bool) -> None:
    """List the keys of a cluster (never their secret part)."""
    from lilac.cli.session import connected

    with connected() as client:
        print_keys(client.clusters.keys(cluster), as_json)


@cluster_keys.command("create")
@click.argument("cluster", shell_complete=cluster_names)
@click.option("--name", default="", help="What it is for, to know it again.")
@expires_option
@output_option
def create_key(cluster: str, *, name: str, expires_in: str | None, as_json: bool) -> None:
    """Make a key for agents. It is printed once, alone on standard output."""
    from lilac.cli.session import connected

    with connected() as client:
        print_new_key(client.clusters.create_key(cluster, name=name, expires_at=expiry(expires_in)), as_json)


@cluster_keys.command("rm")
@click.argument("cluster", shell_complete=cluster_names)
@click.argument("names", metavar="KEY...", nargs=-1, required=True)
@output_option
def delete_key(cluster: str, names: tuple[str, ...], *, as_json: bool) -> None:
    """Delete keys of a cluster. Agents that use them are turned away at once."""
    from lilac.cli.session import connected

    with connected() as client:
        found = [find_key(name, client.clusters.keys(cluster)) for name in names]
        for key in found:
            client.clusters.delete_key(cluster, key["id"])
            if not as_json:
                click.echo(f"Deleted key {clean(key.get('name') or key['id'])}.")
    if as_json:
        print_json({"deleted": [key["id"] for key in found]})
