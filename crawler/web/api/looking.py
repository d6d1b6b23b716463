"""A second look at a confirmed page, asked for by a program: as the button on the page does."""

from __future__ import annotations

from aiohttp import web

from crawler.interchange import time_to_json
from crawler.web.api.answers import answer
from crawler.web.api.operations import Operation, Values
from crawler.web.inbox import STORE


async def look(request: web.Request, _values: Values) -> web.Response:
    link = request.match_info["link"]
    due = await request.app[STORE].ask_look(link)
    return await answer(request, {"link": link, "due": time_to_json(due)}, status=202)


OPERATIONS = (
    Operation(
        "lookAgain", "POST", "/links/{link}/looks",
        "Has the page of a confirmed link looked at again by the next run. What it sees stands in the link's `looks`.",
        look, "AskedLook", writes=True, success=202,
    ),
)  # fmt: skip
