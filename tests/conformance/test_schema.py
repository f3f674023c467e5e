"""The migrations lead to the schema of `tables`, on each engine, whoever starts first."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from lilac.model.errors import Conflict
from lilac.store import clusters, engines, migrating, migrations
from lilac.store.database import Database, Transaction
from lilac.store.tables import metadata
from tests.conformance import builders as make
from tests.conformance.conftest import POSTGRESQL
from tests.fixtures.postgres import PostgresServer

FACTS = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"],
    "postgresql": [
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public'",
    ],
}


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty_engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Two empty databases of one kind."""
    urls = [f"sqlite:///{tmp_path / name}" for name in ("one.db", "other.db")]
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls = [server.create_database(), server.create_database()]
    one, other = (engines.writer_engine(engines.parse_url(url)) for url in urls)
    yield one, other
    one.dispose()
    other.dispose()


def test_the_migrations_build_what_the_tables_say(empty_engines: tuple[Engine, Engine]) -> None:
    migrated, created = empty_engines
    migrating.migrate(migrated)
    with created.begin() as conn:
        metadata.create_all(conn)
    with migrated.begin() as conn:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(conn, opts=options), metadata) == []
        built = facts(conn)
    with created.begin() as conn:
        assert built == facts(conn)


def facts(conn: Connection) -> set[tuple[str, ...]]:
    """All that the database knows about its own structure, but for the table of the migrations."""
    rows = (row for query in FACTS[conn.dialect.name] for row in conn.execute(text(query)))
    known = (tuple(clauses(str(value)) for value in row) for row in rows)
    return {row for row in known if not any("alembic_version" in value for value in row)}


def clauses(definition: str) -> str:
    """A definition with single spaces and its clauses in alphabetical order: SQLite keeps the text as it was typed."""
    head, _, body = " ".join(definition.split()).partition("( ")
    return f"{head}( {', '.join(sorted(body.removesuffix(' )').split(', ')))}"


def test_the_newest_migration_is_the_one_that_is_wanted() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


async def become_newer(url: str, *, compatible_with: str) -> None:
    """Let a program with schema 9999 have been at the database."""
    database = Database.open(url)
    await database.start()

    def upgrade(tx: Transaction) -> None:
        tx.conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        oldest = {"oldest": compatible_with}
        tx.conn.execute(text("UPDATE settings SET value = :oldest WHERE key = 'schema_compatible_with'"), oldest)

    await database.write(upgrade)
    await database.close()


async def test_a_newer_schema_on_which_this_program_may_run_is_used_as_it_is(shared_url: str) -> None:
    await become_newer(shared_url, compatible_with=migrations.HEAD)
    database = Database.open(shared_url)
    await database.start()
    await database.write(make.store_queue)
    assert len(await database.read(clusters.list_queues)) == 1
    assert await database.read(migrating.current_version) == "9999"
    await database.close()


async def test_a_database_of_a_newer_program_is_left_alone(shared_url: str) -> None:
    await become_newer(shared_url, compatible_with="9998")
    database = Database.open(shared_url)
    with pytest.raises(Conflict, match="schema 9999, which is newer than this program"):
        await database.start()
    await database.close()


async def test_several_that_start_together_on_an_empty_database_all_start(
    empty_engines: tuple[Engine, Engine],
) -> None:
    url = empty_engines[0].url.render_as_string(hide_password=False)
    databases = [Database.open(url) for _ in range(4)]
    await asyncio.gather(*(database.start() for database in databases))
    await asyncio.gather(*(database.write(make.store_queue) for database in databases))
    assert len(await databases[0].read(clusters.list_queues)) == 4
    for database in databases:
        await database.close()


async def test_what_is_there_already_is_opened_without_loading_the_migration_tool(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lilac.db'}"
    database = Database.open(url)
    await database.start()
    await database.close()
    script = (
        "import asyncio, sys\n"
        "from lilac.store.database import Database\n"
        "async def main():\n"
        "    database = Database.open(sys.argv[1])\n"
        "    await database.start()\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, url)
    assert await process.wait() == 0


async def test_a_fresh_file_is_ready_in_less_than_half_a_second(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'lilac.db'}")
    before = time.process_time()
    await database.start()
    assert time.process_time() - before < 0.5
    await database.close()
