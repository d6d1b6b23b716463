"""One decision: a stored article against the index, and what comes of it written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crawler.link.index import shortlist
from crawler.model import Article, Completeness, Decision, Fingerprint, Role, Side
from crawler.pipeline.cpu import CpuPool, linker
from crawler.pipeline.tally import Tally
from crawler.store import RecordOutcome, Store

MAX_TEASERS = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """A page with all that was brought together to decide on it."""

    decision: Decision
    articles: Mapping[str, Article]  # originals and teasers that were looked at


@dataclass(frozen=True, slots=True)
class LinkingDesk:
    """Decides on articles with the store's index and the CPU pool's linker."""

    store: Store
    cpu: CpuPool

    async def decide(self, article_id: str, tally: Tally, *, worker: str | None, reason: str) -> bool:
        """Decides on a stored article, records it and ends its pending task (leased by `worker`; None: nobody).

        True where the page asked not to be indexed: its text is to be forgotten when no decision is pending.

        An original or teaser decides nothing itself: the pages that may stem from it are decided again. Whichever
        of page and original is stored last finds the other here, so the order of arrival changes nothing.
        """
        article = await self.store.article(article_id)
        fingerprint = await self.store.fingerprint(article_id)
        forgotten = article is not None and article.noindex and not article.text
        if article is None or fingerprint is None or forgotten:
            # Nothing to decide on any more; what was decided while there was a text stays.
            await self.store.settle(article_id, worker=worker)
            return False
        if article.role is not Role.AGGREGATOR:
            pages = await self.store.index.candidates(fingerprint, Side.PAGE)
            concerned = [page.article_id for page in pages]
            await self.store.settle(article_id, worker=worker, enqueue=concerned, reason=reason)
            return False
        verification = await self.verify(article, fingerprint)
        recorded = await self.store.record_decision(verification.decision, worker=worker, reason=reason)
        tally.linked += recorded.link in {RecordOutcome.CREATED, RecordOutcome.CHANGED}
        tally.attributed += recorded.attribution in {RecordOutcome.CREATED, RecordOutcome.CHANGED}
        return article.noindex

    async def verify(self, page: Article, fingerprint: Fingerprint) -> Verification:
        """The decision on a page, stored or not, with the articles it was weighed against."""
        found = shortlist(await self.store.index.candidates(fingerprint, Side.ORIGINAL))
        named = await self.store.index.candidates(fingerprint, Side.TEASER, MAX_TEASERS)
        addresses = [*page.hyperlinks, *([page.canonical_url] if page.canonical_url else [])]
        known_urls = await self.store.known_urls(addresses) if addresses else {}
        wanted = [candidate.article_id for candidate in found]
        wanted += [identifier for identifier in known_urls.values() if identifier not in wanted]
        teasers = [candidate.article_id for candidate in named]
        articles = await self.store.articles([one for one in [*wanted, *teasers] if one != page.id])
        originals = [articles[one] for one in wanted if one in articles and _is_original(articles[one])]
        decision = await self.cpu.run(
            decide_page,
            page,
            originals,
            [articles[one] for one in teasers if one in articles],
            known_urls,
        )
        return Verification(decision, articles)


def decide_page(
    page: Article, originals: Sequence[Article], teasers: Sequence[Article], known_urls: Mapping[str, str]
) -> Decision:
    """The linker's word on a page. Pure; runs in the CPU pool."""
    decision = linker().decide(page, originals, teasers, known_urls=known_urls)
    if decision.link is not None and page.archive is not None:
        return replace(decision, link=replace(decision.link, archive=page.archive))
    return decision


def _is_original(article: Article) -> bool:
    return article.role is not Role.AGGREGATOR and article.completeness is Completeness.FULL
