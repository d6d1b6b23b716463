"""The frontier: the durable queue of pages.

A page is queued once, whatever twin of its URL is announced, and again only for a newer modification time. It
is handed out under a lease; a worker that dies leaves it to the next when the lease has run out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler import urls
from crawler.errors import UrlRefused
from crawler.model import Completeness, Reference, Role, Validators
from crawler.store import leasing
from crawler.store.columns import in_utc
from crawler.store.connected import Connected
from crawler.store.leasing import Share, let_go
from crawler.store.records import Announced, FrontierCounts, FrontierEntry
from crawler.store.rows import chunks, reference_text
from crawler.store.tables import articles, frontier, sources
from crawler.store.transaction import Transaction

QUEUED, PARKED, DONE, FAILED = "queued", "parked", "done", "failed"


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
        share: Share | None = None,
    ) -> list[FrontierEntry]:
        """At most `limit` pages that are due, at most `per_host` of one host, the oldest first, for `seconds`.

        `sources`: only pages of these. `share`: only of hosts that it allows. With a page its host becomes the
        worker's, and none is handed out of a host that another worker has or that sends everybody away. Costs two
        index probes for each host that has queued pages and one for each page handed out, however long the queue.
        """
        return await self._db.write(leasing.lease, worker, limit, per_host, seconds, exclude_hosts, sources, share)

    async def extend_leases(self, worker: str, seconds: float) -> frozenset[str]:
        """All that `worker` holds, pages, decisions and hosts, stays its for `seconds` from now; the hosts."""
        return await self._db.write(leasing.extend, worker, seconds)

    async def release(self, worker: str, delay: float = 0.0) -> None:
        """Gives back all that `worker` holds, pages, decisions and hosts; the try does not count.

        `delay`: seconds that its hosts are left alone from now, where they are not known to want more.
        """
        await self._db.write(leasing.release, worker, delay)

    async def reclaim(self, delay: float = 0.0) -> int:
        """SQLite, by who holds `exclusive_run`: what a killed run had leased is due at once; how many pages.

        No other run can live there, so its leases need not end first. `delay` as in `release`. PostgreSQL: nothing
        is done, other workers live.
        """
        return await self._db.write(leasing.reclaim, delay) if self._db.file is not None else 0

    async def is_due(self, *, sources: Collection[str] | None = None) -> bool:
        """Whether a page is due that nobody has in hand, whoever has its host; none of a host that sends everybody
        away. Costs two index probes for each host with queued pages."""
        return await self._db.read(leasing.is_due, sources)

    async def hosts_for_each(self) -> int | None:
        """How many of the hosts with queued pages are one worker's part; None: there is only one worker. One index
        probe for each such host."""
        return await self._db.read(leasing.hosts_for_each)

    async def mend_times(self) -> int:
        """Makes due what waits for a time that a clock set back since has put far off; how much. One pass over the
        queue."""
        return await self._db.write(leasing.mend)

    async def retry_later(
        self, key: str, worker: str, reason: str, detail: str, at: datetime, *, counts: bool = True
    ) -> None:
        """Due again at `at`. `reason` is a short code, `detail` a line for people. `counts`: whether it was a try."""
        await self._db.write(_retry_later, key, worker, reason, detail, at, counts)

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
        return await self._db.read(leasing.next_due, sources)


def settle(
    tx: Transaction, key: str, worker: str | None, article_no: int | None, validators: Validators | None
) -> None:
    """The page was fetched. Queued again at once where a newer version was announced while it was under way."""
    given: dict[str, Any] = {"now": tx.now, "page": key}
    if worker is not None:
        given["worker"] = worker
    if article_no is not None:
        given["article"] = article_no
    if validators is not None:
        given |= {"new_etag": validators.etag, "new_last_modified": validators.last_modified}
    tx.run(_settled(frozenset(given)), given)


@cache
def _settled(given: frozenset[str]) -> sa.Update:
    """Made once for each set of parameters: it runs for every page."""
    now = sa.bindparam("now", type_=frontier.c.available_at.type)
    values: dict[str, Any] = {
        "state": _unless_newer(DONE),
        "available_at": now,
        "fetched_at": now,
        "reference": sa.case((_is_current(), None), else_=frontier.c.reference),
        "attempts": 0,
        "losses": 0,
        "reason": None,
        "detail": None,
        **let_go(),
    }
    if "article" in given:
        values["article_no"] = sa.bindparam("article", type_=frontier.c.article_no.type)
    if "new_etag" in given:
        values["etag"] = sa.bindparam("new_etag", type_=frontier.c.etag.type)
        values["last_modified"] = sa.bindparam("new_last_modified", type_=frontier.c.last_modified.type)
    row = sa.update(frontier).where(frontier.c.key == sa.bindparam("page")).values(values)
    return row if "worker" not in given else row.where(frontier.c.leased_by == sa.bindparam("worker"))


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
        known = sa.select(*_KNOWN).outerjoin(articles, articles.c.no == frontier.c.article_no)
        held = {row.key: row for row in tx.all(known.where(tx.dialect.among(frontier.c.key, keys)))}
        fresh = [_queued(key, *wanted[key], source, now) for key in keys if key not in held]
        if fresh:
            # Another worker may announce the same page: what conflicts is known.
            added = tx.dialect.insert(frontier).on_conflict_do_nothing(index_elements=["key"])
            found += [row.key for row in tx.inserted(added.returning(frontier.c.key), fresh)]
        weaker = _weaker_sources(tx, source, {row.source for row in held.values()})
        whole = {key for key in held if wanted[key][1].content_html and _is_teaser(held[key])}
        outranks = bool(weaker or whole) and _outranks(tx, source)
        for key, row in held.items():
            if row.source in weaker and (row.state == PARKED or weaker[row.source]):
                changed += _take_over(tx, row, source, wanted[key][1], now, outranks=outranks)
            elif key in whole and row.source != source and outranks:
                # A licensed feed brings what a public one has but named, whichever of them is polled first.
                changed += _take_over(tx, row, source, wanted[key][1], now, outranks=True)
            else:
                changed += _renew(tx, row, wanted[key][1], now)
    new = len(found)
    if new or changed:
        tx.wakes.add("pages")
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
    frontier.c.source, frontier.c.reference.contains('"content_html": ""').label("named"), articles.c.completeness,
)  # fmt: skip


def _is_teaser(row: Row[Any]) -> bool:
    """Whether no more than the teaser of a story is stored, or in the queue to be."""
    if row.state == QUEUED:
        return bool(row.named) and row.completeness != Completeness.FULL.value
    return bool(row.completeness == Completeness.TEASER.value)


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
            "attempts": 0, "generation": frontier.c.generation + 1, "reason": None, "detail": None, **let_go(),
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


def _retry_later(tx: Transaction, key: str, worker: str, reason: str, detail: str, at: datetime, counts: bool) -> None:
    values = {"available_at": at, "reason": reason, "detail": detail, "losses": 0, **let_go()}
    _update(tx, key, worker, values if counts else {**values, "attempts": frontier.c.attempts - 1})


def _give_up(tx: Transaction, key: str, worker: str, reason: str, detail: str) -> None:
    state = _unless_newer(FAILED)
    _update(tx, key, worker, {"state": state, "available_at": tx.now, "reason": reason, "detail": detail, **let_go()})


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
