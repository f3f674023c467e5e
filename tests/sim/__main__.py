"""Run the simulator by hand: `python -m tests.sim --seed 7 --steps 150 -v`, or many seeds: `--count 1000`.

Many seeds run in as many processes as there are cores, stop at the first that breaks an invariant or when the time is
over, and the seed that broke is printed with the command that shows it again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from tests.sim.world import Broken, Report, simulate

STEPS = 120


def main() -> int:
    options = _options()
    if options.count is None:
        return _one(options.seed, options.steps, verbose=options.verbose)
    return _many(options)


def _one(seed: int, steps: int, *, verbose: bool) -> int:
    try:
        report = simulate(seed, steps, print if verbose else lambda _: None)
    except Broken as broken:
        print(broken)
        return 1
    print(report)
    return 0


def _many(options: argparse.Namespace) -> int:
    """Seeds from `--first` on; at most `--count`, and no new one after `--seconds`."""
    begun = time.monotonic()
    seeds = iter(range(options.first, options.first + options.count))
    reports: list[Report] = []
    broken: list[Broken] = []
    with ProcessPoolExecutor(options.processes) as pool:
        running: set[Future[Report]] = set()
        while True:
            while not broken and len(running) < 2 * options.processes and time.monotonic() - begun < options.seconds:
                seed = next(seeds, None)
                if seed is None:
                    break
                running.add(pool.submit(simulate, seed, options.steps))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    reports.append(future.result())
                except Broken as error:
                    broken.append(error)
                    print(error, flush=True)
    spent = time.monotonic() - begun
    print(
        f"{len(reports)} seeds hold, {len(broken)} broke, in {spent:.0f} s: "
        f"{sum(r.virtual_s for r in reports) / 3600:.0f} virtual hours, {sum(r.events for r in reports)} events, "
        f"{sum(r.jobs for r in reports)} jobs, {sum(r.executions for r in reports)} executions, "
        f"{sum(r.lives for r in reports)} lives of the control plane"
    )
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the one seed to run")
    parser.add_argument("--steps", type=int, default=STEPS, help="how many things happen before the faults cease")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell every step and event")
    parser.add_argument("--count", type=int, help="run so many seeds instead")
    parser.add_argument("--first", type=int, default=1000, help="the first of them")
    parser.add_argument("--seconds", type=float, default=600, help="begin no further seed after this time")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
