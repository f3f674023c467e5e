"""Runs the measurements: `make bench`, or `python -m benchmarks.run --only idle-process drain`.

Each section starts its own processes and ends them, is bounded in time, prints its figures and leaves them as JSON in
`benchmarks/out`. `--write` then puts the last result of every section into `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import (
    draining,
    figures,
    filling,
    idle,
    peer_hyperqueue,
    peer_slurm,
    planning,
    results,
    submitting,
    takeover,
    web,
)
from benchmarks.figures import NotHere, Section

SECTIONS: dict[str, Callable[[Section], None]] = {
    "idle-process": idle.process,
    "idle-docker": idle.containers,
    "submit-sqlite": submitting.sqlite,
    "submit-postgresql": submitting.postgresql,
    "fill-sqlite": filling.sqlite,
    "fill-postgresql": filling.postgresql,
    "fill-array": filling.arrays,
    "drain": draining.drain,
    "plan": planning.passes,
    "takeover-killed": takeover.killed,
    "takeover-stopped": takeover.stopped,
    "web": web.measure,
    "hyperqueue": peer_hyperqueue.measure,
    "slurm": peer_slurm.as_it_comes,
    "slurm-tuned": peer_slurm.tuned,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--write", action="store_true", help="put the last results into benchmarks/RESULTS.md")
    options = parser.parse_args()
    console = Console()
    failed = False
    for name in options.only or SECTIONS:
        section = figures.begin(name)
        began = time.monotonic()
        try:
            with console.status(f"measuring {name}"):
                SECTIONS[name](section)
        except NotHere as reason:
            console.print(f"[yellow]{name} is left out:[/] {reason}")
            continue
        except Exception as error:
            console.print(f"[red]{name} failed:[/] {type(error).__name__}: {error}")
            failed = True
            continue
        section.seconds = round(time.monotonic() - began, 1)
        figures.save(section)
        console.print(_table(section))
    if options.write:
        results.write(figures.load())
        console.print(f"wrote {results.PAGE}")
    return 1 if failed else 0


def _table(section: Section) -> Table:
    load = section.machine["load"][0]
    caption = "; ".join([*section.notes, f"{section.seconds} s, load {load} at the start"])
    table = Table(*results.HEAD, title=section.name, title_justify="left", caption=caption)
    for column in table.columns[:4]:
        column.no_wrap = True
    for row in results.rows(section):
        table.add_row(*row)
    return table


if __name__ == "__main__":
    sys.exit(main())
