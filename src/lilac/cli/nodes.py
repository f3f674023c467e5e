"""`lilac nodes`: the machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from lilac.cli import wording
from lilac.cli.completing import cluster_names, node_names
from lilac.cli.nouns import NounGroup
from lilac.cli.output import clean, note, output_option, print_fields, print_json, print_table
from lilac.cli.usage import node_usage
from lilac.model.errors import LilacError, NotFound

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.shapes import Node


_MADE = "A machine becomes a node by `lilac agent configure` and `lilac agent start` on it."


@click.group("nodes", cls=NounGroup, hints={"create": _MADE, "add": _MADE})
def nodes() -> None:
    """Nodes: the machines that run agents. NODE is a name, an id, or the beginning of an id."""


@nodes.command("ls")
@click.option("-c", "--cluster", help="Only of this cluster.", shell_complete=cluster_names)
@output_option
def list_nodes(*, cluster: str | None, as_json: bool) -> None:
    """List the nodes."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.nodes.list() if cluster is None else client.clusters.nodes(cluster)
    if as_json:
        print_json({"nodes": found})
    elif not found:
        note("No nodes. A machine becomes one with `lilac agent configure` and `lilac agent start` on it.")
    else:
        print_nodes(found)


@nodes.command("show")
@click.argument("node", shell_complete=node_names)
@output_option
def show(node: str, *, as_json: bool) -> None:
    """Show one node: what it has, what is free, what runs on it."""
    from lilac.cli.session import connected

    with connected() as client:
        found = find_node(client, node)
        held = _held_jobs(client, found) if not as_json else []
    if as_json:
        print_json(found)
        return
    free = found.get("free")
    cpu = f"{wording.cores(found['cpu']['millicores'])} cores"
    memory = wording.memory(found["memory_mb"])
    if free:
        cpu = f"{wording.cores(free['cpu_millicores'])} of {cpu} free"
        memory = f"{wording.memory(free['memory_mb'])} of {memory} free"
    facts = [
        ("Node", clean(_name(found))),
        ("ID", found["id"]),
        ("State", found["node_status"]),
        ("Host", clean(found.get("hostname") or "-")),
        ("CPU", f"{cpu} ({clean(found['cpu']['manufacturer'])}, {clean(found['cpu']['architecture'])})"),
        ("Memory", memory),
        ("GPUs", _gpus(found)),
        ("Disk", _disk(found)),
        ("Runtimes", _runtimes(found)),
        ("Labels", ", ".join(f"{clean(k)}={clean(v)}" for k, v in found.get("labels", {}).items()) or "-"),
        ("Agent", clean(found.get("agent_version") or "an original Lilac agent")),
        ("Last report", wording.ago(found["last_heartbeat"])),
        ("Jobs", "\n".join(held) or "none"),
    ]
    print_fields(facts)
    gpus = found.get("gpus") or []
    if gpus:
        click.echo()
        rows = [
            [
                clean(gpu["model"]),
                wording.memory(gpu["memory_mb"]),
                "healthy" if gpu["healthy"] else "lost" if gpu.get("lost") else clean(gpu.get("problem") or "failed"),
                wording.short(gpu["job_id"]),
                clean(gpu["uuid"]),
            ]
            for gpu in gpus
        ]
        print_table(["GPU", "MEMORY", "STATE", "JOB", "UUID"], rows, flexible=4, states=2, indent="  ")


nodes.add_command(node_usage)


@nodes.command("drain")
@click.argument("names", metavar="NODE...", nargs=-1, required=True, shell_complete=node_names)
@click.option("--deadline", metavar="TIME", help="Stop what still runs after e.g. 30m, and queue it again.")
@click.option("--evict", is_flag=True, help="Stop what runs there at once, and queue it again.")
@output_option
def drain(names: tuple[str, ...], *, deadline: str | None, evict: bool, as_json: bool) -> None:
    """Start nothing more on nodes; what runs there goes on, unless --deadline or --evict says otherwise."""
    from lilac.cli.session import connected

    deadline_s = None if deadline is None else wording.seconds(deadline, "--deadline")
    with connected() as client:
        found = [find_node(client, name) for name in names]
        for node in found:
            client.nodes.drain(node["id"], deadline_s=deadline_s, evict=evict)
    _told(found, "drained", "gets no new jobs", as_json)


@nodes.command("label")
@click.argument("node", shell_complete=node_names)
@click.argument("labels", metavar="KEY=VALUE|KEY-...", nargs=-1, required=True)
@output_option
def label(node: str, labels: tuple[str, ...], *, as_json: bool) -> None:
    """Set labels of a node (KEY=VALUE), or take back what was set (KEY-)."""
    from lilac.cli.session import connected

    changes: dict[str, str | None] = {}
    for text in labels:
        if "=" not in text and text.endswith("-"):
            changes[text[:-1]] = None
        else:
            key, value = wording.pair(text, "a label")
            changes[key] = value
    with connected() as client:
        changed = client.nodes.label(find_node(client, node)["id"], changes)
    if as_json:
        print_json(changed)
    else:
        shown = ", ".join(f"{clean(key)}={clean(value)}" for key, value in changed.get("labels", {}).items())
        click.echo(f"{clean(_name(changed))} has the labels {shown}." if shown else f"{_name(changed)} has no labels.")


