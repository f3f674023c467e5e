"""Databases as the previous release left them, and its program where the repository's history is at hand."""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, text

from lilac.store import engines, migrating, migrations

RELEASE = "770ea3ccc9327284d5003db9b7520ada676e812a"
SCHEMA = "0001"
_RECORDED = Path(__file__).parent / "recorded"
_TABLES = (
    "settings", "users", "clusters", "api_keys", "nodes", "queues", "queue_targets", "jobs", "attempts", "replicas",
    "events",
)  # fmt: skip
_BOOLEANS = ("disabled", "cordoned", "paused", "stop_wanted")


def recorded() -> dict[str, Any]:
    return json.loads((_RECORDED / "release-0001.json").read_text())


def recorded_reports() -> list[dict[str, Any]]:
    return json.loads((_RECORDED / "agent-protocol-1.json").read_text())


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    engine = engines.writer_engine(engines.parse_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def migrate(engine: Engine, schema: str) -> None:
    """Bring the schema to this version and no further."""
    with patch.object(migrations, "HEAD", schema):
        migrating.migrate(engine)


def write_rows(conn: Connection) -> None:
    """Insert what the previous release wrote, by the columns that it knew, as if it had been written just now: a job
    that ran then has not reached its time limit."""
    rows = recorded()["rows"]
    later_s = time.time() - max(event["at"] for event in rows["events"])
    for table in _TABLES:
        for row in rows[table]:
            row = _moved(row, later_s)
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            conn.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), _typed(row))
    if conn.dialect.name == "postgresql":
        for table in ("jobs", "events"):
            conn.execute(text(f"SELECT setval('{table}_seq_seq', (SELECT max(seq) FROM {table}))"))


def database_of_previous_release(url: str) -> str:
    with engine_of(url) as engine:
        migrate(engine, SCHEMA)
        with engine.begin() as conn:
            write_rows(conn)
    return url


def program_of_previous_release(directory: Path) -> Path | None:
    """Its source, unpacked; None where the repository's history is not here."""
    root = Path(__file__).parents[2]
    done = subprocess.run(["git", "-C", str(root), "archive", RELEASE, "src"], capture_output=True, check=False)
    if done.returncode != 0:
        return None
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory / "src"


def _moved(row: Mapping[str, Any], later_s: float) -> dict[str, Any]:
    times = {name for name in row if name == "at" or name.endswith("_at") or name == "last_heartbeat"}
    return {name: value + later_s if name in times and value is not None else value for name, value in row.items()}


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bool(value) if name in _BOOLEANS else value for name, value in row.items()}
