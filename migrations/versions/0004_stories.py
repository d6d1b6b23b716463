"""Stories: which pages belong to another's and stand aside, how large each story is, and which ids are aliases.

Revision: 0004, after 0003
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_LIVE = "state IN ('new', 'confirmed')"


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("article_no", _NUMBER, nullable=False, autoincrement=False),
        sa.Column("first_no", _NUMBER, nullable=True),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("article_no", name="pk_places"),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name="fk_places_article_no"),
        sa.ForeignKeyConstraint(["first_no"], ["articles.no"], name="fk_places_first_no"),
    )
    _partial_index("ix_places_first_no", "places", "first_no", "first_no IS NOT NULL")
    op.create_table(
        "stories",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stories"),
    )
    _partial_index("ix_stories_merged_into", "stories", "merged_into", "merged_into IS NOT NULL")
    _partial_index("ix_stories_large", "stories", "size", "size > 1000")
    op.create_table(
        "aside_postings",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("article_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "article_no", name="pk_aside_postings"),
        sqlite_with_rowid=False,
    )
    # Those that were told so far are originals with their links.
    op.execute(
        "INSERT INTO stories (id, size) SELECT articles.id, count(*) + 1 FROM links"
        f" JOIN articles ON articles.no = links.original_no WHERE links.{_LIVE} GROUP BY articles.id"
    )
    # Pages without an original have never been compared with each other.
    now = datetime.now(UTC)
    value = now if op.get_bind().dialect.name == "postgresql" else int(now.timestamp() * 1_000_000)
    unlinked = sa.text(
        "INSERT INTO tasks (article_no, reason, enqueued, available_at, generation)"
        " SELECT no, 'stories of pages', :now, :now, 0 FROM articles"
        " WHERE role = 'aggregator' AND completeness = 'full' AND state = 'live'"
        f" AND NOT EXISTS (SELECT 1 FROM links WHERE rewrite_no = articles.no AND links.{_LIVE})"
        " AND NOT EXISTS (SELECT 1 FROM tasks WHERE article_no = articles.no)"
    )
    op.execute(unlinked.bindparams(sa.bindparam("now", value, type_=_TIME)))


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    # Rows that the program before could not read. Numbers of the log may be missing from here on.
    op.execute("DELETE FROM changes WHERE subject = 'member'")
    op.execute("UPDATE changes SET state = NULL, story_id = NULL WHERE subject = 'story'")
    op.execute("INSERT INTO page_postings (key, article_no) SELECT key, article_no FROM aside_postings")
    op.drop_table("aside_postings")
    op.drop_table("stories")
    op.drop_table("places")
