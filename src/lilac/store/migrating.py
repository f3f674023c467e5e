"""Bringing a database to the schema of this program, or refusing one that is newer and cannot be used by it.

A newer release notes which older ones may run on its schema (`migrations.COMPATIBLE_WITH`): those start on it as it is.

All steps run in one transaction that no other process can enter at the same time (SQLite: BEGIN IMMEDIATE;
PostgreSQL: an advisory lock), so several replicas may start together: one migrates, the others find it done.
Alembic is loaded only when there is something to do.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text

from lilac.model.errors import Conflict
from lilac.store import migrations
from lilac.store.tables import settings

MIGRATION_LOCK = 0x6C696C6163_00
"""The key of the advisory lock: "lilac" and a number."""
_COMPATIBLE_WITH = "schema_compatible_with"


def migrate(engine: Engine) -> None:
    """Bring the database to `migrations.HEAD`.

    A newer schema is left as it is where it says that this program may run on it. Raises `Conflict` where it does not.
    """
    with engine.connect() as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        version = current_version(conn)
        if version == migrations.HEAD or _is_compatible(conn, version):
            return
        _upgrade(conn, version)
        conn.execute(delete(settings).where(settings.c.key == _COMPATIBLE_WITH))
        conn.execute(insert(settings).values(key=_COMPATIBLE_WITH, value=migrations.COMPATIBLE_WITH))


def current_version(conn: Connection) -> str | None:
    """The last step that was applied, or None for an empty database."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _is_compatible(conn: Connection, version: str | None) -> bool:
    """Whether the schema is a newer one on which this program may run."""
    if version is None or version <= migrations.HEAD:
        return False
    oldest = conn.execute(select(settings.c.value).where(settings.c.key == _COMPATIBLE_WITH)).scalar()
    return oldest is not None and oldest <= migrations.HEAD


def _upgrade(conn: Connection, version: str | None) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import StampStep
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    if version is not None and version not in {step.revision for step in script.walk_revisions()}:
        raise Conflict(
            f"The database has schema {version}, which is newer than this program (schema {migrations.HEAD}); "
            "run the newer release, or restore a backup made before the upgrade.",
            schema=version,
        )

    def steps(revision: object, context: object) -> list[StampStep]:
        return script._upgrade_revs(migrations.HEAD, version or "base")  # pyright: ignore

    with EnvironmentContext(config, script, fn=steps) as environment:  # pyright: ignore
        environment.configure(connection=conn, transactional_ddl=True)
        environment.run_migrations()
