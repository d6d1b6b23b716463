"""What went wrong, as an answer: a page for a browser, a line for a page's script."""

from __future__ import annotations

import logging

from aiohttp import web

from crawler.errors import ChangedSince, NotFound, StoreError, UsageError
from crawler.web.drawing import is_fragment, page
from crawler.web.guard import Handler, is_api

log = logging.getLogger(__name__)

_STATUS = {NotFound: 404, ChangedSince: 409, UsageError: 400}


@web.middleware
async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our own errors in their own words; what nobody expected is logged, and told without its insides."""
    if is_api(request):
        return await handler(request)  # which tells its faults as a program reads them
    try:
        return await handler(request)
    except (NotFound, ChangedSince, UsageError) as error:
        return await _answer(request, _status(error), str(error))
    except StoreError as error:
        log.warning("%s: %s", request.path, error)
        return await _answer(request, 503, "The store can't be reached now.")
    except web.HTTPNotFound:
        return await _answer(request, 404, "There is no such page.")
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s failed", request.path)
        return await _answer(request, 500, "This page could not be made; the server's log says why.")


def _status(error: Exception) -> int:
    return next(status for kind, status in _STATUS.items() if isinstance(error, kind))


async def _answer(request: web.Request, status: int, text: str) -> web.Response:
    if is_fragment(request) or "text/html" not in request.headers.get("Accept", ""):
        return web.Response(text=f"{text}\n", status=status)
    return await page(request, "fault.html", status, text=text)
