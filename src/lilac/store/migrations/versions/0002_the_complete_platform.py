"""What the complete platform keeps beside the first schema.

Expand only: every new column has a server default or may be null, so the release before can run on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables and columns; nothing that the release before writes may be refused."""
    op.add_column("api_keys", sa.Column("scope", sa.Text(), server_default="admin", nullable=False))
    op.add_column("queues", sa.Column("limits", sa.JSON()))
    op.add_column("queues", sa.Column("user_limits", sa.JSON()))
    op.add_column("queues", sa.Column("job_order", sa.Text(), server_default="fifo", nullable=False))
    op.add_column("queues", sa.Column("ageing_s", sa.Integer()))
    op.add_column("queues", sa.Column("preemption", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("nodes", sa.Column("labels", sa.JSON()))
    op.add_column("nodes", sa.Column("drain_deadline", sa.Double()))
    op.create_index("ix_replicas_node_id_job_id", "replicas", ["node_id", "job_id"])
    _several_replicas()


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
