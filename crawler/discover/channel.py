"""What a feed says of itself beside its entries: how often it may be asked, where it stands, who tells of its news."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from crawler import urls
from crawler.discover.gathering import Gathering
from crawler.errors import UrlRefused
from crawler.model import Wishes

MAX_TTL = 86_400.0  # seconds: a feed that asks for more is asked once a day all the same
_MAX_SKIPPED = 48  # elements of a list of hours or days that are looked at
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER = re.compile(r"[0-9]{1,6}")

Fields = dict[str, list[etree._Element]]


def read_channel(about: Fields, gathering: Gathering) -> None:
    """Gathers them from the fields of an RSS channel or an Atom feed."""
    gathering.wishes = Wishes(
        ttl=ttl_of(_text(about, "ttl")),
        skip_hours=_hours(_inner(about, "skiphours")),
        skip_days=frozenset(_DAYS.index(day) for day in _inner(about, "skipdays") if day in _DAYS),
    )
    gathering.hub = _address(_related(about, "hub"), gathering)
    gathering.own_url = _address(_related(about, "self"), gathering)
    gathering.new_url = _address(_text(about, "itunes:new-feed-url"), gathering)


def read_json_channel(document: dict[str, Any], gathering: Gathering) -> None:
    """The same of a JSON Feed: `feed_url`, and of `hubs` the one for WebSub."""
    own, hubs = document.get("feed_url"), document.get("hubs")
    gathering.own_url = _address(own, gathering)
    for hub in hubs[:10] if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and str(hub.get("type", "")).lower() == "websub" and gathering.hub is None:
            gathering.hub = _address(hub.get("url"), gathering)


def ttl_of(text: str) -> float:
    """Seconds from a `ttl`, which is in minutes; 0 where it is no number."""
    return min(float(text) * 60.0, MAX_TTL) if _NUMBER.fullmatch(text) else 0.0


def _hours(texts: list[str]) -> frozenset[int]:
    # Some count from 1 to 24: 24 is the hour that the others call 0.
    return frozenset(int(text) % 24 for text in texts if _NUMBER.fullmatch(text) and int(text) <= 24)


def _inner(about: Fields, name: str) -> list[str]:
    """The texts of the children of the first element of a name."""
    children = list(about[name][0].iterchildren(etree.Element))[:_MAX_SKIPPED] if about.get(name) else []
    return [(child.text or "").strip().lower() for child in children]


def _related(about: Fields, relation: str) -> str:
    for element in (*about.get("atom:link", ()), *about.get("link", ())):
        if (element.get("rel") or "").strip().lower() == relation and (element.get("href") or "").strip():
            return str(element.get("href"))
    return ""


def _text(about: Fields, name: str) -> str:
    return next(((one.text or "").strip() for one in about.get(name, ()) if (one.text or "").strip()), "")


def _address(raw: object, gathering: Gathering) -> str | None:
    """An absolute URL, None where there is none that could be asked."""
    if not isinstance(raw, str) or not raw.strip():
        return None
    try:
        return urls.normalize(raw.strip(), gathering.base)
    except UrlRefused:
        return None
