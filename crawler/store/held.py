"""Reading articles in their newest version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Article
from crawler.store import textkeys
from crawler.store.dialect import Dialect
from crawler.store.righttables import hashed_texts
from crawler.store.rows import article_of, chunks
from crawler.store.tables import articles, versions
from crawler.store.transaction import Transaction

NEWEST = (
    sa.select(
        articles.c.no,
        articles.c.id,
        articles.c.first_seen,
        articles.c.captured,
        versions.c.text,
        versions.c.fields,
        hashed_texts.c.hashes,
        hashed_texts.c.agency,
    )
    .join(versions, sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version))
    .outerjoin(hashed_texts, hashed_texts.c.article_no == articles.c.no)
    .where(versions.c.fields.is_not(None), articles.c.state != "removed")
)


def by_id(tx: Transaction, ids: Iterable[str]) -> dict[str, Article]:
    return {article.id: article for article in _read(tx, _newest_by_id(tx.dialect), ids).values()}


def by_number(tx: Transaction, numbers: Iterable[int]) -> dict[int, Article]:
    return _read(tx, _newest_by_number(tx.dialect), numbers)


@cache
def _newest_by_id(dialect: Dialect) -> sa.Select[Any]:
    return NEWEST.where(dialect.listed(articles.c.id, "wanted"))


@cache
def _newest_by_number(dialect: Dialect) -> sa.Select[Any]:
    return NEWEST.where(dialect.listed(articles.c.no, "wanted"))


def article(tx: Transaction, row: Row[Any]) -> Article:
    """The article of a row of `NEWEST`."""
    found = article_of(row.id, row.first_seen, row.text, row.fields, row.captured)
    imprint = textkeys.imprint_of(tx, row)
    return found if imprint is None else replace(found, imprint=imprint)


def _read(tx: Transaction, rows: sa.Select[Any], values: Iterable[Any]) -> dict[int, Article]:
    return {
        row.no: article(tx, row)
        for part in chunks(values)
        for row in tx.all(rows, {"wanted": tx.dialect.as_list(part)})
    }
