"""All pages as one application, behind its guards."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from aiohttp import web

from crawler.clock import Clock, SystemClock
from crawler.pipeline.cpu import CpuPool
from crawler.settings import FetchSettings, LinkSettings
from crawler.store import Store
from crawler.web import comparing, downloading, faults, inbox, live, looking, overview
from crawler.web.api.problems import problems
from crawler.web.api.setup import add_api
from crawler.web.drawing import STATIC
from crawler.web.feed import Feed
from crawler.web.guard import GUARD, GUARDS, Guard

MAX_FORM = 64 * 1024  # bytes
_KEPT = "public, max-age=31536000, immutable"  # their addresses change with their content
_TYPES = {".js": "text/javascript", ".css": "text/css"}


def create_app(
    store: Store,
    cpu: CpuPool,
    guard: Guard,
    *,
    fetch: FetchSettings | None = None,
    clock: Clock | None = None,
    base_rate: float | None = None,
) -> web.Application:
    """The application; `store` and `cpu` stay its caller's to close.

    `fetch` are the rules by which the API fetches a page that it is asked to trace, `base_rate` is what reports say
    that probabilities are calibrated for; None: the defaults.
    """
    clock = clock or SystemClock()
    outermost, *guards = GUARDS
    app = web.Application(middlewares=(outermost, problems, *guards, faults.told), client_max_size=MAX_FORM)
    app[GUARD], app[inbox.STORE], app[inbox.CLOCK], app[comparing.CPU] = guard, store, clock, cpu
    app[downloading.BASE_RATE] = LinkSettings().base_rate if base_rate is None else base_rate
    app[live.FEED] = Feed(store)
    app.on_shutdown.append(live.close_feed)
    app.add_routes(
        [*inbox.ROUTES, *comparing.ROUTES, *looking.ROUTES, *downloading.ROUTES, *live.ROUTES, *overview.ROUTES]
    )
    add_api(app, fetch or FetchSettings(), clock)
    app.router.add_get("/static/{version}/{name}", _static)
    return app


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound(text="There is no such file.\n")
    body = (resources.files("crawler.web") / "static" / name).read_bytes()
    headers = {"Cache-Control": _KEPT}
    return web.Response(body=body, content_type=_TYPES[Path(name).suffix], charset="utf-8", headers=headers)
