"""What an address asks for: filters and places in a list, read from its query and written back into one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from crawler.errors import UsageError
from crawler.model import LinkState, Relation
from crawler.store.browsing import Cursor, LinkFilter

E = TypeVar("E", bound=StrEnum)

ANY = "all"
MOST_TEXT = 200  # characters of a value
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Microseconds since 1970, no more of them than there are dates.
_CURSOR = re.compile(r"(-[0-9]{1,16}|[0-9]{1,17})\.([0-9a-f]{32})")
CURSOR = f"^({_CURSOR.pattern})?$"
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter with the words of its address. `words` has only what differs from the default."""

    filter: LinkFilter
    words: Mapping[str, str]

    def query(self, **other: str) -> str:
        """The address' query with `other` put in or, where "", left out; with its question mark."""
        joined = {name: value for name, value in {**self.words, **other}.items() if value}
        return f"?{urlencode(joined)}" if joined else ""


def asked(query: Mapping[str, str]) -> Asked:
    """Raises UsageError with the name of what is wrong and what was expected."""
    words = {name: query.get(name, "").strip()[:MOST_TEXT] for name in _NAMES}
    words = {name: value for name, value in words.items() if value}
    state = words.get("state", LinkState.NEW.value)
    found = LinkFilter(
        state=None if state == ANY else _one_of(LinkState, "state", state),
        relation=_one_of(Relation, "relation", words["relation"]) if "relation" in words else None,
        publisher=words.get("publisher", ""),
        site=words.get("site", "").lower().removeprefix("www."),
        least=_share(words, "least"),
        most=_share(words, "most"),
        since=_day(words, "from"),
    )
    until = _day(words, "to")
    if until is not None:
        found = replace(found, until=until + timedelta(days=1))
    return Asked(found, words)


_NAMES = ("state", "relation", "publisher", "site", "least", "most", "from", "to")


def cursor(query: Mapping[str, str], name: str = "after") -> Cursor | None:
    text = query.get(name, "")
    if not text:
        return None
    if found := _CURSOR.fullmatch(text):
        return Cursor(_EPOCH + int(found[1]) * _MICROSECOND, found[2])
    raise UsageError(f"{name}: expected the place that a page's own link names")


def cursor_text(place: Cursor) -> str:
    return f"{(place.decided - _EPOCH) // _MICROSECOND}.{place.id}"


def numbers(query: Mapping[str, str], name: str, count: int) -> tuple[int, ...] | None:
    """`count` whole numbers joined by full stops, as the page's own links have them."""
    text = query.get(name, "")
    if not text:
        return None
    parts = text.split(".")
    if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
        raise UsageError(f"{name}: expected the place that a page's own link names")
    return tuple(map(int, parts))


def _one_of(kind: type[E], name: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f"{name}: expected {', '.join(kind)}, got {value!r:.40}") from None


def _share(words: Mapping[str, str], name: str) -> float | None:
    if name not in words:
        return None
    try:
        value = float(words[name])
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"{name}: expected a score from 0 to 1, got {words[name]!r:.40}")
    return value


def _day(words: Mapping[str, str], name: str) -> datetime | None:
    if name not in words:
        return None
    try:
        day = date.fromisoformat(words[name])
        if 1970 <= day.year < 9000:
            return datetime.combine(day, time(), UTC)
        raise ValueError
    except ValueError:
        raise UsageError(f"{name}: expected a day such as 2026-01-31, got {words[name]!r:.40}") from None
