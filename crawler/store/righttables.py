"""The tables of texts that may not be kept: hashes in their place, and the secret they are made with. `migrations/`
makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, SmallInteger, Table, Text
from sqlalchemy import LargeBinary as Bytes

from crawler.store.columns import Number, UtcTime
from crawler.store.tables import metadata

text_keys = Table(  # one row, made at first use: all hashes of a store have one key
    "text_keys",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),  # a hash of the secret, by which another one is told
    Column("secret", Bytes, nullable=True),  # NULL: it is given by a setting and not kept here
    Column("made", UtcTime, nullable=False),
)

hashed_texts = Table(  # originals whose text is kept no longer
    "hashed_texts",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),  # the newest at that time
    Column("hashes", Bytes, nullable=False),
    Column("agency", Boolean, nullable=False),  # the text told that it is an agency's
    Column("text_hash", Text, nullable=False),  # BLAKE2b-128 (hex) of the text
    Column("at", UtcTime, nullable=False),
    # Where its paragraphs began, uint32, little-endian: by these a passage's place is named. NULL: hashed before.
    Column("paragraphs", Bytes, nullable=True),
)
