"""Values as answers: JSON, with a tag by which a client asks whether it is still so."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from crawler.interchange import Json

_KEPT = "private, no-cache"  # the client's own copy, asked about each time: licensed texts lie in no shared cache


async def answer(request: web.Request, value: object, *, status: int = 200) -> web.Response:
    """JSON; 304 and no body where the client's copy is as it is now."""
    body, tag = await asyncio.to_thread(_written, value)
    headers = {"Cache-Control": _KEPT}
    if request.method not in {"GET", "HEAD"}:
        return web.Response(body=body, status=status, content_type="application/json", headers=headers)
    headers["ETag"] = f'"{tag}"'
    held = request.if_none_match or ()
    if any(one.value in {tag, "*"} for one in held):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


async def page(request: web.Request, rows: Sequence[object], next_place: str | None) -> web.Response:
    """A page of a list; the next one's address stands in a Link header as well."""
    made: Json = {"data": list(rows), "next": next_place}
    response = await answer(request, made)
    if next_place is not None:
        query = {**request.query, "after": next_place}
        response.headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return response


def dumped(value: object) -> bytes:
    """One line of JSON. Half a pair of surrogates, which a page's title may hold, has no UTF-8: it stays an escape."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _written(value: object) -> tuple[bytes, str]:
    body = dumped(value)
    return body, hashlib.blake2b(body, digest_size=12).hexdigest()
