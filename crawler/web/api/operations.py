"""What an operation of the API is: its address, what it takes, what it gives. Requests are checked by this, and the
OpenAPI document is written from it: neither can say what the other does not."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

from crawler.errors import UsageError
from crawler.interchange import Json
from crawler.web.guard import CALLER

PREFIX = "/api/v1"
MOST_ROWS = 100  # on one page of a list
ROWS = 30
MOST_TEXT = 200  # characters of a parameter's value
_LIMIT = re.compile(r"[0-9]{1,3}")

Values = Mapping[str, str]
Handle = Callable[[web.Request, Values], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a query. `words`: the only values it takes."""

    name: str
    about: str
    words: tuple[str, ...] = ()
    kind: str = "string"
    bounds: Mapping[str, Any] = field(default_factory=dict)

    def schema(self) -> Json:
        if self.words:
            return {"type": "string", "enum": list(self.words)}
        longest = {"maxLength": MOST_TEXT} if self.kind == "string" else {}
        return {"type": self.kind, **longest, **self.bounds}


@dataclass(frozen=True, slots=True)
class Operation:
    """`gives` is the name of the answer's shape; with `many` a page of those. `body` maps media types to shapes."""

    name: str
    method: str
    path: str
    about: str
    handle: Handle
    gives: str
    many: bool = False
    params: tuple[Param, ...] = ()
    body: Mapping[str, Json] = field(default_factory=dict)
    writes: bool = False
    stream: bool = False
    success: int = 200
    faults: tuple[int, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """What it may answer beside success: every operation may refuse who asks, or have lost its store."""
        usual = [400, 401, 403, 421, 503]
        held = [304] if self.method == "GET" and not self.stream else []
        missing = [404] if "{" in self.path else []
        sent = [413, 415] if self.body else []
        return tuple(sorted({*usual, *held, *missing, *sent, *self.faults}))

    def route(self) -> web.RouteDef:
        path = PREFIX + re.sub(r"\{(\w+)\}", r"{\1:[0-9a-f]{32}}", self.path)
        options = {"allow_head": not self.stream} if self.method == "GET" else {}
        return web.RouteDef(self.method, path, self._answer, options)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.writes and not request[CALLER].may_write:
            raise web.HTTPForbidden(text="This token may read only.")
        return await self.handle(request, self.read(request))

    def read(self, request: web.Request) -> Values:
        """The query's values by name. Raises UsageError for what the operation does not take, or takes once only."""
        known = {param.name: param for param in self.params}
        for name in request.query:
            if name not in known:
                expected = f"one of {', '.join(known)}" if known else "none"
                raise UsageError(f"{name!r:.40}: there is no such parameter, expected {expected}")
            if len(request.query.getall(name)) > 1:
                raise UsageError(f"{name}: expected once")
        for name, value in request.query.items():
            words = known[name].words
            if words and value not in words:
                raise UsageError(f"{name}: expected {', '.join(words)}, got {value!r:.40}")
            if "\x00" in value:  # which PostgreSQL takes for no text
                raise UsageError(f"{name}: expected a text without NUL")
            if len(value) > MOST_TEXT:
                raise UsageError(f"{name}: expected at most {MOST_TEXT} characters")
        return dict(request.query)


def words_of(kind: type[StrEnum]) -> tuple[str, ...]:
    return tuple(one.value for one in kind)


_AFTER = "The place behind which to go on: `next` of the page before"
AFTER = Param("after", _AFTER)
AFTER_NUMBER = Param("after", _AFTER, bounds={"pattern": "^[0-9]{0,18}$"})
LIMIT = Param(
    "limit", f"Rows on a page, {ROWS} unless told", kind="integer", bounds={"minimum": 1, "maximum": MOST_ROWS}
)


def limit_of(values: Values) -> int:
    """How many rows are asked for. Raises UsageError."""
    text = values.get("limit", str(ROWS))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MOST_ROWS:
        raise UsageError(f"limit: expected a number from 1 to {MOST_ROWS}, got {text!r:.40}")
    return int(text)


def number_of(values: Values, name: str) -> int | None:
    """A place in a list that is a number, None where none is given. Raises UsageError."""
    text = values.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(f"{name}: expected the number that a page's next names, got {text!r:.40}")
    return int(text)
