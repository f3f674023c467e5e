"""HyperQueue, measured like the platform: the package `hyperqueue` in an environment of its own under `benchmarks/out`.

It keeps its queue in memory, so an acknowledged submission does not survive its server. The package has no command
line; `peer_hyperqueue_side.py` drives its Python client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import OUT, NotHere, Section

RELEASE = "hyperqueue==0.27.0"


def measure(section: Section) -> None:
    """Idle start, submissions by one client, drain of 1,000 with 64 slots."""
    python = _environment()
    script = str(Path(__file__).with_name("peer_hyperqueue_side.py"))
    done = subprocess.run([python, script], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"HyperQueue: {done.stderr[-1000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    section.spread("idle.first_instruction", result["idle_s"], "submit called → the task's own clock")
    section.rate("submit.1_client", result["submit_per_s"], "in memory, not durable")
    section.rate("drain.1000", result["drain_per_s"], "64 slots")
    section.notes.append(f"HyperQueue {RELEASE.partition('==')[2]}, not durable")


def _environment() -> str:
    home = OUT / "venv-hyperqueue"
    python = home / "bin" / "python"
    probe = [str(python), "-c", "import hyperqueue.ffi"]
    if not python.exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(home)],
            [str(python), "-m", "pip", "install", "--quiet", RELEASE],
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                raise NotHere(f"{RELEASE} cannot be installed: {(done.stderr or done.stdout).strip()[-200:]}")
    return str(python)
