"""Finding a site's sources: its page and robots.txt read, the places that they name asked, the best one chosen.

What is asked obeys robots.txt and the host's rate like every request. A site costs its page, its robots.txt and as
many documents as its leads need: one or two where it names its feed, `MAX_ASKED` at most, within `MAX_SECONDS`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from crawler import discover, urls
from crawler.clock import Clock
from crawler.discover import finding
from crawler.discover.choosing import Find, Offer, choose, measured
from crawler.discover.finding import WORDS, Front, How, Lead
from crawler.errors import BadStatus, DiscoverError, FetchError, RobotsDenied
from crawler.fetch import ACCEPT_FEED, Fetcher, Response
from crawler.interchange import Json, time_to_json
from crawler.model import Discovery, RawDocument, Reference, SourceKind
from crawler.pipeline.reading import is_full_text
from crawler.settings import FetchSettings

log = logging.getLogger(__name__)

MAX_ASKED = 24  # documents of one site beside its page and robots.txt
MAX_SECONDS = 180.0  # for one site; a robots.txt may ask for a minute between two requests
_AT_ONCE = 10  # leads of one kind that are asked
_FEW = 3  # sitemaps
_SECTIONS = 6


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found on a site, best first. `given` is the document at the URL itself where that announces stories;
    `feeds` counts the feeds that the page names, asked or not."""

    url: str
    offers: tuple[Offer, ...]
    given: Find | None = None
    feeds: int = 0
    asked: int = 0

    @property
    def wanted(self) -> list[Find]:
        """The best one, and those that bring more than it."""
        return [offer.find for offer in self.offers if offer.wanted]

    def as_json(self, chosen: Sequence[Find]) -> list[Json]:
        return [offer_json(offer, chosen=offer.find in chosen) for offer in self.offers]


def offer_json(offer: Offer, *, chosen: bool) -> Json:
    find = offer.find
    return {
        "url": find.url,
        "found": find.how.value,
        "kind": find.kind.value,
        "title": find.title,
        "entries": find.entries,
        "full_texts": find.full_texts,
        "recent": find.recent,
        "newest": time_to_json(find.newest),
        "verdict": offer.verdict.value,
        "why": offer.why,
        "chosen": chosen,
    }


def offer_line(offer: Offer) -> str:
    """An offer for a person: what it is, where it was found, and what speaks against it."""
    said = f"{offer.find.url}: {offer.find.described}, {WORDS[offer.find.how]}"
    return f"{said}; {offer.why}" if offer.why else said


async def find_sources(
    settings: FetchSettings, clock: Clock, url: str, *, search: bool = True, thorough: bool = False, pages: bool = True
) -> Findings:
    """What announces the stories of the site at `url`; of a URL that is a feed or sitemap that alone.

    Without `search` a page of links is taken at its word as well, unless it is a site's front. `thorough` asks what
    would not be needed to find one good source. `pages`: whether pages of links will do. Raises FetchError where the
    site can't be reached, DiscoverError where it announces nothing.
    """
    port = urlsplit(url).port
    async with Fetcher(settings, clock, source_ports={port} if port else ()) as fetcher:
        return await _Search(fetcher, clock, urls.normalize(url), thorough, pages).run(search)


