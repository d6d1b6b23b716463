"""Leases: pages handed to workers for a while, kept by heartbeats, given back, and taken from workers that died."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Validators
from crawler.store import hostbook
from crawler.store.columns import storable
from crawler.store.hosttables import hosts
from crawler.store.looktables import look_plans
from crawler.store.records import FrontierEntry
from crawler.store.rows import reference_of
from crawler.store.sitetables import sites
from crawler.store.tables import articles, frontier, tasks, workers
from crawler.store.transaction import Transaction

LEASE_TRIES = 3  # where other workers snatch what was chosen
ALIVE = timedelta(seconds=90)  # since its last heartbeat, that a worker counts as one of those that share the hosts


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's part of the hosts: of those that it has, the ones it keeps, and how many more it may take."""

    owned: Collection[str]
    kept: Collection[str]
    more: int


def lease(
    tx: Transaction,
    worker: str,
    limit: int,
    per_host: int,
    seconds: float,
    exclude_hosts: Collection[str],
    only: Collection[str] | None,
    share: Share | None = None,
) -> list[FrontierEntry]:
    if limit <= 0 or per_host <= 0:
        return []
    rows: Sequence[Row[Any]] = []
    noted: dict[str, hostbook.HostNote] = {}
    for _ in range(LEASE_TRIES):
        chosen = [row.key for row in tx.all(_due(tx, worker, limit, per_host, exclude_hosts, only, share))]
        if not chosen:
            return []
        rows = tx.all(_free(tx, chosen))
        noted = hostbook.claim(tx, worker, {row.host for row in rows}, seconds)
        rows = [row for row in rows if row.host in noted]
        if rows:
            break
    _take(tx, worker, [row.key for row in rows], seconds)
    return [
        _entry(row, noted[row.host].not_before) for row in sorted(rows, key=lambda row: (row.available_at, row.key))
    ]


def _free(tx: Transaction, chosen: Collection[str]) -> sa.Select[Any]:
    """Those of the chosen pages that no other worker has taken meanwhile, locked."""
    look = sa.exists().where(look_plans.c.key == frontier.c.key)
    ours = sa.select(frontier, articles.c.id.label("article_id"), look.label("look")).outerjoin(
        articles, articles.c.no == frontier.c.article_no
    )
    ours = ours.where(
        tx.dialect.among(frontier.c.key, chosen),
        frontier.c.state == "queued",
        frontier.c.available_at <= tx.now,
    )
    return ours.with_for_update(of=frontier, skip_locked=True)


def _take(tx: Transaction, worker: str, keys: Collection[str], seconds: float) -> None:
    """A try whose worker died does not count as one of the page's; it is counted apart."""
    lost = frontier.c.leased_by.is_not(None)
    tx.run(
        sa.update(frontier)
        .where(tx.dialect.among(frontier.c.key, keys))
        .values(
            leased_by=worker,
            available_at=tx.now + timedelta(seconds=seconds),
            leased_generation=frontier.c.generation,
            attempts=sa.case((lost, frontier.c.attempts), else_=frontier.c.attempts + 1),
            losses=sa.case((lost, frontier.c.losses + 1), else_=frontier.c.losses),
        )
    )


def _due(
    tx: Transaction,
    worker: str,
    limit: int,
    per_host: int,
    exclude_hosts: Collection[str],
    only: Collection[str] | None,
    share: Share | None,
) -> sa.Select[Any]:
    """Keys of due pages: host by host, each from the front of its own queue; none of a host that is another's."""
    waiting = _waiting_hosts()
    front = (
        sa.select(frontier.c.key)
        .where(_is_due_of(tx, waiting, only))
        .order_by(frontier.c.available_at, frontier.c.key)
        .limit(per_host)
        .correlate(waiting)
    )
    page = frontier.alias("page")
    anothers = sa.and_(hosts.c.owner != worker, ~hostbook.is_free(tx))
    barred = sa.exists().where(hosts.c.host == waiting.c.host, sa.or_(anothers, hostbook.is_held(tx)))
    chosen = sa.select(page.c.key).select_from(waiting.join(page, page.c.key.in_(front)))
    chosen = chosen.where(~barred.correlate(waiting))
    if exclude_hosts:
        chosen = chosen.where(~tx.dialect.among(waiting.c.host, [storable(host) for host in exclude_hosts]))
    if share is not None:
        begun = sa.exists().where(_is_due_of(tx, waiting, None))
        fresh = sa.select(waiting.c.host).where(
            ~tx.dialect.among(waiting.c.host, [storable(host) for host in share.owned]),
            ~barred.correlate(waiting),
            begun.correlate(waiting),
        )
        chosen = chosen.where(
            sa.or_(
                tx.dialect.among(waiting.c.host, [storable(host) for host in share.kept]),
                waiting.c.host.in_(fresh.limit(share.more)),
            )
        )
    return chosen.order_by(page.c.available_at, page.c.key).limit(limit)


def _is_due_of(tx: Transaction, waiting: sa.CTE, only: Collection[str] | None) -> sa.ColumnElement[bool]:
    """Whether a page of a waiting host is due; `only`: of these sources."""
    due = sa.and_(frontier.c.host == waiting.c.host, frontier.c.state == "queued", frontier.c.available_at <= tx.now)
    return due if only is None else sa.and_(due, tx.dialect.among(frontier.c.source, only))


