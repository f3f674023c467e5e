"""The same snapshot gives the same plan, byte for byte, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_hash_seed_of_the_process_does_not_show():
    tests = Path(__file__).parents[1]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", "from scheduling.crowd import report; print(report())"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tests)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    (output,) = outputs
    assert output.count("Start(") > 20
    assert "reserved" in output