@nodes.command("events")
@click.argument("node", shell_complete=node_names)
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@output_option
def node_events(node: str, *, limit: int, as_json: bool) -> None:
    """What happened to one node."""
    from lilac.cli.events import print_events
    from lilac.cli.session import connected

    with connected() as client:
        page = client.nodes.events(find_node(client, node)["id"], limit=limit)
    if as_json:
        print_json(page)
    else:
        print_events(page["events"])


@nodes.command("jobs")
@click.argument("node", shell_complete=node_names)
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@output_option
def node_jobs(node: str, *, limit: int, as_json: bool) -> None:
    """The jobs that run or ran on one node, newest first."""
    from lilac.cli.job_lists import print_jobs
    from lilac.cli.session import connected

    with connected() as client:
        page = client.nodes.jobs(find_node(client, node)["id"], limit=limit)
    if as_json:
        print_json(page)
    elif not page["jobs"]:
        note("No jobs.")
    else:
        print_jobs(page["jobs"])


@nodes.command("resume")
@click.argument("names", metavar="NODE...", nargs=-1, required=True, shell_complete=node_names)
@output_option
def resume(names: tuple[str, ...], *, as_json: bool) -> None:
    """Let drained nodes get jobs again."""
    from lilac.cli.session import connected

    with connected() as client:
        found = [find_node(client, name) for name in names]
        for node in found:
            client.nodes.resume(node["id"])
    _told(found, "resumed", "gets jobs again", as_json)


@nodes.command("rm")
@click.argument("names", metavar="NODE...", nargs=-1, required=True, shell_complete=node_names)
@output_option
def remove(names: tuple[str, ...], *, as_json: bool) -> None:
    """Forget lost nodes."""
    from lilac.cli.session import connected

    with connected() as client:
        found = [find_node(client, name) for name in names]
        for node in found:
            client.nodes.remove(node["id"])
    _told(found, "removed", "is forgotten", as_json)


def find_node(client: Client, name: str) -> Node:
    """A node by id, name, host name or the beginning of its id."""
    try:
        return client.nodes.get(name)
    except NotFound:
        known = client.nodes.list()
    matches = [node for node in known if name in (node.get("name"), node.get("hostname"), node["id"])]
    if not matches and len(name) >= 4:
        matches = [node for node in known if node["id"].startswith(name.lower())]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(node["id"] for node in matches)
        raise NotFound(f"{len(matches)} nodes are called {name!r}: give one of the ids {ids}.")
    from difflib import get_close_matches

    near = get_close_matches(name, [_name(node) for node in known], n=2)
    raise NotFound(f"there is no node {name!r}." + (f" Did you mean {' or '.join(near)}?" if near else ""))


def _held_jobs(client: Client, node: Node) -> list[str]:
    """The jobs that hold something of it: names, as far as the caller may see them, and ids."""
    held = node.get("jobs", [])
    try:
        names = {job["job_id"]: job["job_name"] for job in client.nodes.jobs(node["id"])["jobs"]} if held else {}
    except LilacError:
        names = {}
    return [f"{job_id}  {clean(names[job_id])}" if job_id in names else job_id for job_id in held]


def print_nodes(found: Sequence[Node]) -> None:
    rows: list[list[str]] = []
    for node in found:
        free = node.get("free")
        cpu, memory = wording.cores(node["cpu"]["millicores"]), wording.memory(node["memory_mb"])
        rows.append(
            [
                clean(_name(node)),
                node["node_status"],
                f"{wording.cores(free['cpu_millicores'])}/{cpu}" if free else cpu,
                f"{wording.memory(free['memory_mb'])}/{memory}" if free else memory,
                _gpus(node),
                str(len(node.get("jobs", []))) if "jobs" in node else "-",
                wording.ago(node["last_heartbeat"]),
                wording.short(node["id"]),
            ]
        )
    headings = ["NAME", "STATE", "CORES FREE", "MEMORY FREE", "GPUS FREE", "JOBS", "LAST REPORT", "ID"]
    print_table(headings, rows, flexible=4, states=1, droppable=[6, 7, 4])


def _runtimes(node: Node) -> str:
    runtimes, features = node.get("runtimes", []), node.get("features", [])
    unlimited = "process" in runtimes and bool(features) and "limits" not in features
    return (", ".join(runtimes) or "-") + (" (processes without limits on CPU and memory)" if unlimited else "")


def _gpus(node: Node) -> str:
    """GPUs by model with how many of each are free: `5/8 NVIDIA H100 80GB HBM3`."""
    gpus = node.get("gpus")
    if gpus is None:
        gpu = node["gpu"]
        return f"{gpu['count']} {clean(gpu['model'])}" if gpu else "-"
    models: dict[str, list[bool]] = {}
    for gpu in gpus:
        models.setdefault(gpu["model"], []).append(gpu["job_id"] is None and gpu["healthy"])
    return ", ".join(f"{sum(free)}/{len(free)} {clean(model)}" for model, free in models.items()) or "-"


def _name(node: Node) -> str:
    return node.get("name") or node.get("hostname") or node["id"]


def _told(found: Sequence[Node], word: str, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json({word: [node["id"] for node in found]})
        return
    for node in found:
        click.echo(f"{clean(_name(node))} {sentence}.")


def _disk(node: Node) -> str:
    disk = node.get("disk")
    return f"{wording.memory(disk['free_mb'])} of {wording.memory(disk['total_mb'])} free" if disk else "-"
