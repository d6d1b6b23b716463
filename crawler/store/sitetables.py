"""The tables of the sites' memory: what furniture is told by. `migrations/` makes them like all others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy import LargeBinary as Bytes

from crawler.store.columns import Number, UtcTime, WebText
from crawler.store.tables import metadata

# A host in one span of time: after a redesign the next span knows nothing of the one before the last.
sites = Table(
    "sites",
    metadata,
    Column("no", Number, primary_key=True),
    Column("host", WebText, nullable=False),
    Column("era", Integer, nullable=False),  # number of the span
    Column("furniture", Bytes, nullable=False),  # uint64, little-endian: hashes of paragraphs
    Column("revision", Integer, nullable=False),  # of `furniture`
    # Raised when a page of the sample comes, changes or goes; `judged` is the one that `furniture` was made by.
    Column("changed", Integer, nullable=False),
    Column("judged", Integer, nullable=False),
    # The greatest rank in the sample once it is full: pages above it change nothing.
    Column("bound", sa.BigInteger, nullable=True),
    # From which article on texts may not be as `furniture` has them; NULL: all are. Raised with it: `swept`.
    Column("sweep_from", Number, nullable=True),
    Column("sweeps", Integer, nullable=False),
    Column("pages", Integer, nullable=False),  # held of it, those that went on to the next span included
    Column("pending", sa.Boolean, nullable=False),  # to be judged or swept
    Column("available_at", UtcTime, nullable=False),  # as in the frontier
    Column("leased_by", Text, nullable=True),
)
Index("uq_sites_host_era", sites.c.host, sites.c.era, unique=True)
Index("ix_sites_era", sites.c.era)  # those to forget
Index(
    "ix_sites_pending",
    sites.c.available_at,
    sites.c.no,
    sqlite_where=sa.text("pending"),
    postgresql_where=sa.text("pending"),
)
Index(  # what a worker holds
    "ix_sites_leased_by",
    sites.c.leased_by,
    sqlite_where=sa.text("leased_by IS NOT NULL"),
    postgresql_where=sa.text("leased_by IS NOT NULL"),
)

site_pages = Table(
    "site_pages",
    metadata,
    Column("site_no", Number, ForeignKey("sites.no"), primary_key=True, autoincrement=False),
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True, autoincrement=False),
    Column("rank", sa.BigInteger, nullable=False),  # of the article's id: the sample are the smallest
    Column("blocks", Bytes, nullable=False),
    Column("left_out", WebText, nullable=True),  # JSON: places and paragraphs; NULL: none
    # It only counts: its text was dropped, or was read again in a later span of time.
    Column("fixed", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_site_pages_article_no", site_pages.c.article_no)
Index("ix_site_pages_site_no_rank", site_pages.c.site_no, site_pages.c.rank)  # the sample
