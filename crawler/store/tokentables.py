"""The table of access tokens. `migrations/` makes it like all others."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from crawler.store.columns import Number, UtcTime, WebText
from crawler.store.tables import metadata

# A revoked token keeps its row: what was judged with it bears its name.
tokens = Table(
    "tokens",
    metadata,
    Column("no", Number, primary_key=True),
    Column("name", WebText, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of the token, which is kept nowhere
    Column("rights", Text, nullable=False),  # read | write
    Column("created", UtcTime, nullable=False),
    Column("used", UtcTime, nullable=True),  # the last time, to the hour
    Column("revoked", UtcTime, nullable=True),
)
