"""`lilac explain`: why a job waits, who holds what it needs, when it starts, and what would start it now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from lilac.cli import wording
from lilac.cli.completing import job_names
from lilac.cli.output import clean, coloured, output_option, paint, print_json, print_table, wrapped

if TYPE_CHECKING:
    from lilac.client.shapes import Explanation, Job, NodeShortages, Shortage

_NODES_SHOWN = 5


@click.command("explain")
@click.argument("job", shell_complete=job_names)
@output_option
def explain(job: str, *, as_json: bool) -> None:
    """Say why a job waits: the exact shortage, who holds it, the expected start, and the smallest change."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.jobs.find(job)
        told = client.jobs.explain(found["job_id"])
    if as_json:
        print_json(told)
    else:
        print_explanation(found, told)


def print_explanation(job: Job, told: Explanation) -> None:
    for line in wrapped(_headline(job, told)):
        click.echo(line)
    if told["message"]:
        label = "Why:  " if told["job_status"] == "queued" else ""
        first, *rest = wrapped(clean(told["message"]), len(label))
        click.echo(f"{paint(label, 'bold')}{first}")
        for line in rest:
            click.echo(f"{' ' * len(label)}{line}")
    holders = told.get("holders") or []
    if holders:
        click.echo(paint("\nHeld by", "bold"))
        rows = [
            [
                clean(holder["job_name"]),
                wording.short(holder["job_id"]),
                clean(holder.get("node_name") or "-"),
                wording.when(holder["ends_at"]) if holder.get("ends_at") else "no time limit",
            ]
            for holder in holders
        ]
        print_table(["JOB", "ID", "NODE", "ENDS AT THE LATEST"], rows, flexible=0, indent="  ")
    nodes = [node for node in told.get("nodes") or [] if node["shortages"] or node.get("unsuitable")]
    if nodes:
        click.echo(paint("\nNode by node", "bold"))
        rows = [[clean(node["node_name"]), _lacks(node)] for node in nodes[:_NODES_SHOWN]]
        print_table(["NODE", "WHY NOT"], rows, flexible=1, indent="  ")
        if len(nodes) > _NODES_SHOWN:
            click.echo(f"  … and {len(nodes) - _NODES_SHOWN} more nodes")
    if told["job_status"] != "queued":
        return
    click.echo()
    first, *rest = wrapped(_expected(told), len("Expected start:  "))
    click.echo(f"{paint('Expected start:', 'bold')}  {first}")
    for line in rest:
        click.echo(f"{' ' * len('Expected start:  ')}{line}")
    change = told.get("smallest_change")
    if change:
        click.echo(f"{paint('It would start now with:', 'bold')}  {paint(clean(change['text']), 'green')}")


def _headline(job: Job, told: Explanation) -> str:
    name = paint(clean(job["job_name"]), "bold")
    if told["job_status"] != "queued":
        return f"{name} is {coloured(told['job_status'])}."
    where = f" in queue {clean(job.get('queue_name'))}" if job.get("queue_name") else ""
    ahead = told.get("jobs_ahead") or 0
    position = told.get("position")
    place = f", at place {position}" if position else ""
    others = "no job ahead of it" if ahead == 0 else "1 job ahead of it" if ahead == 1 else f"{ahead} jobs ahead of it"
    submitted = wording.epoch(job["created_at"])
    since = f" for {wording.span(time.time() - submitted)}" if submitted is not None else ""
    return f"{name} waits{where}{since}{place}, {others}."


def _expected(told: Explanation) -> str:
    expected = told.get("expected_start")
    remark = told.get("expected_start_note")
    text = wording.when(expected) if expected else "not known"
    return f"{text}: {clean(remark)}" if remark and remark != told["message"] else text


def _lacks(node: NodeShortages) -> str:
    unsuitable = node.get("unsuitable")
    if unsuitable:
        return clean(unsuitable)
    return "; ".join(_lack(shortage) for shortage in node["shortages"])


def _lack(shortage: Shortage) -> str:
    dimension, needed, free = shortage["dimension"], shortage["needed"], shortage["free"]
    match dimension:
        case "cpu":
            return f"cores: needs {wording.cores(needed)}, {wording.cores(free)} free"
        case "memory":
            return f"memory: needs {wording.memory(needed)}, {wording.memory(free)} free"
        case "gpu":
            return f"GPUs: needs {needed}, {free} fit and are free"
        case "replicas":
            return f"replicas: needs room for {needed}, has it for {free}"
        case _:
            return f"{clean(dimension)}: needs {clean(needed)}, has {clean(free)}"
