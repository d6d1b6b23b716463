"""Articles: stored once, by version, with all that follows from it in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler import urls
from crawler.errors import UrlRefused
from crawler.model import (
    Action,
    ArchiveRecord,
    Article,
    Completeness,
    Fingerprint,
    Removal,
    Role,
    Side,
    SitePage,
    Subject,
    Validators,
)
from crawler.redistribution import is_licensed
from crawler.store import (
    candidates,
    decisions,
    delivery,
    frontier,
    held,
    imprints,
    places,
    removals,
    sitememory,
    tasks,
    teasers,
)
from crawler.store.columns import in_utc, storable
from crawler.store.connected import Connected
from crawler.store.delivery import Held, Verdict
from crawler.store.dialect import Dialect
from crawler.store.records import StoredArticle, StoreOutcome
from crawler.store.rows import article_fields, chunks, content_hash, with_archive
from crawler.store.tables import aliases, articles, versions
from crawler.store.tables import tasks as tasks_table
from crawler.store.transaction import Note, Transaction


class Articles(Connected):
    async def store_article(
        self,
        article: Article,
        fingerprint: Fingerprint | None,
        *,
        frontier_key: str | None = None,
        worker: str | None = None,
        validators: Validators | None = None,
        extra_urls: Sequence[str] = (),
        page: SitePage | None = None,
    ) -> StoredArticle:
        """Stores an article, or a new version of one, with everything that hangs on it.

        A new version is made where title, byline, dates, text, captions or copyright differ. Its fingerprint
        takes the old one's place in the index, its URLs become aliases, `frontier_key` (leased by `worker`) is
        done, a decision is pending (for two minutes it is `worker`'s own), and the change log tells it. A
        vendor's delivery that is older than what is held changes nothing, nor does a teaser of a story held in
        full. Costs do not grow with the store.

        Raises LinkerMismatch where the index was made by another linker.
        """
        return await self._db.write(_store, article, fingerprint, frontier_key, worker, validators, extra_urls, page)

    async def remove(self, removal: Removal) -> list[str]:
        """What a vendor's deletion demands: texts, postings and links go, in one transaction; ids of what went.

        The removal is remembered: an older message of the same article brings nothing back. Costs grow with the
        number of articles removed and their links.
        """
        return await self._db.write(removals.apply, removal)

    async def forget_text(self, article_id: str) -> None:
        """Drops the text of all versions (a page that said noindex); hash, times and links stay."""
        await self._db.write(_forget_text, article_id)

    async def forget_unindexed(self) -> int:
        """Drops the texts of pages that asked not to be indexed and wait for no decision; how many. One index probe
        each."""
        return await self._db.write(_forget_unindexed)

    async def article(self, article_id: str) -> Article | None:
        """Its newest version; None where it is unknown or was removed."""
        return (await self.articles([article_id])).get(article_id)

    async def articles(self, ids: Iterable[str]) -> dict[str, Article]:
        """The newest versions of those that are held; a replaced teaser is still there under its id."""
        return await self._db.read(held.by_id, list(ids))

    async def article_by_url(self, url: str) -> Article | None:
        """The article that was met under this URL or a twin of it; the full text where it took a teaser's place."""
        found = await self.known_urls([url])
        return await self.article(found[url]) if url in found else None

    async def known_urls(self, given: Iterable[str]) -> dict[str, str]:
        """URL as given → id of the article that was met under it or under a twin of it."""
        return await self._db.read(known_urls, list(given))

    async def fingerprints(self, ids: Iterable[str]) -> dict[str, Fingerprint]:
        """Those stored with the articles."""
        return await self._db.read(candidates.held, list(ids))

    async def fingerprint(self, article_id: str) -> Fingerprint | None:
        return (await self.fingerprints([article_id])).get(article_id)


def store(tx: Transaction, article: Article, fingerprint: Fingerprint | None) -> StoredArticle:
    """What `store_article` does with an article alone, inside a transaction."""
    return _store(tx, article, fingerprint, None, None, None, (), None)


def has_address(article: Article) -> bool:
    """Whether it has a URL under which others may have met it."""
    return _url_key(article.url) is not None


def _store(
    tx: Transaction,
    article: Article,
    fingerprint: Fingerprint | None,
    frontier_key: str | None,
    worker: str | None,
    validators: Validators | None,
    extra_urls: Sequence[str],
    page: SitePage | None,
) -> StoredArticle:
    article = storable_article(article)
    row = _find(tx, article)
    if row is not None:
        article = replace(article, id=row.id)
        if article.role is Role.AGGREGATOR and row.role != Role.AGGREGATOR.value:
            # An aggregator that links to an original, or redirects to it, has not written it.
            if frontier_key is not None:
                frontier.settle(tx, frontier_key, worker, row.no, validators)
            return StoredArticle(article.id, StoreOutcome.UNCHANGED, _version(row))
    verdict = _weighed(tx, article, row)
    digest = content_hash(article)
    if verdict is Verdict.STALE or (verdict is Verdict.SAME and row is not None):
        outcome = StoreOutcome.STALE if verdict is Verdict.STALE else StoreOutcome.UNCHANGED
        stored = StoredArticle(article.id, outcome, _version(row))
    elif row is not None and row.state != "removed" and (row.content_hash, row.role) == (digest, article.role.value):
        _touch(tx, row, article, fingerprint)
        stored = StoredArticle(article.id, StoreOutcome.UNCHANGED, row.version)
    else:
        written = write_version(tx, article, row, digest, fingerprint, worker)
        if written is None:
            return _store(tx, article, fingerprint, frontier_key, worker, validators, extra_urls, page)
        stored, row = written
    if row is not None and row.state != "removed":
        _note_capture(tx, article, row, stored.outcome)
        _add_aliases(tx, row.no, [article.url, *extra_urls])
        if stored.outcome is not StoreOutcome.STALE:
            _remember(tx, article, row, stored, page)
    if frontier_key is not None:
        frontier.settle(tx, frontier_key, worker, row.no if row is not None else None, validators)
    return stored


def _weighed(tx: Transaction, article: Article, row: Row[Any] | None) -> Verdict:
    """What to do with an article; archives come in any order, so their pages may be older than the version held."""
    if row is None:
        return delivery.weigh(article, None, removals.latest(tx, article))
    if article.captured is not None and row.state != "removed":
        newest = held.by_number(tx, [row.no]).get(row.no)
        if newest is not None and newest.fetched is not None and article.captured <= newest.fetched:
            return Verdict.STALE
    held_as = Held(row.state != "removed", row.vendor_rank, Completeness(row.completeness))
    return delivery.weigh(article, held_as, removals.latest(tx, article))


def _note_capture(tx: Transaction, article: Article, row: Row[Any], outcome: StoreOutcome) -> None:
    """That an archive had the page before all that is known, whatever its text was: who came first hangs on it."""
    at = in_utc(article.captured)
    if at is None or at >= (row.captured or row.first_seen):
        return
    tx.run(sa.update(articles).where(articles.c.no == row.no).values(captured=at))
    if outcome not in {StoreOutcome.CREATED, StoreOutcome.CHANGED}:  # those are decided anyhow
        tasks.enqueue(tx, [row.no], "an archive has an earlier capture")


def _remember(tx: Transaction, article: Article, row: Row[Any], stored: StoredArticle, page: SitePage | None) -> None:
    """The site's memory of an aggregator's page; of what became an original no text is made again."""
    known = stored.outcome is not StoreOutcome.CREATED or stored.version > 1
    if page is not None and article.role is Role.AGGREGATOR:
        fixed = article.noindex and stored.outcome is StoreOutcome.UNCHANGED  # its text may be dropped already
        sitememory.remember(tx, row.no, row.id, page, fixed=fixed, known=known)
    elif known and article.vendor_id is None:
        sitememory.let_go(tx, row.no)


def _find(tx: Transaction, article: Article) -> Row[Any] | None:
    """The article's row, locked: under its id, or else under its URL, met before as another's."""
    key = teasers.headline_key(article)
    if key is not None:
        # A teaser and its full text that arrive at once have to see each other.
        tx.dialect.take_turns(tx.connection, f"headline {article.publisher} {key}")
    if article.vendor_id is not None:
        return tx.first(_BY_ID, {"id": article.id})
    return tx.first(_BY_ID_OR_URL, {"id": article.id, "key": _url_key(article.url), "role": article.role.value})


_HAS_ID = articles.c.id == sa.bindparam("id")
_HAS_URL = sa.and_(
    articles.c.no == sa.select(aliases.c.article_no).where(aliases.c.key == sa.bindparam("key")).scalar_subquery(),
    articles.c.role == sa.bindparam("role"),
    articles.c.vendor_id.is_(None),
    articles.c.state == "live",
)
_BY_ID = sa.select(articles).where(_HAS_ID).with_for_update()
_BY_ID_OR_URL = sa.select(articles).where(sa.or_(_HAS_ID, _HAS_URL)).order_by(_HAS_ID.desc()).limit(1).with_for_update()
_NEW_VERSION = sa.insert(versions)


def write_version(
    tx: Transaction,
    article: Article,
    row: Row[Any] | None,
    digest: str,
    fingerprint: Fingerprint | None,
    worker: str | None = None,
) -> tuple[StoredArticle, Row[Any]] | None:
    """None where another worker stored the same new article at this moment: nothing was written.

    `worker`: who decides on it at once.
    """
    # A teaser that another story's full text stood in for is there again once it has a text of its own.
    is_back = row is not None and row.state == "replaced" and article.completeness is Completeness.FULL
    was_live = row is not None and row.state != "removed" and not is_back
    before = row
    version = 1 if row is None else row.version + 1
    if row is None:
        row = _insert(tx, article, digest)
        if row is None:
            return None
    else:
        values = _values(tx, article, row, digest)
        row = tx.first(sa.update(articles).where(articles.c.no == row.no).values(values).returning(articles))
        assert row is not None
        imprints.forget(tx, [row.no])
    tx.run(
        _NEW_VERSION,
        {
            "article_no": row.no,
            "version": version,
            "at": tx.now,
            "content_hash": digest,
            "text": article.text,
            "fields": article_fields(article),
        },
    )
    if fingerprint is not None:
        side = Side.of(article.role, article.completeness)
        if before is not None:
            side = places.side_of(tx, row.no, side)
        candidates.put(tx, row.no, side, fingerprint, first=before is None)
    elif before is not None:
        candidates.take_off(tx, [row.no], forget=True)
    changed = StoreOutcome.CHANGED if was_live else StoreOutcome.CREATED
    _follow_up(tx, article, row, before if was_live else None, worker, has_words=fingerprint is not None)
    return StoredArticle(article.id, changed, version), row


def _values(tx: Transaction, article: Article, row: Row[Any] | None, digest: str) -> dict[str, Any]:
    """The row's columns for a new version of the article that `row` holds, None: for its first."""
    is_replaced = row is not None and row.state == "replaced" and article.completeness is Completeness.TEASER
    return {
        "state": "replaced" if is_replaced else "live",
        "replaced_by": row.replaced_by if row is not None and is_replaced else None,
        "role": article.role.value,
        "completeness": article.completeness.value,
        "publisher": article.publisher,
        "received": tx.now,
        "checked": tx.now,
        "version": 1 if row is None else row.version + 1,
        "content_hash": digest,
        "vendor_id": article.vendor_id,
        "vendor_source": article.vendor_source,
        "vendor_rank": delivery.rank(article) if delivery.is_delivery(article) else None,
        "headline_key": teasers.headline_key(article),
        "unindexed": article.noindex and bool(article.text),
        "text_since": tx.now if is_licensed(article) and article.text else None,
        "headline_time": delivery.rank(article) or (row.first_seen if row is not None else tx.now),
    }


def new_row(tx: Transaction, article: Article, digest: str) -> dict[str, Any]:
    """The row of an article that is not held."""
    first = in_utc(article.first_seen) or tx.now
    values = _values(tx, article, None, digest)
    return {"id": article.id, "first_seen": first, "backfill": article.backfill, **values}


def _insert(tx: Transaction, article: Article, digest: str) -> Row[Any] | None:
    return tx.first(_new_article(tx.dialect), new_row(tx, article, digest))


@cache
def _new_article(dialect: Dialect) -> Any:
    return dialect.insert(articles).on_conflict_do_nothing(index_elements=["id"]).returning(articles)


def _follow_up(
    tx: Transaction,
    article: Article,
    row: Row[Any],
    before: Row[Any] | None,
    worker: str | None,
    *,
    has_words: bool,
) -> None:
    """What a created or changed article means for the log, teasers, links and decisions."""
    if teasers.settle(tx, article, row, before):
        return  # a teaser of a story that is held in full: nobody looks for it
    action, reason = (Action.CREATED, "first seen") if before is None else (Action.CHANGED, "its content changed")
    tx.note(Note(Subject.ARTICLE, action, article.id, reason, row.version, row.attribution_no))
    if before is not None:
        if before.role == Role.AGGREGATOR.value and article.role is not Role.AGGREGATOR:
            decisions.retract_own(tx, row, "it is an original itself")
            places.leave(tx, row, "it is an original itself")
        elif article.role is Role.AGGREGATOR and not has_words:
            places.leave(tx, row, "it has no text any more")
        tx.heads.add(article.id)
        if article.archive is not None:
            decisions.name_archive(tx, row.no, article.archive)
        decisions.retell(tx, row.no, "an article of it changed")
        tasks.enqueue(tx, decisions.hanging_on(tx, [row.no]), "its original changed")
    reason = "new" if before is None else "changed"
    if worker is None:
        tasks.enqueue(tx, [row.no], reason)
    else:
        tasks.enqueue_for(tx, row.no, reason, worker)


def _touch(tx: Transaction, row: Row[Any], article: Article, fingerprint: Fingerprint | None) -> None:
    """The article is as it was; only its times, and an index entry that it lacks, are written."""
    values: dict[str, Any] = {"checked": tx.now}
    if delivery.is_delivery(article):
        values |= {"received": tx.now, "vendor_rank": delivery.rank(article)}
    tx.run(sa.update(articles).where(articles.c.no == row.no).values(values))
    if article.archive is not None:
        _note_archive(tx, row, article.archive)
    if fingerprint is not None and row.state == "live" and not candidates.is_put(tx, row.no, fingerprint):
        side = places.side_of(tx, row.no, Side.of(article.role, article.completeness))
        candidates.put(tx, row.no, side, fingerprint)
        tasks.enqueue(tx, [row.no], "fingerprinted")


def _note_archive(tx: Transaction, row: Row[Any], record: ArchiveRecord) -> None:
    """A page that was stored before there was an archive has its record now; so have its links."""
    newest = sa.and_(versions.c.article_no == row.no, versions.c.version == row.version)
    fields = tx.scalar(sa.select(versions.c.fields).where(newest))
    named = with_archive(fields, record) if fields is not None else None
    if named is not None:
        tx.run(sa.update(versions).where(newest).values(fields=named))
        decisions.name_archive(tx, row.no, record)
        decisions.retell(tx, row.no, "its page is in the archive now")


def _add_aliases(tx: Transaction, number: int, given: Sequence[str]) -> None:
    """URLs of the article; one that is another's already stays so, unless that one was removed."""
    keys = sorted({key for url in given if (key := _url_key(url)) is not None})
    if not keys:
        return
    tx.run(_name(tx.dialect), [{"key": key, "article_no": number} for key in keys])


@cache
def _name(dialect: Dialect) -> Any:
    upsert = dialect.insert(aliases)
    # By name: a subquery in ON CONFLICT is not seen as correlated, and would join the whole table.
    mine = articles.c.no == sa.literal_column("aliases.article_no")
    owner = sa.select(articles.c.state).where(mine).scalar_subquery()
    taken = {"article_no": upsert.excluded.article_no}
    return upsert.on_conflict_do_update(index_elements=["key"], set_=taken, where=owner == "removed")


def known_urls(tx: Transaction, given: Sequence[str]) -> dict[str, str]:
    """See `Articles.known_urls`."""
    keys = {url: key for url in given if (key := _url_key(url)) is not None}
    ids: dict[str, str] = {}
    for part in chunks(sorted(set(keys.values()))):
        ids |= {row.key: row.id for row in tx.all(_by_alias(tx.dialect), {"keys": tx.dialect.as_list(part)})}
    return {url: ids[key] for url, key in keys.items() if key in ids}


@cache
def _by_alias(dialect: Dialect) -> sa.Select[Any]:
    full = articles.alias("full")
    return (
        sa.select(aliases.c.key, sa.func.coalesce(full.c.id, articles.c.id).label("id"))
        .join(articles, articles.c.no == aliases.c.article_no)
        .outerjoin(full, full.c.no == articles.c.replaced_by)
        .where(articles.c.state != "removed", dialect.listed(aliases.c.key, "keys"))
    )


def _forget_text(tx: Transaction, article_id: str) -> None:
    row = tx.first(sa.select(articles).where(articles.c.id == article_id).with_for_update())
    if row is None:
        return
    had_text = sa.and_(versions.c.article_no == row.no, versions.c.text != "")
    tx.run(sa.update(articles).where(articles.c.no == row.no).values(unindexed=False, text_since=None))
    forgot = tx.run(sa.update(versions).where(had_text).values(text=""))
    sitememory.let_go(tx, row.no)
    newest = held.by_id(tx, [article_id]).get(article_id)
    if forgot and newest is not None and not newest.noindex and row.state == "live":  # noindex: it never was told
        told = Note(
            Subject.ARTICLE, Action.CHANGED, article_id, "its text was dropped", row.version, row.attribution_no
        )
        tx.note(told)


def _forget_unindexed(tx: Transaction) -> int:
    waits = sa.exists().where(tasks_table.c.article_no == articles.c.no)
    ids = [row.id for row in tx.all(sa.select(articles.c.id).where(articles.c.unindexed, ~waits))]
    for article_id in ids:
        _forget_text(tx, article_id)
    return len(ids)


def _version(row: Row[Any] | None) -> int:
    return 0 if row is None or row.state == "removed" else int(row.version)


def _url_key(url: str) -> str | None:
    try:
        return urls.article_id(url)
    except UrlRefused:
        return None


def storable_article(article: Article) -> Article:
    """As the database gives it back, so that hashes of what is stored and of what comes again agree."""
    return replace(
        article,
        text=storable(article.text),
        publisher=storable(article.publisher),
        vendor_id=_storable_or_none(article.vendor_id),
        vendor_source=_storable_or_none(article.vendor_source),
    )


def _storable_or_none(text: str | None) -> str | None:
    return None if text is None else storable(text)
