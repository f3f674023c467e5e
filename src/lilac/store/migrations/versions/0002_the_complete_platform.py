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
