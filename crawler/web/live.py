"""The page on which one watches the crawler at work: the last that happened as a list, and then as it happens."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiohttp import web

from crawler.errors import UsageError
from crawler.store.happenings import Mark
from crawler.web.drawing import page
from crawler.web.eventstream import BEAT, stream
from crawler.web.feed import MOST_EVENTS, Feed, Listener, batch_of, shown
from crawler.web.guard import GUARD
from crawler.web.inbox import STORE

FEED = web.AppKey("feed", Feed)
SHOWN = 60  # rows of the list at first


async def live(request: web.Request) -> web.Response:
    found = await request.app[STORE].latest_happenings(SHOWN)
    rows = [shown(one) for one in reversed(found.events)]
    return await page(request, "live.html", rows=rows, mark=str(found.mark))


async def events(request: web.Request) -> web.StreamResponse:
    """What happens behind the mark that the client names: by itself after it was cut off, else the page's."""
    feed = request.app[FEED]
    text = request.headers.get("Last-Event-ID", "").strip() or request.query.get("after", "")
    mark = Mark.of(text)
    if mark is None:
        raise UsageError(f"after: expected the place that the page names, got {text!r:.40}")
    if feed.is_full:
        raise web.HTTPTooManyRequests(text="Too many are watching.\n", headers={"Retry-After": "30"})
    listener = feed.join()  # before the past is read, so that nothing falls between
    try:
        return await stream(request, _parts(request, feed, listener, mark))
    finally:
        feed.leave(listener)


async def _parts(request: web.Request, feed: Feed, listener: Listener, mark: Mark) -> AsyncIterator[bytes]:
    past = batch_of(await request.app[STORE].happenings(mark, MOST_EVENTS))
    if told := past.since(mark):
        yield told
    mark, beaten = past.mark, time.monotonic()
    while not feed.closed:
        batch = await listener.take(BEAT)
        if listener.missed:
            listener.missed = False
            yield b"event: missed\ndata: 0\n\n"
        if batch is not None:
            if told := batch.since(mark):
                yield told
            mark = Mark(max(mark.seq, batch.mark.seq), *max(mark.failed, batch.mark.failed))
        if time.monotonic() - beaten >= BEAT:
            if await request.app[GUARD].identify(request) is None:
                return
            beaten = time.monotonic()
            yield b": still here\n\n"


async def close_feed(app: web.Application) -> None:
    """On shutdown: streams would go on for ever."""
    await app[FEED].close()


ROUTES = (web.get("/live", live), web.get("/live/events", events, allow_head=False))
