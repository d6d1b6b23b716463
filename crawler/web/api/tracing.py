"""One article against the store, as `wiretrace trace` does it: by its HTML, its text or its URL."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web

from crawler import urls
from crawler.clock import Clock
from crawler.errors import ExtractError, UsageError
from crawler.fetch import Fetcher
from crawler.jobs.tracing import trace_in
from crawler.model import RawDocument
from crawler.pipeline.cpu import WorkCrashed
from crawler.web.api import schemas
from crawler.web.api.answers import answer
from crawler.web.api.bodies import read_body
from crawler.web.api.operations import Operation, Param, Values
from crawler.web.api.rate import Rate
from crawler.web.comparing import CPU
from crawler.web.guard import CALLER
from crawler.web.inbox import STORE

MOST_BODY = 4_000_000  # bytes
MOST_URL = 4_000  # characters
AT_ONCE = 2  # traces under way; more wait
MOST_WAITING = 8
NAMELESS = "posted:"  # the address of an article that came without one
_JSON = "application/json"
_MEDIA = ("text/html", "application/xhtml+xml", "text/plain", _JSON)


@dataclass
class Tracing:
    """What traces need beside the store and the workers, and how many there may be."""

    clock: Clock
    rate: Rate
    fetcher: Fetcher | None = None  # while the server is up
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    under_way: int = 0


TRACING = web.AppKey("tracing", Tracing)


async def trace(request: web.Request, values: Values) -> web.Response:
    tracing = request.app[TRACING]
    wait = tracing.rate.take(request[CALLER].name)
    if wait > 0:
        raise _too_often(wait)
    if tracing.under_way >= AT_ONCE + MOST_WAITING:
        raise _too_often(5)
    tracing.under_way += 1
    try:
        body = await read_body(request, _MEDIA, MOST_BODY)
        async with tracing.slots:
            document = await _document(request, values, body)
            try:
                found = await trace_in(request.app[STORE], request.app[CPU], document, clock=tracing.clock)
            except WorkCrashed:  # twice, in a process of its own: it is the article's fault
                raise ExtractError(document.url, "crashed", "expected an article that can be worked on") from None
        return await answer(request, found.as_json())
    finally:
        tracing.under_way -= 1


def _too_often(seconds: float) -> web.HTTPException:
    return web.HTTPTooManyRequests(
        text="Expected fewer articles a minute.", headers={"Retry-After": str(max(1, round(seconds)))}
    )


async def _document(request: web.Request, values: Values, body: bytes) -> RawDocument:
    """The article as bytes. A URL is fetched under the rules of every fetch: no private address, no odd port."""
    if request.content_type == _JSON:
        if "url" in values:
            raise UsageError("url: expected in the body, where that is JSON")
        fetcher = request.app[TRACING].fetcher
        assert fetcher is not None
        return (await fetcher.get(_wanted(body), robots=False)).document()
    if not body.strip():
        raise UsageError("body: expected an article, it is empty")
    url = urls.normalize(values["url"]) if values.get("url") else NAMELESS
    return RawDocument(url=url, body=body, media_type=request.content_type, charset=request.charset)


def _wanted(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("body: expected JSON") from None
    url = told.get("url") if isinstance(told, dict) and set(told) == {"url"} else None
    if not isinstance(url, str) or len(url) > MOST_URL:
        raise UsageError("body: expected an object with url and nothing else")
    return urls.normalize(url)


OPERATIONS = (
    Operation(
        "trace", "POST", "/trace", "Finds the original of one article, which is not stored: the relation, the evidence,"
        " and what else was considered. The body is the article, as HTML or plain text, or names its URL.",
        trace, "Trace",
        params=(Param("url", "The article's own address, where the body is the article"),),
        body={
            **{media: {"type": "string", "pattern": "\\S"} for media in _MEDIA if media != _JSON},
            _JSON: schemas.ref("TraceUrl"),
        },
        faults=(422, 429),
    ),
)  # fmt: skip
