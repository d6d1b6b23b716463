"""The sites' memory at work: spans to be judged, and then article after article the texts that a verdict changes.

Each step is a small transaction and may be done twice: a worker that is killed loses nothing but its step.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Article, Blocks, Fingerprint, Role, SitePage, SiteVerdict
from crawler.store import sitememory
from crawler.store.articles import storable_article, write_version
from crawler.store.connected import Connected
from crawler.store.held import NEWEST
from crawler.store.rows import article_of, chunks, content_hash
from crawler.store.sitetables import site_pages, sites
from crawler.store.tables import articles, versions
from crawler.store.transaction import Transaction

SWEPT_AT_ONCE = 200  # pages looked at in one step
FORGOTTEN_AT_ONCE = 500  # pages
MOST_SITES = 100_000  # hosts and spans that are held
REMADE = "its site's furniture was told from it"


@dataclass(frozen=True, slots=True)
class SiteWork:
    """A span of a host that is to be judged or swept, leased."""

    no: int
    host: str
    judging: bool
    changed: int  # as it was when this was read
    sweeps: int
    sweep_from: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """The pages by which a span is judged; `bound` is the greatest rank among its own once they are enough."""

    pages: tuple[Blocks, ...]
    bound: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is furniture of a span, and the `bound` of the sample by which that was told."""

    work: SiteWork
    furniture: Collection[int]
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class RememberedPage:
    """A page as a sweep meets it; `left_out` are the paragraphs that its text does without."""

    article_no: int
    blocks: Blocks
    left_out: tuple[tuple[int, str], ...]


class Sites(Connected):
    async def site_verdict(self, host: str) -> SiteVerdict:
        """What is known to be furniture of a host. One index probe."""
        return await self._db.read(sitememory.verdict, host)

    async def site_work(self, worker: str, seconds: float, limit: int = 1) -> list[SiteWork]:
        """Sites with something to do, leased for `seconds`, the longest waiting first. One index probe each."""
        if not await self._db.read(_is_due):
            return []
        return await self._db.write(_lease, worker, seconds, limit)

    async def site_samples(self, works: Sequence[SiteWork]) -> list[Sample]:
        """What each span is judged by. At most `2 * SAMPLE` rows are read of each."""
        return await self._db.read(_samples, works)

    async def judge_sites(self, judgements: Sequence[Judgement]) -> None:
        """Puts verdicts in force. Where one differs from the one before, its span's pages are to be swept."""
        await self._db.write(_judge_each, judgements)

    async def site_pages(self, work: SiteWork) -> tuple[SiteVerdict, list[RememberedPage]]:
        """The verdict in force and the next `SWEPT_AT_ONCE` pages to hold against it, in order."""
        return await self._db.read(_pages, work)

    async def site_article(self, article_no: int) -> tuple[Article, int] | None:
        """The article of a page with its version; None where it is gone or has no text any more."""
        return await self._db.read(_article, article_no)

    async def remake(
        self, article_no: int, version: int, article: Article, fingerprint: Fingerprint | None, page: SitePage
    ) -> bool:
        """Stores a text made by another verdict as a new version, whose decision is then pending.

        False where the article is not at `version` any more: nothing was changed. Raises LinkerMismatch.
        """
        return await self._db.write(_remake, article_no, version, article, fingerprint, page)

    async def swept(self, work: SiteWork, next_from: int | None) -> None:
        """The sweep goes on at `next_from`, None: it is done. Without effect if another began in the meantime."""
        await self._db.write(_swept, work, next_from)

    async def forget_sites(self) -> int:
        """Drops what is held of pages of long ago, at most `FORGOTTEN_AT_ONCE`; how many rows went."""
        if await self._db.read(_to_forget) is None:
            return 0
        return await self._db.write(_forget)


_DUE = sa.and_(sites.c.pending, sites.c.available_at <= sa.bindparam("now"))
_IS_DUE = sa.select(sites.c.no).where(_DUE).limit(1)
_SOME_DUE = (
    sa.select(sites)
    .where(_DUE)
    .order_by(sites.c.available_at, sites.c.no)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)


def _is_due(tx: Transaction) -> bool:
    return tx.first(_IS_DUE, {"now": tx.now}) is not None


def _lease(tx: Transaction, worker: str, seconds: float, limit: int) -> list[SiteWork]:
    rows = tx.all(_SOME_DUE, {"now": tx.now, "limit": limit})
    if rows:
        taken = sa.update(sites).where(tx.dialect.among(sites.c.no, [row.no for row in rows]))
        tx.run(taken.values(leased_by=worker, available_at=tx.now + timedelta(seconds=seconds)))
    return [
        SiteWork(row.no, row.host, row.changed != row.judged, row.changed, row.sweeps, row.sweep_from) for row in rows
    ]


def _samples(tx: Transaction, works: Sequence[SiteWork]) -> list[Sample]:
    return [_sample(tx, work.no) for work in works]


def _sample(tx: Transaction, number: int) -> Sample:
    pages: list[Row[Any]] = []
    bound = None
    for one in tx.all(_CONCERNED, {"number": number}):
        found = tx.all(_SAMPLED, {"number": one.no, "most": sitememory.SAMPLE})
        pages += found
        if one.no == number and len(found) == sitememory.SAMPLE:
            bound = found[-1].rank
    return Sample(tuple(sitememory.unpacked(page.blocks) for page in pages), bound)


