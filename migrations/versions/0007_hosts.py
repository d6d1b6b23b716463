"""Hosts, each asked by one worker at a time; pages whose worker died; the last pages that were given up.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned_until", TIME, nullable=True),
        sa.Column("not_before", TIME, nullable=True),
        sa.Column("noted", TIME, nullable=True),
        sa.Column("pace", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_hosts")),
    )
    for name, column, condition in (
        ("ix_hosts_owner", "owner", "owner IS NOT NULL"),
        ("ix_hosts_idle", "noted", "owner IS NULL"),
    ):
        op.create_index(
            name, "hosts", [column], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
        )
    op.add_column("frontier", sa.Column("losses", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_frontier_dead",
        "frontier",
        ["available_at", "key"],
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_frontier_dead", table_name="frontier")
    op.drop_column("frontier", "losses")
    op.drop_table("hosts")