@dataclass(slots=True)
class _Search:
    fetcher: Fetcher
    clock: Clock
    url: str
    thorough: bool
    pages: bool
    finds: list[Find] = field(default_factory=list)
    asked: int = 0
    _seen: set[str] = field(default_factory=set)
    _ends: float = 0.0

    async def run(self, search: bool) -> Findings:
        self._ends = self.clock.monotonic() + MAX_SECONDS
        # By what was asked for: fronts redirect to /en/home and the like.
        whole = search or finding.is_front(self.url)
        given, front, fault = await self._page()
        if given is not None:
            taken = given.kind is not SourceKind.LISTING
            if taken or (self.pages and not whole):
                offers = tuple(choose([given], language=None, front=frozenset(), now=self.clock.now()))
                return Findings(self.url, offers, given, len(front.feeds), self.asked)
        await self._follow(front, given)
        listed = [given] if given is not None and self.pages else []
        finds = [one for one in (*self.finds, *listed) if self.pages or one.kind is not SourceKind.LISTING]
        if not any(one.entries for one in finds):
            raise fault or DiscoverError(
                f"{self.url}: found no feed, sitemap or page of stories there ({self.asked} places asked)"
            )
        stories = given.articles if given is not None else frozenset()
        offers = tuple(choose(finds, language=front.language, front=stories, now=self.clock.now()))
        return Findings(self.url, offers, given, len(front.feeds), self.asked)

    async def _page(self) -> tuple[Find | None, Front, FetchError | None]:
        """The document at the URL: as a find where it is one, and what it names. A site whose page answers with an
        error, or is closed to us, may have feeds all the same: then the error comes as the third."""
        self._seen.add(self.url)
        try:
            response = await self.fetcher.get(self.url, accept=ACCEPT_FEED)
        except (BadStatus, RobotsDenied) as error:
            if not finding.is_front(self.url):
                raise
            return None, Front(), error
        # A site that moved is looked at where it is now, so that its own links are its own.
        self.url = response.final_url
        self._seen.add(self.url)
        discovery = await asyncio.to_thread(_discovery, response.document())
        lead = Lead(response.url, How.GIVEN)
        given = None
        if discovery is not None:
            child = await self._child(discovery.children[0]) if discovery.children else None
            given = await self._find(lead, response, discovery, child)
            if discovery.kind is not SourceKind.LISTING:
                return given, Front(), None
        return given, await asyncio.to_thread(finding.read_front, response.document()), None

    async def _follow(self, front: Front, given: Find | None) -> None:
        """Asks the leads, the best first, and no more of them than are needed for a good source."""
        await self._ask(front.feeds[:_AT_ONCE])
        sitemaps = await self._sitemaps()
        news = [lead for lead in sitemaps if finding.is_news_sitemap(lead.url)]
        await self._ask(news[:_FEW])
        if self.thorough and not news:
            await self._try(finding.usual_sitemaps(self.url, news=True))
        if not self._has(SourceKind.FEED) and (self.thorough or not self._has()):
            await self._try(finding.usual_feeds(self.url))
        if not self._has():
            rest = [lead for lead in sitemaps if lead not in news]
            usual = [*finding.usual_sitemaps(self.url, news=True), *finding.usual_sitemaps(self.url, news=False)]
            await self._ask(rest[:_FEW])
            if not rest:
                await self._try(usual)
        if self.pages and not self._has() and (self.thorough or given is None or given.entries < _FEW):
            await self._ask(front.sections[:_SECTIONS])

    async def _try(self, leads: Sequence[Lead]) -> None:
        """Asks guesses a few at a time, until one is right: each wrong one is an error in the site's log."""
        held = len(self.finds)
        for start in range(0, len(leads), _FEW):
            if len(self.finds) == held:
                await self._ask(leads[start : start + _FEW])

    def _has(self, kind: SourceKind | None = None) -> bool:
        """Whether a source was found that is alive and of the site's own."""
        now = self.clock.now()
        offers = choose(self.finds, language=None, front=frozenset(), now=now)
        good = [one.find for one in offers if one.wanted and not one.why and one.find.on_site and one.find.grade > 0]
        return any(kind in {None, one.kind} for one in good)

    async def _sitemaps(self) -> list[Lead]:
        try:
            named = (await self.fetcher.robots(self.url)).sitemaps
        except FetchError as error:
            log.info("%s", error)
            return []
        return finding.by_promise(named, self.url, How.ROBOTS)

    async def _ask(self, leads: Sequence[Lead]) -> None:
        """Asks several at once, as far as hosts and what is left of documents and time let."""
        chosen = []
        for lead in leads:
            if lead.url not in self._seen and self.asked < MAX_ASKED:
                self._seen.add(lead.url)
                self.asked += 1
                chosen.append(lead)
        left = self._ends - self.clock.monotonic()
        if not chosen or left <= 0:
            return
        # Tasks rather than a gather: what is found in order stays in order, whoever answers first.
        tasks = [asyncio.create_task(self._asked(lead)) for lead in chosen]
        try:
            await asyncio.wait(tasks, timeout=left)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        further: list[Lead] = []
        for result in results:
            if isinstance(result, Exception):
                raise result
            if not isinstance(result, BaseException):  # a task that ran out of time is cancelled
                self.finds += result[0]
                further += result[1]
        await self._ask(further)

    async def _asked(self, lead: Lead) -> tuple[list[Find], list[Lead]]:
        """The find that a lead is, if it is one, and what it leads on to."""
        try:
            response = await self.fetcher.get(lead.url, accept=ACCEPT_FEED)
        except FetchError as error:
            log.info("%s", error)
            return [], []
        known = response.final_url != lead.url and response.final_url in self._seen
        self._seen.add(response.final_url)
        if known:
            return [], []
        discovery = await asyncio.to_thread(_discovery, response.document())
        if lead.how is not How.SECTION and (discovery is None or discovery.kind is SourceKind.LISTING):
            return [], await self._feeds_of_page(lead, response)
        if discovery is None:
            return [], []
        if discovery.children:
            return await self._index(lead, response, discovery)
        return [await self._find(lead, response, discovery)], []

    async def _feeds_of_page(self, lead: Lead, response: Response) -> list[Lead]:
        """Many sites link to a page that lists their feeds; any other page in a feed's place is none."""
        if lead.how is not How.LINKED:
            return []
        front = await asyncio.to_thread(finding.read_front, response.document())
        return [one for one in front.feeds if one.url not in self._seen][:_AT_ONCE]

    async def _index(self, lead: Lead, response: Response, index: Discovery) -> tuple[list[Find], list[Lead]]:
        """A sitemap index: its news sitemaps are leads of their own; without one it is measured by its newest."""
        children = finding.by_promise(index.children[:1_000], response.final_url, How.INDEX)
        news = [one for one in children if finding.is_news_sitemap(one.url)]
        if news or self.asked >= MAX_ASKED:
            return [], news[:_FEW]
        self.asked += 1
        child = await self._child(children[0].url) if children else None
        return [await self._find(lead, response, index, child)], []

    async def _child(self, url: str) -> Discovery | None:
        try:
            response = await self.fetcher.get(url, accept=ACCEPT_FEED)
        except FetchError as error:
            log.info("%s", error)
            return None
        return await asyncio.to_thread(_discovery, response.document())

    async def _find(self, lead: Lead, response: Response, discovery: Discovery, child: Discovery | None = None) -> Find:
        # A feed that moved for good is a source where it is now.
        url = response.moved_to or response.url
        references = discovery.references if child is None else child.references
        return await asyncio.to_thread(_measured, lead, url, self.url, discovery, references, self.clock.now())


def _measured(
    lead: Lead, url: str, site: str, discovery: Discovery, references: Sequence[Reference], now: datetime
) -> Find:
    full_texts = sum(is_full_text(one.content_html, one.teaser) for one in references)
    return measured(lead, url, site, discovery, references, full_texts, now)


def _discovery(document: RawDocument) -> Discovery | None:
    try:
        return discover.read(document)
    except DiscoverError as error:
        log.info("%s", error)
        return None
