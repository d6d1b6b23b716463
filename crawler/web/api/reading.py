"""What is stored: articles, links, stories, reviews, sources, and how the whole stands."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from crawler.errors import NotFound, UsageError
from crawler.interchange import Json
from crawler.model import Completeness, LinkState, Relation, Role
from crawler.store import Store
from crawler.store.publishing import ArticleFilter
from crawler.store.tokens import Right
from crawler.web.api.answers import answer, page
from crawler.web.api.operations import (
    AFTER,
    AFTER_NUMBER,
    LIMIT,
    Operation,
    Param,
    Values,
    limit_of,
    number_of,
    words_of,
)
from crawler.web.asking import ANY, CURSOR, asked, cursor, cursor_text
from crawler.web.guard import CALLER
from crawler.web.inbox import STORE

STATUS_KEPT = 5.0  # seconds; it counts the whole store
MOST_QUERY_WORDS = "Words and phrases in quotes that title or text must have; goes with no other filter"
_STORY_PLACE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})")


@dataclass
class KeptStatus:
    """The last status, so that a dashboard that asks each second costs the store little."""

    told: Mapping[str, Any] = field(default_factory=dict)
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, store: Store) -> Mapping[str, Any]:
        async with self.lock:
            if time.monotonic() >= self.until:
                self.told, self.until = await store.status(), time.monotonic() + STATUS_KEPT
            return self.told


STATUS = web.AppKey("kept_status", KeptStatus)


async def articles(request: web.Request, values: Values) -> web.Response:
    store, limit = request.app[STORE], limit_of(values)
    place = number_of(values, "after")
    if "q" in values:
        if any(name in values for name in ("role", "publisher", "completeness")):
            raise UsageError("q: expected without role, publisher and completeness")
        hits = await store.search(values["q"].replace("\x00", " "), after=place, limit=limit)
        rows = [row for hit in hits.hits if (row := await _article_or_none(store, hit.brief.id)) is not None]
        return await page(request, rows, None if hits.next is None else str(hits.next))
    wanted = ArticleFilter(values.get("role", ""), values.get("publisher", ""), values.get("completeness", ""))
    found = await store.public_articles(wanted, before=place, limit=limit)
    return await page(request, found.rows, None if found.next is None else str(found.next))


async def _article_or_none(store: Store, article_id: str) -> Json | None:
    try:
        return await store.public_article(article_id)
    except NotFound:  # a teaser that no log tells of, or removed since it was found
        return None


async def article(request: web.Request, _values: Values) -> web.Response:
    return await answer(request, await request.app[STORE].public_article(request.match_info["article"]))


async def links(request: web.Request, values: Values) -> web.Response:
    store = request.app[STORE]
    wanted = asked({"state": ANY, **values}).filter
    found = await store.browse_links(wanted, after=cursor(values), limit=limit_of(values))
    rows = await store.public_links([one.id for one in found.links])
    return await page(request, rows, cursor_text(found.next) if found.next else None)


async def link(request: web.Request, _values: Values) -> web.Response:
    return await answer(request, await _link(request))


async def _link(request: web.Request) -> Json:
    wanted = request.match_info["link"]
    found = await request.app[STORE].public_links([wanted])
    if not found:
        raise NotFound(f"there is no link {wanted}")
    return found[0]


async def stories(request: web.Request, values: Values) -> web.Response:
    store, limit = request.app[STORE], limit_of(values)
    found = await store.browse_stories(after=_story_place(values), limit=limit + 1)
    rows = await store.public_stories([one.id for one in found[:limit]])
    more = len(found) > limit
    return await page(request, rows, f"{found[limit - 1].size}.{found[limit - 1].id}" if more else None)


async def story(request: web.Request, _values: Values) -> web.Response:
    return await answer(request, await request.app[STORE].public_story(request.match_info["story"]))


async def reviews(request: web.Request, values: Values) -> web.Response:
    limit = limit_of(values)
    rows: list[Json] = []
    async for one in request.app[STORE].export_reviews(number_of(values, "after") or 0):
        if len(rows) == limit:
            return await page(request, rows, str(rows[-1]["no"]))
        rows.append(one.as_json())
    return await page(request, rows, None)


async def reviews_of(request: web.Request, _values: Values) -> web.Response:
    told = await _link(request)
    given = await request.app[STORE].reviews_of(told["id"])
    return await page(request, [one.as_json() for one in given], None)


async def sources(request: web.Request, values: Values) -> web.Response:
    limit, after = limit_of(values), values.get("after", "")
    found = [one for one in await request.app[STORE].sources() if one.name > after]
    shown = sorted(found, key=lambda one: one.name)[:limit]
    rows = [one.as_json() for one in shown]
    return await page(request, rows, shown[-1].name if len(found) > limit else None)


async def status(request: web.Request, _values: Values) -> web.Response:
    return await answer(request, await request.app[STATUS].of(request.app[STORE]))


async def caller(request: web.Request, _values: Values) -> web.Response:
    who = request[CALLER]
    return await answer(request, {"name": who.name, "rights": Right.WRITE if who.may_write else Right.READ})


def _story_place(values: Values) -> tuple[int, str] | None:
    text = values.get("after", "")
    if not text:
        return None
    found = _STORY_PLACE.fullmatch(text)
    if found is None:
        raise UsageError("after: expected the place that a page's next names")
    return int(found[1]), found[2]


_SHARE = {"minimum": 0, "maximum": 1}
_DAY = {"format": "date", "pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-"}
_LINK_FILTERS = (
    Param("state", "Links of this state; all unless told", (*words_of(LinkState), ANY)),
    Param("relation", "Links of this relation", words_of(Relation)),
    Param("publisher", "The original's publisher"),
    Param("site", "The page's host, without www"),
    Param("least", "The least score", kind="number", bounds=_SHARE),
    Param("most", "The greatest score", kind="number", bounds=_SHARE),
    Param("from", "Decided on this day (UTC) or later", bounds=_DAY),
    Param("to", "Decided on this day (UTC) or earlier", bounds=_DAY),
)
_ARTICLE_FILTERS = (
    Param("role", "Articles of this role", words_of(Role)),
    Param("publisher", "Articles of this publisher"),
    Param("completeness", "Full texts or teasers", words_of(Completeness)),
    Param("q", MOST_QUERY_WORDS),
)
_AFTER_LINK = replace(AFTER, bounds={"pattern": CURSOR})
_AFTER_STORY = replace(AFTER, bounds={"pattern": f"^({_STORY_PLACE.pattern})?$"})

OPERATIONS = (
    Operation(
        "listArticles", "GET", "/articles", "Articles with their texts, those that changed last first. A page may have"
        " fewer rows than its limit, or none, and still a next one.",
        articles, "Article", many=True, params=(*_ARTICLE_FILTERS, AFTER_NUMBER, LIMIT),
    ),
    Operation("getArticle", "GET", "/articles/{article}", "One article.", article, "Article"),
    Operation(
        "listLinks", "GET", "/links", "Links with their evidence, the newest decision first.",
        links, "Link", many=True, params=(*_LINK_FILTERS, _AFTER_LINK, LIMIT),
    ),
    Operation("getLink", "GET", "/links/{link}", "One link, retracted ones as well.", link, "Link"),
    Operation(
        "listReviewsOfLink", "GET", "/links/{link}/reviews", "People's words on one link, the oldest first.",
        reviews_of, "Review", many=True,
    ),
    Operation(
        "listStories", "GET", "/stories", "Stories, the largest first. Of one with over a hundred members the list has"
        " none (null): ask for the story itself.",
        stories, "Story", many=True, params=(_AFTER_STORY, LIMIT),
    ),
    Operation(
        "getStory", "GET", "/stories/{story}", "One story with its members. By the id of one that was merged it gives"
        " the story which that is part of now.",
        story, "Story",
    ),
    Operation(
        "listReviews", "GET", "/reviews", "People's words on links, in the order in which they were given.",
        reviews, "Review", many=True, params=(AFTER_NUMBER, LIMIT),
    ),
    Operation(
        "listSources", "GET", "/sources", "The sources and their health, by name.",
        sources, "Source", many=True, params=(AFTER, LIMIT),
    ),
    Operation("getStatus", "GET", "/status", "Queue, workers, sources in trouble, last runs; up to 5 s old.",
        status, "Status"),
    Operation("getCaller", "GET", "/caller", "Whose token this is, and whether it may write.", caller, "Caller"),
)  # fmt: skip
