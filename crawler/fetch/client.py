"""The fetcher: every request, redirect and robots.txt goes through the same checks in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from multidict import CIMultiDict

from crawler import metrics
from crawler.clock import Clock
from crawler.directives import of_headers
from crawler.errors import (
    BadStatus,
    ConnectionFailed,
    FetchError,
    HostHeldBack,
    HostUnresolved,
    RobotsDenied,
    RobotsUnreachable,
    TimedOut,
    TooManyRedirects,
    UrlRefused,
)
from crawler.fetch import header
from crawler.fetch.addresses import AddressRules
from crawler.fetch.decoder import ACCEPTED
from crawler.fetch.failure import CLIENT_ERRORS, as_fetch_error, unresolved
from crawler.fetch.names import Names, Resolver, SystemResolver, is_this_machine
from crawler.fetch.politeness import HostGate, SharedHosts
from crawler.fetch.response import Hop, Response
from crawler.fetch.robots import (
    FAILED_SECONDS,
    KEPT_SECONDS,
    MAX_BYTES,
    MAX_REDIRECTS,
    UNREACHABLE_SECONDS,
    Robots,
    RobotsCache,
    Verdict,
    product_token,
)
from crawler.fetch.target import Target
from crawler.fetch.transport import Answer, Transport
from crawler.model import Validators
from crawler.settings import FetchSettings

ACCEPT_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"
ACCEPT_FEED = (
    "application/atom+xml,application/rss+xml,application/feed+json,application/rdf+xml,"
    "application/xml;q=0.9,text/xml;q=0.9,text/html;q=0.7,*/*;q=0.5"
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOLDING = frozenset({429, 503})
_LARGE_ROBOTS = 16_384  # bytes; the largest take half a second to read, too long for the loop


@dataclass(slots=True)
class _Errand:
    """One call's way from hop to hop. `left` are the seconds of its time that remain."""

    asked: Target
    own: dict[str, str]
    private: Mapping[str, str]
    private_to: tuple[str, str, int]
    robots: bool
    left: float
    most_redirects: int
    limit: int
    whole: bool = True  # False: what is over the limit is cut off, and any media type will do
    hops: list[Hop] = field(default_factory=list)

    def headers(self, target: Target) -> CIMultiDict[str]:
        """What is sent to `target`. The caller's headers go to one origin, and no more once the way has left it."""
        if target.origin != self.private_to:
            self.private = {}
        headers = CIMultiDict(self.own)
        headers.update(self.private)
        return headers

    @asynccontextmanager
    async def timed(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(self.left):
                yield
        finally:
            self.left -= loop.time() - begun


class Fetcher:
    """Asks servers for documents, as an async context manager.

    `source_ports` are the ports that configured sources name, open beside those of the settings; `shared` are the
    hosts that other processes ask as well. Time for
    politeness and the age of what is remembered come from `clock`; timeouts from the event loop.
    """

    def __init__(
        self,
        settings: FetchSettings,
        clock: Clock,
        *,
        resolver: Resolver | None = None,
        source_ports: Collection[int] = (),
        shared: SharedHosts | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._own_resolver: SystemResolver | None = None
        if resolver is None:
            resolver = self._own_resolver = SystemResolver()
        self._names = Names(resolver, clock)
        self._rules = AddressRules(settings, source_ports)
        self._transport = Transport(settings, self._names, self._rules, clock)
        self._gate = HostGate(settings.per_host, settings.delay, settings.concurrency, clock, shared=shared)
        self._robots = RobotsCache(self._fetch_robots, clock)
        self._token = product_token(settings.user_agent)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._robots.close()
        await self._names.close()
        await self._transport.close()
        if self._own_resolver is not None:
            self._own_resolver.close()

    async def get(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        headers_for: str | None = None,
        robots: bool = True,
        accept: str = ACCEPT_PAGE,
    ) -> Response:
        """The document at `url`, or a FetchError.

        `validators` make the request conditional; the answer may then be `not_modified`. `headers` (credentials
        of a licensed feed) go to the origin of the URL `headers_for` only, that of `url` itself where not given: a
        feed's own entries may lead to strangers. `robots=False` is for what a person asked for.
        """
        target = Target.of(url)
        errand = _Errand(
            asked=target,
            own=self._own_headers(accept, validators),
            private=_sendable(target.url, headers or {}),
            private_to=(target if headers_for is None else Target.of(headers_for)).origin,
            robots=robots and self._settings.respect_robots,
            left=self._settings.timeout,
            most_redirects=self._settings.max_redirects,
            limit=self._settings.max_body,
        )
        final, answer = await self._follow(errand)
        media_type, charset = header.content_type(answer.headers.get("Content-Type", ""))
        return Response(
            url=url,
            final_url=final.url,
            status=answer.status,
            reason=answer.reason,
            body=answer.body,
            raw=answer.raw,
            fetched=self._clock.now(),
            headers=answer.headers,
            media_type=media_type,
            charset=charset,
            validators=header.validators(answer.headers),
            redirects=tuple(errand.hops),
            ip=answer.ip,
            elapsed=answer.elapsed,
            max_age=header.max_age(answer.headers),
            request=errand.own,
            directives=of_headers(answer.headers.getall("X-Robots-Tag", ()), self._token),
            robot=self._token,
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Sends `body` to an address of the operator's own choice; the status, one of the 200 family.

        The rules for addresses and the time limit hold as for `get`; robots.txt and politeness are for pages. Raises
        FetchError, for a redirect as well: who answers there was not chosen.
        """
        target = Target.of(url)
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._check(target)
                sent = {"User-Agent": self._settings.user_agent, **_sendable(target.url, headers)}
                answer = await self._transport.post(target, sent, body)
        except CLIENT_ERRORS as error:
            raise as_fetch_error(error, target.url) from None
        if not 200 <= answer.status < 300:
            raise BadStatus(target.url, answer.status, self._retry_after(answer))
        return answer.status

    async def robots(self, url: str) -> Robots:
        """What robots.txt says to us of the site of `url`. Raises a FetchError where that can't be known."""
        rules = await self._robots.rules(Target.of(url).url)
        if isinstance(rules, FetchError):
            raise _of_page(rules, url)
        return rules

    @property
    def gate(self) -> HostGate:
        """The turns at all hosts, called as `urls.host_of` does: with the port where that is not the default."""
        return self._gate

    def _own_headers(self, accept: str, validators: Validators | None) -> dict[str, str]:
        own = {"User-Agent": self._settings.user_agent, "Accept": accept, "Accept-Encoding": ACCEPTED}
        if validators is not None and validators.etag:
            own["If-None-Match"] = validators.etag
        if validators is not None and validators.last_modified:
            own["If-Modified-Since"] = validators.last_modified
        return own

    async def _follow(self, errand: _Errand) -> tuple[Target, Answer]:
        """Hop by hop to an answer that is no redirect."""
        target = errand.asked
        seen = {target.url}
        while True:
            answer = await self._ask(target, errand)
            if answer.status not in _REDIRECTS or not answer.headers.get("Location", "").strip():
                return target, self._usable(target, answer, errand)
            errand.hops.append(self._hop(target, answer))
            target = Target.of(_location(answer), base=target.url)
            if target.url in seen:
                raise TooManyRedirects(errand.asked.url, f"redirects in a circle, back to {target.url}")
            if len(errand.hops) > errand.most_redirects:
                raise TooManyRedirects(errand.asked.url, f"redirects more than {errand.most_redirects} times")
            seen.add(target.url)

    def _usable(self, target: Target, answer: Answer, errand: _Errand) -> Answer:
        conditional = "If-None-Match" in errand.own or "If-Modified-Since" in errand.own
        if 200 <= answer.status < 300 or (answer.status == 304 and conditional):
            return answer
        raise BadStatus(target.url, answer.status, self._retry_after(answer), (*errand.hops, self._hop(target, answer)))

    def _hop(self, target: Target, answer: Answer) -> Hop:
        return Hop(target.url, answer.status, answer.reason, answer.headers, answer.ip, self._clock.now())

    async def _ask(self, target: Target, errand: _Errand) -> Answer:
        """One hop: address, robots, its turn, the exchange."""
        try:
            async with errand.timed():
                await self._check(target)
            if errand.robots:
                await self._obey(target)
            async with self._gate.turn(target.site, target.url), errand.timed():
                answer = await self._exchange(target, errand)
        except CLIENT_ERRORS as error:
            raise as_fetch_error(error, target.url) from None
        self._gate.took(target.site, answer.elapsed)
        metrics.REQUESTS.add(f"{answer.status // 100}xx")
        metrics.RECEIVED_BYTES.add(amount=len(answer.raw))
        metrics.FETCH_SECONDS.observe(answer.elapsed)
        if answer.status in _HOLDING:
            self._gate.refused(target.site, self._retry_after(answer))
        else:
            self._gate.answered(target.site)
        return answer

    async def _exchange(self, target: Target, errand: _Errand) -> Answer:
        begun = self._clock.monotonic()
        try:
            return await self._transport.exchange(
                target,
                errand.headers(target),
                limit=errand.limit,
                sent=partial(self._gate.sent, target.site),
                cut=not errand.whole,
                any_media=not errand.whole,
            )
        except (TimeoutError, asyncio.CancelledError):
            # Cut off by the errand's own time: a host that does not come to an end is the slowest of all.
            self._gate.took(target.site, self._clock.monotonic() - begun)
            raise

    def _retry_after(self, answer: Answer) -> float | None:
        return header.retry_after(answer.headers.get("Retry-After"), self._clock.now())

    async def _check(self, target: Target) -> None:
        """Raises AddressRefused, UrlRefused or HostUnresolved before anyone hears of the request."""
        if not self._rules.may_open_port(target.port):
            raise self._rules.port_refusal(target.url, target.port)
        if target.literal is not None:
            if not self._rules.permits(target.literal, target.port):
                raise self._rules.refusal(target.url, [str(target.literal)], target.port)
            return
        by_proxy = self._transport.goes_by_proxy(target)
        if by_proxy and self._settings.proxy_resolves and not is_this_machine(target.host):
            if not self._rules.permits_port(target.port):
                raise self._rules.port_refusal(target.url, target.port)
            return
        try:
            found = await self._names.addresses(target.host)
        except TimeoutError:
            raise
        except OSError as error:
            raise unresolved(target.url, error) from None
        permitted = self._rules.permitted(found, target.port)
        # Which address a proxy takes is not ours to say, so it must not have a wrong one to take.
        if not permitted or (by_proxy and len(permitted) < len(found)):
            raise self._rules.refusal(target.url, found, target.port)

    async def _obey(self, target: Target) -> None:
        rules = await self._robots.rules(target.url)
        if isinstance(rules, FetchError):
            raise _of_page(rules, target.url)
        self._gate.crawl_delay(target.site, rules.crawl_delay)
        laborious = rules.laborious
        if not (await asyncio.to_thread(rules.allows, target.url) if laborious else rules.allows(target.url)):
            raise RobotsDenied(target.url, "robots.txt forbids it")

    async def _fetch_robots(self, url: str) -> Verdict:
        """Verdicts by RFC 9309, section 2.3.1; 429 counts as a server in trouble, not as a missing file."""
        target = Target.of(url)
        errand = _Errand(
            asked=target,
            own=self._own_headers("text/plain,*/*;q=0.5", None),
            private={},
            private_to=target.origin,
            robots=False,
            left=self._settings.timeout,
            most_redirects=MAX_REDIRECTS,
            limit=MAX_BYTES,
            whole=False,
        )
        try:
            _, answer = await self._follow(errand)
        except TooManyRedirects:
            return Robots(), KEPT_SECONDS, 0
        except BadStatus as error:
            if error.status < 500 and error.status != 429:
                return Robots(), KEPT_SECONDS, 0
            lasts = max(error.retry_after or 0.0, UNREACHABLE_SECONDS)
            return RobotsUnreachable(url, f"robots.txt answered {error.status}"), lasts, 0
        except FetchError as error:
            return error, FAILED_SECONDS, 0
        return await self._read_robots(answer.body), KEPT_SECONDS, len(answer.body)

    async def _read_robots(self, body: bytes) -> Robots:
        if len(body) > _LARGE_ROBOTS:
            return await asyncio.to_thread(Robots.parse, body, self._token)
        return Robots.parse(body, self._token)


def _location(answer: Answer) -> str:
    raw = answer.headers["Location"].encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _sendable(url: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers, trimmed. Raises UrlRefused, which names the header and never its value."""
    sendable = {}
    for name, value in headers.items():
        trimmed = value.strip()
        if not name.isascii() or not name.isprintable() or not trimmed.isprintable():
            raise UrlRefused(url, f"its header {ascii(name)[:60]} has a value or name that can't be sent")
        sendable[name] = trimmed
    return sendable


def _of_page(error: FetchError, url: str) -> FetchError:
    """Why a site's robots.txt can't be had, said of the page that waits for it."""
    if isinstance(error, HostHeldBack):
        return HostHeldBack(url, error.retry_after)
    if isinstance(error, HostUnresolved | ConnectionFailed | TimedOut):
        return type(error)(url, f"robots.txt: {error.detail}")
    return RobotsUnreachable(url, f"robots.txt: {error.detail}")
