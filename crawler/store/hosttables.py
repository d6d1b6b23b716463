"""The table of hosts that are asked: which worker asks them now, and when the next may. `migrations/` makes it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table, Text

from crawler.store.columns import UtcTime, WebText
from crawler.store.tables import metadata

hosts = Table(
    "hosts",
    metadata,
    Column("host", WebText, primary_key=True),  # as in the frontier: with its port where that is not the default
    Column("owner", Text, nullable=True),  # the worker that asks it; NULL: none does
    Column("owned_until", UtcTime, nullable=True),
    # When it may be asked next, as the last owner left it, and when that was written: where the clock was set back
    # since, the span between the two still counts.
    Column("not_before", UtcTime, nullable=True),
    Column("noted", UtcTime, nullable=True),
    Column("pace", sa.Double, nullable=False),  # seconds between two requests, as the last owner knew it
)
Index(  # what a worker has
    "ix_hosts_owner",
    hosts.c.owner,
    sqlite_where=sa.text("owner IS NOT NULL"),
    postgresql_where=sa.text("owner IS NOT NULL"),
)
Index(  # those that nobody has, by age: they are forgotten
    "ix_hosts_idle",
    hosts.c.noted,
    sqlite_where=sa.text("owner IS NULL"),
    postgresql_where=sa.text("owner IS NULL"),
)
