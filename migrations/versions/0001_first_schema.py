"""The first schema: sources, frontier, articles, index, decisions, change log, runs.

Revision: 0001, the first
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration keeps its own types: the store's may change after it.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("no", NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("completeness", sa.Text(), nullable=False),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("received", TIME, nullable=False),
        sa.Column("checked", TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text(), nullable=True),
        sa.Column("vendor_source", sa.Text(), nullable=True),
        sa.Column("vendor_rank", TIME, nullable=True),
        sa.Column("headline_key", sa.BigInteger(), nullable=True),
        sa.Column("headline_time", TIME, nullable=True),
        sa.Column("replaced_by", NUMBER, nullable=True),
        sa.Column("attribution_no", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["replaced_by"], ["articles.no"], name=op.f("fk_articles_replaced_by")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_articles")),
        sa.UniqueConstraint("id", name=op.f("uq_articles_id")),
    )
    op.create_index(
        "ix_articles_headline",
        "articles",
        ["headline_key", "publisher"],
        unique=False,
        sqlite_where=sa.text("headline_key IS NOT NULL"),
        postgresql_where=sa.text("headline_key IS NOT NULL"),
    )
    op.create_index(
        "ix_articles_replaced_by",
        "articles",
        ["replaced_by"],
        unique=False,
        sqlite_where=sa.text("replaced_by IS NOT NULL"),
        postgresql_where=sa.text("replaced_by IS NOT NULL"),
    )
    op.create_index("ix_articles_role_completeness_state", "articles", ["role", "completeness", "state"], unique=False)
    op.create_index(
        "ix_articles_vendor_id",
        "articles",
        ["vendor_id"],
        unique=False,
        sqlite_where=sa.text("vendor_id IS NOT NULL"),
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
    )
    op.create_index(
        "ix_articles_vendor_source",
        "articles",
        ["vendor_source"],
        unique=False,
        sqlite_where=sa.text("vendor_source IS NOT NULL"),
        postgresql_where=sa.text("vendor_source IS NOT NULL"),
    )
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("attribution_no", NUMBER, nullable=True),
        sa.Column("story_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_changes")),
    )
    op.create_index("ix_changes_at_seq", "changes", ["at", "seq"], unique=False)
    op.create_index("ix_changes_object", "changes", ["subject", "object_id", "seq"], unique=False)
    op.create_index(
        "ix_changes_story",
        "changes",
        ["story_id", "seq"],
        unique=False,
        sqlite_where=sa.text("story_id IS NOT NULL"),
        postgresql_where=sa.text("story_id IS NOT NULL"),
    )
    op.create_index("ix_changes_subject_seq", "changes", ["subject", "seq"], unique=False)
    op.create_table(
        "linkers",
        sa.Column("no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("linker", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("serving", sa.Boolean(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_linkers")),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    op.create_table(
        "postings",
        sa.Column("shelf", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shelf", "key", "article_no", name=op.f("pk_postings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "removals",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_removals")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME, nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "sources",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("interval", sa.Double(), nullable=True),
        sa.Column("fetch_pages", sa.Boolean(), nullable=False),
        sa.Column("redistribute", sa.Boolean(), nullable=False),
        sa.Column("headers_env", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detected_kind", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("last_polled", TIME, nullable=True),
        sa.Column("last_success", TIME, nullable=True),
        sa.Column("next_poll", TIME, nullable=True),
        sa.Column("last_new", TIME, nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("heartbeat", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "aliases",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("article_no", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_aliases_article_no")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_aliases")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attributions",
        sa.Column("no", NUMBER, nullable=False),
        sa.Column("article_no", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("teaser_no", NUMBER, nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_attributions_article_no")),
        sa.ForeignKeyConstraint(["teaser_no"], ["articles.no"], name=op.f("fk_attributions_teaser_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_attributions")),
    )
    op.create_index("ix_attributions_article_no", "attributions", ["article_no"], unique=False)
    op.create_index(
        "ix_attributions_teaser_no",
        "attributions",
        ["teaser_no"],
        unique=False,
        sqlite_where=sa.text("teaser_no IS NOT NULL"),
        postgresql_where=sa.text("teaser_no IS NOT NULL"),
    )
    op.create_table(
        "decisions",
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("linker", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("considered", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_decisions_article_no")),
        sa.PrimaryKeyConstraint("article_no", name=op.f("pk_decisions")),
    )
    op.create_table(
        "fingerprints",
        sa.Column("article_no", NUMBER, nullable=False),
        sa.Column("linker_no", sa.SmallInteger(), nullable=False),
        sa.Column("minhash", sa.LargeBinary(), nullable=False),
        sa.Column("index_keys", sa.LargeBinary(), nullable=False),
        sa.Column("index_weights", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_fingerprints_article_no")),
        sa.ForeignKeyConstraint(["linker_no"], ["linkers.no"], name=op.f("fk_fingerprints_linker_no")),
        sa.PrimaryKeyConstraint("article_no", "linker_no", name=op.f("pk_fingerprints")),
    )
    op.create_table(
        "frontier",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("available_at", TIME, nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("stamp", TIME, nullable=True),
        sa.Column("announced_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("fetched_at", TIME, nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("leased_generation", sa.Integer(), nullable=True),
        sa.Column("article_no", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_frontier_article_no")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_frontier")),
    )
    op.create_index(
        "ix_frontier_due",
        "frontier",
        ["host", "available_at"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_frontier_failed",
        "frontier",
        ["reason"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_frontier_leased_by",
        "frontier",
        ["leased_by"],
        unique=False,
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.create_index("ix_frontier_source_state", "frontier", ["source", "state"], unique=False)
    op.create_table(
        "links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rewrite_no", NUMBER, nullable=False),
        sa.Column("original_no", NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("coverage_rewrite", sa.Double(), nullable=False),
        sa.Column("coverage_original", sa.Double(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("precedence", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("linker", sa.Text(), nullable=False),
        sa.Column("decided", TIME, nullable=False),
        sa.Column("archive", sa.Text(), nullable=True),
        sa.Column("rewrite_hash", sa.Text(), nullable=False),
        sa.Column("original_hash", sa.Text(), nullable=False),
        sa.CheckConstraint("rewrite_no <> original_no", name=op.f("ck_links_two_articles")),
        sa.ForeignKeyConstraint(["original_no"], ["articles.no"], name=op.f("fk_links_original_no")),
        sa.ForeignKeyConstraint(["rewrite_no"], ["articles.no"], name=op.f("fk_links_rewrite_no")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_original_no_state", "links", ["original_no", "state"], unique=False)
    op.create_index("ix_links_rewrite_no", "links", ["rewrite_no"], unique=False)
    op.create_index("ix_links_state", "links", ["state"], unique=False)
    op.create_index(
        "uq_links_live",
        "links",
        ["rewrite_no"],
        unique=True,
        sqlite_where=sa.text("state IN ('new', 'confirmed')"),
        postgresql_where=sa.text("state IN ('new', 'confirmed')"),
    )
    op.create_table(
        "tasks",
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("enqueued", TIME, nullable=False),
        sa.Column("available_at", TIME, nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("leased_generation", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_tasks_article_no")),
        sa.PrimaryKeyConstraint("article_no", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_due", "tasks", ["available_at", "article_no"], unique=False)
    op.create_index(
        "ix_tasks_leased_by",
        "tasks",
        ["leased_by"],
        unique=False,
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.create_table(
        "versions",
        sa.Column("article_no", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_versions_article_no")),
        sa.PrimaryKeyConstraint("article_no", "version", name=op.f("pk_versions")),
    )

    # The change log's one counter; it starts before every clock.
    start = datetime(1970, 1, 1, tzinfo=UTC) if op.get_bind().dialect.name == "postgresql" else 0
    log_head = sa.table("log_head", sa.column("id"), sa.column("seq"), sa.column("at", TIME))
    op.bulk_insert(log_head, [{"id": 1, "seq": 0, "at": start}])


def downgrade() -> None:
    op.drop_table("versions")
    op.drop_index(
        "ix_tasks_leased_by",
        table_name="tasks",
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.drop_index("ix_tasks_due", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index(
        "uq_links_live",
        table_name="links",
        sqlite_where=sa.text("state IN ('new', 'confirmed')"),
        postgresql_where=sa.text("state IN ('new', 'confirmed')"),
    )
    op.drop_index("ix_links_state", table_name="links")
    op.drop_index("ix_links_rewrite_no", table_name="links")
    op.drop_index("ix_links_original_no_state", table_name="links")
    op.drop_table("links")
    op.drop_index("ix_frontier_source_state", table_name="frontier")
    op.drop_index(
        "ix_frontier_leased_by",
        table_name="frontier",
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.drop_index(
        "ix_frontier_failed",
        table_name="frontier",
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.drop_index(
        "ix_frontier_due",
        table_name="frontier",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_table("frontier")
    op.drop_table("fingerprints")
    op.drop_table("decisions")
    op.drop_index(
        "ix_attributions_teaser_no",
        table_name="attributions",
        sqlite_where=sa.text("teaser_no IS NOT NULL"),
        postgresql_where=sa.text("teaser_no IS NOT NULL"),
    )
    op.drop_index("ix_attributions_article_no", table_name="attributions")
    op.drop_table("attributions")
    op.drop_table("aliases")
    op.drop_table("workers")
    op.drop_table("sources")
    op.drop_table("runs")
    op.drop_table("removals")
    op.drop_table("postings")
    op.drop_table("log_head")
    op.drop_table("linkers")
    op.drop_index("ix_changes_subject_seq", table_name="changes")
    op.drop_index(
        "ix_changes_story",
        table_name="changes",
        sqlite_where=sa.text("story_id IS NOT NULL"),
        postgresql_where=sa.text("story_id IS NOT NULL"),
    )
    op.drop_index("ix_changes_object", table_name="changes")
    op.drop_index("ix_changes_at_seq", table_name="changes")
    op.drop_table("changes")
    op.drop_index(
        "ix_articles_vendor_source",
        table_name="articles",
        sqlite_where=sa.text("vendor_source IS NOT NULL"),
        postgresql_where=sa.text("vendor_source IS NOT NULL"),
    )
    op.drop_index(
        "ix_articles_vendor_id",
        table_name="articles",
        sqlite_where=sa.text("vendor_id IS NOT NULL"),
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
    )
    op.drop_index("ix_articles_role_completeness_state", table_name="articles")
    op.drop_index(
        "ix_articles_replaced_by",
        table_name="articles",
        sqlite_where=sa.text("replaced_by IS NOT NULL"),
        postgresql_where=sa.text("replaced_by IS NOT NULL"),
    )
    op.drop_index(
        "ix_articles_headline",
        table_name="articles",
        sqlite_where=sa.text("headline_key IS NOT NULL"),
        postgresql_where=sa.text("headline_key IS NOT NULL"),
    )
    op.drop_table("articles")
