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

# Who holds the rights of Dow Jones' titles, as notices name them, beside the titles themselves.
_HOLDERS = ("dow jones", "factiva", "news corp", "barron")
# "Copyright © 2025-2026, NAME. All rights reserved.": of another form who is named can't be told.
_NOTICE = re.compile(
    r"(?:copyright|©|\(c\))[\s©(c),:]{0,10}(?:19|20)\d\d[\s,.:\d–-]{0,20}(?P<holder>[^\n.]{2,80})", re.IGNORECASE
)
# What a notice has beside the name of who holds the rights.
_NO_NAME = re.compile(
    r"\b(?:copyright(?:ed)?|copr|c|all|some|rights?|reserved|inc|ltd|llc|plc|corp|co|company|limited|by|the|and|\d+)\b"
)

_MOST_NOTICE = 400  # characters of a notice that are read

OWN_DOMAINS = frozenset(
    ("wsj.com", "barrons.com", "marketwatch.com", "dowjones.com", "fnlondon.com", "mansionglobal.com", "investors.com")
)
_AGENCY = re.compile(
    r"\b(?:associated press|reuters|agence france[- ]presse|bloomberg|press association|pa media|kyodo|xinhua|"
    r"deutsche presse|dpa|efe|ansa|canadian press|zuma|getty)\b|\b(?:AP|AFP|UPI|TASS|ANI|PTI)\b",
)
_AGENCY_ANY_CASE = re.compile(_AGENCY.pattern.split(r"|\b(?:AP")[0], re.IGNORECASE)
# Factiva's codes of what agencies write: Reuters, Associated Press, Agence France-Presse, Xinhua.
_AGENCY_CODES = frozenset(("LBA", "APRS", "AFPR", "XNEWS"))
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
    if _is_agency(original) or _is_anothers(original, rights):
        return Standing.THIRD_PARTY
    host = urlsplit(page.url).hostname or ""
    names = {_plain(original.publisher), _plain(original.vendor_source or "")} - {""}
    for table in rights:
        for licensed, publishers in table.licensed_hosts.items():
            if _on_host(host, licensed) and (not publishers or names & {_plain(one) for one in publishers}):
                return Standing.LICENSED
    ours = {_plain(one) for table in rights for one in table.publishers} if rights else _OURS
    if not names & ours:
        return Standing.THIRD_PARTY
    # A sister title on the house's own site needs no letter.
    if names & _OURS and host and registrable_domain(host) in OWN_DOMAINS:
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


def _is_anothers(original: Article, rights: Sequence[Rights]) -> bool:
    """Whether the copyright notice names somebody else than who holds our rights.

    That is known of Dow Jones' titles, and where `holders` are given; any other house may be called as it likes.
    """
    holders = [_plain(one) for table in rights for one in (*table.holders, *table.publishers) if table.holders]
    if not holders and is_dow_jones(original.publisher):
        holders = [*_HOLDERS, *_OURS]
    found = _NOTICE.search((original.copyright or "")[:_MOST_NOTICE])
    named = _NO_NAME.sub("", _plain(found["holder"])).strip() if found else ""
    return bool(holders and named) and not any(one in _plain(original.copyright or "") for one in holders if one)


def _is_agency(original: Article) -> bool:
    if (original.vendor_source or "").upper() in _AGENCY_CODES:
        return True
    lines = (original.credit or "", original.copyright or "", *original.byline)
    if any(_AGENCY.search(line) or _AGENCY_ANY_CASE.search(line) for line in lines if line):
        return True
    if original.imprint is not None:
        return original.imprint.agency
    return has_agency_dateline(original.text)


def has_agency_dateline(text: str) -> bool:
    """Whether a story opens as an agency's: "LONDON (AP) -- …"."""
    return bool(_AGENCY_DATELINE.match(text[:120]))
