"""Which texts are to be forgotten once their decision is made: those of pages that asked not to be indexed.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("articles", sa.Column("unindexed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_articles_unindexed",
        "articles",
        ["no"],
        sqlite_where=sa.text("unindexed"),
        postgresql_where=sa.text("unindexed"),
    )


def downgrade() -> None:
    op.drop_index("ix_articles_unindexed", table_name="articles")
    op.drop_column("articles", "unindexed")