_SPAN = sites.alias("span")
_CONCERNED = (  # the span and the one before it
    sa.select(sites.c.no)
    .join(_SPAN, sa.and_(sites.c.host == _SPAN.c.host, sites.c.era.between(_SPAN.c.era - 1, _SPAN.c.era)))
    .where(_SPAN.c.no == sa.bindparam("number"))
    .order_by(sites.c.era)
)
_SAMPLED = (
    sa.select(site_pages.c.rank, site_pages.c.blocks)
    .where(site_pages.c.site_no == sa.bindparam("number"))
    .order_by(site_pages.c.rank)
    .limit(sa.bindparam("most"))
)


def _judge_each(tx: Transaction, judgements: Sequence[Judgement]) -> None:
    for one in sorted(judgements, key=lambda one: one.work.no):  # locked in one order by all workers
        _judge(tx, one)


def _judge(tx: Transaction, judgement: Judgement) -> None:
    row = _locked(tx, judgement.work.no)
    if row is None:
        return
    values: dict[str, Any] = {"judged": judgement.work.changed, "bound": judgement.bound}
    made = sitememory.packed_keys(judgement.furniture)
    if made != row.furniture:
        values |= {"furniture": made, "revision": row.revision + 1, "sweep_from": 0, "sweeps": row.sweeps + 1}
    _settle(tx, row, values)


def _pages(tx: Transaction, work: SiteWork) -> tuple[SiteVerdict, list[RememberedPage]]:
    row = tx.first(sa.select(sites).where(sites.c.no == work.no))
    if row is None or work.sweep_from is None:
        return SiteVerdict(), []
    of = sa.select(site_pages).where(
        site_pages.c.site_no == work.no, site_pages.c.article_no >= work.sweep_from, ~site_pages.c.fixed
    )
    found = tx.all(of.order_by(site_pages.c.article_no).limit(SWEPT_AT_ONCE))
    verdict = SiteVerdict(frozenset(sitememory.keys(row.furniture)), row.no, row.revision)
    return verdict, [
        RememberedPage(page.article_no, sitememory.unpacked(page.blocks), _left_out(page.left_out)) for page in found
    ]


def _left_out(text: str | None) -> tuple[tuple[int, str], ...]:
    return tuple((place, part) for place, part in json.loads(text)) if text else ()


def _article(tx: Transaction, number: int) -> tuple[Article, int] | None:
    of = NEWEST.add_columns(articles.c.version).where(articles.c.no == number, versions.c.text != "")
    row = tx.first(of)
    return None if row is None else (article_of(row.id, row.first_seen, row.text, row.fields), row.version)


def _remake(
    tx: Transaction, number: int, version: int, article: Article, fingerprint: Fingerprint | None, page: SitePage
) -> bool:
    row = tx.first(sa.select(articles).where(articles.c.no == number).with_for_update())
    held = tx.scalar(sa.select(versions.c.text).where(versions.c.article_no == number, versions.c.version == version))
    # A text that had to go stays gone, and of what was read anew in the meantime nothing older is made.
    if row is None or row.state != "live" or row.role != Role.AGGREGATOR.value or row.version != version or not held:
        return False
    if not sitememory.remade(tx, number, page):
        return False
    article = storable_article(article)
    digest = content_hash(article)
    if digest != row.content_hash:
        write_version(tx, article, row, digest, fingerprint)
        tx.notes[:] = [replace(note, reason=REMADE) if note.object_id == row.id else note for note in tx.notes]
    return True


def _swept(tx: Transaction, work: SiteWork, next_from: int | None) -> None:
    row = _locked(tx, work.no)
    if row is not None:
        _settle(tx, row, {"sweep_from": next_from} if row.sweeps == work.sweeps else {})


def _locked(tx: Transaction, number: int) -> Row[Any] | None:
    return tx.first(_LOCKED, {"number": number})


_LOCKED = sa.select(sites).where(sites.c.no == sa.bindparam("number")).with_for_update()


def _settle(tx: Transaction, row: Row[Any], values: dict[str, Any]) -> None:
    """Ends a step: what is left to do is due at once."""
    after = {"judged": row.judged, "sweep_from": row.sweep_from, **values}
    left = after["judged"] != row.changed or after["sweep_from"] is not None
    free = {"pending": left, "leased_by": None, "available_at": tx.now}
    tx.run(sa.update(sites).where(sites.c.no == row.no).values({**values, **free}))


def _to_forget(tx: Transaction) -> int | None:
    """The oldest site where it is too old, or where there are too many."""
    last = sitememory.era(tx.now) - sitememory.ERAS_KEPT
    old = tx.scalar(sa.select(sites.c.no).where(sites.c.era <= last).order_by(sites.c.era).limit(1))
    if old is not None:
        return int(old)
    ends = tx.first(sa.select(sa.func.min(sites.c.no).label("first"), sa.func.max(sites.c.no).label("last")))
    return ends.first if ends and ends.first is not None and ends.last - ends.first >= MOST_SITES else None


def _forget(tx: Transaction) -> int:
    number = _to_forget(tx)
    if number is None or _locked(tx, number) is None:
        return 0
    some = sa.select(site_pages.c.article_no).where(site_pages.c.site_no == number).limit(FORGOTTEN_AT_ONCE)
    pages = [row.article_no for row in tx.all(some)]
    for part in chunks(pages):
        of = sa.and_(site_pages.c.site_no == number, tx.dialect.among(site_pages.c.article_no, part))
        tx.run(sa.delete(site_pages).where(of))
    if len(pages) < FORGOTTEN_AT_ONCE:
        tx.run(sa.delete(sites).where(sites.c.no == number))
    return len(pages) + 1
