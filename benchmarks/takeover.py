"""How long until another replica of the control plane schedules: the leader is killed, or stopped past its lease.

Two real servers on a PostgreSQL of their own, one agent that knows both. Measured from the signal: until the survivor
says that it leads, until it has assigned a job that was submitted to it right after the signal, and until that job
runs. An agent whose call is with a server that was stopped finds out only when that call is over, some seconds later.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from pathlib import Path

import httpx2

from benchmarks.figures import NotHere, Section
from tests.fixtures.platform import Agent, Server
from tests.fixtures.postgres import running_postgres
from tests.fixtures.requirement import Absent

ROUNDS = 5
_LOOK_EVERY_S = 0.005


def killed(section: Section) -> None:
    _measure(section, "killed", signal.SIGKILL)


def stopped(section: Section) -> None:
    _measure(section, "stopped", signal.SIGSTOP)


def _measure(section: Section, how: str, number: signal.Signals) -> None:
    leading: list[float] = []
    assigning: list[float] = []
    running: list[float] = []
    try:
        with running_postgres(durable=True) as postgres, tempfile.TemporaryDirectory(prefix="lilac-bench-") as home:
            _rounds(Path(home), postgres.create_database(), number, leading, assigning, running)
    except Absent as absent:
        raise NotHere(str(absent)) from None
    section.spread(f"takeover.{how}.leads", leading, "until another replica leads")
    section.spread(f"takeover.{how}.plans", assigning, "until it has assigned a job that is submitted to it right away")
    section.spread(f"takeover.{how}.runs", running, "until that job runs")
    section.notes.append(f"{number.name} of the leader, lease 1.5 s")


def _rounds(
    home: Path, url: str, number: signal.Signals, leading: list[float], assigning: list[float], running: list[float]
) -> None:
    settings = {"LILAC_LOG_DIR": str(home / "logs")}
    pair = [Server(home / name, database_url=url, settings=settings) for name in ("one", "two")]
    with pair[0], pair[1]:
        addresses = ",".join(server.address for server in pair)
        agent = Agent(home / "agent", addresses, pair[0].api.cluster_key())
        with agent:
            job = pair[1].api.submit("/bin/true")
            pair[1].api.wait(job)
            for _ in range(ROUNDS):
                leader = next(server for server in pair if _leads(server))
                survivor = next(server for server in pair if server is not leader)
                assert leader.process is not None
                leader.process.signal(number)
                began = time.monotonic()
                job = survivor.api.submit("/bin/sleep", "1")
                while not _leads(survivor):
                    time.sleep(_LOOK_EVERY_S)
                leading.append(time.monotonic() - began)
                while survivor.api.get(f"/training_jobs/{job}")["job_status"] == "queued":
                    time.sleep(_LOOK_EVERY_S)
                assigning.append(time.monotonic() - began)
                while survivor.api.get(f"/training_jobs/{job}")["job_status"] not in ("running", "succeeded"):
                    time.sleep(_LOOK_EVERY_S)
                running.append(time.monotonic() - began)
                leader.process.signal(signal.SIGCONT)
                leader.kill()
                leader.restart()
                survivor.api.wait(job)
            agent.end_replicas()


def _leads(server: Server) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return bool(httpx2.get(f"{server.address}/health/ready", timeout=2).json().get("leader"))
    return False
