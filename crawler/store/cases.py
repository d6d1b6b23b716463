"""What a decision rests on, brought together in one snapshot of the store."""

from __future__ import annotations

import sqlalchemy as sa

from crawler.model import Article, Completeness, Fingerprint, LinkState, Role, Side
from crawler.store import candidates, held, places
from crawler.store.articles import known_urls
from crawler.store.connected import Connected
from crawler.store.records import Case, Choice, Surroundings
from crawler.store.tables import articles, fingerprints, linkers, links
from crawler.store.transaction import Transaction

MOST_ORIGINALS = 40  # ranked for a page; twice what is ever aligned
MOST_TEASERS = 20
MOST_PAGES = 200  # that an original which comes late has decided anew


class Cases(Connected):
    async def case(self, article_id: str, choice: Choice) -> Case | None:
        """A stored article with what a decision on it needs; None where it is gone or has no fingerprint.

        Costs as `PostingIndex.candidates`, and one read of each text that the `choice` falls on.
        """
        return await self._db.read(_case, article_id, choice)

    async def surroundings(self, page: Article, fingerprint: Fingerprint, choice: Choice) -> Surroundings:
        """The same for a page that may not be stored. Raises LinkerMismatch."""
        return await self._db.read(_surroundings, page, fingerprint, choice)


def _case(tx: Transaction, article_id: str, choice: Choice) -> Case | None:
    row = tx.first(_ARTICLE, {"article": article_id})
    if row is None:
        return None
    article, fingerprint = held.article(tx, row), candidates.of_row(row)
    if article.role is Role.AGGREGATOR:
        around = _surroundings(tx, article, fingerprint, choice)
        if not around.originals:
            near = places.neighbours(tx, article, fingerprint, choice.may_be_kin)
            return Case(article, fingerprint, surroundings=around, neighbours=near)
        return Case(article, fingerprint, surroundings=around, rejected=_rejected(tx, article_id))
    pages = [page for side in (Side.PAGE, Side.ASIDE) for page in candidates.search(tx, fingerprint, side, MOST_PAGES)]
    pages.sort(key=lambda page: (-page.overlap, page.article_id))
    return Case(article, fingerprint, concerns=tuple(page.article_id for page in pages[:MOST_PAGES]))


def _rejected(tx: Transaction, article_id: str) -> frozenset[str]:
    return frozenset(row.id for row in tx.all(_REJECTED, {"page": article_id}))


_ARTICLE = (
    held.NEWEST.add_columns(fingerprints, linkers.c.linker, linkers.c.scheme)
    .join(fingerprints, fingerprints.c.article_no == articles.c.no)
    .join(linkers, linkers.c.no == fingerprints.c.linker_no)
    .where(articles.c.id == sa.bindparam("article"), linkers.c.serving)
)
_PAGE, _ORIGINAL = articles.alias("page"), articles.alias("original")
_REJECTED = (
    sa.select(_ORIGINAL.c.id)
    .select_from(_PAGE)
    .join(links, links.c.rewrite_no == _PAGE.c.no)
    .join(_ORIGINAL, _ORIGINAL.c.no == links.c.original_no)
    .where(_PAGE.c.id == sa.bindparam("page"), links.c.state == LinkState.REJECTED.value)
)


def _surroundings(tx: Transaction, page: Article, fingerprint: Fingerprint, choice: Choice) -> Surroundings:
    least = choice.least_overlap(fingerprint)
    found = choice.originals(fingerprint, candidates.search(tx, fingerprint, Side.ORIGINAL, MOST_ORIGINALS, least))
    claims = choice.claims(page)
    teasers = candidates.search(tx, fingerprint, Side.TEASER, MOST_TEASERS) if claims else []
    named = [one.article_id for one in teasers]
    addresses = [*page.hyperlinks, *([page.canonical_url] if page.canonical_url else [])]
    known = known_urls(tx, addresses) if addresses else {}
    wanted = dict.fromkeys([*(one.article_id for one in found), *known.values()])
    texts = held.by_id(tx, [one for one in {**wanted, **dict.fromkeys(named)} if one != page.id])
    return Surroundings(
        originals=tuple(texts[one] for one in wanted if one in texts and _is_original(texts[one])),
        teasers=tuple(texts[one] for one in named if one in texts),
        known_urls=known,
        claims=claims,
    )


def _is_original(article: Article) -> bool:
    return article.role is not Role.AGGREGATOR and article.completeness is Completeness.FULL
