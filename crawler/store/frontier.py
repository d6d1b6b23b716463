"""The frontier: the durable queue of pages.

A page is queued once, whatever twin of its URL is announced, and again only for a newer modification time. It
is handed out under a lease; a worker that dies leaves it to the next when the lease has run out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler import urls
from crawler.errors import UrlRefused
from crawler.model import Reference, Role, Validators
from crawler.store.columns import in_utc, storable
from crawler.store.connected import Connected
from crawler.store.records import Announced, FrontierCounts, FrontierEntry
from crawler.store.rows import chunks, reference_of, reference_text
from crawler.store.sitetables import sites
from crawler.store.tables import articles, frontier, sources, tasks
from crawler.store.transaction import Transaction

QUEUED, PARKED, DONE, FAILED = "queued", "parked", "done", "failed"
LEASE_TRIES = 3  # where other workers snatch what was chosen


class Frontier(Connected):
    async def announce(self, source_name: str, references: Sequence[Reference], *, now: datetime) -> Announced:
        """Queues what is new and what was modified since it was last announced; says how many.

        References whose URL can't be fetched are left out. What is known and not newer costs one index probe
        and writes nothing.
        """
        return await self._db.write(_announce, source_name, references, now)

    async def pass_over(self, source_name: str, references: Sequence[Reference], *, now: datetime) -> None:
        """Makes references known without queueing them: not even a later poll will; a newer modification does."""
        await self._db.write(_pass_over, source_name, references, now)

    async def lease(
        self,
        worker: str,
        limit: int,
        *,
        per_host: int,
        seconds: float,
        exclude_hosts: Collection[str] = (),
        sources: Collection[str] | None = None,
    ) -> list[FrontierEntry]:
        """At most `limit` pages that are due, at most `per_host` of one host, the oldest first, for `seconds`.

        `sources`: only pages of these. Costs one index probe for each host that has queued pages and one for
        each page handed out, however long the queue.
        """
        return await self._db.write(_lease, worker, limit, per_host, seconds, exclude_hosts, sources)

    async def extend_leases(self, worker: str, seconds: float) -> None:
        """All that `worker` holds, pages and decisions, stays its for `seconds` from now."""
        await self._db.write(_extend, worker, seconds)

    async def release(self, worker: str) -> None:
        """Gives back all that `worker` holds, pages and decisions; the try does not count."""
        await self._db.write(_release, worker)

    async def reclaim(self) -> int:
        """SQLite, by who holds `exclusive_run`: what a killed run had leased is due at once; how many pages.

        No other run can live there, so its leases need not end first. The tries count: a page that kills every
        run that takes it must not be taken for ever. PostgreSQL: nothing is done, other workers live.
        """
        return await self._db.write(_reclaim) if self._db.file is not None else 0

    async def retry_later(self, key: str, worker: str, reason: str, detail: str, at: datetime) -> None:
        """Due again at `at`. `reason` is a short code, `detail` a line for people."""
        await self._db.write(_retry_later, key, worker, reason, detail, at)

    async def give_up(self, key: str, worker: str, reason: str, detail: str) -> None:
        """Failed for good, kept with its reason; a newer modification time revives it."""
        await self._db.write(_give_up, key, worker, reason, detail)

    async def unchanged(self, key: str, worker: str) -> None:
        """The server said that the page is as it was (304)."""
        await self._db.write(_unchanged, key, worker)

    async def frontier_counts(self) -> FrontierCounts:
        """Costs grow with the number of pages ever announced (one pass over an index)."""
        return await self._db.read(counts)

    async def next_due(self, *, sources: Collection[str] | None = None) -> datetime | None:
        """When the next queued page can be had: in the past if now, None if nothing is queued or leased.

        Costs one index probe for each host with queued pages; with `sources`, one for each queued page.
        """
        return await self._db.read(_next_due, sources)


def settle(
    tx: Transaction, key: str, worker: str | None, article_no: int | None, validators: Validators | None
) -> None:
    """The page was fetched. Queued again at once where a newer version was announced while it was under way."""
    values: dict[str, Any] = {
        "state": _unless_newer(DONE),
        "available_at": tx.now,
        "fetched_at": tx.now,
        "reference": sa.case((_is_current(), None), else_=frontier.c.reference),
        "attempts": 0,
        "reason": None,
        "detail": None,
        **_let_go(),
    }
    if article_no is not None:
        values["article_no"] = article_no
    if validators is not None:
        values["etag"], values["last_modified"] = validators.etag, validators.last_modified
    _update(tx, key, worker, values)


def _announce(tx: Transaction, source: str, references: Sequence[Reference], now: datetime) -> Announced:
    wanted: dict[str, tuple[str, Reference]] = {}
    for reference in references:
        try:
            url = urls.normalize(reference.url)
        except UrlRefused:
            continue
        wanted.setdefault(urls.article_id(url), (url, reference))
    changed = 0
    found: list[str] = []
    for keys in chunks(wanted):
        held = {row.key: row for row in tx.all(sa.select(*_KNOWN).where(tx.dialect.among(frontier.c.key, keys)))}
        fresh = [_queued(key, *wanted[key], source, now) for key in keys if key not in held]
        if fresh:
            # Another worker may announce the same page: what conflicts is known.
            added = tx.dialect.insert(frontier).on_conflict_do_nothing(index_elements=["key"])
            found += [row.key for row in tx.inserted(added.returning(frontier.c.key), fresh)]
        weaker = _weaker_sources(tx, source, {row.source for row in held.values()})
        outranks = bool(weaker) and _outranks(tx, source)
        for key, row in held.items():
            if row.source in weaker and (row.state == PARKED or weaker[row.source]):
                changed += _take_over(tx, row, source, wanted[key][1], now, outranks=outranks)
            else:
                changed += _renew(tx, row, wanted[key][1], now)
    new = len(found)
    return Announced(new=new, known=len(wanted) - new - changed, changed=changed, fresh=frozenset(found))


def _pass_over(tx: Transaction, source: str, references: Sequence[Reference], now: datetime) -> None:
    rows = {}
    for reference in references:
        with suppress(UrlRefused):
            url = urls.normalize(reference.url)
            key = urls.article_id(url)
            rows[key] = {**_queued(key, url, reference, source, now), "state": DONE, "reference": None}
    added = tx.dialect.insert(frontier).on_conflict_do_nothing(index_elements=["key"])
    for keys in chunks(rows):
        tx.run(added, [rows[key] for key in keys])


_KNOWN = (
    frontier.c.key, frontier.c.state, frontier.c.stamp, frontier.c.fetched_at, frontier.c.leased_by,
    frontier.c.source,
)  # fmt: skip


def _queued(key: str, url: str, reference: Reference, source: str, now: datetime) -> dict[str, Any]:
    return {
        "key": key,
        "url": url,
        "host": urls.host_of(url),
        "source": source,
        "state": QUEUED,
        "available_at": now,
        "reference": reference_text(reference),
        "stamp": _stamp(reference),
        "announced_at": now,
        "attempts": 0,
        "generation": 0,
    }


def _weaker_sources(tx: Transaction, source: str, others: Collection[str]) -> dict[str, bool]:
    """The sources among `others` whose pages `source` takes over; True: also those that are not parked.

    A source that was renamed leaves its queue parked under the old name, one that was removed leaves its pages
    without any. And what an origin publishes is the origin's, though an aggregator linked to it first.
    """
    among = tx.dialect.among(sources.c.name, [source, *others])
    known = {row.name: row for row in tx.all(sa.select(sources.c.name, sources.c.role, sources.c.enabled).where(among))}
    mine = known.get(source)
    found = {}
    for other in set(others) - {source}:
        held = known.get(other)
        outranked = (
            mine is not None and held is not None and mine.role != Role.AGGREGATOR and held.role == Role.AGGREGATOR
        )
        if held is None or outranked:
            found[other] = True
        elif not held.enabled:
            found[other] = False
    return found


def _take_over(
    tx: Transaction, row: Row[Any], source: str, reference: Reference, now: datetime, *, outranks: bool
) -> int:
    """1 where the page is due again, now for `source`."""
    values: dict[str, Any] = {"source": source}
    due = row.state != DONE or outranks
    if due:
        values |= {
            "reference": reference_text(reference), "stamp": _stamp(reference), "state": QUEUED, "available_at": now,
            "attempts": 0, "generation": frontier.c.generation + 1, "reason": None, "detail": None, **_let_go(),
        }  # fmt: skip
    tx.run(sa.update(frontier).where(frontier.c.key == row.key).values(values))
    return int(due)


def _outranks(tx: Transaction, source: str) -> bool:
    """Whether the source's own word counts for more than an aggregator's: it is an origin or a release."""
    return bool(tx.scalar(sa.select(sources.c.role).where(sources.c.name == source)) != Role.AGGREGATOR)


def _renew(tx: Transaction, row: Row[Any], reference: Reference, now: datetime) -> int:
    """1 where the reference makes a known page due again."""
    stamp = _stamp(reference)
    if stamp is None or (row.stamp is not None and stamp <= row.stamp):
        return 0
    # A page first met without a date is not fetched again for a date that is older than its fetch.
    newer = row.stamp is not None or (row.fetched_at is not None and stamp > row.fetched_at)
    values: dict[str, Any] = {"stamp": stamp}
    if newer:
        values |= {"reference": reference_text(reference), "announced_at": now, "generation": frontier.c.generation + 1}
        if row.state in {DONE, FAILED}:
            values |= {"state": QUEUED, "available_at": now, "attempts": 0, "reason": None, "detail": None}
    tx.run(sa.update(frontier).where(frontier.c.key == row.key).values(values))
    return int(newer)


def _stamp(reference: Reference) -> datetime | None:
    return in_utc(reference.modified or reference.published)


def _lease(
    tx: Transaction,
    worker: str,
    limit: int,
    per_host: int,
    seconds: float,
    exclude_hosts: Collection[str],
    only: Collection[str] | None,
) -> list[FrontierEntry]:
    if limit <= 0 or per_host <= 0:
        return []
    rows: Sequence[Row[Any]] = []
    for _ in range(LEASE_TRIES):
        chosen = [row.key for row in tx.all(_due(tx, limit, per_host, exclude_hosts, only))]
        if not chosen:
            return []
        ours = sa.select(frontier, articles.c.id.label("article_id")).outerjoin(
            articles, articles.c.no == frontier.c.article_no
        )
        ours = ours.where(
            tx.dialect.among(frontier.c.key, chosen),
            frontier.c.state == QUEUED,
            frontier.c.available_at <= tx.now,
        )
        rows = tx.all(ours.with_for_update(of=frontier, skip_locked=True))
        if rows:
            break
    taken = sa.update(frontier).where(tx.dialect.among(frontier.c.key, [row.key for row in rows]))
    until = tx.now + timedelta(seconds=seconds)
    tx.run(
        taken.values(
            leased_by=worker,
            available_at=until,
            leased_generation=frontier.c.generation,
            attempts=frontier.c.attempts + 1,
        )
    )
    return [_entry(row) for row in sorted(rows, key=lambda row: (row.available_at, row.key))]


def _due(
    tx: Transaction, limit: int, per_host: int, exclude_hosts: Collection[str], only: Collection[str] | None
) -> sa.Select[Any]:
    """Keys of due pages: host by host, each from the front of its own queue."""
    hosts = _hosts()
    conditions = [frontier.c.host == hosts.c.host, frontier.c.state == QUEUED, frontier.c.available_at <= tx.now]
    if only is not None:
        conditions.append(tx.dialect.among(frontier.c.source, only))
    front = (
        sa.select(frontier.c.key)
        .where(*conditions)
        .order_by(frontier.c.available_at, frontier.c.key)
        .limit(per_host)
        .correlate(hosts)
    )
    page = frontier.alias("page")
    chosen = sa.select(page.c.key).select_from(hosts.join(page, page.c.key.in_(front)))
    if exclude_hosts:
        chosen = chosen.where(~tx.dialect.among(hosts.c.host, [storable(host) for host in exclude_hosts]))
    return chosen.order_by(page.c.available_at, page.c.key).limit(limit)


def _hosts() -> sa.CTE:
    """The hosts with queued pages, each found by one step in the index from the one before."""
    first = sa.select(sa.func.min(frontier.c.host).label("host")).where(frontier.c.state == QUEUED)
    hosts = first.cte("hosts", recursive=True)
    step = sa.select(sa.func.min(frontier.c.host)).where(frontier.c.state == QUEUED, frontier.c.host > hosts.c.host)
    return hosts.union_all(sa.select(step.correlate(hosts).scalar_subquery()).where(hosts.c.host.is_not(None)))


def next_due(tx: Transaction) -> datetime | None:
    """See `Frontier.next_due`."""
    return _next_due(tx, None)


def _next_due(tx: Transaction, only: Collection[str] | None) -> datetime | None:
    if only is not None:
        mine = sa.select(sa.func.min(frontier.c.available_at)).where(frontier.c.state == QUEUED)
        found: datetime | None = tx.scalar(mine.where(tx.dialect.among(frontier.c.source, only)))
        return found
    hosts = _hosts()
    soonest = sa.select(sa.func.min(frontier.c.available_at)).where(
        frontier.c.host == hosts.c.host, frontier.c.state == QUEUED
    )
    each = sa.select(soonest.correlate(hosts).scalar_subquery().label("at")).select_from(hosts).subquery()
    due: datetime | None = tx.scalar(sa.select(sa.func.min(each.c.at)))
    return due


def _entry(row: Row[Any]) -> FrontierEntry:
    return FrontierEntry(
        key=row.key,
        url=row.url,
        host=row.host,
        source=row.source,
        reference=reference_of(row.reference, row.url),
        validators=Validators(row.etag, row.last_modified),
        attempts=row.attempts,
        article_id=row.article_id,
    )


def _extend(tx: Transaction, worker: str, seconds: float) -> None:
    until = tx.now + timedelta(seconds=seconds)
    for table in (frontier, tasks, sites):
        tx.run(sa.update(table).where(table.c.leased_by == worker).values(available_at=until))


def _release(tx: Transaction, worker: str) -> None:
    pages = sa.update(frontier).where(frontier.c.leased_by == worker)
    tx.run(pages.values(available_at=tx.now, attempts=frontier.c.attempts - 1, **_let_go()))
    tx.run(sa.update(tasks).where(tasks.c.leased_by == worker).values(available_at=tx.now, **_let_go()))
    tx.run(sa.update(sites).where(sites.c.leased_by == worker).values(available_at=tx.now, leased_by=None))


def _reclaim(tx: Transaction) -> int:
    values = {"available_at": tx.now, **_let_go()}
    tx.run(sa.update(tasks).where(tasks.c.leased_by.is_not(None)).values(values))
    tx.run(sa.update(sites).where(sites.c.leased_by.is_not(None)).values(available_at=tx.now, leased_by=None))
    return tx.run(sa.update(frontier).where(frontier.c.leased_by.is_not(None)).values(values))


def _retry_later(tx: Transaction, key: str, worker: str, reason: str, detail: str, at: datetime) -> None:
    _update(tx, key, worker, {"available_at": at, "reason": reason, "detail": detail, **_let_go()})


def _give_up(tx: Transaction, key: str, worker: str, reason: str, detail: str) -> None:
    state = _unless_newer(FAILED)
    _update(tx, key, worker, {"state": state, "available_at": tx.now, "reason": reason, "detail": detail, **_let_go()})


def _unchanged(tx: Transaction, key: str, worker: str) -> None:
    held = sa.select(frontier.c.article_no).where(frontier.c.key == key).scalar_subquery()
    tx.run(sa.update(articles).where(articles.c.no == held).values(checked=tx.now))
    settle(tx, key, worker, None, None)


def _update(tx: Transaction, key: str, worker: str | None, values: Mapping[str, Any]) -> None:
    """Whoever lost the lease in the meantime changes nothing; `worker` None asks for no lease."""
    row = sa.update(frontier).where(frontier.c.key == key)
    tx.run((row if worker is None else row.where(frontier.c.leased_by == worker)).values(values))


def _is_current() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(frontier.c.leased_generation, frontier.c.generation) == frontier.c.generation


def _unless_newer(state: str) -> sa.ColumnElement[str]:
    return sa.case((_is_current(), state), else_=QUEUED)


def _let_go() -> dict[str, Any]:
    return {"leased_by": None, "leased_generation": None}


def counts(tx: Transaction) -> FrontierCounts:
    states = sa.select(frontier.c.state, sa.func.count().label("rows")).group_by(frontier.c.state)
    by_state = {row.state: int(row.rows) for row in tx.all(states)}
    reasons = sa.select(frontier.c.reason, sa.func.count().label("rows")).where(frontier.c.state == FAILED)
    failed = [(row.reason or "", int(row.rows)) for row in tx.all(reasons.group_by(frontier.c.reason))]
    ready = sa.select(sa.func.count()).where(frontier.c.state == QUEUED, frontier.c.available_at <= tx.now)
    held = sa.select(sa.func.count()).where(frontier.c.leased_by.is_not(None), frontier.c.available_at > tx.now)
    due, leased = int(tx.scalar(ready)), int(tx.scalar(held))
    return FrontierCounts(
        due=due,
        waiting=by_state.get(QUEUED, 0) - due - leased,
        leased=leased,
        done=by_state.get(DONE, 0),
        failed=by_state.get(FAILED, 0),
        parked=by_state.get(PARKED, 0),
        failed_by_reason=tuple(sorted(failed, key=lambda pair: (-pair[1], pair[0]))),
    )
