"""What a webhook's filters ask of the change log beside its rows: whose a thing is, and whether it is news."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Action, Change, LinkState, Role, Subject
from crawler.store.connected import Connected
from crawler.store.reviewtables import reviews
from crawler.store.rows import chunks
from crawler.store.stories import LIVE
from crawler.store.tables import articles, changes, links, places
from crawler.store.transaction import Transaction
from crawler.webhooks import Facts

_JUDGED = {LinkState.CONFIRMED.value, LinkState.REJECTED.value}


class Hearing(Connected):
    async def facts_of(self, rows: Sequence[Change]) -> list[Facts]:
        """What is known of each row's subject, in the same order."""
        return await self._db.read(_facts, tuple(rows))


def _facts(tx: Transaction, rows: tuple[Change, ...]) -> list[Facts]:
    known_links = _links(tx, {one.id for one in rows if one.subject is Subject.LINK})
    known_articles = _articles(tx, {one.id for one in rows if one.subject is not Subject.LINK})
    found = []
    for change in rows:
        if change.subject is Subject.LINK:
            found.append(_of_link(tx, change, known_links.get(change.id)))
        elif (article := known_articles.get(change.id)) is None:
            found.append(Facts())
        else:
            is_old = _is_old_story(tx, change, article) if change.subject is Subject.STORY else article.backfill
            found.append(Facts(is_old=is_old, publisher=article.publisher))
    return found


def _of_link(tx: Transaction, change: Change, row: Row[Any] | None) -> Facts:
    """By the state that is told where there is one, else by the link as it stands."""
    before = _state_before(tx, change) if change.state is not None and change.state["state"] in _JUDGED else None
    told: Any = change.state
    is_old = row is not None and row.backfill and not row.judged
    if told is not None:
        return Facts(is_old, told["original"]["publisher"], told["score"], told["standing"], before)
    return Facts(is_old, row.publisher, row.score, row.standing) if row is not None else Facts()


def _state_before(tx: Transaction, change: Change) -> str | None:
    earlier = sa.select(changes.c.state).where(
        changes.c.subject == change.subject.value, changes.c.object_id == change.id, changes.c.seq < change.seq
    )
    state = tx.scalar(earlier.order_by(changes.c.seq.desc()).limit(1))
    return str(json.loads(state)["state"]) if state else None


def _links(tx: Transaction, ids: set[str]) -> dict[str, Row[Any]]:
    judged = sa.exists().where(reviews.c.link_id == links.c.id).label("judged")
    columns = (links.c.id, links.c.publisher, links.c.score, links.c.standing, articles.c.backfill, judged)
    of = sa.select(*columns).select_from(links).join(articles, articles.c.no == links.c.rewrite_no)
    rows = (row for part in chunks(sorted(ids)) for row in tx.all(of.where(tx.dialect.among(links.c.id, part))))
    return {row.id: row for row in rows}


def _articles(tx: Transaction, ids: set[str]) -> dict[str, Row[Any]]:
    of = sa.select(articles.c.id, articles.c.no, articles.c.role, articles.c.publisher, articles.c.backfill)
    rows = (row for part in chunks(sorted(ids)) for row in tx.all(of.where(tx.dialect.among(articles.c.id, part))))
    return {row.id: row for row in rows}


def _is_old_story(tx: Transaction, change: Change, head: Row[Any]) -> bool:
    """Whether all its pages stood in first documents. An original makes no story: the pages that take from it do."""
    if change.action in {Action.RETRACTED, Action.MERGED}:
        return bool(head.backfill)
    if head.role == Role.AGGREGATOR.value and not head.backfill:
        return False
    linked = sa.select(links.c.id).join(articles, articles.c.no == links.c.rewrite_no)
    linked = linked.where(links.c.original_no == head.no, links.c.state.in_(LIVE), ~articles.c.backfill)
    placed = sa.select(places.c.article_no).join(articles, articles.c.no == places.c.article_no)
    placed = placed.where(places.c.first_no == head.no, ~articles.c.backfill)
    return all(tx.first(fresh.limit(1)) is None for fresh in (linked, placed))
