"""What a crawl learns of a site: its furniture, and the texts of pages that were read before it was known.

The store says which site has something to do; the decision is `extract.repetition`'s, made in the CPU pool. Whether
a page came before or after what tells its furniture, its text is the same once nothing is left to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from crawler.clock import Clock
from crawler.extract.repetition import furniture, key, to_leave_out, whole
from crawler.model import Article, Blocks, SiteVerdict
from crawler.pipeline.cpu import CpuPool, WorkCrashed, linker
from crawler.pipeline.reading import Reading, furnished
from crawler.store import Store
from crawler.store.sites import SWEPT_AT_ONCE, Judgement, RememberedPage, SiteWork

log = logging.getLogger(__name__)

LEASE_SECONDS = 120.0
SITES_AT_ONCE = 8
REMEMBERED_SECONDS, REMEMBERED_SITES = 10.0, 10_000


@dataclass(frozen=True, slots=True)
class SiteVerdicts:
    """What is known to be furniture of sites, remembered for some seconds.

    Another worker may judge a site meanwhile: what is read by the older verdict is marked so and made again.
    """

    store: Store
    clock: Clock
    _known: OrderedDict[str, tuple[float, SiteVerdict]] = field(default_factory=OrderedDict)

    async def of(self, host: str) -> SiteVerdict:
        now = self.clock.monotonic()
        known = self._known.get(host)
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        verdict = await self.store.site_verdict(host)
        self._known[host] = now, verdict
        self._known.move_to_end(host)
        if len(self._known) > REMEMBERED_SITES:
            self._known.popitem(last=False)
        return verdict

    def forget(self, host: str) -> None:
        """The site was judged now."""
        self._known.pop(host, None)


@dataclass(frozen=True, slots=True)
class SiteDesk:
    """Works off what is pending in the sites' memory."""

    store: Store
    cpu: CpuPool
    verdicts: SiteVerdicts

    async def step(self, worker: str) -> bool:
        """A small piece of work for each of some sites; False where there is none."""
        found = await self.store.site_work(worker, LEASE_SECONDS, SITES_AT_ONCE)
        if not found:
            return await self.store.forget_sites() > 0
        judged = [work for work in found if work.judging]
        await asyncio.gather(self._judge(judged), *(self._sweep(work) for work in found if not work.judging))
        return True

    async def _judge(self, works: Sequence[SiteWork]) -> None:
        if not works:
            return
        samples = await self.store.site_samples(works)
        found = await self.cpu.run(furniture_of_each, [sample.pages for sample in samples])
        await self.store.judge_sites(
            [Judgement(work, keys, sample.bound) for work, keys, sample in zip(works, found, samples, strict=True)]
        )
        for work in works:
            self.verdicts.forget(work.host)

    async def _sweep(self, work: SiteWork) -> None:
        verdict, pages = await self.store.site_pages(work)
        for page in await self.cpu.run(pages_to_remake, pages, verdict):
            await self._remake(page, verdict)
        more = len(pages) == SWEPT_AT_ONCE
        await self.store.swept(work, pages[-1].article_no + 1 if more else None)

    async def _remake(self, page: RememberedPage, verdict: SiteVerdict) -> None:
        held = await self.store.site_article(page.article_no)
        if held is None:
            return
        article, version = held
        try:
            reading = await self.cpu.run(read_again, article, page.left_out, verdict)
        except WorkCrashed as error:
            # As it is, the text is the page's own; it has more in it than it should.
            log.warning("%s: its text was not made again: %s", article.url, error)
            return
        assert reading.page is not None
        await self.store.remake(page.article_no, version, reading.article, reading.fingerprint, reading.page)


def furniture_of_each(sites: Sequence[Sequence[Blocks]]) -> list[frozenset[int]]:
    """Runs in the CPU pool."""
    return [furniture(pages) for pages in sites]


def pages_to_remake(pages: Sequence[RememberedPage], verdict: SiteVerdict) -> list[RememberedPage]:
    """Those whose texts are not as the verdict has them. Runs in the CPU pool."""
    return [
        page
        for page in pages
        if to_leave_out(page.blocks, verdict.keys) != frozenset(key(part) for _, part in page.left_out)
    ]


def read_again(article: Article, left_out: Sequence[tuple[int, str]], verdict: SiteVerdict) -> Reading:
    """A stored article's whole text with another verdict on its site. Runs in the CPU pool."""
    moved = {part for _, part in left_out}
    full = replace(
        article,
        text=whole(article.text, left_out),
        trailer=tuple(line for line in article.trailer if line not in moved),
    )
    made, page = furnished(full, verdict)
    return Reading(made, linker().fingerprint(made), (), noarchive=False, page=page)
