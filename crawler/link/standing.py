"""What is true of a link beside the texts: who came first, and whose rights it is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from crawler.link.lexicon import fold
from crawler.link.markers import TITLES
from crawler.model import Article, Precedence, Rights, Standing
from crawler.urls import registrable_domain

OWN_DOMAINS = frozenset(
    ("wsj.com", "barrons.com", "marketwatch.com", "dowjones.com", "fnlondon.com", "mansionglobal.com", "investors.com")
)
_AGENCY = re.compile(
    r"\b(?:associated press|reuters|agence france[- ]presse|bloomberg|press association|pa media|kyodo|xinhua|"
    r"deutsche presse|dpa|efe|ansa|canadian press|zuma|getty)\b|\b(?:AP|AFP|UPI|TASS|ANI|PTI)\b",
)
_AGENCY_ANY_CASE = re.compile(_AGENCY.pattern.split(r"|\b(?:AP")[0], re.IGNORECASE)
# "LONDON (AP) -- …"
_AGENCY_DATELINE = re.compile(r"^[^\n]{0,60}\((?:AP|AFP|Reuters|Associated Press|UPI|Bloomberg)\)\s*[-–—]")


def precedence(page: Article, original: Article) -> Precedence:
    """Which came first, by times that the page can't forge.

    The page's time is its first capture, by us or an archive; what it says of itself can only cast doubt. The
    original's is its vendor's publication time. Our own receipt of the original is later than its publication, so
    it proves that the original was first, never that the page was.
    """
    seen = _earliest(page.first_seen, page.captured)
    if seen is None:
        return Precedence.UNKNOWN
    if original.published is not None and seen < original.published:
        return Precedence.PAGE_FIRST
    known = _earliest(original.published, original.first_seen)
    if known is None or seen < known:
        return Precedence.UNKNOWN
    if page.published is not None and page.published < known:
        return Precedence.UNKNOWN
    return Precedence.ORIGINAL_FIRST


def are_apart(page: Article, original: Article, window: timedelta) -> bool:
    """Whether the two are further apart in time than `window`, where both times are known."""
    here = page.published or _earliest(page.first_seen, page.captured)
    there = original.published or original.first_seen
    return here is not None and there is not None and abs(here - there) > window


def is_dow_jones(publisher: str) -> bool:
    """Whether a publisher is a Dow Jones title, by its name."""
    return _plain(publisher) in _OURS


def standing(page: Article, original: Article, rights: Sequence[Rights]) -> Standing:
    """Whose rights a link between the two is about; without any `[[rights]]` Dow Jones titles are ours."""
    if _is_agency(original):
        return Standing.THIRD_PARTY
    host = urlsplit(page.url).hostname or ""
    publisher = _plain(original.publisher)
    for table in rights:
        for licensed, publishers in table.licensed_hosts.items():
            if _on_host(host, licensed) and (not publishers or publisher in {_plain(one) for one in publishers}):
                return Standing.LICENSED
    ours = {_plain(one) for table in rights for one in table.publishers} if rights else _OURS
    if publisher not in ours:
        return Standing.THIRD_PARTY
    # A sister title on the house's own site needs no letter.
    if publisher in _OURS and host and registrable_domain(host) in OWN_DOMAINS:
        return Standing.LICENSED
    return Standing.OURS


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _plain(publisher: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", fold(publisher.replace("’", "'"))).removeprefix("the ").split())


_OURS = frozenset(_plain(title) for title in TITLES)


def _on_host(host: str, licensed: str) -> bool:
    name = licensed.lower().removeprefix("www.").strip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _is_agency(original: Article) -> bool:
    lines = (original.credit or "", original.copyright or "", *original.byline)
    if any(_AGENCY.search(line) or _AGENCY_ANY_CASE.search(line) for line in lines if line):
        return True
    if original.imprint is not None:
        return original.imprint.agency
    return has_agency_dateline(original.text)


def has_agency_dateline(text: str) -> bool:
    """Whether a story opens as an agency's: "LONDON (AP) -- …"."""
    return bool(_AGENCY_DATELINE.match(text[:120]))
