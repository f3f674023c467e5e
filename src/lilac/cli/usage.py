"""`jobs usage`, `nodes usage`, `clusters usage`: CPU, memory and GPUs over time, drawn as small charts of one line.

A chart's full height is what there is to use (what the job asked for, what the machine has) or the peak, whichever is
more. Where there are more samples than columns, a column shows the largest of its own: peaks are what one looks for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from lilac.cli import quantities, wording
from lilac.cli.completing import cluster_names, job_names, node_names
from lilac.cli.output import note, output_option, paint, print_json, print_table
from lilac.model.errors import InvalidInput

if TYPE_CHECKING:
    from lilac.client.shapes import UsageSeries

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 48
_since = click.option("--since", metavar="TIME", help="Of the last e.g. 10m or 6h (1h).")


@click.command("usage")
@click.argument("job", shell_complete=job_names)
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt (default: the last).")
@click.option("--rank", type=click.IntRange(min=0), help="Of this replica (default: of all together).")
@_since
@output_option
def job_usage(*, job: str, attempt: int | None, rank: int | None, since: str | None, as_json: bool) -> None:
    """Show what a job uses of what it asked for, over time and at most."""
    from lilac.cli.session import connected

    with connected() as client:
        found = client.jobs.find(job)
        told = client.jobs.usage(found["job_id"], attempt=attempt, rank=rank, since=_begin(since))
    if as_json:
        print_json(told)
        return
    needs = found["resource_requirements"]
    replicas: Any = told.get("replicas") or []
    count = max(len(replicas), 1)
    gpus = (needs.get("gpus") or {}).get("count", 0) * count
    if not _print_charts(told, needs["cpu_millicores"] * count, needs["memory_mb"] * count, gpus):
        note("Nothing was measured yet." if found["job_status"] in ("queued", "starting") else "Nothing was measured.")
    if replicas:
        click.echo()
        print_table(["RANK", "CORES MEAN", "CORES MOST", "MEMORY MOST", "GPU MEAN", "GPU MEMORY MOST"],
                    [_figures(each) for each in replicas])  # fmt: skip


@click.command("usage")
@click.argument("node", shell_complete=node_names)
@_since
@output_option
def node_usage(*, node: str, since: str | None, as_json: bool) -> None:
    """Show what a node uses over time, jobs or not."""
    from lilac.cli.nodes import find_node
    from lilac.cli.session import connected

    with connected() as client:
        told = client.nodes.usage(find_node(client, node)["id"], since=_begin(since))
    _print_place(told, as_json)


@click.command("usage")
@click.argument("cluster", shell_complete=cluster_names)
@_since
@output_option
def cluster_usage(*, cluster: str, since: str | None, as_json: bool) -> None:
    """Show what the nodes of a cluster use together over time."""
    from lilac.cli.session import connected

    with connected() as client:
        told = client.clusters.usage(cluster, since=_begin(since))
    _print_place(told, as_json)


def chart(values: Sequence[float | None], top: float, width: int = _WIDTH) -> str:
    """Values as bars of one line; where nothing is known, a blank."""
    if len(values) > width:
        edges = [at * len(values) // width for at in range(width + 1)]
        parts = [[value for value in values[a:b] if value is not None] for a, b in pairwise(edges)]
        values = [max(part) if part else None for part in parts]
    steps = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[min(round(max(value, 0) / top * steps), steps) if top > 0 else 0]
        for value in values
    )


def _print_place(told: UsageSeries, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    has: Any = told.get("capacity") or {}
    if not _print_charts(told, has.get("cpu_millicores", 0), has.get("memory_mb", 0), has.get("gpus", 0)):
        note("Nothing was measured.")


def _print_charts(told: UsageSeries, millicores: int, memory_mb: int, gpus: int) -> bool:
    """Print the charts; whether there was anything to draw."""
    samples: Any = told["samples"]
    if not samples:
        return False
    _print_chart("CPU", [s["cpu_millicores"] for s in samples], millicores, wording.cores, " cores")
    _print_chart("Memory", [s["memory_mb"] for s in samples], memory_mb, wording.memory, "")
    if gpus:
        _print_chart("GPUs", [s["gpu_utilization_pct"] for s in samples], 100, lambda value: f"{value:.0f} %", "")
    click.echo(f"{'':8}{wording.ago(samples[0]['at'])} to {wording.ago(samples[-1]['at'])}, every {told['step_s']} s")
    return True


def _print_chart(name: str, values: list[float | None], most: int, shown: Callable[[Any], str], unit: str) -> None:
    known = [value for value in values if value is not None]
    if not known:
        return
    bars = chart(values, max(most, *known))
    of = f" of {shown(most)}{unit}" if most else ""
    click.echo(
        f"{paint(name.ljust(8), 'bold')}{paint(bars, 'cyan')}  now {shown(known[-1])}, most {shown(max(known))}{of}"
    )


def _figures(each: dict[str, Any]) -> list[str]:
    pct, gpu_memory = each.get("gpu_utilization_pct_mean"), each.get("gpu_memory_mb_max")
    return [
        str(each["rank"]),
        wording.cores(each["cpu_millicores_mean"]),
        wording.cores(each["cpu_millicores_max"]),
        wording.memory(each["memory_mb_max"]),
        "-" if pct is None else f"{pct:.0f} %",
        "-" if gpu_memory is None else wording.memory(gpu_memory),
    ]


def _begin(since: str | None) -> float | None:
    if since is None:
        return None
    span_s = quantities.seconds(since)
    if not span_s:
        raise InvalidInput(f"--since must be a length of time such as 10m or 6h, not {since!r}.")
    return time.time() - span_s
