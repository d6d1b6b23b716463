"""Second looks at the pages of confirmed links, and where the paragraphs of a text began that is kept no longer.

Those that were confirmed before this revision are due at once; the days of the later ones are counted from their
decision.

Revision: 0016, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("no", _NUMBER, nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=True),
        sa.Column("archive", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("no", name="pk_looks"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_looks_link_id"),
    )
    op.create_index("ix_looks_link_id", "looks", ["link_id", "no"])
    op.create_table(
        "look_plans",
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("confirmed", _TIME, nullable=False),
        sa.Column("due", _TIME, nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("link_id", name="pk_look_plans"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_look_plans_link_id"),
    )
    for column in ("due", "key"):
        op.create_index(
            f"ix_look_plans_{column}",
            "look_plans",
            [column],
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.add_column("hashed_texts", sa.Column("paragraphs", sa.LargeBinary(), nullable=True))
    op.execute(
        "INSERT INTO look_plans (link_id, confirmed, due)"
        " SELECT id, decided, decided FROM links WHERE state = 'confirmed'"
    )


def downgrade() -> None:
    op.drop_column("hashed_texts", "paragraphs")
    op.drop_table("look_plans")
    op.drop_table("looks")
