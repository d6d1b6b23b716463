"""What a decision rests on, brought together in one snapshot of the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crawler.model import Article, Candidate, Completeness, Fingerprint, Role, Side
from crawler.store import candidates, held
from crawler.store.articles import known_urls
from crawler.store.connected import Connected
from crawler.store.records import Case, Surroundings
from crawler.store.transaction import Transaction

MOST_ORIGINALS = 40  # ranked for a page; twice what is ever aligned
MOST_TEASERS = 20
MOST_PAGES = 200  # that an original which comes late has decided anew

Choice = Callable[[Fingerprint, Sequence[Candidate]], Sequence[Candidate]]


class Cases(Connected):
    async def case(self, article_id: str, choose: Choice) -> Case | None:
        """A stored article with what a decision on it needs; None where it is gone or has no fingerprint.

        `choose` says which of the candidates found are worth reading. Costs as `PostingIndex.candidates`, and one
        read of each text chosen.
        """
        return await self._db.read(_case, article_id, choose)

    async def surroundings(self, page: Article, fingerprint: Fingerprint, choose: Choice) -> Surroundings:
        """The same for a page that may not be stored. Raises LinkerMismatch."""
        return await self._db.read(_surroundings, page, fingerprint, choose)


def _case(tx: Transaction, article_id: str, choose: Choice) -> Case | None:
    article = held.by_id(tx, [article_id]).get(article_id)
    fingerprint = candidates.held(tx, [article_id]).get(article_id)
    if article is None or fingerprint is None:
        return None
    if article.role is Role.AGGREGATOR:
        return Case(article, fingerprint, surroundings=_surroundings(tx, article, fingerprint, choose))
    pages = candidates.search(tx, fingerprint, Side.PAGE, MOST_PAGES)
    return Case(article, fingerprint, concerns=tuple(page.article_id for page in pages))


def _surroundings(tx: Transaction, page: Article, fingerprint: Fingerprint, choose: Choice) -> Surroundings:
    found = choose(fingerprint, candidates.search(tx, fingerprint, Side.ORIGINAL, MOST_ORIGINALS))
    named = [one.article_id for one in candidates.search(tx, fingerprint, Side.TEASER, MOST_TEASERS)]
    addresses = [*page.hyperlinks, *([page.canonical_url] if page.canonical_url else [])]
    known = known_urls(tx, addresses) if addresses else {}
    wanted = dict.fromkeys([*(one.article_id for one in found), *known.values()])
    texts = held.by_id(tx, [one for one in {**wanted, **dict.fromkeys(named)} if one != page.id])
    return Surroundings(
        originals=tuple(texts[one] for one in wanted if one in texts and _is_original(texts[one])),
        teasers=tuple(texts[one] for one in named if one in texts),
        known_urls=known,
    )


def _is_original(article: Article) -> bool:
    return article.role is not Role.AGGREGATOR and article.completeness is Completeness.FULL
