"""Habits of sources: what is learned of when they bring news, what is to be done about one in trouble, their backfill.

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sources", sa.Column("backfill", sa.Integer(), nullable=False, server_default="50000"))
    op.add_column("sources", sa.Column("habits", sa.LargeBinary(), nullable=True))
    op.add_column("sources", sa.Column("advice", sa.Text(), nullable=False, server_default=""))
    op.add_column("sources", sa.Column("hub", sa.Text(), nullable=True))
    op.add_column("sources", sa.Column("gaps", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sources", sa.Column("news_a_day", sa.Double(), nullable=True))
    op.add_column("articles", sa.Column("backfill", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_frontier_source_announced_at", "frontier", ["source", "announced_at"])


def downgrade() -> None:
    op.drop_index("ix_frontier_source_announced_at", table_name="frontier")
    op.drop_column("articles", "backfill")
    for name in ("news_a_day", "gaps", "hub", "advice", "habits", "backfill"):
        op.drop_column("sources", name)
