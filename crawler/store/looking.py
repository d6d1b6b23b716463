"""When a confirmed page is looked at again, and what was seen: what other parts of the store ask and tell of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import ArchiveRecord, LinkState, Look, LookOutcome
from crawler.store.looktables import look_plans, looks
from crawler.store.rows import chunks
from crawler.store.transaction import Transaction

DAYS = tuple(timedelta(days=days) for days in (1, 7, 30))  # from the confirmation to each look
AGAIN = timedelta(days=1)  # from a look that reached nobody to the next
LAST = timedelta(days=37)  # from the confirmation, after which only a person's word has a page looked at
MOST_TOLD = 100  # looks told with a link, the last ones


@dataclass(frozen=True, slots=True)
class NextLook:
    """`under_way`: it is in the queue of pages; `due` is when it is asked for again if no answer comes."""

    due: datetime
    under_way: bool


def next_due(confirmed: datetime, now: datetime, outcome: LookOutcome | None = None) -> datetime | None:
    """When the page of a link is looked at next, after a look with that outcome; None: no more. Pure."""
    planned = next((confirmed + days for days in DAYS if confirmed + days > now), None)
    if outcome is LookOutcome.UNREACHABLE and now + AGAIN < confirmed + LAST:
        return min(planned, now + AGAIN) if planned is not None else now + AGAIN
    return planned


def judged(tx: Transaction, link_id: str, state: LinkState) -> None:
    """A person's word on a link: confirmed, its page is watched from now on; else no more."""
    due = next_due(tx.now, tx.now) if state is LinkState.CONFIRMED else None
    row = {"link_id": link_id, "confirmed": tx.now, "due": due, "key": None}
    if due is None:
        tx.run(sa.update(look_plans).where(look_plans.c.link_id == link_id).values(due=None, key=None))
        return
    upsert = tx.dialect.insert(look_plans)
    renewed = {name: upsert.excluded[name] for name in row}
    tx.run(upsert.on_conflict_do_update(index_elements=["link_id"], set_=renewed), row)


def next_of(tx: Transaction, link_id: str) -> NextLook | None:
    row = tx.first(sa.select(look_plans).where(look_plans.c.link_id == link_id, look_plans.c.due.is_not(None)))
    return None if row is None else NextLook(row.due, row.key is not None)


def of_link(tx: Transaction, link_id: str) -> tuple[Look, ...]:
    """The last looks at a link's page, the oldest first."""
    rows = sa.select(looks).where(looks.c.link_id == link_id).order_by(looks.c.no.desc()).limit(MOST_TOLD)
    return tuple(_of_row(row) for row in reversed(tx.all(rows)))


def of_links(tx: Transaction, ids: Sequence[str]) -> dict[str, tuple[Look, ...]]:
    """The same for many links; those without a look are left out."""
    having = {
        row.link_id
        for part in chunks(ids)
        for row in tx.all(sa.select(looks.c.link_id).where(tx.dialect.among(looks.c.link_id, part)).distinct())
    }
    return {one: of_link(tx, one) for one in sorted(having)}


def forget(tx: Transaction, link_ids: Sequence[str]) -> None:
    """A deletion took the texts of these links: nothing names where copies of them lie, and nobody looks again."""
    tx.run(sa.update(looks).where(tx.dialect.among(looks.c.link_id, link_ids)).values(archive=None, text_hash=None))
    tx.run(sa.update(look_plans).where(tx.dialect.among(look_plans.c.link_id, link_ids)).values(due=None, key=None))


def _of_row(row: Row[Any]) -> Look:
    archive = ArchiveRecord(**json.loads(row.archive)) if row.archive else None
    return Look(row.at, LookOutcome(row.outcome), row.reason, row.text_hash, archive)
