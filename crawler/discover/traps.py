"""References that no article stands behind: URLs a server can make without end. Pure.

Calendars, session ids, folders within themselves, paging, filters of filters: each URL of such a trap looks new, and a
crawler that follows them asks one site for ever. What shows in a single URL is told by its form; what only shows in
their number is bounded by numbers that no newsroom comes near, so that an honest source loses nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit, urlunsplit

from crawler import urls
from crawler.model import Reference

MAX_DEPTH = 16  # folders of a path; news sites have up to ten
MAX_CYCLE = 4  # folders that may repeat together: /a/b/a/b/a/b
MAX_PARAMETERS = 12
MAX_PAGE = 100  # the page of a listing that is still taken
PAGES_OF_ONE = 20  # numbered pages of one address
QUERIES_OF_ONE = 8  # sets of parameter names under one path
MAX_DATED = 10_000  # references of one poll with a date; a week of the largest wire
MAX_UNDATED = 5_000  # and without one
MAX_OF_PATTERN = 2_000  # of those, of one domain and one form

_SESSION_PATH = re.compile(
    r";(?:jsessionid|phpsessid|sid|sessionid)=[^/?;]*|/\([SAF]\([A-Za-z0-9]{8,64}\)\)", re.IGNORECASE
)
# Names that mean nothing else. A bare `sid` is some papers' story id: taken out, all their stories would be one.
_SESSION_NAME = re.compile(
    r"(?:php|asp|j|laravel|ci|symfony)?_?sess(?:ion)?_?(?:id|key|token)|aspsessionid\w*|cfid|cftoken|zenid|oscsid",
    re.IGNORECASE,
)
_MAY_HOLD_SESSION = re.compile(r";|/\(|[?&][^=]*(?:sess|cfid|cftoken|zenid|oscsid)", re.IGNORECASE)
_CALENDAR = re.compile(
    r"(?:^|[/_-])(?:calendars?|events?|agenda|kalender|veranstaltungen|termine|calendrier|evenements?|calendario|eventos?"
    r"|whats-on|schedule)(?:[/_-]|$)",
    re.IGNORECASE,
)
_CALENDAR_NAME = re.compile(
    r"(?:cal|calendar|event|tribe|tribe-bar|mc|ai1ec)?[_-]?(?:date|month|year|day|week|yr|mon|ical|eventdisplay)",
    re.IGNORECASE,
)
_DATE_PART = re.compile(
    r"(?:19|20|21)\d{2}(?:-?\d{1,2}(?:-?\d{1,2})?)?|\d{1,2}|(?:day|week|month|year|list)", re.IGNORECASE
)
_PAGE_PATH = re.compile(r"/(?:page|seite|pagina|p)[/-]?(\d{1,9})(?:/|\.\w{2,5})?$", re.IGNORECASE)
_PAGE_NAME = re.compile(r"page|paged|pg|pageno|page_?num(?:ber)?|offset|start|seite|pagina", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Sifted:
    """`kept` in their order; `refused` counts the others by reason, with one URL for each in `examples`."""

    kept: tuple[Reference, ...]
    refused: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.refused.values())


def sift(references: Iterable[Reference], most: int = MAX_DATED + MAX_UNDATED) -> Sifted:
    """Leaves out what leads into a trap, and what is more than `most`, of those with a date and of those without.

    A session's id is taken out of a URL, and what it made many is one again.
    """
    sieve = _Sieve()
    passed = [one for one in map(sieve.passed, references) if one is not None]
    return Sifted(tuple(_within_bounds(passed, most, sieve)), dict(sieve.refused), sieve.examples)


class _Sieve:
    """What was seen of one poll so far."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._without_session: set[str] = set()
        self._pages: Counter[str] = Counter()
        self._queries: dict[str, set[tuple[str, ...]]] = {}

    def refuse(self, reason: str, url: str) -> None:
        self.refused[reason] += 1
        self.examples.setdefault(reason, url)

    def passed(self, reference: Reference) -> Reference | None:
        url = without_session(reference.url)
        if url != reference.url:
            if url in self._without_session:
                self.refuse("session", reference.url)
                return None
            self._without_session.add(url)
            reference = replace(reference, url=url)
        parts = urlsplit(url)
        reason = _shape(parts, dated=reference.published is not None) or self._of_many(parts)
        if reason:
            self.refuse(reason, reference.url)
            return None
        return reference

    def _of_many(self, parts: SplitResult) -> str:
        """What only shows beside the others."""
        stem, page = _paging(parts)
        if page is not None:
            self._pages[stem] += 1
            if page > MAX_PAGE or self._pages[stem] > PAGES_OF_ONE:
                return "paging"
        if parts.query:
            known = self._queries.setdefault(f"{parts.netloc}{parts.path}", set())
            known.add(tuple(sorted({name for name, _ in _parameters(parts)})))
            if len(known) > QUERIES_OF_ONE:
                return "queries"
        return ""


