"""Teasers of public feeds and the full texts that take their place.

A full text of the same publisher and headline within 48 hours replaces a teaser, whichever comes first. The
teaser keeps its row and its URL leads to the full text; should that be deleted, the teaser is back.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Action, Article, Completeness, Role, Side, Subject
from crawler.store import candidates, decisions, tasks
from crawler.store.delivery import REPLACED_WITHIN
from crawler.store.rows import chunks
from crawler.store.tables import articles
from crawler.store.transaction import Note, Transaction


def headline_key(article: Article) -> int | None:
    """64 bits of the folded headline; None where there is none, or for pages, which replace nothing."""
    if article.role is Role.AGGREGATOR:
        return None
    folded = unicodedata.normalize("NFKD", article.title).casefold()
    letters = "".join(character for character in folded if character.isalnum())
    if not letters:
        return None
    digest = hashlib.blake2b(letters.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def settle(tx: Transaction, article: Article, row: Row[Any], before: Row[Any] | None) -> bool:
    """Merges a stored article with its teasers or its full text. True: it is a teaser and was merged."""
    if row.headline_key is None:
        return False
    if article.completeness is Completeness.TEASER:
        return _settle_teaser(tx, row, before)
    found = tx.all(_TEASERS, _near(row))
    _merge(tx, [(teaser.no, teaser.id) for teaser in found], row.no, row.id)
    return False


def restore(tx: Transaction, numbers: Sequence[int]) -> None:
    """Brings back the teasers that these full texts had replaced, unless another full text is there."""
    for part in chunks(numbers):
        replaced = sa.select(articles).where(
            tx.dialect.among(articles.c.replaced_by, part), articles.c.state == "replaced"
        )
        for row in tx.all(replaced.order_by(articles.c.no).with_for_update()):
            other = _full_text(tx, row)
            if other is not None:
                tx.run(sa.update(articles).where(articles.c.no == row.no).values(replaced_by=other.no))
                continue
            tx.run(sa.update(articles).where(articles.c.no == row.no).values(state="live", replaced_by=None))
            candidates.put_back(tx, row.no, Side.TEASER)
            tasks.enqueue(tx, [row.no], "its full text went")
            tx.note(Note(Subject.ARTICLE, Action.CREATED, row.id, "its full text went", row.version))


def _settle_teaser(tx: Transaction, row: Row[Any], before: Row[Any] | None) -> bool:
    full = _full_text(tx, row)
    if full is not None:
        _merge(tx, [(row.no, row.id)], full.no, full.id)
        return True
    if row.state == "replaced":  # it has another headline by now, and is the same story still
        candidates.take_off(tx, [row.no])
        return True
    return False


def _full_text(tx: Transaction, teaser: Row[Any]) -> Row[Any] | None:
    return tx.first(_FULL_TEXT, _near(teaser))


def _near(row: Row[Any]) -> dict[str, Any]:
    return {
        "headline": row.headline_key,
        "publisher": row.publisher,
        "earliest": row.headline_time - REPLACED_WITHIN,
        "latest": row.headline_time + REPLACED_WITHIN,
        "but": row.no,
    }


def _same_headline(completeness: Completeness) -> sa.Select[Any]:
    return sa.select(articles.c.no, articles.c.id).where(
        articles.c.headline_key == sa.bindparam("headline"),
        articles.c.publisher == sa.bindparam("publisher"),
        articles.c.state == "live",
        articles.c.completeness == completeness.value,
        articles.c.headline_time >= sa.bindparam("earliest"),
        articles.c.headline_time <= sa.bindparam("latest"),
        articles.c.no != sa.bindparam("but"),
    )


_TEASERS = _same_headline(Completeness.TEASER).order_by(articles.c.no).with_for_update()
_FULL_TEXT = _same_headline(Completeness.FULL).order_by(articles.c.id).limit(1)


def _merge(tx: Transaction, merged: Sequence[tuple[int, str]], full_no: int, full_id: str) -> None:
    if not merged:
        return
    numbers = [number for number, _ in merged]
    candidates.take_off(tx, numbers)  # the fingerprint stays: the teaser may come back
    tasks.drop(tx, numbers)
    these = sa.update(articles).where(tx.dialect.among(articles.c.no, numbers))
    tx.run(these.values(state="replaced", replaced_by=full_no))
    tasks.enqueue(tx, decisions.hanging_on(tx, numbers), "the full text of its teaser came")
    for _, identifier in merged:
        tx.note(Note(Subject.ARTICLE, Action.MERGED, identifier, f"its full text is {full_id}"))
