"""The other pages: stories, sites, sources, pages without an original, search, and one article."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from crawler.errors import NotFound, UsageError
from crawler.interchange import link_id
from crawler.store.browsing import Brief
from crawler.store.overviews import StoryMember, StoryView
from crawler.store.searching import Hit, terms
from crawler.web import passages
from crawler.web.drawing import page
from crawler.web.inbox import STORE
from crawler.web.taming import tamed

PER_PAGE = 30
LETTERS = 10  # deliveries that were given up
MOST_QUERY = 200  # characters
SPARK_DAYS = 14
AROUND = 140  # characters on both sides of a word that was found
_ID = "[0-9a-f]{32}"
_STORY_PLACE = re.compile(rf"(\d{{1,12}})\.({_ID})")


@dataclass(frozen=True, slots=True)
class Moment:
    """One article on a story's time line; `when` is a time that the page can't forge."""

    when: datetime
    brief: Brief
    member: StoryMember | None  # None: the article that stands for the story
    after: float  # seconds from the first


@dataclass(frozen=True, slots=True)
class Spark:
    """Counts by day as bars, in a drawing 4 wide a day and 16 high; `told` for who does not see it."""

    counts: tuple[int, ...]

    @property
    def bars(self) -> list[tuple[int, float]]:
        """Left edge and height of each; a day with anything is seen."""
        most = max(self.counts, default=0)
        return [(4 * place, round(max(1.0, 16 * count / most), 1)) for place, count in enumerate(self.counts) if count]

    @property
    def told(self) -> str:
        return f"Announced on each of the last {len(self.counts)} days: {', '.join(map(str, self.counts))}"


async def stories(request: web.Request) -> web.Response:
    found = await request.app[STORE].browse_stories(after=_story_place(request), limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    more = f"?after={shown[-1].size}.{shown[-1].id}" if len(found) > PER_PAGE else ""
    return await page(request, "stories.html", stories=shown, next=more)


async def story(request: web.Request) -> web.StreamResponse:
    view = await request.app[STORE].view_story(request.match_info["story"])
    if view.merged_into is not None:
        raise web.HTTPFound(f"/stories/{view.merged_into}")
    return await page(request, "story.html", story=view, line=time_line(view))


def time_line(view: StoryView) -> list[Moment]:
    """All articles of a story, the first first: pages by when we first saw them, an original by its vendor's word."""
    head = view.head
    start = head.published if head.role != "aggregator" and head.published is not None else head.first_seen
    times: list[tuple[datetime, Brief, StoryMember | None]] = [(start, head, None)]
    times += [(member.brief.first_seen, member.brief, member) for member in view.members]
    times.sort(key=lambda one: (one[0], one[2] is not None, one[1].id))
    return [Moment(when, brief, member, (when - times[0][0]).total_seconds()) for when, brief, member in times]


async def sites(request: web.Request) -> web.Response:
    return await page(request, "sites.html", sites=await request.app[STORE].rank_sites())


async def sources(request: web.Request) -> web.Response:
    store = request.app[STORE]
    hooks, letters = await store.webhooks(), await store.webhook_letters(LETTERS)
    found = await store.sources()
    days = await store.found_by_day([one.source.name for one in found], SPARK_DAYS)
    sparks = {one.source.name: Spark(days.get(one.source.name, (0,) * SPARK_DAYS)) for one in found}
    return await page(request, "sources.html", sources=found, sparks=sparks, webhooks=hooks, letters=letters)


async def unlinked(request: web.Request) -> web.Response:
    found = await request.app[STORE].browse_attributed(after=_number(request), limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    return await page(
        request, "unlinked.html", pages=shown, next=f"?after={shown[-1].no}" if len(found) > PER_PAGE else ""
    )


async def search(request: web.Request) -> web.Response:
    query = request.query.get("q", "")[:MOST_QUERY].replace("\x00", " ")
    found = await request.app[STORE].search(query, after=_number(request), limit=PER_PAGE)
    wanted = terms(query)
    hits = [(hit, excerpt(hit, wanted)) for hit in found.hits]
    return await page(request, "search.html", query=tamed(query), hits=hits, next=found.next)


def excerpt(hit: Hit, wanted: list[str]) -> list[tuple[str, bool]]:
    """A text around the first word that was found, in pieces; True: a word that was looked for."""
    if not wanted:
        return []
    words = re.compile("|".join(re.escape(tamed(one)) for one in wanted), re.IGNORECASE)
    text = " ".join(tamed(hit.text).split())
    found = words.search(text)
    middle = found.start() if found else 0
    start, end = max(0, middle - AROUND), min(len(text), middle + AROUND)
    cut = text[start:end]
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    place = 0
    for one in words.finditer(cut):
        pieces += [(cut[place : one.start()], False), (one.group(), True)]
        place = one.end()
    return [*pieces, (cut[place:], False), *([("…", False)] if end < len(text) else [])]


async def article(request: web.Request) -> web.Response:
    store, wanted = request.app[STORE], request.match_info["article"]
    found = await store.article(wanted)
    if found is None:
        raise NotFound(f"there is no article {wanted}")
    link = await store.link_of(wanted)
    return await page(
        request,
        "article.html",
        article=found,
        text=passages.shown(found.text, (), "rewrite"),
        link=link_id(link.rewrite_id, link.original_id) if link is not None else None,
    )


def _number(request: web.Request) -> int | None:
    text = request.query.get("after", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError("after: expected the place that a page's own link names")
    return int(text)


def _story_place(request: web.Request) -> tuple[int, str] | None:
    text = request.query.get("after", "")
    if not text:
        return None
    found = _STORY_PLACE.fullmatch(text)
    if found is None:
        raise UsageError("after: expected the place that a page's own link names")
    return int(found[1]), found[2]


ROUTES = (
    web.get("/stories", stories),
    web.get(f"/stories/{{story:{_ID}}}", story),
    web.get("/sites", sites),
    web.get("/sources", sources),
    web.get("/unlinked", unlinked),
    web.get("/search", search),
    web.get(f"/articles/{{article:{_ID}}}", article),
)
