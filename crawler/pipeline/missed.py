"""What came and went between two polls of a feed, looked for in the site's sitemaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from crawler import discover, urls
from crawler.errors import DiscoverError, FetchError, UrlRefused
from crawler.fetch import ACCEPT_FEED, Fetcher
from crawler.model import Reference, SourceKind

log = logging.getLogger(__name__)

MAX_DOCUMENTS = 6  # read for one gap, whatever the site's robots.txt lists
MAX_CHILDREN = 3  # of a sitemap index: those modified last
MAX_MISSED = 500  # references taken, the newest
USUAL_PLACES = ("/news-sitemap.xml", "/sitemap.xml")
SLACK = timedelta(minutes=5)  # by which the site's clock may differ from ours


@dataclass(frozen=True, slots=True)
class Gap:
    """What is to be looked for: pages of these hosts that were published after `since` and not after `until`."""

    url: str  # of the feed
    hosts: frozenset[str]
    since: datetime
    until: datetime

    def holds(self, reference: Reference) -> bool:
        time = reference.published or reference.modified
        inside = time is not None and self.since - SLACK <= time <= self.until + SLACK
        return inside and urls.host_of(reference.url) in self.hosts


def gap_of(url: str, references: Sequence[Reference], since: datetime, now: datetime) -> Gap:
    """The gap before a document none of whose entries was known: back to the poll before it.

    It ends where the document begins, as far as that has dates.
    """
    hosts = frozenset({urls.host_of(url), *(urls.host_of(one.url) for one in references)})
    begins = min((one.published for one in references if one.published is not None), default=now)
    return Gap(url, hosts, since, max(min(begins, now), since))


async def look_for(gap: Gap, fetcher: Fetcher) -> list[Reference]:
    """What the sitemaps of the gap's site have of it. One that can't be had is logged and left out."""
    waiting = await _sitemaps(gap, fetcher)
    found: dict[str, Reference] = {}
    for _ in range(MAX_DOCUMENTS):
        if not waiting:
            break
        url = waiting.pop(0)
        try:
            response = await fetcher.get(url, accept=ACCEPT_FEED)
            document = await asyncio.to_thread(discover.read, response.document(), SourceKind.SITEMAP)
        except (FetchError, DiscoverError) as error:
            log.info("gap of %s: %s", gap.url, error)
            continue
        found |= {one.url: one for one in document.references if gap.holds(one)}
        waiting += document.children[:MAX_CHILDREN]
    newest = sorted(found.values(), key=lambda one: one.published or one.modified or gap.since, reverse=True)
    return newest[:MAX_MISSED]


async def _sitemaps(gap: Gap, fetcher: Fetcher) -> list[str]:
    """Those that robots.txt names, news sitemaps first; else the usual places."""
    front = "{0.scheme}://{0.netloc}/".format(urlsplit(gap.url))
    try:
        named = (await fetcher.robots(gap.url)).sitemaps
    except FetchError as error:
        log.info("gap of %s: %s", gap.url, error)
        return []
    found = []
    for raw in named or USUAL_PLACES:
        try:
            found.append(urls.normalize(urljoin(front, raw)))
        except (UrlRefused, ValueError):
            continue
    return sorted(dict.fromkeys(found), key=lambda url: "news" not in url)[:MAX_DOCUMENTS]
