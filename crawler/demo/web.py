"""The sample web's server: nine invented hosts on one loopback port, told apart by the Host header."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime
from types import TracebackType

from aiohttp import web

from crawler.demo.sites import AMP, IMAGE, NOT_FOUND, SITES, Document, Layout, Shelf
from crawler.demo.stories import Stories
from crawler.model import Article, Source

_LOOPBACK = "127.0.0.1"
_COMPRESSING = frozenset(site.domain for site in SITES if site.gzip)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request that the sample web answered. `path` includes the query, `at` is by the monotonic clock (seconds)."""

    host: str
    path: str
    status: int
    at: float = field(default_factory=time.monotonic, compare=False)


class SampleWeb:
    """Serves stories while the context lasts: `stories`, or the bundled ones.

    The hosts are `dailyharbor.localhost` and so on, on 127.0.0.1 at a port of the system's choice; every page and feed
    has an ETag and Last-Modified, and conditional requests get a 304. `requests` is the access log.
    """

    def __init__(self, stories: Stories | None = None) -> None:
        self.stories = stories or Stories.bundled()
        self._layout: Layout | None = None
        self._shelves: dict[str, Shelf] = {}
        self._runner: web.AppRunner | None = None
        self.requests: list[Visit] = []
        self.port = 0

    async def __aenter__(self) -> SampleWeb:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _LOOPBACK, 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        self._layout = Layout(self.stories, self.port)
        self._shelves = self._layout.shelves()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def sources(self) -> list[Source]:
        """The sources that find all stories, with the port in their URLs."""
        return self._laid_out().sources()

    def url(self, article: Article) -> str:
        """Where an article of the corpus is served."""
        return self._laid_out().address(article)

    def _laid_out(self) -> Layout:
        if self._layout is None:
            raise RuntimeError("the sample web has no port before it is entered: use `async with`")
        return self._layout

    async def _answer(self, request: web.Request) -> web.Response:
        host = request.host.rsplit(":", 1)[0].lower()
        document = self._document(host, request)
        asked = time.monotonic()
        response = _conditional(request, document) or _whole(request, document, host)
        self.requests.append(Visit(host, request.path_qs, response.status, asked))
        return response

    def _document(self, host: str, request: web.Request) -> Document:
        shelf = self._shelves.get(host, {})
        if request.query.get("amp") == "1" and (twin := shelf.get(request.path + AMP)):
            return twin
        if request.path.startswith("/images/"):
            return IMAGE
        return shelf.get(request.path, NOT_FOUND)


def _conditional(request: web.Request, document: Document) -> web.Response | None:
    """304 where the client holds this version; an ETag counts before a date (RFC 9110, 13.2.2)."""
    if document.status != 200:
        return None
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        known = tags.strip() == "*" or document.etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    else:
        known = _unmodified_since(request.headers.get("If-Modified-Since"), document)
    return web.Response(status=304, headers=_validators(document)) if known else None


def _unmodified_since(header: str | None, document: Document) -> bool:
    if header is None:
        return False
    try:
        return document.modified.replace(microsecond=0) <= parsedate_to_datetime(header)
    except (ValueError, TypeError):  # no date at all, or one without a zone
        return False


def _whole(request: web.Request, document: Document, host: str) -> web.Response:
    headers = _validators(document) if document.status == 200 else {}
    body = document.body
    if host in _COMPRESSING and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if document.media_type:
        headers["Content-Type"] = document.media_type
    return web.Response(body=body, status=document.status, headers=headers)


def _validators(document: Document) -> dict[str, str]:
    return {"ETag": document.etag, "Last-Modified": format_datetime(document.modified, usegmt=True)}
