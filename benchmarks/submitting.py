"""How many submissions a second are acknowledged: one client and eight, each a process with one open connection.

No node is there, so the jobs wait: what is measured is accepting them, durably, and planning for them in vain.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import NotHere, Section
from tests.fixtures import postgres
from tests.fixtures.platform import PASSWORD, Server
from tests.fixtures.requirement import Absent

WINDOWS = 3
WINDOW_S = 4.0


def sqlite(section: Section) -> None:
    """On SQLite."""
    _measure(section, "submit", None)


def postgresql(section: Section) -> None:
    """On PostgreSQL, which syncs to disk as it does by default."""
    try:
        with postgres.running_postgres(durable=True) as server:
            _measure(section, "submit.postgresql", server.create_database())
    except Absent as reason:
        raise NotHere(str(reason)) from None


def _measure(section: Section, key: str, database_url: str | None) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="lilac-bench-") as home,
        Server(Path(home), database_url=database_url) as server,
    ):
        login = {"username": "admin", "password": PASSWORD}
        token = server.api.post("/auth/login", login)["access_token"]
        for clients in (1, 8):
            windows = [_window(server, token, clients) for _ in range(WINDOWS)]
            word = "client" if clients == 1 else "clients"
            section.rate(f"{key}.{clients}_{word}", windows, f"windows of {WINDOW_S:.0f} s")


def _window(server: Server, token: str, clients: int) -> float:
    order = {"host": server.host, "port": server.port, "token": token, "seconds": WINDOW_S, "start": time.time() + 1.5}
    command = [sys.executable, "-m", "benchmarks.submitter"]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(clients)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=WINDOW_S + 60)[0] for process in running]
    return sum(int(answer) for answer in answers) / WINDOW_S
