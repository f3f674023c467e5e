"""How fast waiting work is worked off: 1,000 processes that do nothing, on one node, at most 64 at once."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Section
from tests.fixtures.platform import eventually, one_node

JOBS = 1000
SLOTS = 64
ROUNDS = 2
UNDER_WAY = "queued,starting,running"


def drain(section: Section) -> None:
    """From letting the queue go until the last job has ended, on SQLite."""
    with tempfile.TemporaryDirectory(prefix="lilac-bench-") as home, one_node(Path(home)) as (server, _):
        api = server.api
        node = eventually(lambda: api.get("/nodes")["nodes"], 30, "the node to report itself")[0]
        each = max(1, node["free"]["cpu_millicores"] // SLOTS)
        needs: Any = {"cpu_millicores": each, "memory_mb": 16, "gpus": None}
        rates: list[float] = []
        for _ in range(ROUNDS):
            _pause(server, True)
            submitted = [api.submit("true", resource_requirements=needs) for _ in range(JOBS)]
            began = time.time()
            _pause(server, False)
            eventually(lambda: not api.get("/training_jobs", status=UNDER_WAY, limit=1)["jobs"], 300, "the drain")
            jobs = api.get("/training_jobs", limit=JOBS)["jobs"]
            if {job["job_id"] for job in jobs} != set(submitted) or {job["job_status"] for job in jobs} != {
                "succeeded"
            }:
                raise RuntimeError("not all jobs of the drain succeeded")
            rates.append(JOBS / (max(job["waterfall"]["finished"] for job in jobs) - began))
    section.rate("drain.1000", rates, f"{SLOTS} slots of {each} millicores")


def _pause(server: Any, paused: bool) -> None:
    queue = server.api.get("/queues/default")
    body = {name: queue[name] for name in ("name", "priority", "cluster_targets")}
    reply = server.api.put("/queues/default", {**body, "paused": paused})
    assert reply["paused"] is paused
