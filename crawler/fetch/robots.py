"""robots.txt by RFC 9309: what a site lets us ask for, and how often. Pure; who fetches it is `RobotsCache`."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from crawler.clock import Clock
from crawler.errors import FetchError
from crawler.fetch.robots_rules import RuleSet
from crawler.fetch.shared import SharedWork

MAX_BYTES = 500 * 1024  # RFC 9309, section 2.5: what comes after is not read
MAX_REDIRECTS = 5  # RFC 9309, section 2.3.1.2
KEPT_SECONDS = 24 * 3600.0  # RFC 9309, section 2.4
UNREACHABLE_SECONDS = 600.0  # how long a robots.txt that answers 5xx closes its site
FAILED_SECONDS = 60.0  # how long a host that could not be reached at all is not asked again
_MAX_SITEMAPS = 500
_KEPT_TEXT = 4_000_000  # characters of rules remembered over all sites; parsed they take up to 10 bytes each
_ENTRY_COST = 500  # characters, what a site without rules counts for

# Beside the names of the RFC those that owners write and mean, as large crawlers take them; the colon may be missing.
_LINE = re.compile(
    r"\s*(user[- ]?agent|allow|dis+al+ow|diasllow|disallaw|crawl[- ]delay|site-?maps?)\s*(?::|\s)\s*(.*)", re.IGNORECASE
)
_ENDS = re.compile(r"\r\n?|\n")  # RFC 9309, section 2.2: no other character ends a line
_TOKEN = re.compile(r"[A-Za-z_-]+")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}")


def product_token(user_agent: str) -> str:
    """The name by which a site's rules call a crawler (RFC 9309, section 2.2.1): `wiretrace/1.0 (…)` → `wiretrace`."""
    match = _TOKEN.match(user_agent)
    return match.group().lower() if match else "*"


@dataclass(frozen=True, slots=True)
class Robots:
    """A site's rules for us. `crawl_delay` is in seconds, None where not said; `sitemaps` are URLs as written."""

    crawl_delay: float | None = None
    sitemaps: tuple[str, ...] = ()
    _rules: RuleSet = field(default_factory=lambda: RuleSet(()), repr=False)

    @classmethod
    def parse(cls, body: bytes, token: str) -> Robots:
        """Any bytes will do: lines that are no rules are passed over.

        Our own groups count, all of them together; where there is none, those for everyone.
        """
        ours, everyones, sitemaps = _groups(body[:MAX_BYTES].decode("utf-8-sig", "replace"), token)
        group = ours if ours.named else everyones
        return cls(group.crawl_delay, tuple(sitemaps), RuleSet(group.rules))

    @property
    def laborious(self) -> bool:
        """Whether a verdict may take longer than an event loop should be kept."""
        return self._rules.laborious

    def allows(self, url: str) -> bool:
        return self._rules.allows(url)


@dataclass(slots=True)
class _Group:
    """All that a file says to one crawler; `open` while the lines read are said to it."""

    named: bool = False
    open: bool = False
    crawl_delay: float | None = None
    rules: list[tuple[bool, str]] = field(default_factory=list)

    def slow_down(self, value: str) -> None:
        """The first delay that is a number counts."""
        if self.crawl_delay is None and _SECONDS.fullmatch(value):
            self.crawl_delay = float(value)


def _groups(text: str, token: str) -> tuple[_Group, _Group, list[str]]:
    """What is said to `token`, what to everyone, and the sitemaps."""
    ours, everyones = _Group(), _Group()
    sitemaps: list[str] = []
    naming = False
    for line in _ENDS.split(text):
        match = _LINE.match(line.partition("#")[0])
        if match is None:
            continue  # no other record may interfere with the groups (RFC 9309, section 2.2.4)
        name, value = match[1].lower(), match[2].strip()
        if name.startswith("user"):
            if not naming:
                ours.open = everyones.open = False
            naming = True
            _name(value, token, ours, everyones)
        elif name.startswith("site"):
            sitemaps += [value] if value and len(sitemaps) < _MAX_SITEMAPS else []
        elif name.startswith("crawl"):
            for group in filter(_is_open, (ours, everyones)):
                group.slow_down(value)
        else:
            naming = False
            for group in filter(_is_open, (ours, everyones)):
                group.rules.append((name == "allow", value))
    return ours, everyones, sitemaps


def _is_open(group: _Group) -> bool:
    return group.open


def _name(value: str, token: str, ours: _Group, everyones: _Group) -> None:
    """Opens the group that a user-agent line names, where it is one of the two."""
    match = _TOKEN.match(value)
    if value == "*":
        everyones.named = everyones.open = True
    elif match and match.group().lower() == token:
        ours.named = ours.open = True


Verdict = tuple[Robots | FetchError, float, int]  # what a fetch came to, seconds it holds, its size in characters


class RobotsCache:
    """Each site's rules, fetched once however many ask, kept for a day.

    `fetch` gets the URL of a robots.txt and answers, never raising a FetchError, with a Verdict.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[Verdict]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Robots | FetchError, int]] = OrderedDict()
        self._size = 0
        self._asking: SharedWork[Robots | FetchError] = SharedWork()

    async def rules(self, url: str) -> Robots | FetchError:
        """The rules that `url` falls under, or why they can't be known."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        kept = self._kept.get(site)
        if kept is not None:
            if kept[0] > self._clock.monotonic():
                self._kept.move_to_end(site)
                return kept[1]
            self._forget(site)
        return await self._asking.do(site, lambda: self._ask(site))

    async def _ask(self, site: str) -> Robots | FetchError:
        robots, lasts, size = await self._fetch(f"{site}/robots.txt")
        size += _ENTRY_COST
        self._kept[site] = (self._clock.monotonic() + lasts, robots, size)
        self._size += size
        while self._size > _KEPT_TEXT and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))
        return robots

    def _forget(self, site: str) -> None:
        self._size -= self._kept.pop(site)[2]

    async def close(self) -> None:
        await self._asking.close()
