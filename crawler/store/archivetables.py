"""The archives that were read, and how far. `migrations/` makes the table like all others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Integer, Table, Text

from crawler.store.columns import UtcTime, WebText
from crawler.store.tables import metadata

archives = Table(
    "archives",
    metadata,
    Column("key", Text, primary_key=True),  # of its name and first bytes: a file that is moved is the same
    Column("name", WebText, nullable=False),  # by which articles and links name it
    Column("path", WebText, nullable=False),  # where it was last read
    Column("position", sa.BigInteger, nullable=False),  # all that stands before it is stored
    Column("pages", Integer, nullable=False),
    Column("read_at", UtcTime, nullable=False),
)
Index("ix_archives_name", archives.c.name)
