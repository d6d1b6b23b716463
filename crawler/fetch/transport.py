"""One request and its answer over the wire: connections, limits, decoding. Who may be asked is decided before."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from crawler.clock import Clock
from crawler.errors import BodyTooLarge, MediaRefused, SettingsError
from crawler.fetch import header
from crawler.fetch.addresses import AddressRules
from crawler.fetch.decoder import BodyDecoder
from crawler.fetch.names import Names, PermittedNames, guarded_socket
from crawler.fetch.target import Target, is_asked_directly
from crawler.settings import FetchSettings

# Real sites send content security policies of some 20 KB; a flood is bounded at 200 times the longest.
_MAX_FIELD = 32_768  # bytes, a header's value
_MAX_LINE = 16_384  # bytes, the status line
_MAX_HEADERS = 200
_MOST_SPOILT = 10  # connections given up for one request; no more of one host are kept than may be under way
_BREATH = 1 << 20  # bytes decoded before the event loop gets its turn


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` and `raw` are empty but for statuses of the 200 family; seconds in `elapsed`."""

    status: int
    reason: str
    headers: CIMultiDictProxy[str]
    ip: str | None
    raw: bytes
    body: bytes
    elapsed: float


class _PeeredResponse(aiohttp.ClientResponse):
    """Remembers the peer: a short answer gives its connection back before anyone can ask for it."""

    peer: str | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        if connection.transport is not None:
            name = connection.transport.get_extra_info("peername")
            self.peer = str(name[0]) if name else None
        return await super().start(connection)


