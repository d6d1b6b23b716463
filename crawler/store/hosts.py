"""Hosts whose pages were met: how many pages each has in the store, and how many of them come from others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from crawler.model import Role
from crawler.store.connected import Connected
from crawler.store.rows import chunks
from crawler.store.sitetables import site_pages, sites
from crawler.store.stories import LIVE
from crawler.store.tables import articles, frontier, links, versions
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class HostCount:
    """Pages of a host, those linked to an original, those attributed to a publisher without a link.

    `newest` is the number of its newest article, of the linked and attributed ones where there are some.
    """

    host: str
    pages: int
    linked: int
    attributed: int
    newest: int


class Hosts(Connected):
    async def host_counts(self, min_pages: int = 1) -> list[HostCount]:
        """Every host with so many live aggregators' pages. No text is read.

        Costs one pass over the frontier and over the sites' memory, and two index probes a page: seconds for a
        million pages, once a person asks.
        """
        return await self._db.read(_counts, min_pages)

    async def article_urls(self, numbers: Sequence[int]) -> dict[int, str]:
        """Where these articles were fetched. One row read for each."""
        return await self._db.read(_urls, numbers)


def _counts(tx: Transaction, min_pages: int) -> list[HostCount]:
    # The frontier knows the host of the URL that was announced, the sites' memory that of the page itself: the latter
    # goes first, but forgets a page after some weeks.
    remembered = sa.select(sites.c.host, site_pages.c.article_no).join(site_pages, site_pages.c.site_no == sites.c.no)
    held = sa.exists().where(site_pages.c.article_no == frontier.c.article_no)
    announced = sa.select(frontier.c.host, frontier.c.article_no).where(frontier.c.article_no.is_not(None), ~held)
    met = sa.union(remembered, announced).subquery()
    is_linked = links.c.id.is_not(None)
    is_attributed = sa.and_(links.c.id.is_(None), articles.c.attribution_no.is_not(None))
    stems = sa.or_(is_linked, is_attributed)
    found = (
        sa.select(
            met.c.host,
            sa.func.count().label("pages"),
            sa.func.sum(sa.case((is_linked, 1), else_=0)).label("linked"),
            sa.func.sum(sa.case((is_attributed, 1), else_=0)).label("attributed"),
            sa.func.max(sa.case((stems, articles.c.no))).label("newest_stemming"),
            sa.func.max(articles.c.no).label("newest"),
        )
        .select_from(met)
        .join(articles, articles.c.no == met.c.article_no)
        .outerjoin(links, sa.and_(links.c.rewrite_no == articles.c.no, links.c.state.in_(LIVE)))
        .where(articles.c.state == "live", articles.c.role == Role.AGGREGATOR.value)
        .group_by(met.c.host)
        .having(sa.func.count() >= min_pages)
        .order_by(met.c.host)
    )
    return [
        HostCount(row.host, row.pages, int(row.linked), int(row.attributed), row.newest_stemming or row.newest)
        for row in tx.all(found)
    ]


def _urls(tx: Transaction, numbers: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in chunks(numbers):
        newest = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version)
        of = sa.select(articles.c.no, versions.c.fields).join(versions, newest)
        for row in tx.all(of.where(tx.dialect.among(articles.c.no, part))):
            if row.fields is not None:
                found[row.no] = json.loads(row.fields)["url"]
    return found
