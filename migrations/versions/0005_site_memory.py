"""The sites' memory: the paragraphs of their recent pages as hashes, and what of them is furniture.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("no", NUMBER, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("furniture", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Integer(), nullable=False),
        sa.Column("bound", sa.BigInteger(), nullable=True),
        sa.Column("sweep_from", NUMBER, nullable=True),
        sa.Column("sweeps", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("available_at", TIME, nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_sites")),
    )
    op.create_index("uq_sites_host_era", "sites", ["host", "era"], unique=True)
    op.create_index("ix_sites_era", "sites", ["era"])
    op.create_index(
        "ix_sites_pending",
        "sites",
        ["available_at", "no"],
        sqlite_where=sa.text("pending"),
        postgresql_where=sa.text("pending"),
    )
    op.create_index(
        "ix_sites_leased_by",
        "sites",
        ["leased_by"],
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.create_table(
        "site_pages",
        sa.Column("site_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("blocks", sa.LargeBinary(), nullable=False),
        sa.Column("left_out", sa.Text(), nullable=True),
        sa.Column("fixed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["site_no"], ["sites.no"], name=op.f("fk_site_pages_site_no")),
        sa.ForeignKeyConstraint(["article_no"], ["articles.no"], name=op.f("fk_site_pages_article_no")),
        sa.PrimaryKeyConstraint("site_no", "article_no", name=op.f("pk_site_pages")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_site_pages_article_no", "site_pages", ["article_no"])
    op.create_index("ix_site_pages_site_no_rank", "site_pages", ["site_no", "rank"])


def downgrade() -> None:
    op.drop_table("site_pages")
    op.drop_table("sites")
