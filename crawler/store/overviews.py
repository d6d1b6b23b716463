"""What people look through beside links: stories, the sites that copy, pages that only say where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crawler.errors import NotFound
from crawler.interchange import Json
from crawler.model import LinkState
from crawler.store.browsing import Brief, briefs
from crawler.store.connected import Connected
from crawler.store.rows import chunks
from crawler.store.stories import LIVE
from crawler.store.tables import articles, attributions, frontier, links, places, stories
from crawler.store.transaction import Transaction

MOST_MEMBERS = 500  # of each kind that a story is shown with
MOST_SITES = 50


@dataclass(frozen=True, slots=True)
class ListedStory:
    id: str
    size: int
    head: Brief


@dataclass(frozen=True, slots=True)
class StoryMember:
    """A page of a story; `link_id` where it hangs on the original by a link."""

    brief: Brief
    relation: str
    score: float
    link_id: str | None
    state: LinkState | None


@dataclass(frozen=True, slots=True)
class StoryView:
    """A story by the article that stands for it. `merged_into`: it is part of that one by now."""

    id: str
    head: Brief
    members: tuple[StoryMember, ...]
    size: int
    merged_into: str | None

    @property
    def left_out(self) -> int:
        return max(0, self.size - 1 - len(self.members))


@dataclass(frozen=True, slots=True)
class RankedSite:
    """A site with its live links. `lag` is the median in seconds; `coverage` the mean share of an original."""

    site: str
    links: int
    lag: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class AttributedPage:
    """A page that says where it comes from; `claim` is the public JSON of its attribution."""

    no: int
    brief: Brief
    at: datetime
    claim: Mapping[str, Any]


class Overviews(Connected):
    async def browse_stories(self, *, after: tuple[int, str] | None = None, limit: int = 30) -> list[ListedStory]:
        """Stories, the largest first, behind the size and id `after`. One range of an index."""
        return await self._db.read(_stories, after, limit)

    async def view_story(self, story_id: str) -> StoryView:
        """Raises NotFound."""
        return await self._db.read(_story, story_id)

    async def rank_sites(self, limit: int = MOST_SITES) -> list[RankedSite]:
        """Who has most live links. One pass over an index of all links."""
        return await self._db.read(_sites, limit)

    async def found_by_day(self, names: Sequence[str], days: int) -> dict[str, tuple[int, ...]]:
        """How many pages each source announced in each of the last days, today's so far last. One range of an index
        for each source."""
        return await self._db.read(_by_day, names, days)

    async def browse_attributed(self, *, after: int | None = None, limit: int = 30) -> list[AttributedPage]:
        """Pages that say where they come from and whose original is not held, the newest first."""
        return await self._db.read(_attributed, after, limit)


def _stories(tx: Transaction, after: tuple[int, str] | None, limit: int) -> list[ListedStory]:
    # Said as in the index, that it is taken.
    rows = sa.select(stories.c.id, stories.c.size, articles.c.no).join(articles, articles.c.id == stories.c.id)
    rows = rows.where(sa.text("stories.size > 1 AND stories.merged_into IS NULL"))
    if after is not None:
        place = sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
        rows = rows.where(place > sa.tuple_(stories.c.size, stories.c.id))
    found = tx.all(rows.order_by(stories.c.size.desc(), stories.c.id.desc()).limit(limit))
    known = briefs(tx, [row.no for row in found])
    return [ListedStory(row.id, row.size, known[row.no]) for row in found]


def _story(tx: Transaction, story_id: str) -> StoryView:
    number = tx.scalar(sa.select(articles.c.no).where(articles.c.id == story_id))
    if number is None:
        raise NotFound(f"there is no story {story_id}")
    told = tx.first(sa.select(stories).where(stories.c.id == story_id))
    linked = sa.select(links.c.rewrite_no, links.c.relation, links.c.score, links.c.id, links.c.state).where(
        links.c.original_no == number, links.c.state.in_(LIVE)
    )
    placed = sa.select(places).where(places.c.first_no == number)
    by_link = tx.all(linked.limit(MOST_MEMBERS))
    by_place = tx.all(placed.limit(MOST_MEMBERS))
    known = briefs(tx, {number, *(row.rewrite_no for row in by_link), *(row.article_no for row in by_place)})
    members = [
        StoryMember(known[row.rewrite_no], row.relation, row.score, row.id, LinkState(row.state)) for row in by_link
    ]
    members += [
        StoryMember(known[row.article_no], row.relation or "", row.score or 0.0, None, None) for row in by_place
    ]
    size = told.size if told is not None else 1 + len(members)
    return StoryView(story_id, known[number], tuple(members), size, told.merged_into if told is not None else None)


def _sites(tx: Transaction, limit: int) -> list[RankedSite]:
    live = links.c.state.in_(LIVE)
    count = sa.func.count().label("total")
    coverage = sa.func.avg(links.c.coverage_original).label("coverage")
    rows = sa.select(links.c.site, count, sa.func.count(links.c.lag).label("timed"), coverage).where(live)
    found = tx.all(rows.group_by(links.c.site).order_by(count.desc(), links.c.site).limit(limit))
    return [RankedSite(row.site, row.total, _median(tx, row.site, row.timed), float(row.coverage)) for row in found]


def _by_day(tx: Transaction, names: Sequence[str], days: int) -> dict[str, tuple[int, ...]]:
    today = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    at = frontier.c.announced_at
    counted = [
        sa.func.sum(sa.case((sa.and_(at >= begin, at < begin + timedelta(days=1)), 1), else_=0)) for begin in begins
    ]
    found: dict[str, tuple[int, ...]] = {}
    for part in chunks(names):
        rows = sa.select(frontier.c.source, *counted).where(tx.dialect.among(frontier.c.source, part))
        for row in tx.all(rows.where(at >= begins[0]).group_by(frontier.c.source)):
            found[row[0]] = tuple(map(int, row[1:]))
    return found


def _median(tx: Transaction, site: str, timed: int) -> float | None:
    if not timed:
        return None
    lags = sa.select(links.c.lag).where(links.c.site == site, links.c.state.in_(LIVE), links.c.lag.is_not(None))
    middle: float | None = tx.scalar(lags.order_by(links.c.lag).offset((timed - 1) // 2).limit(1))
    return middle


def _attributed(tx: Transaction, after: int | None, limit: int) -> list[AttributedPage]:
    rows = (
        sa.select(articles.c.no, articles.c.attribution_no, attributions.c.at, attributions.c.data)
        .join(attributions, attributions.c.no == articles.c.attribution_no)
        .where(articles.c.attribution_no.is_not(None), articles.c.state == "live")
        .order_by(articles.c.attribution_no.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(articles.c.attribution_no < after)
    found = [row for row in tx.all(rows) if row.data]
    known = briefs(tx, [row.no for row in found])
    return [AttributedPage(row.attribution_no, known[row.no], row.at, _claim(row.data)) for row in found]


def _claim(data: str) -> Json:
    told: Json = json.loads(data)
    return told
