"""The report on one link, to be downloaded: the file that `wiretrace export report` writes."""

from __future__ import annotations

import asyncio

from aiohttp import web

from crawler.errors import UsageError
from crawler.jobs.passing import passing_of
from crawler.jobs.reporting import Terms, one_link
from crawler.model import Standing
from crawler.web.inbox import CLOCK, STORE
from crawler.web.reporting import report as drawn

BASE_RATE = web.AppKey("base_rate", float)


async def report(request: web.Request) -> web.Response:
    """A link whose standing is not `ours` only where the address names that standing, as on the command line."""
    store, link = request.app[STORE], request.match_info["link"]
    view = await one_link(store, link, Terms((Standing.OURS, *_standing(request))))
    passing = await passing_of(store, ())
    at, base_rate = request.app[CLOCK].now(), request.app[BASE_RATE]
    text = await asyncio.to_thread(lambda: "".join(drawn(view, passing, at=at, base_rate=base_rate)))
    headers = {"Content-Disposition": f'attachment; filename="report-{link}.html"'}
    body = text.encode("utf-8", "replace")
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)


def _standing(request: web.Request) -> tuple[Standing, ...]:
    text = request.query.get("standing", "")
    if not text:
        return ()
    try:
        return (Standing(text),)
    except ValueError:
        raise UsageError(f"standing: expected {', '.join(Standing)}, got {text!r:.40}") from None


ROUTES = (web.get("/links/{link:[0-9a-f]{32}}/report", report),)
