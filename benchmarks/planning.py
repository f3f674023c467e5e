"""How long a scheduling pass takes on a large fleet: `plan_bench.py`, run in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figure, Section


def passes(section: Section) -> None:
    """1,000 nodes with 8 GPUs each, 100,000 waiting jobs."""
    script = str(Path(__file__).with_name("plan_bench.py"))
    done = subprocess.run([sys.executable, script, "--json"], capture_output=True, text=True, timeout=300, check=True)
    result = json.loads(done.stdout)
    for name, figure in result["figures"].items():
        section.figures[f"{name}_ms"] = Figure(figure["median_ms"])
    section.notes.append(f"{result['nodes']:,} nodes, {result['waiting']:,} waiting jobs")
