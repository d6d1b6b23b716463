"""One decision: a stored article against the index, and what comes of it written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crawler import metrics
from crawler.link.index import least_overlap, shortlist
from crawler.link.kinship import Kin, may_be_kin
from crawler.link.markers import markers
from crawler.model import Article, Decision, Fingerprint, Place, Role
from crawler.pipeline.cpu import CpuPool, linker
from crawler.pipeline.tally import Tally
from crawler.store import Case, Choice, Neighbours, RecordOutcome, Store, Surroundings

CHOICE = Choice(least_overlap, shortlist, lambda page: bool(markers(page)), may_be_kin)


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

    async def decide(self, article_id: str, tally: Tally, *, worker: str | None, reason: str) -> None:
        """Decides on a stored article, records it and ends its pending task (leased by `worker`; None: nobody).

        An original or teaser decides nothing itself: the pages that may stem from it are decided again. Whichever
        of page and original is stored last finds the other here, so the order of arrival changes nothing.
        """
        case = await self.store.case(article_id, CHOICE)
        if case is None or (case.article.noindex and not case.article.text):
            # Nothing to decide on any more; what was decided while there was a text stays.
            await self.store.settle(article_id, worker=worker)
            return
        if case.article.role is not Role.AGGREGATOR:
            metrics.DECISIONS.add("original")
            await self.store.settle(article_id, worker=worker, enqueue=case.concerns, reason=reason)
            return
        verification = await self._weigh(case.article, case.fingerprint, case.surroundings)
        place = await self._place(case, verification.decision)
        recorded = await self.store.record_decision(verification.decision, place, worker=worker, reason=reason)
        tally.linked += recorded.link in {RecordOutcome.CREATED, RecordOutcome.CHANGED}
        tally.attributed += recorded.attribution in {RecordOutcome.CREATED, RecordOutcome.CHANGED}
        link = verification.decision.link
        metrics.DECISIONS.add("linked" if link else "attributed" if verification.decision.attribution else "none")
        if link is not None and recorded.link in {RecordOutcome.CREATED, RecordOutcome.CHANGED}:
            metrics.LINKS.add(link.relation.value)

    async def _place(self, case: Case, decision: Decision) -> Place | None:
        """Which other page a page belongs to; None where it has an original."""
        if decision.link is not None and decision.link.original_id not in case.rejected:
            return None
        around = case.neighbours
        if around is None:
            around = await self.store.neighbours(case.article, case.fingerprint, may_be_kin)
        place = await self.cpu.run(place_page, case.article, around) if around else Place()
        if around.earlier and place.first_id is None:  # of none of them, and it may stand for others itself
            around = await self.store.neighbours(case.article, case.fingerprint, may_be_kin, later=True)
            place = await self.cpu.run(place_page, case.article, around) if around else place
        return place

    async def verify(self, page: Article, fingerprint: Fingerprint) -> Verification:
        """The decision on a page, stored or not, with the articles it was weighed against."""
        return await self._weigh(page, fingerprint, await self.store.surroundings(page, fingerprint, CHOICE))

    async def _weigh(self, page: Article, fingerprint: Fingerprint, around: Surroundings) -> Verification:
        if around.says_nothing:  # as of most pages: it need not go to the pool
            return Verification(Decision(page.id, fingerprint.linker, 0.0), {})
        decision = await self.cpu.run(decide_page, page, around.originals, around.teasers, dict(around.known_urls))
        return Verification(decision, around.articles)


def place_page(page: Article, around: Neighbours) -> Place:
    """The story of another page that a page belongs to, if any; else the pages that belong to its own. Pure; runs in
    the CPU pool."""
    kin = Kin(linker())
    for one in around.earlier:
        found = kin.between(page, one.article)
        if found is not None:
            return Place(one.article.id, one.version, *found)
    displaced = [one.article.id for one in around.later if kin.between(one.article, page) is not None]
    return Place(displaced=tuple(displaced))


def decide_page(
    page: Article, originals: Sequence[Article], teasers: Sequence[Article], known_urls: Mapping[str, str]
) -> Decision:
    """The linker's word on a page. Pure; runs in the CPU pool."""
    decision = linker().decide(page, originals, teasers, known_urls=known_urls)
    if decision.link is not None and page.archive is not None:
        return replace(decision, link=replace(decision.link, archive=page.archive))
    return decision
