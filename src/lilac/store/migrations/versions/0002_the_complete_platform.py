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
