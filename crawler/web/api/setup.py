"""The API as a part of the application."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from aiohttp import web

from crawler.clock import Clock
from crawler.fetch import Fetcher
from crawler.settings import FetchSettings
from crawler.web.api.changes import STREAMS, Streams, close_streams
from crawler.web.api.rate import Rate
from crawler.web.api.reading import STATUS, KeptStatus
from crawler.web.api.table import ROUTES
from crawler.web.api.tracing import TRACING, Tracing

TRACES_A_MINUTE, TRACES_AT_ONCE = 60, 20  # of one caller


def add_api(app: web.Application, fetch: FetchSettings, clock: Clock) -> None:
    """Its addresses, and what they need beside the store."""

    async def tracing(_app: web.Application) -> AsyncIterator[None]:
        async with Fetcher(fetch, clock) as fetcher:
            app[TRACING].fetcher = fetcher
            yield

    # Made here: an application that has started can't be given anything new.
    app[TRACING] = Tracing(clock, Rate(TRACES_A_MINUTE, TRACES_AT_ONCE, time.monotonic))
    app[STATUS], app[STREAMS] = KeptStatus(), Streams()
    app.cleanup_ctx.append(tracing)
    app.on_shutdown.append(close_streams)
    app.add_routes(ROUTES)
