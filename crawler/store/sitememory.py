"""What a site's memory keeps of a page, written in the transaction that stores the article.

A host's pages are held by spans of time ("eras"), and a span is judged by its own pages and those of the span before
it: what a redesign took away is forgotten with its span. Of each span a sample of pages is judged, those with the
smallest rank, whatever their number and order. Everything is bounded: pages of a host, hosts, and the writes a page.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Blocks, SitePage, SiteVerdict
from crawler.store.columns import storable
from crawler.store.sitetables import site_pages, sites
from crawler.store.transaction import Transaction

ERA_SECONDS = 7 * 86_400  # a span; furniture is known for one to two of them after it went from the pages
ERAS_KEPT = 3
SAMPLE = 150  # pages of a span that are judged
MOST_PAGES = 20_000  # of a host and span that are held, beside the sample
_HEAD = struct.Struct("<QII")
_NONE_YET = (0, 0)  # the verdict on a site of which nothing was known


def era(moment: datetime) -> int:
    return int(moment.timestamp() // ERA_SECONDS)


def remember(tx: Transaction, number: int, article_id: str, page: SitePage, *, fixed: bool, known: bool) -> None:
    """Takes a page that was read now. `fixed`: its text is not kept; `known`: its article was stored before."""
    site = _taken(tx, page.host)
    rank = int(article_id[:15], 16)
    place = {"site": site.no, "number": number}
    before = tx.first(_BLOCKS, place) if known else None
    in_sample = site.bound is None or rank <= site.bound
    if before is None and site.pages >= MOST_PAGES and not in_sample:
        return
    blocks = packed(page.blocks)
    left_out = json.dumps(page.left_out) if page.left_out and not fixed else None
    if before is None:
        if known:
            let_go(tx, number)
        row = {"site_no": site.no, "article_no": number, "rank": rank}
        tx.run(_ADD, {**row, "blocks": blocks, "left_out": left_out, "fixed": fixed})
    else:
        tx.run(_RENEW, {**place, "now_blocks": blocks, "now_left_out": left_out, "now_fixed": fixed})
    news = in_sample and (before is None or before.blocks != blocks)
    # The verdict that it was read by may not be the one in force any more; that of a new site leaves nothing out.
    alike = page.judged == _NONE_YET and not site.leaves_out
    stale = page.judged != (site.no, site.revision) and not alike
    if news or stale or before is None:
        tx.run(_NEWS, {**place, "more": int(before is None), "news": int(news), "stale": int(stale)})


def let_go(tx: Transaction, number: int) -> None:
    """The article's text is not made again: it went, or was read in a later span. Its hashes still count."""
    tx.run(_LET_GO, {"number": number})


def remade(tx: Transaction, number: int, page: SitePage) -> bool:
    """Takes what another verdict of its own site left out of a page. False where no text is made of it any more."""
    site_no, revision = page.judged
    site = tx.first(sa.select(sites.c.revision).where(sites.c.no == site_no).with_for_update())
    # By an older verdict than the one in force: whoever put that in force sweeps the page after this.
    if site is None or site.revision != revision:
        return False
    left_out = json.dumps(page.left_out) if page.left_out else None
    of = sa.and_(site_pages.c.site_no == site_no, site_pages.c.article_no == number, ~site_pages.c.fixed)
    return bool(tx.run(sa.update(site_pages).where(of).values(left_out=left_out)))


def verdict(tx: Transaction, host: str) -> SiteVerdict:
    """What is known of a host now: its newest verdict, at most one span old."""
    now = era(tx.now)
    row = tx.first(_NEWEST, {"host": storable(host), "now": now})
    return SiteVerdict() if row is None else SiteVerdict(frozenset(keys(row.furniture)), row.no, row.revision)


def _taken(tx: Transaction, host: str) -> Row[Any]:
    """The host's row for now, locked: pages and verdicts of one site come one after the other."""
    mine = {"host": storable(host), "now": era(tx.now)}
    row = tx.first(_MINE, mine)
    if row is None:
        tx.run(
            tx.dialect.insert(sites).on_conflict_do_nothing(index_elements=["host", "era"]),
            {
                "host": host,
                "era": mine["now"],
                # Of a new span nothing is known; what held in the one before does until then.
                "furniture": packed_keys(verdict(tx, host).keys),
                "revision": 0,
                "changed": 1,
                "judged": 0,
                "sweeps": 0,
                "pages": 0,
                "pending": True,
                "available_at": tx.now,
            },
        )
        row = tx.first(_MINE, mine)
    assert row is not None
    return row


# Made once: these run for every page.
_OF_PAGE = sa.and_(site_pages.c.site_no == sa.bindparam("site"), site_pages.c.article_no == sa.bindparam("number"))
_BLOCKS = sa.select(site_pages.c.blocks).where(_OF_PAGE)
_ADD = sa.insert(site_pages)
_RENEW = (
    sa.update(site_pages)
    .where(_OF_PAGE)
    .values(blocks=sa.bindparam("now_blocks"), left_out=sa.bindparam("now_left_out"), fixed=sa.bindparam("now_fixed"))
)
_LET_GO = (
    sa.update(site_pages).where(site_pages.c.article_no == sa.bindparam("number")).values(fixed=True, left_out=None)
)
_IS_STALE = sa.bindparam("stale", type_=sa.Integer) == 1
_NUMBER = sa.bindparam("number", type_=site_pages.c.article_no.type)
_NEWS = (
    sa.update(sites)
    .where(sites.c.no == sa.bindparam("site"))
    .values(
        pages=sites.c.pages + sa.bindparam("more"),
        changed=sites.c.changed + sa.bindparam("news"),
        sweeps=sites.c.sweeps + sa.bindparam("stale"),
        sweep_from=sa.case(
            (sa.not_(_IS_STALE), sites.c.sweep_from), (sites.c.sweep_from < _NUMBER, sites.c.sweep_from), else_=_NUMBER
        ),
        pending=sa.or_(sites.c.pending, sa.bindparam("news", type_=sa.Integer) == 1, _IS_STALE),
    )
)
_MINE = (
    sa.select(
        sites.c.no, sites.c.revision, sites.c.bound, sites.c.pages, (sites.c.furniture != b"").label("leaves_out")
    )
    .where(sites.c.host == sa.bindparam("host"), sites.c.era == sa.bindparam("now"))
    .with_for_update()
)
_NEWEST = (
    sa.select(sites.c.no, sites.c.furniture, sites.c.revision)
    .where(
        sites.c.host == sa.bindparam("host"),
        sites.c.era.between(sa.bindparam("now", type_=sa.Integer) - 1, sa.bindparam("now", type_=sa.Integer)),
    )
    .order_by(sites.c.era.desc())
    .limit(1)
)


def packed(blocks: Blocks) -> bytes:
    count = len(blocks.keys)
    head = _HEAD.pack(blocks.title, min(blocks.size, 0xFFFFFFFF), count)
    return head + struct.pack(f"<{count}Q{count}I", *blocks.keys, *blocks.lengths)


def unpacked(data: bytes) -> Blocks:
    title, size, count = _HEAD.unpack_from(data)
    numbers = struct.unpack_from(f"<{count}Q{count}I", data, _HEAD.size)
    return Blocks(title, size, numbers[:count], numbers[count:])


def packed_keys(found: Collection[int]) -> bytes:
    return struct.pack(f"<{len(found)}Q", *sorted(found))


def keys(data: bytes) -> Sequence[int]:
    return struct.unpack(f"<{len(data) // 8}Q", data)
