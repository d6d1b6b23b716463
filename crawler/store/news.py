"""News in which each story counts once: articles that stand for themselves, the newest first.

An original does, a release, a teaser whose full text is not held, and a page that stems from none of them. A page
that no decision was made on yet is not among them: it may be anybody's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from crawler.model import Article, Role
from crawler.store import held
from crawler.store.connected import Connected
from crawler.store.stories import LIVE
from crawler.store.tables import articles, attributions, decisions, links, places
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class NewsItem:
    """`no` is its place in the list. `claim`: the publisher that a page says it comes from, where that one's original
    is not held."""

    no: int
    article: Article
    claim: str | None = None


class News(Connected):
    async def browse_news(self, *, after: int | None = None, limit: int = 100) -> list[NewsItem]:
        """At most `limit` articles stored before the place `after`, the last stored first.

        What stood in the first document of its source (`backfill`) is no news; nor is a page whose attribution
        names the teaser that it took, which is in the list itself. Reads articles by number from the newest on.
        """
        return await self._db.read(_news, after, limit)


def _news(tx: Transaction, after: int | None, limit: int) -> list[NewsItem]:
    decided = sa.exists().where(decisions.c.article_no == articles.c.no)
    placed = sa.exists().where(places.c.article_no == articles.c.no)
    linked = sa.exists().where(links.c.rewrite_no == articles.c.no, links.c.state.in_(LIVE))
    stands = sa.or_(articles.c.role != Role.AGGREGATOR.value, sa.and_(decided, ~placed, ~linked))
    rows = (
        sa.select(articles.c.no, attributions.c.data)
        .outerjoin(attributions, attributions.c.no == articles.c.attribution_no)
        .where(articles.c.state == "live", ~articles.c.backfill, stands, attributions.c.teaser_no.is_(None))
        .order_by(articles.c.no.desc())
        .limit(limit)
    )
    if after is not None:
        rows = rows.where(articles.c.no < after)
    found = tx.all(rows)
    read = held.by_number(tx, [row.no for row in found])
    return [NewsItem(row.no, read[row.no], _claim(row.data)) for row in found if row.no in read]


def _claim(data: str | None) -> str | None:
    told = json.loads(data) if data else None
    return str(told["publisher"]) if told else None
