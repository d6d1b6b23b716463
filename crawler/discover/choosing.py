"""Which of the documents found on a site is the best source: read, measured, ranked, those that repeat one folded.

Pure: documents and a clock in, an order with its reasons out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crawler import urls
from crawler.discover.finding import How, Lead
from crawler.model import Discovery, Reference, SourceKind

COMPARED = 1_000  # entries of a document that are compared with those of others, the newest
SAME_SHARE = 0.8  # of a document's entries in another one, from which it adds nothing to it
BEHIND = timedelta(days=3)  # behind the freshest document of its site
STALE = timedelta(days=30)
_AHEAD = timedelta(days=1)  # what clocks of publishers may be wrong by


class Verdict(StrEnum):
    """What a document is as a source, beside the others."""

    BEST = "best"
    USEFUL = "useful"  # brings more than the best alone
    SECOND = "second"  # would only bring in another way what better ones do, or far too much
    REPEATS = "repeats"
    STALE = "stale"
    FOREIGN = "foreign"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Find:
    """A document that announces stories. `entries` of a sitemap index are those of its newest sitemap.

    `articles` are the identities of at most `COMPARED` entries, `recent` counts those of the last week.
    """

    url: str
    how: How
    kind: SourceKind
    title: str = ""
    language: str | None = None
    entries: int = 0
    full_texts: int = 0
    dated: int = 0
    recent: int = 0
    newest: datetime | None = None
    news: bool = False  # a news sitemap: its entries have headlines and times of publication
    index: bool = False
    on_site: bool = True  # most of its entries are of the site's own domain
    articles: frozenset[str] = frozenset()

    @property
    def described(self) -> str:
        """What it is, in words for a person."""
        name = {SourceKind.LISTING: "page of links"}.get(self.kind, self.kind.value)
        name = f"news {name}" if self.news else f"{name} index" if self.index else name
        texts = f" ({self.full_texts} with full text)" if self.kind is SourceKind.FEED else ""
        newest = f", newest of {self.newest.date().isoformat()}" if self.newest else ""
        entries = "1 entry" if self.entries == 1 else f"{self.entries} entries"
        return f"{name} with {entries}{texts}{newest}"

    @property
    def grade(self) -> int:
        """By what an entry tells: the whole text, a teaser, a headline with its time, a time, nothing."""
        if self.kind is SourceKind.FEED:
            return 4 if self.full_texts * 2 > self.entries else 3
        if self.kind is SourceKind.SITEMAP:
            # Without times all that a site ever published would be fetched.
            return 2 if self.news else 1 if self.dated * 2 > self.entries else -1
        return 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A find with its place in the order and the reason for it."""

    find: Find
    verdict: Verdict
    why: str = ""

    @property
    def wanted(self) -> bool:
        """Whether it brings something that the ones before it do not."""
        return self.verdict in {Verdict.BEST, Verdict.USEFUL}


def measured(
    lead: Lead,
    url: str,
    site: str,
    discovery: Discovery,
    references: Sequence[Reference],
    full_texts: int,
    now: datetime,
) -> Find:
    """The find that a document is. `url` is where it answered, `site` the URL of the site that is looked at.

    `references` are its own, of an index those of one of its sitemaps.
    """
    times = {one.url: _time(one, now) for one in references}
    newest_first = sorted(
        references, key=lambda one: times[one.url] or datetime.min.replace(tzinfo=now.tzinfo), reverse=True
    )
    compared = newest_first[:COMPARED]
    dated = [time for time in times.values() if time is not None]
    here = sum(urls.same_site(one.url, site) or urls.same_site(one.url, url) for one in compared)
    titled = sum(bool(one.title and one.published) for one in compared)
    return Find(
        url=url,
        how=lead.how,
        kind=discovery.kind,
        title=discovery.title or lead.title,
        language=next((one.language for one in compared if one.language), None),
        entries=len(references),
        full_texts=full_texts,
        dated=len(dated),
        recent=sum(now - time <= timedelta(days=7) for time in dated),
        newest=max(dated, default=None),
        news=discovery.kind is SourceKind.SITEMAP and bool(compared) and titled * 2 > len(compared),
        index=bool(discovery.children),
        on_site=here * 2 >= len(compared),
        articles=frozenset(urls.identity(one.url) for one in compared),
    )


