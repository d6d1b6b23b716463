"""The table of people's words on links. `migrations/` makes it like all others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from crawler.store.columns import Number, UtcTime, WebText
from crawler.store.tables import metadata

# One row a word; none is ever changed but for what a licence's deletion demands. Taking a word back is a row, too.
reviews = Table(
    "reviews",
    metadata,
    Column("no", Number, primary_key=True),
    Column("link_id", Text, ForeignKey("links.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("verdict", Text, nullable=False),  # confirmed | rejected | new (a word taken back)
    Column("before", Text, nullable=False),  # the link's state before
    Column("undoes", Number, ForeignKey("reviews.no"), nullable=True),
    Column("reviewer", WebText, nullable=False),
    Column("note", WebText, nullable=False),
    # What the word was about, as it was then: the link may be decided anew, its texts may change or have to go.
    Column("rewrite_id", Text, nullable=False),
    Column("rewrite_version", Integer, nullable=True),
    Column("rewrite_hash", Text, nullable=False),
    Column("original_id", Text, nullable=False),
    Column("original_version", Integer, nullable=True),
    Column("original_hash", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("score", sa.Double, nullable=False),
    Column("coverage_rewrite", sa.Double, nullable=False),
    Column("coverage_original", sa.Double, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON; [] once its texts had to go
    Column("precedence", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("linker", Text, nullable=False),
    Column("decided", UtcTime, nullable=False),
    Column("text_gone", UtcTime, nullable=True),  # when a deletion took the texts
)
Index("ix_reviews_link_id", reviews.c.link_id, reviews.c.no)  # a link's words in order
Index("ix_reviews_reviewer", reviews.c.reviewer, reviews.c.no)  # the last word of a person
Index(  # words that were taken back
    "uq_reviews_undoes",
    reviews.c.undoes,
    unique=True,
    sqlite_where=sa.text("undoes IS NOT NULL"),
    postgresql_where=sa.text("undoes IS NOT NULL"),
)
