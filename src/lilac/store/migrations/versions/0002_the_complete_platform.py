"""What the complete platform keeps beside the first schema.

Expand only: every new column has a server default or may be null, so the release before can run on this schema.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add tables and columns; nothing that the release before writes may be refused."""
    _jobs()
    op.add_column("api_keys", sa.Column("scope", sa.Text(), server_default="admin", nullable=False))
    op.add_column("queues", sa.Column("limits", sa.JSON()))
    op.add_column("queues", sa.Column("user_limits", sa.JSON()))
    op.add_column("queues", sa.Column("job_order", sa.Text(), server_default="fifo", nullable=False))
    op.add_column("queues", sa.Column("ageing_s", sa.Integer()))
    op.add_column("queues", sa.Column("preemption", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("nodes", sa.Column("labels", sa.JSON()))
    op.add_column("nodes", sa.Column("drain_deadline", sa.Double()))
    op.create_index("ix_replicas_node_id_job_id", "replicas", ["node_id", "job_id"])
    op.add_column("replicas", sa.Column("ports", sa.JSON(), nullable=True))
    op.create_table(
        "secrets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secrets"),
        sa.UniqueConstraint("scope", "name", name="uq_secrets_scope_name"),
    )
    op.create_table(
        "volumes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text()),
        sa.Column("node_id", sa.Text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double()),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_volumes_owner_id_users", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_volumes"),
        sa.UniqueConstraint("owner_id", "name", name="uq_volumes_owner_id_name"),
    )
    op.create_table(
        "doomed_volumes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text()),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_doomed_volumes"),
    )
    op.create_index("ix_doomed_volumes_node_id", "doomed_volumes", ["node_id"])
    op.create_table(
        "web_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_web_sessions_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_web_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_web_sessions_token_hash"),
    )
    op.create_index(op.f("ix_web_sessions_user_id"), "web_sessions", ["user_id"])
    _several_replicas()
    _add_usage()
    _look_after_growing_tables()


def _look_after_growing_tables() -> None:
    """Have PostgreSQL tidy up after a twentieth of new rows instead of a fifth: lists then read indexes alone."""
    if op.get_bind().dialect.name == "postgresql":
        for table in ("jobs", "events"):
            op.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_insert_scale_factor = 0.05, "
                "autovacuum_analyze_scale_factor = 0.05)"
            )


def _several_replicas() -> None:
    """What the replicas of the control plane tell each other, and which of them leads."""
    op.add_column("nodes", sa.Column("incarnation", sa.Text()))
    op.add_column("nodes", sa.Column("sequence", sa.BigInteger()))
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("replica", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("first_event", sa.BigInteger()),
        sa.Column("last_event", sa.BigInteger()),
        sa.Column("touched", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "leadership",
        sa.Column("epoch", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("pruned_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_leadership"),
    )
    op.create_table(
        "control_planes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_control_planes"),
    )


def _jobs() -> None:
    """Arrays, dependencies, retries by class, labels to filter by, idempotency keys."""
    for name, kind in (
        ("held", sa.Text()),
        ("not_before", sa.Double()),
        ("retry_counts", sa.JSON()),
        ("retry_of", sa.Text()),
        ("array_id", sa.Text()),
        ("array_index", sa.BigInteger()),
        ("array_seq", sa.BigInteger()),
    ):
        op.add_column("jobs", sa.Column(name, kind))
    for column in ("state", "queue_id", "owner_id", "name"):
        name = op.f(f"ix_jobs_{column}_seq")
        op.drop_index(name, "jobs")
        op.create_index(name, "jobs", [column, "seq"], **_where("array_id IS NULL"))
    for column in ("queue_id", "owner_id"):
        name = op.f(f"ix_jobs_{column}_state_seq")
        op.create_index(name, "jobs", [column, "state", "seq"], **_where("array_id IS NULL"))
    op.create_index(op.f("ix_jobs_submitted_at_seq"), "jobs", ["submitted_at", "seq"], **_where("array_id IS NULL"))
    op.create_index(op.f("ix_jobs_node_id_seq"), "jobs", ["node_id", "seq"], **_where("node_id IS NOT NULL"))
    op.create_index(op.f("ix_jobs_kind_seq"), "jobs", ["kind", "seq"], **_where("kind <> 'batch'"))
    element = _where("array_id IS NOT NULL")
    op.create_index("uq_jobs_element", "jobs", ["array_id", "array_index"], unique=True, **element)
    op.create_index("ix_jobs_element_state", "jobs", ["array_id", "state"], **element)
    op.create_table(
        "arrays",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text()),
        sa.Column("queue_id", sa.Text()),
        sa.Column("queue_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("indices", sa.Text(), nullable=False),
        sa.Column("waiting", sa.Text(), nullable=False),
        sa.Column("waiting_count", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.Text(), nullable=False),
        sa.Column("running_limit", sa.BigInteger()),
        sa.Column("held", sa.Text()),
        sa.Column("retry_of", sa.Text()),
        sa.Column("submitted_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("finished_at", sa.Double()),
        sa.Column("reason", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("counts", sa.JSON()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_arrays_owner_id_users"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["queues.id"], name=op.f("fk_arrays_queue_id_queues"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrays")),
        sa.UniqueConstraint("seq", name=op.f("uq_arrays_seq")),
    )
    op.create_index("ix_arrays_unfinished", "arrays", ["seq"], **_where("finished_at IS NULL"))
    op.create_table(
        "job_labels",
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("label", "seq", name=op.f("pk_job_labels")),
    )
    op.create_table(
        "submissions",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_submissions")),
    )
    op.create_index(op.f("ix_submissions_created_at"), "submissions", ["created_at"])


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _add_usage() -> None:
    whose = {"replica_usage": ("job_id", "attempt", "rank"), "node_usage": ("node_id",)}
    for table, names in whose.items():
        op.create_table(
            table,
            *(_key(name) for name in names),
            sa.Column("resolution_s", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("samples", sa.Integer(), nullable=False),
            sa.Column("cpu_millicores", sa.Integer(), nullable=False),
            sa.Column("memory_mb", sa.Integer(), nullable=False),
            sa.Column("gpu_pct", sa.Double()),
            sa.Column("gpu_memory_mb", sa.Integer()),
            sa.PrimaryKeyConstraint(*names, "resolution_s", "at", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_resolution_s_at", table, ["resolution_s", "at"])
    for name in ("allocated_millicores", "allocated_memory_mb", "allocated_gpus"):
        op.add_column("node_usage", sa.Column(name, sa.Integer()))
    op.create_table(
        "usage_totals",
        *(_key(name) for name in whose["replica_usage"]),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("cpu_sum", sa.BigInteger(), nullable=False),
        sa.Column("cpu_max", sa.Integer(), nullable=False),
        sa.Column("memory_max", sa.Integer(), nullable=False),
        sa.Column("gpu_samples", sa.Integer(), nullable=False),
        sa.Column("gpu_sum", sa.Double(), nullable=False),
        sa.Column("gpu_memory_max", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*whose["replica_usage"], name="pk_usage_totals"),
    )


def _key(name: str) -> sa.Column[str] | sa.Column[int]:
    if name in ("job_id", "node_id"):
        return sa.Column(name, sa.Text(), nullable=False)
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False)