def choose(finds: Sequence[Find], *, language: str | None, front: frozenset[str], now: datetime) -> list[Offer]:
    """All finds, best first, each with its verdict: the whole text before teasers before lists of links, fresh
    before stale, the site's own stories in its own language before others.

    `front` are the identities of the stories on the site's page: of equals the one that holds most of them wins.
    """
    known = [_newest(one, finds) for one in finds]
    newest = max((time for time in known if time is not None), default=now)
    oldest = max(newest - BEHIND, now - STALE)
    stale = [time is not None and time < oldest for time in known]

    def rank(number: int) -> tuple[object, ...]:
        one = finds[number]
        return (
            not one.entries,
            stale[number],
            not one.on_site,
            # Pages say a wrong language more often than they lack one: it only tells one feed from another.
            one.grade < 2,
            not _is_in(language, one),
            -one.grade,
            -(len(one.articles & front) // 3),
            -(min(one.recent, 100) // 10),
            number,
        )

    offers: list[Offer] = []
    for number in sorted(range(len(finds)), key=rank):
        better = [offer.find for offer in offers if offer.wanted]
        offers.append(_offer(finds[number], better, stale[number], language))
    return offers


def _newest(one: Find, finds: Sequence[Find]) -> datetime | None:
    """The time of its newest entry; where it tells none that of a document with the same entries, if there is one."""
    if one.newest is not None or not one.entries:
        return one.newest
    return max((other.newest for other in finds if other.newest and _is_within(one, other)), default=None)


def _offer(one: Find, better: Sequence[Find], stale: bool, language: str | None) -> Offer:
    """The verdict on a find after those that are ranked before it; `better` are the wanted ones of these."""
    if one.entries and not better:
        return Offer(one, Verdict.BEST, "its newest entry is old: it may be dead" if stale else "")
    twin = next((other for other in better if _is_within(one, other)), None) if one.entries else None
    faults = (
        (not one.entries, Verdict.EMPTY, "it holds no entries"),
        (twin is not None, Verdict.REPEATS, f"it brings what {twin.url if twin else ''} brings"),
        (stale, Verdict.STALE, "its newest entry is older than those of others"),
        (not one.on_site, Verdict.FOREIGN, "most of its entries are of other sites"),
        (not _is_in(language, one), Verdict.FOREIGN, f"it is in another language ({one.language})"),
        (_is_broad(one, better), Verdict.SECOND, "it lists pages without saying which are new stories"),
    )
    return next((Offer(one, verdict, why) for holds, verdict, why in faults if holds), Offer(one, Verdict.USEFUL))


def _is_within(one: Find, other: Find) -> bool:
    """Whether the one brings nothing that the other does not."""
    return len(one.articles & other.articles) >= SAME_SHARE * len(one.articles)


def _is_broad(one: Find, better: Sequence[Find]) -> bool:
    """Whether it would only add pages that are no news to better sources."""
    return one.grade < 0 or (one.grade < 2 and any(other.grade >= 2 for other in better))


def _is_in(language: str | None, one: Find) -> bool:
    """Whether it is in the site's language, as far as both are said."""
    if not language or not one.language:
        return True
    return language.partition("-")[0] == one.language.partition("-")[0]


def _time(reference: Reference, now: datetime) -> datetime | None:
    """When an entry was published or else modified; nothing is fresher than now."""
    time = reference.published or reference.modified
    if time is None or time > now + _AHEAD:
        return None
    return min(time, now)
