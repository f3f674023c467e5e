"""The whole control plane on virtual time, under faults from fixed seeds. See docs/explanation/testing.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.__main__ import STEPS
from tests.sim.world import simulate

SEEDS = 200
CHUNK = 5


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_whatever_happens_nothing_is_lost_and_nothing_runs_twice(first: int) -> None:
    for seed in range(first, first + CHUNK):
        simulate(seed, STEPS)


def test_the_same_seed_gives_the_same_history_byte_for_byte_in_every_process() -> None:
    here = [simulate(7, STEPS), simulate(7, STEPS)]
    assert here[0] == here[1]
    assert here[0].events > 50
    there = subprocess.run(
        [sys.executable, "-m", "tests.sim", "--seed", "7", "--steps", str(STEPS)],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert there.stdout.strip() == str(here[0])
    assert simulate(8, STEPS).digest != here[0].digest


def test_what_is_told_of_a_seed_says_who_did_what_when() -> None:
    told: list[str] = []
    simulate(7, 40, told.append)
    assert any("submit" in line for line in told)
    assert any("job.assigned" in line for line in told)
