"""Hosts, each asked by one worker of the store at a time, and when the next of them may begin.

Who takes a page of a host takes the host with it, until its lease ends or it lets go; it leaves behind when the host
may be asked next, so that a delay, a crawl-delay and a hold after a refusal are kept over all workers and over the
death of any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.store.columns import storable
from crawler.store.connected import Connected
from crawler.store.hosttables import hosts
from crawler.store.transaction import Transaction

SKEW = timedelta(seconds=60)  # by which clocks of workers may differ; times further ahead were written by a wrong one
KEPT = timedelta(days=1)  # that a host which nobody asks is remembered
FORGOTTEN_AT_ONCE = 500
PATIENCE = timedelta(seconds=15)  # of a hold: pages of hosts held for longer are not handed out


@dataclass(frozen=True, slots=True)
class HostNote:
    """When a host may be asked next (None: at once), and the seconds that it wants between two requests."""

    not_before: datetime | None = None
    pace: float = 0.0


class HostBook(Connected):
    async def claim_host(self, worker: str, host: str, seconds: float) -> HostNote | None:
        """Makes `host` the worker's own for `seconds`; None where another asks it now."""
        return (await self._db.write(claim, worker, [host], seconds)).get(host)

    async def note_hosts(self, worker: str, notes: Mapping[str, HostNote]) -> None:
        """Writes down what is known of hosts that the worker keeps."""
        await self._db.write(_note, worker, notes)

    async def let_hosts_go(self, worker: str, notes: Mapping[str, HostNote]) -> None:
        """Others may ask these hosts, from when their notes say."""
        await self._db.write(_let_go, worker, notes)

    async def forget_hosts(self) -> int:
        """Drops some of the hosts that nobody has asked for a day; how many."""
        return await self._db.write(_forget)


def claim(tx: Transaction, worker: str, names: Iterable[str], seconds: float) -> dict[str, HostNote]:
    """Takes what is free of `names`, in one order for all workers so that none waits for another in a circle."""
    wanted = sorted({storable(name) for name in names})
    held = {row.host: row for row in tx.all(sa.select(hosts).where(tx.dialect.among(hosts.c.host, wanted)))}
    mine = {name: _seen(held[name], tx.now) for name in wanted if name in held and _is_mine(held[name], worker, tx.now)}
    until = tx.now + timedelta(seconds=seconds)
    rows = [{"host": name, "owner": worker, "owned_until": until, "pace": 0.0} for name in wanted if name not in mine]
    if not rows:
        return mine
    made = tx.dialect.insert(hosts)
    taken = made.on_conflict_do_update(
        index_elements=["host"],
        set_={"owner": made.excluded.owner, "owned_until": made.excluded.owned_until},
        where=sa.or_(hosts.c.owner == worker, is_free(tx)),
    )
    found = tx.inserted(taken.returning(hosts.c.host, hosts.c.not_before, hosts.c.noted, hosts.c.pace), rows)
    return mine | {row.host: _seen(row, tx.now) for row in found}


def is_free(tx: Transaction) -> sa.ColumnElement[bool]:
    """Whether nobody has the host of a row. A lease that ends later than any could is from before the clock was set
    back."""
    ended = hosts.c.owned_until <= tx.now
    return sa.or_(hosts.c.owner.is_(None), ended, hosts.c.owned_until > tx.now + LONGEST_LEASE)


def is_held(tx: Transaction) -> sa.ColumnElement[bool]:
    """Whether the host of a row sends everybody away for longer than a worker waits."""
    return sa.and_(hosts.c.not_before > tx.now + PATIENCE, hosts.c.noted <= tx.now + SKEW)


LONGEST_LEASE = timedelta(minutes=10)


def remaining(not_before: datetime | None, noted: datetime | None, now: datetime) -> timedelta:
    """How long a host is still to be left alone. Where the clock was set back since that was written, as long as
    it was then: the way that is gone of it can't be told."""
    if not_before is None:
        return timedelta()
    since = noted if noted is not None and noted > now + SKEW else now
    return max(not_before - since, timedelta())


def extend(tx: Transaction, worker: str, until: datetime) -> frozenset[str]:
    """The hosts that are still the worker's, now until then."""
    mine = sa.update(hosts).where(hosts.c.owner == worker).values(owned_until=until)
    return frozenset(row.host for row in tx.connection.execute(mine.returning(hosts.c.host)))


def free(tx: Transaction, of: sa.ColumnElement[bool], delay: float) -> None:
    """Frees hosts whose worker has died or ends: it may have asked each of them this very moment."""
    rows = tx.all(sa.select(hosts).where(of).order_by(hosts.c.host))
    _write(tx, rows, {row.host: HostNote(_after(row, tx.now, delay), row.pace) for row in rows}, keep=False)


def _after(row: Row[Any], now: datetime, delay: float) -> datetime:
    return now + max(remaining(row.not_before, row.noted, now), timedelta(seconds=max(row.pace, delay)))


def _is_mine(row: Row[Any], worker: str, now: datetime) -> bool:
    return row.owner == worker and row.owned_until is not None and row.owned_until > now


def _seen(row: Row[Any], now: datetime) -> HostNote:
    left = remaining(row.not_before, row.noted, now)
    return HostNote(now + left if left else None, row.pace)


def _note(tx: Transaction, worker: str, notes: Mapping[str, HostNote]) -> None:
    _write(tx, _owned(tx, worker, notes), notes, keep=True)


def _let_go(tx: Transaction, worker: str, notes: Mapping[str, HostNote]) -> None:
    _write(tx, _owned(tx, worker, notes), notes, keep=False)


def _owned(tx: Transaction, worker: str, names: Collection[str]) -> Sequence[Row[Any]]:
    mine = sa.select(hosts.c.host).where(tx.dialect.among(hosts.c.host, sorted(names)), hosts.c.owner == worker)
    return tx.all(mine.order_by(hosts.c.host).with_for_update())


def _write(tx: Transaction, rows: Sequence[Row[Any]], notes: Mapping[str, HostNote], *, keep: bool) -> None:
    known = sa.update(hosts).where(hosts.c.host == sa.bindparam("name"))
    values: dict[str, Any] = {
        "not_before": sa.bindparam("at", type_=hosts.c.not_before.type),
        "pace": sa.bindparam("seconds"),
        "noted": tx.now,
    }
    if not keep:
        values |= {"owner": None, "owned_until": None}
        tx.wakes.add("pages")
    given = [{"name": row.host, "at": notes[row.host].not_before, "seconds": notes[row.host].pace} for row in rows]
    tx.run(known.values(values), given)


def _forget(tx: Transaction) -> int:
    old = sa.select(hosts.c.host).where(
        hosts.c.owner.is_(None),
        hosts.c.noted < tx.now - KEPT,
        sa.or_(hosts.c.not_before.is_(None), hosts.c.not_before < tx.now),
    )
    names = [row.host for row in tx.all(old.limit(FORGOTTEN_AT_ONCE))]
    return tx.run(sa.delete(hosts).where(tx.dialect.among(hosts.c.host, names), hosts.c.owner.is_(None)))