def is_due(tx: Transaction, only: Collection[str] | None) -> bool:
    waiting = _waiting_hosts()
    due = sa.exists().where(_is_due_of(tx, waiting, only)).correlate(waiting)
    barred = sa.exists().where(hosts.c.host == waiting.c.host, hostbook.is_held(tx)).correlate(waiting)
    return tx.first(sa.select(waiting.c.host).where(due, ~barred).limit(1)) is not None


def hosts_for_each(tx: Transaction) -> int | None:
    alive = sa.select(sa.func.count()).where(workers.c.heartbeat > tx.now - ALIVE)
    number = int(tx.scalar(alive.select_from(workers)))
    if number <= 1:
        return None
    waiting = _waiting_hosts()
    total = sa.select(sa.func.count()).select_from(waiting).where(waiting.c.host.is_not(None))
    return -(-int(tx.scalar(total)) // number)


def _waiting_hosts() -> sa.CTE:
    """The hosts with queued pages, each found by one step in the index from the one before."""
    first = sa.select(sa.func.min(frontier.c.host).label("host")).where(frontier.c.state == "queued")
    waiting = first.cte("waiting", recursive=True)
    step = sa.select(sa.func.min(frontier.c.host)).where(frontier.c.state == "queued", frontier.c.host > waiting.c.host)
    return waiting.union_all(sa.select(step.correlate(waiting).scalar_subquery()).where(waiting.c.host.is_not(None)))


def next_due(tx: Transaction, only: Collection[str] | None) -> datetime | None:
    if only is not None:
        mine = sa.select(sa.func.min(frontier.c.available_at)).where(frontier.c.state == "queued")
        found: datetime | None = tx.scalar(mine.where(tx.dialect.among(frontier.c.source, only)))
        return found
    waiting = _waiting_hosts()
    soonest = sa.select(sa.func.min(frontier.c.available_at)).where(
        frontier.c.host == waiting.c.host, frontier.c.state == "queued"
    )
    each = sa.select(soonest.correlate(waiting).scalar_subquery().label("at")).select_from(waiting).subquery()
    due: datetime | None = tx.scalar(sa.select(sa.func.min(each.c.at)))
    return due


def _entry(row: Row[Any], not_before: datetime | None) -> FrontierEntry:
    lost = row.leased_by is not None
    return FrontierEntry(
        key=row.key,
        url=row.url,
        host=row.host,
        source=row.source,
        reference=reference_of(row.reference, row.url),
        validators=Validators(row.etag, row.last_modified),
        attempts=row.attempts - lost,
        article_id=row.article_id,
        losses=row.losses + lost,
        not_before=not_before,
        look=bool(row.look),
    )


def extend(tx: Transaction, worker: str, seconds: float) -> frozenset[str]:
    until = tx.now + timedelta(seconds=seconds)
    for table in (frontier, tasks, sites):
        tx.run(sa.update(table).where(table.c.leased_by == worker).values(available_at=until))
    return hostbook.extend(tx, worker, until)


def release(tx: Transaction, worker: str, delay: float) -> None:
    pages = sa.update(frontier).where(frontier.c.leased_by == worker)
    tx.run(pages.values(available_at=tx.now, attempts=frontier.c.attempts - 1, **let_go()))
    tx.run(sa.update(tasks).where(tasks.c.leased_by == worker).values(available_at=tx.now, **let_go()))
    tx.run(sa.update(sites).where(sites.c.leased_by == worker).values(available_at=tx.now, leased_by=None))
    hostbook.free(tx, hosts.c.owner == worker, delay)
    tx.wakes.update(("pages", "tasks"))


def reclaim(tx: Transaction, delay: float) -> int:
    tx.run(sa.update(tasks).where(tasks.c.leased_by.is_not(None)).values(available_at=tx.now, **let_go()))
    tx.run(sa.update(sites).where(sites.c.leased_by.is_not(None)).values(available_at=tx.now, leased_by=None))
    hostbook.free(tx, hosts.c.owner.is_not(None), delay)
    lost = sa.update(frontier).where(frontier.c.leased_by.is_not(None))
    return tx.run(
        lost.values(available_at=tx.now, attempts=frontier.c.attempts - 1, losses=frontier.c.losses + 1, **let_go())
    )


def mend(tx: Transaction) -> int:
    """What the clock, set back, has put off: pages that never failed and decisions are due now, leases that end
    later than any could have ended."""
    ahead, impossible = tx.now + hostbook.SKEW, tx.now + hostbook.LONGEST_LEASE
    mended = tx.run(
        sa.update(frontier)
        .where(
            frontier.c.state == "queued",
            sa.or_(
                sa.and_(frontier.c.leased_by.is_(None), frontier.c.reason.is_(None), frontier.c.available_at > ahead),
                sa.and_(frontier.c.leased_by.is_not(None), frontier.c.available_at > impossible),
            ),
        )
        .values(available_at=tx.now)
    )
    for table in (tasks, sites):
        # Their waits are minutes at most: what is due later was put there by another clock.
        late = sa.or_(
            sa.and_(table.c.leased_by.is_(None), table.c.available_at > impossible + hostbook.SKEW),
            sa.and_(table.c.leased_by.is_not(None), table.c.available_at > impossible),
        )
        mended += tx.run(sa.update(table).where(late).values(available_at=tx.now))
    return mended


def let_go() -> dict[str, Any]:
    return {"leased_by": None, "leased_generation": None}
