"""What was acknowledged is there, whoever is killed and whenever; what was not is there once or not at all."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from lilac.model.errors import InvalidInput, Unavailable
from lilac.model.events import Event
from lilac.store import clusters, events, jobs, listing
from lilac.store.database import Database, Transaction
from lilac.store.listing import JobFilter
from tests.conformance import builders as make
from tests.conformance.builders import Gate, queue_up
from tests.fixtures.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
WRITING_PROCESS = Path(__file__).with_name("writing_process.py")


async def test_every_acknowledged_write_survives_the_kill_of_the_process(shared_url: str) -> None:
    acknowledged = await asyncio.to_thread(write_and_be_killed, shared_url)
    database = Database.open(shared_url)
    await database.start()
    stored = await database.read(listing.list_jobs, JobFilter(), limit=100_000)
    told = await database.read(lambda conn: events.list_events(conn, limit=100_000))
    assert acknowledged <= {job.id for job in stored}
    assert [event.job_id for event in told] == [job.id for job in reversed(stored)]
    await database.write(make.store_job)
    await database.close()


def write_and_be_killed(url: str) -> set[str]:
    """The ids of the jobs that a process acknowledged before it was killed; at least 300."""
    command = [sys.executable, str(WRITING_PROCESS), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(300)]
        process.kill()
        lines += process.stdout.readlines()
    acknowledged = {line.split()[1].decode() for line in lines if line.endswith(b"\n")}
    assert len(acknowledged) >= 300
    return acknowledged


@pytest.fixture
async def on_postgres(postgres_server: PostgresServer, postgres_template: str) -> AsyncIterator[Database]:
    url = postgres_server.create_database(postgres_template)
    database = Database.open(url)
    await database.start()
    yield database
    await database.close()
    postgres_server.drop_database(url)


async def test_a_restart_of_the_server_is_survived(on_postgres: Database, postgres_server: PostgresServer) -> None:
    first = await on_postgres.write(make.store_job)
    assert await on_postgres.read(jobs.get_job, first.id) == first
    await asyncio.to_thread(postgres_server.restart)
    assert await on_postgres.read(jobs.get_job, first.id) == first
    second = await on_postgres.write(make.store_job)
    assert await on_postgres.read(jobs.get_job, second.id) == second


async def test_while_the_server_is_down_callers_are_told_so(
    on_postgres: Database, postgres_server: PostgresServer
) -> None:
    job = await on_postgres.write(make.store_job)
    await asyncio.to_thread(postgres_server.stop)
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await on_postgres.write(make.store_job)
        with pytest.raises(Unavailable):
            await on_postgres.read(jobs.get_job, job.id)
    finally:
        await asyncio.to_thread(postgres_server.start)
    assert await on_postgres.read(jobs.get_job, job.id) == job
    await on_postgres.write(make.store_job)
    assert len(await on_postgres.read(listing.list_jobs, JobFilter(), limit=10)) == 2


async def test_a_connection_that_is_cut_in_an_operation_costs_nothing(on_postgres: Database, gate: Gate) -> None:
    tries: list[int] = []

    def cut_once(tx: Transaction) -> None:
        make.store_job(tx, name="after the cut")
        tries.append(1)
        if len(tries) == 1:
            tx.conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await gate.hold(on_postgres)
    tasks = await queue_up(*(on_postgres.write(fn) for fn in (make.store_job, cut_once, make.store_job)))
    await gate.released()
    await asyncio.gather(*tasks)
    assert len(tries) == 2
    assert len(await on_postgres.read(listing.list_jobs, JobFilter(), limit=10)) == 3


@pytest.mark.parametrize("reaches_the_server", [True, False])
async def test_a_connection_that_is_cut_in_the_commit_leads_to_one_commit(
    on_postgres: Database, monkeypatch: pytest.MonkeyPatch, reaches_the_server: bool
) -> None:
    told: list[Event] = []
    on_postgres.on_commit = told.extend
    cuts: list[int] = []
    commit = PGDialect_psycopg.do_commit

    def cut_once(self: PGDialect_psycopg, connection: Any) -> None:
        if cuts:
            return commit(self, connection)
        cuts.append(1)
        if reaches_the_server:
            commit(self, connection)
        connection.driver_connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(PGDialect_psycopg, "do_commit", cut_once)

    def submit(tx: Transaction) -> str:
        job = make.store_job(tx)
        tx.record(make.an_event(job_id=job.id))
        return job.id

    job_id = await on_postgres.write(submit)
    assert cuts == [1]
    assert [job.id for job in await on_postgres.read(listing.list_jobs, JobFilter(), limit=10)] == [job_id]
    assert await on_postgres.read(lambda conn: events.list_events(conn, limit=10)) == told
    assert [event.job_id for event in told] == [job_id]


async def test_an_unknown_form_of_url_is_refused_without_repeating_it() -> None:
    for url in ("mysql://bob:sekret@host/db", "bob:sekret"):
        with pytest.raises(InvalidInput) as refused:
            Database.open(url)
        assert "sekret" not in str(refused.value)


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'missing' / 'lilac.db'}")
    with pytest.raises(Unavailable, match=r"folder .*missing does not exist"):
        await database.start()
    await database.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lilac.db").write_text("not a database, but long enough to look at" * 100)
    database = Database.open(f"sqlite:///{tmp_path / 'lilac.db'}")
    with pytest.raises(Unavailable, match="not a database"):
        await database.start()
    await database.close()


async def test_a_server_that_is_not_there_is_told_without_the_password(free_port: Any) -> None:
    database = Database.open(f"postgresql://bob:sekret@127.0.0.1:{free_port()}/lilac")
    with pytest.raises(Unavailable) as refused:
        await database.start()
    assert "'lilac' at 127.0.0.1" in str(refused.value)
    cause: BaseException | None = refused.value
    while cause is not None:
        assert "sekret" not in str(cause)
        cause = cause.__cause__
    await database.close()


@pytest.mark.postgres
async def test_a_database_that_does_not_exist_is_told(postgres_server: PostgresServer) -> None:
    database = Database.open(postgres_server.url("missing"))
    with pytest.raises(Unavailable, match='"missing" does not exist'):
        await database.start()
    await database.close()


async def test_a_file_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lilac.db'}"
    gate = Gate()
    one, other = Database.open(url), Database.open(url)
    await one.start()
    await other.start()
    cluster = make.a_cluster()
    await gate.hold(one)
    [waiting] = await queue_up(other.write(lambda tx: clusters.insert_cluster(tx.conn, cluster)))
    assert await other.read(clusters.list_clusters) == []
    assert not waiting.done()
    await gate.released()
    await waiting
    assert await one.read(clusters.list_clusters) == [cluster]
    await one.close()
    await other.close()
