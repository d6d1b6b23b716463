"""A word on a link, by a program: the same word as a person's on the page."""

from __future__ import annotations

import json

from aiohttp import web

from crawler.errors import UsageError
from crawler.model import LinkState
from crawler.web.api import schemas
from crawler.web.api.answers import answer
from crawler.web.api.bodies import read_body
from crawler.web.api.operations import Operation, Values
from crawler.web.guard import REVIEWER
from crawler.web.inbox import STORE

MOST_BODY = 16_384  # bytes
MOST_NOTE = 2_000  # characters
_MEDIA = ("application/json",)


async def review(request: web.Request, _values: Values) -> web.Response:
    verdict, note = _word(await read_body(request, _MEDIA, MOST_BODY))
    given = await request.app[STORE].review(request.match_info["link"], verdict, reviewer=request[REVIEWER], note=note)
    return await answer(request, given.as_json(), status=201)


def _word(body: bytes) -> tuple[LinkState, str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise UsageError("body: expected JSON") from None
    if not isinstance(told, dict) or not set(told) <= {"verdict", "note"}:
        raise UsageError("body: expected an object with verdict and note")
    verdict, note = told.get("verdict"), told.get("note", "")
    if verdict not in (LinkState.CONFIRMED.value, LinkState.REJECTED.value):
        raise UsageError("verdict: expected confirmed or rejected")
    if not isinstance(note, str) or len(note) > MOST_NOTE:
        raise UsageError(f"note: expected a text of at most {MOST_NOTE} characters")
    return LinkState(verdict), note


OPERATIONS = (
    Operation(
        "reviewLink", "POST", "/links/{link}/reviews",
        "Confirms or rejects a link, in the token's name. The same word again changes nothing.",
        review, "Review", body={_MEDIA[0]: schemas.ref("NewReview")}, writes=True, success=201,
        faults=(409,),
    ),
)  # fmt: skip
