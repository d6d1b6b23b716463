"""Second looks: confirmed pages put into the frontier again when they are due, and what was found there.

The frontier's own queue takes them, so hosts, leases, delays and tries are those of every other page. The link itself
stays as it was confirmed; a look is a row beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler import urls
from crawler.errors import NotFound, UrlRefused, UsageError
from crawler.model import LinkState, Look, LookOutcome
from crawler.redistribution import text_hash
from crawler.store import decisions, frontier
from crawler.store.connected import Connected
from crawler.store.looking import next_due, of_link
from crawler.store.looktables import look_plans, looks
from crawler.store.tables import articles, links, sources, versions
from crawler.store.tables import frontier as pages
from crawler.store.transaction import Transaction

QUEUED_AT_ONCE = 200  # pages in one transaction
RECHECK = timedelta(hours=1)  # after which a look that the frontier has not answered is asked for again


class Looks(Connected):
    async def queue_looks(self) -> int:
        """Queues the pages of confirmed links that are due for another look; how many. One index probe where none
        is, a few rows for each that is."""
        queued = 0
        while found := await self._db.write(_queue):
            queued += found
        return queued

    async def ask_look(self, link_id: str) -> datetime:
        """Has a confirmed link's page looked at as soon as a run comes to it; since when it is due. Raises NotFound,
        UsageError for a link that is not confirmed."""
        return await self._db.write(_ask, link_id)

    async def looked(self, key: str, worker: str, look: Look, article_id: str | None = None) -> Look | None:
        """A look is over: the page is done in the frontier, and the look is told with its link; None where nobody
        waits for it any more.

        `article_id` is the article that was found at the page's address: where it is another than the link's, the
        page is gone. Both that and `changed` become `live` where the text is the one that was confirmed, or that was
        held before: it moved, dates and captions moved, or a change was taken back.
        """
        return await self._db.write(_looked, key, worker, look, article_id)

    async def looks_of(self, link_id: str) -> tuple[Look, ...]:
        """The last looks at a link's page, the oldest first."""
        return await self._db.read(of_link, link_id)


def _ask(tx: Transaction, link_id: str) -> datetime:
    state = tx.scalar(sa.select(links.c.state).where(links.c.id == link_id))
    if state is None:
        raise NotFound(f"there is no link {link_id}")
    if state != LinkState.CONFIRMED:
        raise UsageError(f"link {link_id} is {state}: only the pages of confirmed links are looked at again")
    plan = tx.first(sa.select(look_plans).where(look_plans.c.link_id == link_id).with_for_update())
    if plan is not None and plan.due is not None and (plan.key is not None or plan.due <= tx.now):
        since: datetime = min(plan.due, tx.now)
        return since
    row = {"link_id": link_id, "confirmed": tx.now if plan is None else plan.confirmed, "due": tx.now, "key": None}
    upsert = tx.dialect.insert(look_plans)
    tx.run(upsert.on_conflict_do_update(index_elements=["link_id"], set_={"due": tx.now, "key": None}), row)
    return tx.now


def _queue(tx: Transaction) -> int:
    due = sa.select(look_plans).where(look_plans.c.due <= tx.now).order_by(look_plans.c.due).limit(QUEUED_AT_ONCE)
    plans = tx.all(due.with_for_update(skip_locked=True))
    for plan in plans:
        _queue_one(tx, plan)
    return len(plans)


def _queue_one(tx: Transaction, plan: Row[Any]) -> None:
    of = (
        sa.select(links.c.state, links.c.rewrite_no, versions.c.fields)
        .join(articles, articles.c.no == links.c.rewrite_no)
        .outerjoin(versions, sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version))
        .where(links.c.id == plan.link_id)
    )
    row = tx.first(of)
    if row is None or row.state != LinkState.CONFIRMED or row.fields is None:
        _plan(tx, plan.link_id, None, None)
        return
    told = json.loads(row.fields)
    try:
        url = urls.normalize(told["url"])
    except UrlRefused:
        _record(tx, plan, Look(tx.now, LookOutcome.UNREACHABLE, UrlRefused.reason))
        return
    key = urls.article_id(url)
    known = tx.first(sa.select(pages.c.state, pages.c.source).where(pages.c.key == key).with_for_update())
    source = known.source if known is not None else told["source"] or ""
    if tx.scalar(sa.select(sources.c.enabled).where(sources.c.name == source)) is False:
        _record(tx, plan, Look(tx.now, LookOutcome.UNREACHABLE, "source-disabled"))
        return
    if known is None:
        _enter(tx, key, url, source, row.rewrite_no)
    elif known.state != frontier.QUEUED:
        again = {"state": frontier.QUEUED, "available_at": tx.now, "attempts": 0, "losses": 0}
        tx.run(sa.update(pages).where(pages.c.key == key).values(**again, reason=None, detail=None))
    tx.wakes.add("pages")
    _plan(tx, plan.link_id, tx.now + RECHECK, key)


