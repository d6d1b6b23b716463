"""Bodies of requests, bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from crawler.errors import UsageError

LONGEST = 30.0  # seconds that a body may take to come


async def read_body(request: web.Request, media: Collection[str], limit: int) -> bytes:
    """The body, of one of the media types and of at most `limit` bytes. Raises UsageError and HTTP's own refusals."""
    if request.content_type not in media:
        raise web.HTTPUnsupportedMediaType(text=f"Expected {', '.join(media)}.")
    too_large = web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length or limit + 1)
    if (request.content_length or 0) > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(LONGEST):
            # Not request.read(): its bound is the one of the pages' small forms.
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise UsageError(f"body: expected within {LONGEST:.0f} seconds") from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        raise UsageError("body: expected whole, it broke off or its encoding is wrong") from None
    return b"".join(parts)
