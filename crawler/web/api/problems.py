"""What went wrong, as application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from aiohttp import web

from crawler.errors import (
    ChangedSince,
    ExtractError,
    FetchError,
    NotFound,
    StoreError,
    UsageError,
    WiretraceError,
)
from crawler.web.guard import Handler, is_api

log = logging.getLogger(__name__)

_MEDIA = "application/problem+json"
_STATUS: tuple[tuple[type[WiretraceError], int], ...] = (
    (NotFound, 404),
    (ChangedSince, 409),
    (UsageError, 400),
    (ExtractError, 422),
    (FetchError, 422),
)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every fault of the API in one form; pages have a form of their own."""
    if not is_api(request):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        kept = {name: value for name, value in refusal.headers.items() if name in _KEPT}
        return problem(refusal.status, _told(refusal), headers=kept)
    except WiretraceError as error:
        return _of(request, error)
    except Exception:
        log.exception("%s failed", request.path)
        return problem(500, "This could not be answered; the server's log says why.")


_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


def problem(
    status: int, detail: str, *, reason: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    told: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if reason is not None:
        told["reason"] = reason
    return web.Response(body=json.dumps(told).encode(), status=status, content_type=_MEDIA, headers=headers)


def _of(request: web.Request, error: WiretraceError) -> web.Response:
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return problem(status, str(error), reason=getattr(error, "reason", None))
    log.warning("%s: %s", request.path, error)
    if isinstance(error, StoreError):
        return problem(503, "The store can't be reached now.", headers={"Retry-After": "30"})
    return problem(503, "This can't be done now; the server's log says why.", headers={"Retry-After": "30"})


def _told(refusal: web.HTTPException) -> str:
    if refusal.status == 404:
        return "There is nothing at this address."
    if refusal.status == 405:
        return f"Expected {refusal.headers.get('Allow', 'another method')}."
    if refusal.status == 413:
        return "Expected a smaller body."
    return (refusal.text or refusal.reason).strip()
