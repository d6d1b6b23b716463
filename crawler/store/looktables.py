"""The tables of second looks at confirmed pages. `migrations/` makes them like all others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Table, Text

from crawler.store.columns import Number, UtcTime, WebText
from crawler.store.tables import metadata

# One row a look; none is ever changed but for what a licence's deletion demands.
looks = Table(
    "looks",
    metadata,
    Column("no", Number, primary_key=True),
    Column("link_id", Text, ForeignKey("links.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", WebText, nullable=False),
    Column("text_hash", Text, nullable=True),
    Column("archive", Text, nullable=True),  # JSON
)
Index("ix_looks_link_id", looks.c.link_id, looks.c.no)  # a link's looks in order

look_plans = Table(
    "look_plans",
    metadata,
    Column("link_id", Text, ForeignKey("links.id"), primary_key=True),
    Column("confirmed", UtcTime, nullable=False),  # what the days are counted from
    Column("due", UtcTime, nullable=True),  # NULL: no more
    # The page's key in the frontier while a look is under way there. What the frontier then never answers (its worker
    # died between two transactions, its source was parked) is due again by `due`.
    Column("key", Text, nullable=True),
)
Index(
    "ix_look_plans_due",
    look_plans.c.due,
    sqlite_where=sa.text("due IS NOT NULL"),
    postgresql_where=sa.text("due IS NOT NULL"),
)
Index(
    "ix_look_plans_key",
    look_plans.c.key,
    sqlite_where=sa.text("key IS NOT NULL"),
    postgresql_where=sa.text("key IS NOT NULL"),
)
