"""Server-sent events: how a stream of them is kept open, and given up where nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from crawler.errors import WiretraceError

BEAT = 15.0  # seconds between two signs of life; then it is looked whether the token is still live, too
MOST_WAIT = 30.0  # seconds for a client that does not read
RETRY = 3_000  # milliseconds after which a client that was cut off comes again


async def stream(request: web.Request, parts: AsyncIterator[bytes]) -> web.StreamResponse:
    """Sends the parts as they come, till there are no more, the client is gone or the store is away."""
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    await response.prepare(request)
    try:
        await response.write(b"retry: %d\n\n" % RETRY)
        async for part in parts:
            async with asyncio.timeout(MOST_WAIT):
                await response.write(part)
    except (ConnectionError, TimeoutError, WiretraceError):
        pass  # it comes again by itself, and says from where
    return response
