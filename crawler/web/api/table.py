"""All operations, as routes and as the document that tells of them."""

from __future__ import annotations

from functools import cache

from aiohttp import web

from crawler.interchange import Json
from crawler.web.api import changes, looking, reading, reviewing, tracing
from crawler.web.api.answers import answer
from crawler.web.api.document import document
from crawler.web.api.operations import Operation, Values


async def openapi(request: web.Request, _values: Values) -> web.Response:
    return await answer(request, described())


OPERATIONS = (
    *reading.OPERATIONS,
    *reviewing.OPERATIONS,
    *looking.OPERATIONS,
    *changes.OPERATIONS,
    *tracing.OPERATIONS,
    Operation("getDocument", "GET", "/openapi.json", "This document.", openapi, ""),
)
ROUTES = tuple(one.route() for one in OPERATIONS)


@cache
def described() -> Json:
    """The OpenAPI document."""
    return document(OPERATIONS)
