"""Templates into answers. They are drawn in a thread: a page of two long texts takes milliseconds that are not the
event loop's."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from crawler.web import taming
from crawler.web.guard import GUARD, REVIEWER

STATIC = ("app.js", "htmx.min.js", "live.js", "style.css")
_DAY = 86_400


def is_fragment(request: web.Request) -> bool:
    """Whether a page's script asks, which puts parts into the page, rather than the browser for a whole one."""
    return request.headers.get("HX-Request") == "true"


async def page(request: web.Request, template: str, /, status: int = 200, **values: Any) -> web.Response:
    """A template with the values, and with what every page has."""
    known = {
        "token": request.app[GUARD].token,
        "reviewer": request[REVIEWER],
        "here": request.path,
        "statics": static_versions(),
    }
    text = await asyncio.to_thread(lambda: environment().get_template(template).render({**known, **values}))
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("crawler.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.filters |= {
        "line": taming.line,
        "address": taming.web_address,
        "moment": moment,
        "stamp": stamp,
        "percent": percent,
        "span": span,
        "many": many,
    }
    return made


@cache
def static_versions() -> dict[str, str]:
    """What stands behind the name of a static file, so that a browser may keep it and never has an old one."""
    folder = resources.files("crawler.web") / "static"
    return {name: hashlib.blake2b((folder / name).read_bytes(), digest_size=6).hexdigest() for name in STATIC}


def moment(when: datetime | None) -> str:
    return "unknown" if when is None else when.astimezone(UTC).strftime("%-d %b %Y, %H:%M")


def stamp(when: datetime | None) -> str:
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(share: float) -> str:
    """Near certainty and near nothing are not rounded to certainty and nothing."""
    value = 100 * share
    if 99 <= value < 100 or 0 < value < 1:
        return f"{min(value, 99.9):.1f} %" if value >= 0.1 else "under 0.1 %"
    return f"{value:.0f} %"


def span(seconds: float | None) -> str:
    """A time between two events, in its greatest unit."""
    if seconds is None:
        return "unknown"
    size, before = abs(seconds), "−" if seconds < 0 else ""
    for unit, name in ((_DAY, "d"), (3_600, "h"), (60, "min")):
        if size >= unit:
            return f"{before}{size / unit:.1f} {name}" if size < 10 * unit else f"{before}{size / unit:.0f} {name}"
    return f"{before}{size:.0f} s"


def many(count: int, most: int) -> str:
    """A count that stops at `most`."""
    return f"over {most:,}" if count > most else f"{count:,}"
