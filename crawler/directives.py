"""What a page asks of those who read it by machine: robots meta elements and X-Robots-Tag headers. Pure.

Both hold a list of the same words; a header may name whom it is said to, `X-Robots-Tag: otherbot: noindex`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_VALUES = 50  # headers or elements read of one page
MAX_VALUE = 2_000  # characters read of each

_WORDS = {
    "noindex": ("noindex",),
    "noarchive": ("noarchive",),
    "nocache": ("noarchive",),  # an old name of the same
    "nofollow": ("nofollow",),
    "none": ("noindex", "nofollow"),
}
_NAMED = re.compile(r"\s*(\*|[A-Za-z][A-Za-z0-9_-]{0,60})\s*:(?!//)\s*(.*)", re.DOTALL)
# Words that a colon follows, so that what stands before it is nobody's name.
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_FOR_ALL = frozenset({"robots", "*"})


@dataclass(frozen=True, slots=True)
class Directives:
    """What is asked of us. Combined with `|` the stricter wins."""

    noindex: bool = False
    noarchive: bool = False
    nofollow: bool = False
    unavailable_after: datetime | None = None

    def __or__(self, other: Directives) -> Directives:
        times = [time for time in (self.unavailable_after, other.unavailable_after) if time is not None]
        return Directives(
            noindex=self.noindex or other.noindex,
            noarchive=self.noarchive or other.noarchive,
            nofollow=self.nofollow or other.nofollow,
            unavailable_after=min(times, default=None),
        )

    def forbids_index(self, at: datetime) -> bool:
        """Whether the page's text is not to be kept, as of a time in UTC."""
        return self.noindex or (self.unavailable_after is not None and self.unavailable_after < at)


NONE_GIVEN = Directives()


def of_headers(values: Iterable[str], token: str) -> Directives:
    """What the X-Robots-Tag headers with these `values` ask of the crawler whose product token is `token`.

    A name before a colon holds up to the next one in the same header, as where a proxy has joined several.
    """
    found = NONE_GIVEN
    for value in _bounded(values):
        ours = True
        for word, said in _said(value):
            if said is not None and word not in _WITH_VALUE:
                ours = word in _FOR_ALL or word == token.lower()
                found |= _directive(said.strip().lower(), None) if ours else NONE_GIVEN
            elif ours:
                found |= _directive(word, said)
    return found


def of_meta(contents: Iterable[str]) -> Directives:
    """What robots meta elements with these `contents` ask; which elements are meant for us the caller knows."""
    found = NONE_GIVEN
    for content in _bounded(contents):
        for word, said in _said(content):
            found |= _directive(word, said)
    return found


def _bounded(values: Iterable[str]) -> Iterator[str]:
    for count, value in enumerate(values):
        if count == MAX_VALUES:
            return
        yield value[:MAX_VALUE]


def _said(value: str) -> Iterator[tuple[str, str | None]]:
    """The words of a list in lower case, each with what follows its colon (None: there is none)."""
    pieces = value.split(",")
    for number, piece in enumerate(pieces):
        match = _NAMED.match(piece)
        if match is None:
            # Some part the words with blanks alone.
            yield from ((word.lower(), None) for word in piece.split())
            continue
        name, said = match.group(1).lower(), match.group(2)
        inner = _NAMED.match(said)
        if name not in _WITH_VALUE and inner is not None:
            # `otherbot: unavailable_after: …`
            yield name, ""
            name, said = inner.group(1).lower(), inner.group(2)
        if name == "unavailable_after" and time_of(said) is None:
            said = ",".join((said, *pieces[number + 1 : number + 2]))  # a weekday's name has a comma after it
        yield name, said


def _directive(word: str, said: str | None) -> Directives:
    if word == "unavailable_after":
        return Directives(unavailable_after=time_of(said or ""))
    asked = {name for part in word.split() for name in _WORDS.get(part, ())}
    return Directives("noindex" in asked, "noarchive" in asked, "nofollow" in asked)


def time_of(text: str) -> datetime | None:
    """A time as RFC 822, RFC 850 or ISO 8601 have it; without a zone it is taken for UTC."""
    text = text.strip()
    if not 8 <= len(text) <= 60:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = read(text)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