def _shape(parts: SplitResult, *, dated: bool) -> str:
    """The trap that shows in the URL itself, "" where none does."""
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > MAX_DEPTH:
        return "depth"
    if _goes_round(segments):
        return "repetition"
    parameters = _parameters(parts)
    if len(parameters) > MAX_PARAMETERS:
        return "queries"
    if not dated and _is_calendar(parts.path, segments, parameters):
        return "calendar"
    return ""


def _goes_round(segments: Sequence[str]) -> bool:
    """Whether a run of folders comes three times in a row. Numbers alone may: /2011/11/11/11/ is a date."""
    if len(set(segments)) > len(segments) - 2:
        return False
    for length in range(1, MAX_CYCLE + 1):
        for start in range(len(segments) - 3 * length + 1):
            run = segments[start : start + length]
            if all(segment.isdigit() for segment in run):
                continue
            if (
                run
                == segments[start + length : start + 2 * length]
                == segments[start + 2 * length : start + 3 * length]
            ):
                return True
    return False


def _is_calendar(path: str, segments: Sequence[str], parameters: Sequence[tuple[str, str]]) -> bool:
    """A calendar's sheet: its path ends in a date, or its query asks for one. An event's own page has a name."""
    if not _CALENDAR.search(path):
        return len(parameters) >= 2 and all(_CALENDAR_NAME.fullmatch(name) for name, _ in parameters)
    asked = any(_CALENDAR_NAME.fullmatch(name) for name, _ in parameters)
    return asked or (bool(segments) and _DATE_PART.fullmatch(segments[-1]) is not None)


def without_session(url: str) -> str:
    """The URL without a session's id: who comes without one is given the same page."""
    if not _MAY_HOLD_SESSION.search(url):
        return url
    parts = urlsplit(url)
    path = _SESSION_PATH.sub("", parts.path) if ";" in parts.path or "/(" in parts.path else parts.path
    query = parts.query
    if query:
        kept = [pair for pair in query.split("&") if not _is_session(*pair.partition("=")[::2])]
        query = "&".join(kept)
    if path == parts.path and query == parts.query:
        return url
    return urlunsplit(parts._replace(path=path or "/", query=query))


def _is_session(name: str, value: str) -> bool:
    return bool(value) and _SESSION_NAME.fullmatch(name) is not None


def _parameters(parts: SplitResult) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    return [(name.lower(), value) for name, _, value in pairs]


def _paging(parts: SplitResult) -> tuple[str, int | None]:
    """The address that is paged through, and the number of the page; None where there is no paging."""
    if match := _PAGE_PATH.search(parts.path):
        return f"{parts.netloc}{parts.path[: match.start()]}", int(match.group(1))
    for name, value in _parameters(parts):
        if _PAGE_NAME.fullmatch(name) and value.isdigit() and len(value) < 10:
            return f"{parts.netloc}{parts.path}", int(value)
    return "", None


def _pattern(url: str) -> str:
    """What URLs made by one rule share: the domain somebody registered, the folders, the names of parameters.

    The last folder is taken for the article's own name; numbers count by where they stand, not by what they are.
    """
    parts = urlsplit(url)
    folders = _DIGITS.sub("9", parts.path.rstrip("/").rpartition("/")[0])
    names = ",".join(sorted({name for name, _ in _parameters(parts)}))
    return f"{urls.registrable_domain(parts.netloc)}{folders}?{names}"


def _within_bounds(references: Sequence[Reference], most: int, sieve: _Sieve) -> list[Reference]:
    """The newest of the dated ones; of the others those at the start and at the end, where new entries are added."""
    dated = [one for one in references if one.published or one.modified]
    most_dated, most_undated = min(MAX_DATED, most), min(MAX_UNDATED, most)
    if len(dated) > most_dated:
        dated.sort(key=_newest, reverse=True)
    undated = [one for one in references if not (one.published or one.modified)]
    if len(dated) <= most_dated and len(undated) <= min(MAX_OF_PATTERN, most_undated):
        return list(references)
    patterns: dict[str, list[Reference]] = {}
    for one in undated:
        patterns.setdefault(_pattern(one.url), []).append(one)
    undated = [one for group in patterns.values() for one in _ends(group, MAX_OF_PATTERN)]
    kept = {id(one) for one in (*dated[:most_dated], *_ends(undated, most_undated))}
    for one in references:
        if id(one) not in kept:
            sieve.refuse("flood", one.url)
    return [one for one in references if id(one) in kept]


def _newest(reference: Reference) -> datetime:
    times = [time for time in (reference.published, reference.modified) if time is not None]
    return max(times, default=datetime.min.replace(tzinfo=UTC))


def _ends(references: Sequence[Reference], most: int) -> list[Reference]:
    if len(references) <= most:
        return list(references)
    half = most // 2
    return [*references[:half], *references[len(references) - (most - half) :]]
