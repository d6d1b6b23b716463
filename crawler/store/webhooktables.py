"""The tables of webhooks: how far each has been told the change log, and what it could not be told."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Index, Integer, Table, Text

from crawler.store.columns import UtcTime, WebText
from crawler.store.tables import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("name", WebText, primary_key=True),
    Column("seq", sa.BigInteger, nullable=False),  # the last change that it needs to be told no more
    Column("attempts", Integer, nullable=False),  # tries of the next one, so far
    Column("next_try", UtcTime, nullable=True),  # NULL: now
    Column("reason", WebText, nullable=False),  # why the last try failed; "": it did not
    Column("delivered", sa.BigInteger, nullable=False),
    Column("last_delivered", UtcTime, nullable=True),
    Column("owner", Text, nullable=True),  # the worker that tells it now; NULL: none does
    Column("owned_until", UtcTime, nullable=True),
    Column("created", UtcTime, nullable=False),
)

webhook_letters = Table(  # what was given up; told again, it is deleted
    "webhook_letters",
    metadata,
    Column("webhook", WebText, primary_key=True),
    Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),  # when it was given up
    Column("attempts", Integer, nullable=False),
    Column("reason", WebText, nullable=False),
    Column("due", UtcTime, nullable=True),  # when it is tried again; NULL: not before somebody asks for it
)
Index("ix_webhook_letters_at", webhook_letters.c.at)  # the last that were given up
Index(  # those to try again
    "ix_webhook_letters_due",
    webhook_letters.c.webhook,
    webhook_letters.c.due,
    sqlite_where=sa.text("due IS NOT NULL"),
    postgresql_where=sa.text("due IS NOT NULL"),
)
