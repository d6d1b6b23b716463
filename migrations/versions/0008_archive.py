"""Archives that are crawled: how far each was read, and when one had a page before we did.

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_archives")),
    )
    op.create_index("ix_archives_name", "archives", ["name"])
    op.add_column("articles", sa.Column("captured", TIME, nullable=True))


def downgrade() -> None:
    op.drop_column("articles", "captured")
    op.drop_table("archives")
