"""The schema, once for both engines.

Times are seconds since the epoch (UTC) as double precision floats. Ids are canonical UUID text. JSON columns hold
what is read as a whole and never searched; whatever a query filters or sorts by has a column of its own. JSON is kept
as text on both engines (not JSONB), so it comes back exactly as it was written.

Jobs and events are numbered by `seq`, which never goes back even when rows are deleted. A node may be forgotten while
its history stays, so nothing refers to `nodes` by a foreign key.

The migrations build this same schema step by step; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Seq = BigInteger().with_variant(Integer, "sqlite")


class FreeText(TypeDecorator[str]):
    """Text that comes from programs that may print anything: what no engine can store is replaced, not refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return storable(value)


def storable(value: str | None) -> str | None:
    """The text as `FreeText` stores it."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


WAITING = text("state = 'queued'")
LISTED = text("array_id IS NULL")
ELEMENT = text("array_id IS NOT NULL")
LIVE_ELEMENT = text("array_id IS NOT NULL AND state IN ('queued', 'starting', 'running')")
ON_A_NODE = text("node_id IS NOT NULL")
OF_A_RARE_KIND = text("kind <> 'batch'")
UNFINISHED = text("finished_at IS NULL")
"""The conditions of the partial indexes, as literals: with a bound parameter SQLite would not use the index."""
LIVE_JOB = text("state IN ('starting', 'running')")
LIVE_ATTEMPT = text("state IN ('starting', 'running')")
LIVE_REPLICA = text("state IN ('assigned', 'preparing', 'running')")


def _index_where_set(column: str) -> Index:
    """The events about one thing, in order."""
    condition = text(f"{column} IS NOT NULL")
    return Index(None, column, "seq", sqlite_where=condition, postgresql_where=condition)


def _index(name: str | None, *columns: str, where: TextClause, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


metadata = MetaData(naming_convention=NAMING)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("failed_logins", Integer, nullable=False),
    Column("blocked_until", Double),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

clusters = Table(
    "clusters",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("cluster_id", Text, ForeignKey("clusters.id", ondelete="CASCADE"), index=True),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("expires_at", Double),
    Column("scope", Text, nullable=False, server_default="admin"),
    CheckConstraint("(user_id IS NULL) <> (cluster_id IS NULL)", name="one_holder"),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)
"""Sign-ins of browsers."""

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cluster_id", Text, ForeignKey("clusters.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("inventory", JSON, nullable=False),
    Column("cordoned", Boolean, nullable=False),
    Column("labels", JSON),
    Column("drain_deadline", Double),
    Column("last_heartbeat", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("incarnation", Text),
    Column("sequence", BigInteger),
)

queues = Table(
    "queues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("priority", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("limits", JSON),
    Column("user_limits", JSON),
    Column("job_order", Text, server_default="fifo", nullable=False),
    Column("ageing_s", Integer),
    Column("preemption", Boolean, server_default=true(), nullable=False),
)

queue_targets = Table(
    "queue_targets",
    metadata,
    Column("queue_id", Text, ForeignKey("queues.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("cluster_id", Text, ForeignKey("clusters.id", ondelete="CASCADE"), nullable=False, index=True),
    UniqueConstraint("queue_id", "cluster_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, ForeignKey("users.id", ondelete="SET NULL")),
    Column("queue_id", Text, ForeignKey("queues.id", ondelete="SET NULL")),
    Column("queue_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("node_id", Text),
    Column("spec", JSON, nullable=False),
    Column("waterfall", JSON, nullable=False),
    Column("submitted_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("exit_code", Integer),
    Column("reason", Text),
    Column("message", FreeText),
    Column("held", Text),
    Column("not_before", Double),
    Column("retry_counts", JSON),
    Column("retry_of", Text),
    Column("array_id", Text),
    Column("array_index", BigInteger),
    Column("array_seq", BigInteger),
    _index("ix_jobs_waiting", "seq", "queue_id", where=WAITING),
    _index("ix_jobs_live", "seq", where=LIVE_JOB),
    _index(None, "state", "seq", where=LISTED),
    _index(None, "queue_id", "seq", where=LISTED),
    _index(None, "queue_id", "state", "seq", where=LISTED),
    _index(None, "owner_id", "state", "seq", where=LISTED),
    _index(None, "owner_id", "seq", where=LISTED),
    _index(None, "name", "seq", where=LISTED),
    _index(None, "submitted_at", "seq", where=LISTED),
    _index(None, "node_id", "seq", where=ON_A_NODE),
    _index(None, "kind", "seq", where=OF_A_RARE_KIND),
    _index("uq_jobs_element", "array_id", "array_index", where=ELEMENT, unique=True),
    _index("ix_jobs_element_state", "array_id", "state", where=ELEMENT),
    sqlite_autoincrement=True,
)

arrays = Table(
    "arrays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", Seq, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, ForeignKey("users.id", ondelete="SET NULL")),
    Column("queue_id", Text, ForeignKey("queues.id", ondelete="SET NULL")),
    Column("queue_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("indices", Text, nullable=False),
    Column("waiting", Text, nullable=False),
    Column("waiting_count", BigInteger, nullable=False),
    Column("cancelled", Text, nullable=False),
    Column("running_limit", BigInteger),
    Column("held", Text),
    Column("retry_of", Text),
    Column("submitted_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("reason", Text),
    Column("message", FreeText),
    Column("counts", JSON),
    Column("version", BigInteger, nullable=False),
    _index("ix_arrays_unfinished", "seq", where=UNFINISHED),
)
"""Arrays of jobs: elements that wait (or were cancelled waiting) are index ranges here, the others rows of `jobs`."""

job_labels = Table(
    "job_labels",
    metadata,
    Column("label", Text, primary_key=True),
    Column("seq", Seq, primary_key=True, autoincrement=False),
)
"""`key=value` of jobs and arrays, for lists."""

submissions = Table(
    "submissions",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("created_at", Double, nullable=False, index=True),
)
"""Answers to submissions with an idempotency key."""

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("reason", Text),
    Column("message", FreeText),
    Index("uq_attempts_live", "job_id", unique=True, sqlite_where=LIVE_ATTEMPT, postgresql_where=LIVE_ATTEMPT),
)

replicas = Table(
    "replicas",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("node_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stop_wanted", Boolean, nullable=False),
    Column("gpu_uuids", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("exit_code", Integer),
    Column("reason", Text),
    Column("message", FreeText),
    Column("times", JSON, nullable=False),
    Column("ports", JSON),
    Index(None, "node_id", "job_id"),
    Index("ix_replicas_live", "node_id", sqlite_where=LIVE_REPLICA, postgresql_where=LIVE_REPLICA),
)

events = Table(
    "events",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", Text, nullable=False),
    Column("job_id", Text),
    Column("node_id", Text),
    Column("cluster_id", Text),
    Column("queue_id", Text),
    Column("user_id", Text),
    Column("data", JSON, nullable=False),
    _index_where_set("job_id"),
    _index_where_set("node_id"),
    _index_where_set("queue_id"),
    sqlite_autoincrement=True,
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    UniqueConstraint("scope", "name"),
)

volumes = Table(
    "volumes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, ForeignKey("users.id", ondelete="SET NULL")),
    Column("node_id", Text),
    Column("created_at", Double, nullable=False),
    Column("last_used_at", Double),
    UniqueConstraint("owner_id", "name"),
)
"""Named volumes; `node_id` is where the data is, once there is some."""

doomed_volumes = Table(
    "doomed_volumes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner_id", Text),
    Column("node_id", Text, nullable=False),
    Column("deleted_at", Double, nullable=False),
    Index(None, "node_id"),
)
"""Volumes that people have deleted, until the agent of their node says that their data is gone."""

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Seq, primary_key=True),
    Column("replica", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("first_event", BigInteger),
    Column("last_event", BigInteger),
    Column("touched", JSON, nullable=False),
    sqlite_autoincrement=True,
)

leadership = Table(
    "leadership",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("pruned_to", BigInteger, nullable=False),
)

control_planes = Table(
    "control_planes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
)


def _usage_columns() -> list[Column[Any]]:
    """One measurement, or the average of a minute (`resolution_s` 60) that stands for `samples` of them."""
    return [
        Column("resolution_s", Integer, primary_key=True, autoincrement=False),
        Column("at", BigInteger, primary_key=True, autoincrement=False),
        Column("samples", Integer, nullable=False),
        Column("cpu_millicores", Integer, nullable=False),
        Column("memory_mb", Integer, nullable=False),
        Column("gpu_pct", Double),
        Column("gpu_memory_mb", Integer),
    ]


replica_usage = Table(
    "replica_usage",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    *_usage_columns(),
    Index(None, "resolution_s", "at"),
)

node_usage = Table(
    "node_usage",
    metadata,
    Column("node_id", Text, primary_key=True),
    *_usage_columns(),
    Column("allocated_millicores", Integer),
    Column("allocated_memory_mb", Integer),
    Column("allocated_gpus", Integer),
    Index(None, "resolution_s", "at"),
)

usage_totals = Table(
    "usage_totals",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("samples", Integer, nullable=False),
    Column("cpu_sum", BigInteger, nullable=False),
    Column("cpu_max", Integer, nullable=False),
    Column("memory_max", Integer, nullable=False),
    Column("gpu_samples", Integer, nullable=False),
    Column("gpu_sum", Double, nullable=False),
    Column("gpu_memory_max", Integer, nullable=False),
)
