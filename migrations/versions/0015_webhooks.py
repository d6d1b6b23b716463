"""How far each webhook has been told the change log, and what it could not be told.

Revision: 0015, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", _TIME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("last_delivered", _TIME, nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned_until", _TIME, nullable=True),
        sa.Column("created", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_letters",
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("webhook", "seq", name="pk_webhook_letters"),
    )
    op.create_index("ix_webhook_letters_at", "webhook_letters", ["at"])
    op.create_index(
        "ix_webhook_letters_due",
        "webhook_letters",
        ["webhook", "due"],
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("webhook_letters")
    op.drop_table("webhooks")
