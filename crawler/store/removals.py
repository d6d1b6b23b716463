"""What a vendor's deletion does: all of it in one transaction, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Action, Article, Removal, Subject
from crawler.store import candidates, decisions, delivery, imprints, tasks, teasers
from crawler.store.rows import chunks
from crawler.store.tables import articles, removals, versions
from crawler.store.tables import decisions as decided
from crawler.store.transaction import Note, Transaction

ARTICLE, SOURCE = "article", "source"
GONE = "removed by the vendor"


def latest(tx: Transaction, article: Article) -> datetime | None:
    """When the article, or its whole source, was last removed."""
    if not delivery.is_delivery(article):
        return None
    found: datetime | None = tx.scalar(_LATEST, {"article": article.vendor_id, "source": article.vendor_source})
    return found


# Made once: it is asked for every article of a delivery. A source of null is no row's key.
_LATEST = sa.select(sa.func.max(removals.c.at)).where(
    sa.or_(
        sa.and_(removals.c.kind == ARTICLE, removals.c.key == sa.bindparam("article", type_=removals.c.key.type)),
        sa.and_(removals.c.kind == SOURCE, removals.c.key == sa.bindparam("source", type_=removals.c.key.type)),
    )
)


def apply(tx: Transaction, removal: Removal) -> list[str]:
    """Ids of the articles that went, in order of their numbers."""
    tx.dialect.erase_for_good(tx.connection)
    remember(tx, removal)
    gone: list[str] = []
    for part in chunks(tx.all(_covered(removal).order_by(articles.c.no).with_for_update())):
        take_away(tx, part, GONE)
        gone.extend(row.id for row in part)
    return gone


def remember(tx: Transaction, removal: Removal) -> None:
    """That nothing older than the removal comes back."""
    kind, key = (ARTICLE, removal.vendor_id) if removal.vendor_id is not None else (SOURCE, removal.vendor_source)
    if key is None:
        return
    upsert = tx.dialect.insert(removals)
    newer = {"at": tx.dialect.later(removals.c.at, upsert.excluded.at)}
    tx.run(
        upsert.on_conflict_do_update(index_elements=["kind", "key"], set_=newer),
        {"kind": kind, "key": key, "at": removal.at},
    )


def _covered(removal: Removal) -> sa.Select[Any]:
    """Held articles that the removal means: delivered under a time up to its own.

    Of a source also what reached us before it, whatever its time says; a delivery without a time has nothing to
    hold against a removal.
    """
    rank = articles.c.vendor_rank
    if removal.vendor_id is not None:
        mine = sa.and_(articles.c.vendor_id == removal.vendor_id, sa.or_(rank.is_(None), rank <= removal.at))
    elif removal.vendor_source is not None:
        before = sa.or_(rank.is_(None), rank <= removal.at, articles.c.received < removal.at)
        mine = sa.and_(articles.c.vendor_source == removal.vendor_source, before)
    else:
        mine = sa.false()
    return sa.select(articles.c.no, articles.c.id, articles.c.state, articles.c.version).where(
        mine, articles.c.state != "removed", articles.c.role != "aggregator"
    )


def take_away(tx: Transaction, rows: Sequence[Row[Any]], reason: str) -> None:
    """Rows of articles lose all that they said; what hangs on them is decided anew."""
    numbers = [row.no for row in rows]
    hanging = decisions.hanging_on(tx, numbers)
    decisions.retract_all(tx, numbers, reason)
    tasks.drop(tx, numbers)
    tasks.enqueue(tx, hanging, "its original was removed")
    candidates.take_off(tx, numbers, forget=True)
    these = tx.dialect.among(articles.c.no, numbers)
    tx.run(sa.update(versions).where(tx.dialect.among(versions.c.article_no, numbers)).values(text=None, fields=None))
    imprints.forget(tx, numbers)
    state = {"state": "removed", "replaced_by": None, "attribution_no": None, "headline_key": None, "text_since": None}
    tx.run(sa.update(articles).where(these).values(state))
    tx.run(sa.delete(decided).where(tx.dialect.among(decided.c.article_no, numbers)))
    for row in rows:
        if row.state == "live":
            tx.note(Note(Subject.ARTICLE, Action.RETRACTED, row.id, reason))
    teasers.restore(tx, numbers)
