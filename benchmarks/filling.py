"""A store with 100,000 waiting jobs: how fast they come in, how fast a page of them is, and what they cost in memory.

Jobs come in lists of 10,000 over HTTP, and as arrays. Then pages of 100 are asked for, one after the other, with the
filters that people use and walking from page to page. The memory is the resident set of the whole server process, once
as it is after all that, and once after a restart, when it holds only what it needs.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.figures import Figure, NotHere, Section
from tests.fixtures import postgres
from tests.fixtures.platform import PASSWORD, Server
from tests.fixtures.requirement import Absent

JOBS = 100_000
IN_A_LIST = 10_000
ARRAYS = 20
ROUNDS = 40
JOB: dict[str, Any] = {
    "name": "bench",
    "definition": "",
    "queue_id": "default",
    "runtime": "process",
    "command": ["true"],
    "resource_requirements": {"cpu_millicores": 100, "memory_mb": 16, "gpus": None},
}


def sqlite(section: Section) -> None:
    """On SQLite."""
    _measure(section, "", None)


def postgresql(section: Section) -> None:
    """On PostgreSQL, which syncs to disk as it does by default."""
    try:
        with postgres.running_postgres(durable=True) as server:
            _measure(section, "postgresql.", server.create_database())
    except Absent as reason:
        raise NotHere(str(reason)) from None


def arrays(section: Section) -> None:
    """100,000 waiting elements of one array."""
    with tempfile.TemporaryDirectory(prefix="lilac-bench-") as home, Server(Path(home)) as server:
        with _caller(server) as api:
            _post(api, "/training_jobs", {**JOB, "array": f"0-{JOBS - 1}"})
        _note_memory(section, server, "memory.array")


def _measure(section: Section, key: str, database_url: str | None) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="lilac-bench-") as home,
        Server(Path(home), database_url=database_url) as server,
    ):
        with _caller(server) as api:
            _fill(section, key, api)
            _page(section, key, api)
        _note_memory(section, server, f"{key}memory.list")


def _fill(section: Section, key: str, api: httpx2.Client) -> None:
    rates: list[float] = []
    for count, body in _lists("list", {}, JOBS):
        seconds = _post(api, "/training_jobs/bulk", body)
        rates.append(count / seconds)
    section.rate(f"{key}bulk.list", rates, f"jobs, lists of {IN_A_LIST}")
    rates = []
    for number in range(ARRAYS):
        job = {**JOB, "name": f"array-{number}", "array": f"0-{IN_A_LIST - 1}"}
        rates.append(IN_A_LIST / _post(api, "/training_jobs", job))
    section.rate(f"{key}bulk.array", rates, f"jobs, arrays of {IN_A_LIST}")
    for number in range(ARRAYS):
        _post(api, f"/training_jobs/array-{number}/cancel", None)


def _page(section: Section, key: str, api: httpx2.Client) -> None:
    queries: dict[str, dict[str, Any]] = {
        "newest": {},
        "state": {"status": "queued"},
        "no_match": {"status": "failed"},
        "queue": {"queue_id": "default"},
        "owner": {"owner": "me"},
        "label": {"label": "group=7"},
        "text": {"q": "list-77777"},
        "since": {"since": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"},
    }
    everything: list[float] = []
    for query in queries.values():
        everything += [_get(api, {**query, "limit": 100})[0] for _ in range(ROUNDS)]
    after: str | None = None
    for _ in range(ROUNDS):
        seconds, page = _get(api, {"limit": 100, **({"after": after} if after else {})})
        everything.append(seconds)
        after = page["next"]
    section.spread(f"{key}page", everything, f"pages of 100 of {JOBS} jobs, by {len(queries)} filters and walking")
    section.spread(f"{key}summary", [_get(api, {}, "/training_jobs/summary")[0] for _ in range(ROUNDS)])


def _note_memory(section: Section, server: Server, key: str) -> None:
    section.figures[f"{key}.after_submitting_mb"] = Figure(round(_resident_mb(server)))
    server.stop()
    server.start()
    with _caller(server) as api:
        _get(api, {"limit": 1})
    section.figures[f"{key}.after_restart_mb"] = Figure(round(_resident_mb(server)))


def _lists(name: str, more: dict[str, Any], total: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for first in range(0, total, IN_A_LIST):
        jobs = [
            {**JOB, "name": f"{name}-{n}", "labels": {"group": str(n % 1000)}, **more}
            for n in range(first, first + IN_A_LIST)
        ]
        yield len(jobs), {"jobs": jobs}
        gc.collect()


def _caller(server: Server) -> httpx2.Client:
    token = server.api.post("/auth/login", {"username": "admin", "password": PASSWORD})["access_token"]
    address = f"http://{server.host}:{server.port}"
    return httpx2.Client(base_url=address, timeout=300, headers={"Authorization": f"Bearer {token}"})


def _post(api: httpx2.Client, path: str, body: Any) -> float:
    """Seconds until it is acknowledged."""
    began = time.perf_counter()
    reply = api.post(path, json=body)
    seconds = time.perf_counter() - began
    reply.raise_for_status()
    return seconds


def _get(api: httpx2.Client, query: dict[str, Any], path: str = "/training_jobs") -> tuple[float, Any]:
    began = time.perf_counter()
    reply = api.get(path, params=query)
    seconds = time.perf_counter() - began
    reply.raise_for_status()
    return seconds, reply.json()


def _resident_mb(server: Server) -> float:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024
