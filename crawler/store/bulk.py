"""A vendor's deliveries stored by the batch, in one transaction.

What is new and stands alone (a first delivery, no removal of it, no teaser that it replaces) is most of a Snapshot: it
is written with a few statements for the whole batch. All else goes the way of every article, `articles.store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Action, Article, Completeness, Fingerprint, Role, Side, Subject
from crawler.store import articles as single
from crawler.store import candidates, delivery, tasks, teasers
from crawler.store.connected import Connected
from crawler.store.delivery import Held, Verdict
from crawler.store.dialect import Dialect
from crawler.store.records import StoredArticle, StoreOutcome
from crawler.store.rows import article_fields, content_hash
from crawler.store.tables import articles, removals, versions
from crawler.store.transaction import Note, Transaction

Pair = tuple[Article, Fingerprint | None]


class Bulk(Connected):
    async def store_deliveries(self, pairs: Sequence[Pair]) -> list[StoredArticle]:
        """Stores articles as `store_article` does one after the other, all or none; what became of each, in order.

        Two versions of one article must not be among them. Raises LinkerMismatch.
        """
        return await self._db.write(_store_all, list(pairs))

    async def delivered(self, articles: Sequence[Article]) -> dict[str, StoredArticle]:
        """What `store_deliveries` would say of those, by id, of which this very message or a newer one was taken.

        Nothing is written of them, so they need no fingerprint. Two versions of one article must not be among them. Two
        index probes each.
        """
        return await self._db.read(_delivered, list(articles))


def _delivered(tx: Transaction, wanted: Sequence[Article]) -> dict[str, StoredArticle]:
    return _sifted(tx, [single.storable_article(article) for article in wanted])[0]


def _store_all(tx: Transaction, pairs: Sequence[Pair]) -> list[StoredArticle]:
    pairs = [(single.storable_article(article), fingerprint) for article, fingerprint in pairs]
    marks = {article.id: mark for article, mark in pairs if mark is not None}
    done, unheld = _sifted(tx, [article for article, _ in pairs if article.id in marks])
    done |= _write_new(tx, _new(tx, [(article, marks[article.id]) for article in unheld]))
    return [done.get(article.id) or single.store(tx, article, fingerprint) for article, fingerprint in pairs]


def _sifted(tx: Transaction, wanted: Sequence[Article]) -> tuple[dict[str, StoredArticle], list[Article]]:
    """Of the simple ones: what becomes of those that were taken before, and those that are not held."""
    simple = _unremoved(tx, [article for article in wanted if _may_be_simple(article)])
    held = _held(tx, simple)
    done = {article.id: known for article in simple if (known := _as_it_is(article, held.get(article.id)))}
    return done, [article for article in simple if article.id not in held]


def _unremoved(tx: Transaction, wanted: Sequence[Article]) -> list[Article]:
    """Those of which no vendor ever demanded the removal."""
    removed = _column(tx, removals.c.key, (key for one in wanted for key in (one.vendor_id, one.vendor_source)))
    return [article for article in wanted if removed.isdisjoint({article.vendor_id, article.vendor_source})]


def _held(tx: Transaction, wanted: Sequence[Article]) -> dict[str, Row[Any]]:
    columns = (articles.c.id, articles.c.state, articles.c.vendor_rank, articles.c.completeness, articles.c.version)
    ids = [article.id for article in wanted]
    return {row.id: row for row in tx.all(sa.select(*columns).where(tx.dialect.among(articles.c.id, ids)))}


def _as_it_is(article: Article, row: Row[Any] | None) -> StoredArticle | None:
    """What becomes of an article of which the very message, or a newer one, was taken: nothing is written."""
    if row is None or row.state != "live":
        return None
    verdict = delivery.weigh(article, Held(True, row.vendor_rank, Completeness(row.completeness)), None)
    if verdict is Verdict.SAME:
        return StoredArticle(article.id, StoreOutcome.UNCHANGED, row.version)
    return StoredArticle(article.id, StoreOutcome.STALE, row.version) if verdict is Verdict.STALE else None


def _may_be_simple(article: Article) -> bool:
    return (
        delivery.is_delivery(article)
        and article.role is not Role.AGGREGATOR
        and article.completeness is Completeness.FULL
        and article.captured is None
        and not single.has_address(article)
    )


def _new(tx: Transaction, pairs: Sequence[Pair]) -> list[Pair]:
    """Those of what is not held that have the headline of no teaser."""
    if not pairs:
        return []
    headlines = {article.id: teasers.headline_key(article) for article, _ in pairs}
    # As for a single article: a teaser and its full text that arrive at once have to see each other.
    names = {f"headline {one.publisher} {headlines[one.id]}" for one, _ in pairs if headlines[one.id] is not None}
    tx.dialect.take_all_turns(tx.connection, names)
    is_teaser = articles.c.completeness == Completeness.TEASER.value
    awaited = _column(tx, articles.c.headline_key, headlines.values(), is_teaser)
    return [(article, fingerprint) for article, fingerprint in pairs if headlines[article.id] not in awaited]


def _column(
    tx: Transaction, column: sa.ColumnElement[Any], values: Iterable[Any], where: sa.ColumnElement[bool] | None = None
) -> set[Any]:
    """Those of the values (None aside) that rows have in this column."""
    wanted = {value for value in values if value is not None}
    found = sa.select(column).where(tx.dialect.among(column, wanted))
    return {row[0] for row in tx.all(found if where is None else found.where(where))} if wanted else set()


def _write_new(tx: Transaction, pairs: Sequence[Pair]) -> dict[str, StoredArticle]:
    if not pairs:
        return {}
    digests = {article.id: content_hash(article) for article, _ in pairs}
    rows = [single.new_row(tx, article, digests[article.id]) for article, _ in pairs]
    # Another worker may have stored one at this moment: it goes the usual way then.
    numbers = {row.id: row.no for row in tx.inserted(_insert(tx.dialect), rows)}
    written = [(article, fingerprint) for article, fingerprint in pairs if article.id in numbers]
    tx.run(
        sa.insert(versions),
        [
            {
                "article_no": numbers[article.id],
                "version": 1,
                "at": tx.now,
                "content_hash": digests[article.id],
                "text": article.text,
                "fields": article_fields(article),
            }
            for article, _ in written
        ],
    )
    candidates.put_many(
        tx, Side.ORIGINAL, [(numbers[article.id], mark) for article, mark in written if mark is not None]
    )
    for article, _ in written:
        tx.note(Note(Subject.ARTICLE, Action.CREATED, article.id, "first seen", 1, None))
    tasks.enqueue(tx, numbers.values(), "new")
    return {article.id: StoredArticle(article.id, StoreOutcome.CREATED, 1) for article, _ in written}


@cache
def _insert(dialect: Dialect) -> Any:
    made: Any = dialect.insert(articles).on_conflict_do_nothing(index_elements=["id"])
    return made.returning(articles.c.no, articles.c.id)
