"""Originals whose text may not be kept for ever: since when a text is held, hashes in its place, and their key.

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HELD = sa.text("text_since IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "text_keys",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("made", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_keys")),
    )
    op.create_table(
        "hashed_texts",
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("agency", sa.Boolean(), nullable=False),
        sa.Column("text_hash", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_hashed_texts_article_no")),
        sa.PrimaryKeyConstraint("article_no", name=op.f("pk_hashed_texts")),
    )
    op.add_column("articles", sa.Column("text_since", TIME, nullable=True))
    # Of what is there already the time it was received is as near as one can tell.
    op.execute(
        "UPDATE articles SET text_since = received "
        "WHERE role <> 'aggregator' AND completeness = 'full' AND state <> 'removed'"
    )
    op.create_index(
        "ix_articles_text_since", "articles", ["text_since"], sqlite_where=HELD, postgresql_where=HELD
    )


def downgrade() -> None:
    op.drop_index("ix_articles_text_since", table_name="articles")
    op.drop_column("articles", "text_since")
    op.drop_table("hashed_texts")
    op.drop_table("text_keys")