class _Connector(aiohttp.TCPConnector):
    """Gives out no kept connection on which the server has spoken unasked: that would pass for the next answer."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # the library's own signature
    ) -> aiohttp.connector.Connection:
        for _ in range(_MOST_SPOILT):
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()
        raise aiohttp.ServerDisconnectedError


def _watched() -> aiohttp.TraceConfig:
    """Has who makes a request told when it goes out."""

    async def tell(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx()

    watched = aiohttp.TraceConfig()
    watched.on_request_headers_sent.append(tell)
    return watched


class Transport:
    """A session for direct requests, and one beside it where a proxy is set.

    The proxy's own address is the operator's word and not checked, so its connections have a connector of their
    own. Raises SettingsError for a `ca_file` that is none.
    """

    def __init__(self, settings: FetchSettings, names: Names, rules: AddressRules, clock: Clock) -> None:
        self._settings = settings
        self._names, self._rules, self._clock = names, rules, clock
        self._tls = tls_context(settings.ca_file)
        self._proxy = URL(settings.proxy) if settings.proxy else None
        self._direct: aiohttp.ClientSession | None = None
        self._proxied: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._direct = self._session(
            _Connector(
                ssl=self._tls,
                limit=0,  # the gate counts requests under way
                resolver=PermittedNames(self._names, self._rules),
                use_dns_cache=False,  # the names are remembered already
                socket_factory=guarded_socket(self._rules),
            )
        )
        if self._proxy is not None:
            self._proxied = self._session(_Connector(ssl=self._tls, limit=0))

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            response_class=_PeeredResponse,
            trace_configs=[_watched()],
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_timeout),
            max_field_size=_MAX_FIELD,
            max_line_size=_MAX_LINE,
            max_headers=_MAX_HEADERS,
        )

    async def close(self) -> None:
        for session in (self._direct, self._proxied):
            if session is not None:
                await session.close()

    def goes_by_proxy(self, target: Target) -> bool:
        return self._proxy is not None and not is_asked_directly(target, self._settings.no_proxy)

    async def exchange(
        self,
        target: Target,
        headers: Mapping[str, str],
        *,
        limit: int,
        sent: Callable[[], None],
        cut: bool = False,
        any_media: bool = False,
    ) -> Answer:
        """One GET, redirects not followed, at most `limit` bytes of body (`cut`: that many and no error). `sent` is
        called when the request goes out, which is after its connection was made.

        Raises BodyTooLarge, BodyUndecodable, MediaRefused, and what the client raises.
        """
        begun = self._clock.monotonic()
        async with self._request("GET", target, headers, sent=sent) as response:
            answered = CIMultiDictProxy(
                CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
            )
            raw = body = b""
            if 200 <= response.status < 300:
                media_type, _ = header.content_type(answered.get("Content-Type", ""))
                if not any_media and header.refused_media(media_type):
                    raise MediaRefused(target.url, f"is {media_type}")
                raw, body = await _Body(target.url, limit, cut, any_media).read(response, answered)
            peer = response.peer if isinstance(response, _PeeredResponse) and not self.goes_by_proxy(target) else None
            return Answer(
                status=response.status,
                reason=response.reason or "",
                headers=answered,
                ip=peer,
                raw=raw,
                body=body,
                elapsed=self._clock.monotonic() - begun,
            )

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST, redirects not followed. Of the answer only the head is read: its body is nobody's concern, and a
        connection on which it does not come with the head is closed."""
        begun = self._clock.monotonic()
        async with self._request("POST", target, headers, body) as response:
            elapsed = self._clock.monotonic() - begun
            answered = CIMultiDictProxy(CIMultiDict(response.headers))
            return Answer(response.status, response.reason or "", answered, None, b"", b"", elapsed)

    def _request(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None = None,
        sent: Callable[[], None] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        by_proxy = self.goes_by_proxy(target)
        session = self._proxied if by_proxy else self._direct
        assert session is not None, "the fetcher is used as a context manager"
        return session.request(
            method,
            URL(target.url, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy if by_proxy else None,
            trace_request_ctx=sent,
        )


class _Body:
    """A body on its way in, within its limits."""

    def __init__(self, url: str, limit: int, cut: bool, any_media: bool) -> None:
        self._url, self._limit, self._cut, self._any_media = url, limit, cut, any_media
        self._raw = bytearray()
        self._decoded = bytearray()

    async def read(self, response: aiohttp.ClientResponse, headers: Mapping[str, str]) -> tuple[bytes, bytes]:
        """The bytes as sent, and decoded."""
        if not self._cut and (response.content_length or 0) > self._limit:
            raise BodyTooLarge(self._url, f"announces {response.content_length} bytes, more than {self._limit}")
        encodings = ", ".join(response.headers.getall("Content-Encoding", ()))
        decoder = BodyDecoder(self._url, encodings, self._limit)
        try:
            async for chunk in response.content.iter_any():
                await self._take(chunk, decoder)
            decoder.finish()
        except BodyTooLarge:
            if not self._cut:
                raise
        self._look(final=True)
        raw = bytes(self._raw)
        return raw, bytes(self._decoded) if decoder.undoes else raw[: self._limit]

    async def _take(self, chunk: bytes, decoder: BodyDecoder) -> None:
        self._raw += chunk
        if len(self._raw) > self._limit:
            raise BodyTooLarge(self._url, f"sends more than {self._limit} bytes")
        if not decoder.undoes:
            self._look()
            return
        breath = len(self._decoded) + _BREATH
        for piece in decoder.feed(chunk):
            self._decoded += piece
            self._look()
            if len(self._decoded) > breath:
                breath += _BREATH
                await asyncio.sleep(0)

    def _look(self, *, final: bool = False) -> None:
        """Stops at the first bytes of what is no text, whatever its header says."""
        if self._any_media:
            return
        head = bytes((self._decoded or self._raw)[: header.SNIFFED])
        if len(head) < header.SNIFFED and not final:
            return
        if kind := header.sniff(head):
            raise MediaRefused(self._url, f"is a {kind}")


@lru_cache(maxsize=4)  # reading the system's authorities takes 20 ms
def tls_context(ca_file: str) -> ssl.SSLContext:
    """The system's certificate authorities and those of the file. Raises SettingsError for a file that is none."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=Path(ca_file).expanduser())
        except (OSError, ssl.SSLError):
            raise SettingsError("fetch", "fetch.ca_file", f"expected a PEM file, got {ca_file!r}") from None
    return context
