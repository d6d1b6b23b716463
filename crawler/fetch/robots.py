"""robots.txt by RFC 9309: what a site lets us ask for, and how often. Pure; who fetches it is `RobotsCache`."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from crawler.clock import Clock
from crawler.errors import FetchError
from crawler.fetch.shared import SharedWork

MAX_BYTES = 500 * 1024  # RFC 9309, section 2.5: what comes after is not read
MAX_REDIRECTS = 5  # RFC 9309, section 2.3.1.2
KEPT_SECONDS = 24 * 3600.0  # RFC 9309, section 2.4
UNREACHABLE_SECONDS = 600.0  # how long a robots.txt that answers 5xx closes its site
FAILED_SECONDS = 60.0  # how long a host that could not be reached at all is not asked again
_MAX_SITEMAPS = 500
_KEPT_TEXT = 4_000_000  # characters of rules remembered over all sites; parsed they take some 25 bytes each
_ENTRY_COST = 500  # characters, what a site without rules counts for

_AGENT = re.compile(r"\s*user[- ]?agent\s*:?\s*(.*)", re.IGNORECASE)
_SITEMAP = re.compile(r"\s*site-?maps?\s*:?\s*(\S+)", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:[^\s:]+\s*:|(?:dis)?allow\s|crawl[- ]delay\s)", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z_-]+")


def product_token(user_agent: str) -> str:
    """The name by which a site's rules call a crawler (RFC 9309, section 2.2.1): `wiretrace/1.0 (…)` → `wiretrace`."""
    match = _TOKEN.match(user_agent)
    return match.group().lower() if match else "*"


@dataclass(frozen=True, slots=True)
class Robots:
    """A site's rules for us. `crawl_delay` is in seconds, None where not said; `sitemaps` are URLs as written."""

    crawl_delay: float | None = None
    sitemaps: tuple[str, ...] = ()
    _rules: Protego | None = None
    _agent: str = "*"

    @classmethod
    def parse(cls, body: bytes, token: str) -> Robots:
        """Any bytes will do: lines that are no rules are passed over."""
        rules_text, sitemaps = _ours(body[:MAX_BYTES].decode("utf-8-sig", "replace"), token)
        if not rules_text:
            return cls(sitemaps=sitemaps)
        rules = Protego.parse(rules_text)
        return cls(rules.crawl_delay(token), sitemaps, rules, token)

    def allows(self, url: str) -> bool:
        return self._rules is None or bool(self._rules.can_fetch(url, self._agent))


def _ours(text: str, token: str) -> tuple[str, tuple[str, ...]]:
    """The groups for `token` and for everyone, and the sitemaps.

    The parser does agents times rules in work and memory for a group; a file of nothing but agents and rules
    would hold it for minutes. With the others' groups gone there are two agents at most.
    """
    kept: list[str] = []
    sitemaps: list[str] = []
    naming = concerns_us = False
    for line in text.splitlines():
        rule = line.partition("#")[0].rstrip()
        if not rule:
            continue
        if match := _AGENT.match(rule):
            concerns_us = concerns_us and naming
            naming = True
            if (agent := _agent(match.group(1), token)) is not None and not (concerns_us and agent in kept[-2:]):
                kept.append(agent)
                concerns_us = True
        elif match := _SITEMAP.match(rule):
            if len(sitemaps) < _MAX_SITEMAPS:
                sitemaps.append(match.group(1))
        elif _RULE.match(rule):
            naming = False
            if concerns_us:
                kept.append(rule)
    return "\n".join(kept), tuple(sitemaps)


def _agent(value: str, token: str) -> str | None:
    if value.strip() == "*":
        return "User-agent: *"
    match = _TOKEN.match(value.strip())
    return f"User-agent: {token}" if match and match.group().lower() == token else None


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