def _enter(tx: Transaction, key: str, url: str, source: str, number: int) -> None:
    """A page that never came by the frontier: from an archive, a dump, or a trace that was stored."""
    row = {
        "key": key, "url": url, "host": urls.host_of(url), "source": source, "state": frontier.QUEUED,
        "available_at": tx.now, "announced_at": tx.now, "attempts": 0, "generation": 0, "article_no": number,
    }  # fmt: skip
    tx.run(tx.dialect.insert(pages).on_conflict_do_nothing(index_elements=["key"]), row)


def _plan(tx: Transaction, link_id: str, due: datetime | None, key: str | None) -> None:
    tx.run(sa.update(look_plans).where(look_plans.c.link_id == link_id).values(due=due, key=key))


def _looked(tx: Transaction, key: str, worker: str, look: Look, article_id: str | None) -> Look | None:
    frontier.settle(tx, key, worker, None, None)
    plan = tx.first(sa.select(look_plans).where(look_plans.c.key == key).with_for_update())
    if plan is None:
        return None
    row = tx.first(sa.select(links).where(links.c.id == plan.link_id))
    if row is None or row.state != LinkState.CONFIRMED:
        _plan(tx, plan.link_id, None, None)
        return None
    look = _weighed(tx, row, look, article_id)
    _record(tx, plan, look)
    return look


def _weighed(tx: Transaction, link: Row[Any], look: Look, article_id: str | None) -> Look:
    """The look in the light of what the link is about."""
    mine = tx.scalar(sa.select(articles.c.id).where(articles.c.no == link.rewrite_no))
    if article_id is not None and article_id != mine:
        look = replace(look, outcome=LookOutcome.GONE, reason="redirected")
    elif look.outcome is LookOutcome.LIVE and look.text_hash is None:
        return replace(look, text_hash=_held_text(tx, link.rewrite_no))
    if look.outcome is not LookOutcome.LIVE and look.text_hash in _known_texts(tx, link):
        return replace(look, outcome=LookOutcome.LIVE, reason="")
    return look


def _record(tx: Transaction, plan: Row[Any], look: Look) -> None:
    values = {
        "link_id": plan.link_id,
        "at": look.at,
        "outcome": look.outcome.value,
        "reason": look.reason,
        "text_hash": look.text_hash,
        "archive": json.dumps(asdict(look.archive)) if look.archive else None,
    }
    tx.run(sa.insert(looks).values(values))
    _plan(tx, plan.link_id, next_due(plan.confirmed, tx.now, look.outcome), None)
    why = f" ({look.reason})" if look.reason else ""
    decisions.tell_look(tx, plan.link_id, f"looked at again: {look.outcome.value}{why}")


def _known_texts(tx: Transaction, link: Row[Any]) -> set[str]:
    """Hashes of the text that was confirmed and of the one held before this look."""
    mine = sa.select(versions).where(versions.c.article_no == link.rewrite_no)
    confirmed = tx.all(mine.where(versions.c.content_hash == link.rewrite_hash))
    before = tx.all(mine.order_by(versions.c.version.desc()).offset(1).limit(1))
    return _hashes([*confirmed, *before])


def _held_text(tx: Transaction, number: int) -> str | None:
    newest = sa.select(versions).where(versions.c.article_no == number).order_by(versions.c.version.desc()).limit(1)
    return next(iter(_hashes(tx.all(newest))), None)


def _hashes(rows: Sequence[Row[Any]]) -> set[str]:
    return {text_hash(row.text) for row in rows if row.text}
