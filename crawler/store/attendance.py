"""The workers of a store: where each runs, since when, whether it is alive, and what it has in hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crawler.interchange import Json, time_to_json
from crawler.store.hosttables import hosts
from crawler.store.leasing import ALIVE
from crawler.store.sitetables import sites
from crawler.store.tables import frontier, runs, tasks, workers
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Attendant:
    """A worker, one process of `run`. What it holds goes to the others when its lease ends, if it is dead."""

    name: str
    host: str  # the machine
    pid: int | None
    kind: str | None  # of its run: daemon | once | archives
    started: datetime
    heartbeat: datetime
    silent: timedelta  # since its last heartbeat
    hosts: int  # sites that it asks, and no other does
    pages: int  # in hand, from the queue to the store
    decisions: int
    sites: int  # whose furniture it learns

    @property
    def stale(self) -> bool:
        """Killed, or cut off from the store: it has missed three heartbeats."""
        return self.silent >= ALIVE

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "kind": self.kind,
            "started": time_to_json(self.started),
            "heartbeat": time_to_json(self.heartbeat),
            "silent": round(self.silent.total_seconds(), 1),
            "stale": self.stale,
            "hosts": self.hosts,
            "pages": self.pages,
            "decisions": self.decisions,
            "sites": self.sites,
        }


def attendants(tx: Transaction) -> list[Attendant]:
    """All workers that have not signed off, by name; a dead one is forgotten after a day."""
    rows = tx.all(sa.select(workers).order_by(workers.c.name))
    owned = _held(tx, hosts.c.owner, hosts.c.owned_until > tx.now)
    pages, decisions, learnt = (_held(tx, table.c.leased_by) for table in (frontier, tasks, sites))
    under_way = sa.select(runs.c.worker, runs.c.kind).where(
        runs.c.finished.is_(None), tx.dialect.among(runs.c.worker, [row.name for row in rows])
    )
    kinds = {row.worker: row.kind for row in tx.all(under_way.order_by(runs.c.id))}
    return [
        Attendant(
            name=row.name,
            host=machine,
            pid=pid,
            kind=kinds.get(row.name),
            started=row.started,
            heartbeat=row.heartbeat,
            silent=max(tx.now - row.heartbeat, timedelta()),
            hosts=owned.get(row.name, 0),
            pages=pages.get(row.name, 0),
            decisions=decisions.get(row.name, 0),
            sites=learnt.get(row.name, 0),
        )
        for row in rows
        for machine, pid in [where(row.name)]
    ]


def where(name: str) -> tuple[str, int | None]:
    """Machine and process of a worker's name, HOST:PID:RANDOM; a host's name may hold colons."""
    machine, *rest = name.rsplit(":", 2)
    if len(rest) == 2 and rest[0].isascii() and rest[0].isdecimal():
        return machine, int(rest[0])
    return name, None


def _held(tx: Transaction, by: sa.Column[Any], *also: sa.ColumnElement[bool]) -> dict[str, int]:
    """How many rows each worker has: by the small index of rows that somebody has."""
    held = sa.select(by.label("worker"), sa.func.count().label("rows")).where(by.is_not(None), *also).group_by(by)
    return {row.worker: int(row.rows) for row in tx.all(held)}
