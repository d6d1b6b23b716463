"""Who works, what the last runs did, and how the store stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crawler.interchange import time_to_json
from crawler.store import attendance, candidates, changelog, deadletters, frontier, leasing, stories, tasks, webhooks
from crawler.store.connected import Connected
from crawler.store.records import Gauges, RunRecord, WorkerRecord
from crawler.store.schema import HEAD
from crawler.store.tables import articles, links, runs, sources, workers
from crawler.store.transaction import Transaction

LAST_RUNS = 5  # in the status
DEAD_LETTERS = 10
TOGETHER = timedelta(minutes=1)  # that workers of one pass are started apart
MOST_TOGETHER = 1_000  # of the last runs that are looked at for them
FORGOTTEN = timedelta(days=1)  # after its last heartbeat, a worker that was killed


class Runs(Connected):
    async def start_run(self, worker: str, kind: str) -> int:
        """Notes the begin of a run; its number. `kind`: once, daemon, import …"""
        return await self._db.write(_start, worker, kind)

    async def finish_run(self, run_id: int, summary: Mapping[str, object]) -> None:
        await self._db.write(_finish, run_id, summary)

    async def pass_began(self) -> datetime:
        """When the pass over all sources began that a run with `once` makes now: as soon as that of the first of the
        living workers which were started less than TOGETHER ago and are at it still; theirs is one pass.

        On SQLite no other run is under way: now.
        """
        return await self._db.read(_pass_began, self._db.file is None)

    async def last_runs(self, most: int) -> list[RunRecord]:
        """The newest first; one that never finished was killed or still works."""
        return await self._db.read(_last, most)

    async def heartbeat(self, worker: str) -> None:
        """The worker is alive."""
        await self._db.write(_heartbeat, worker)

    async def sign_off(self, worker: str) -> None:
        """The worker is gone, in good order."""
        await self._db.write(_sign_off, worker)

    async def workers(self) -> list[WorkerRecord]:
        return await self._db.read(_workers)

    async def status(self) -> dict[str, Any]:
        """The store in numbers, ready for JSON. Costs one pass over small indexes: seconds at many millions."""
        return {"store": self._db.name, **await self._db.read(_status)}

    async def gauges(self) -> Gauges:
        """How the store stands, for a monitor. Costs as `frontier_counts` and `next_due` together."""
        return await self._db.read(_gauges)


def _gauges(tx: Transaction) -> Gauges:
    alive = tx.scalar(sa.select(sa.func.count()).select_from(workers))
    return Gauges(
        frontier=frontier.counts(tx),
        next_due=leasing.next_due(tx, None),
        pending_decisions=tasks.count(tx),
        sources=_counted(tx, sa.case((sources.c.enabled, sources.c.state), else_="disabled")),
        workers=int(alive),
    )


def _start(tx: Transaction, worker: str, kind: str) -> int:
    made = {"worker": worker, "kind": kind, "started": tx.now, "summary": "{}"}
    return int(tx.scalar(sa.insert(runs).values(made).returning(runs.c.id)))


def _pass_began(tx: Transaction, shared: bool) -> datetime:
    if not shared:
        return tx.now
    newest = sa.select(runs).order_by(runs.c.id.desc()).limit(MOST_TOGETHER).subquery()
    began = sa.select(sa.func.min(newest.c.started)).join(workers, workers.c.name == newest.c.worker)
    under_way = began.where(
        newest.c.kind == "once",
        newest.c.finished.is_(None),
        newest.c.started > tx.now - TOGETHER,
        workers.c.heartbeat > tx.now - leasing.ALIVE,
    )
    first: datetime | None = tx.scalar(under_way)
    return min(first, tx.now) if first is not None else tx.now


def _finish(tx: Transaction, run_id: int, summary: Mapping[str, object]) -> None:
    done = {"finished": tx.now, "summary": json.dumps(dict(summary))}
    tx.run(sa.update(runs).where(runs.c.id == run_id).values(done))


def _last(tx: Transaction, most: int) -> list[RunRecord]:
    rows = tx.all(sa.select(runs).order_by(runs.c.id.desc()).limit(most))
    return [RunRecord(row.id, row.worker, row.kind, row.started, row.finished, json.loads(row.summary)) for row in rows]


def _heartbeat(tx: Transaction, worker: str) -> None:
    upsert = tx.dialect.insert(workers)
    alive = upsert.on_conflict_do_update(index_elements=["name"], set_={"heartbeat": upsert.excluded.heartbeat})
    tx.run(alive, {"name": worker, "started": tx.now, "heartbeat": tx.now})
    tx.run(sa.delete(workers).where(workers.c.heartbeat < tx.now - FORGOTTEN))


def _sign_off(tx: Transaction, worker: str) -> None:
    tx.run(sa.delete(workers).where(workers.c.name == worker))


def _workers(tx: Transaction) -> list[WorkerRecord]:
    rows = tx.all(sa.select(workers).order_by(workers.c.name))
    return [WorkerRecord(row.name, row.started, row.heartbeat) for row in rows]


def _status(tx: Transaction) -> dict[str, Any]:
    linker = candidates.serving(tx)
    pages = frontier.counts(tx)
    return {
        "schema": HEAD,
        "linker": linker.linker if linker is not None else None,
        "articles": _articles(tx),
        "links": _counted(tx, links.c.state),
        **_stories(tx),
        "pending_decisions": tasks.count(tx),
        "frontier": {
            "due": pages.due,
            "waiting": pages.waiting,
            "leased": pages.leased,
            "done": pages.done,
            "failed": pages.failed,
            "parked": pages.parked,
            "failed_by_reason": dict(pages.failed_by_reason),
        },
        "dead_letters": [deadletters.as_json(letter) for letter in deadletters.newest(tx, DEAD_LETTERS)],
        "changes": changelog.head(tx),
        "webhooks": [one.as_json() for one in webhooks.all_of(tx)],
        "undelivered": [letter.as_json() for letter in webhooks.newest(tx, DEAD_LETTERS)],
        "sources": _counted(tx, sa.case((sources.c.enabled, sources.c.state), else_="disabled")),
        "sources_in_trouble": _troubled(tx),
        "workers": [one.as_json() for one in attendance.attendants(tx)],
        "runs": [
            {
                "id": run.id,
                "worker": run.worker,
                "kind": run.kind,
                "started": time_to_json(run.started),
                "finished": time_to_json(run.finished),
                "summary": run.summary,
            }
            for run in _last(tx, LAST_RUNS)
        ],
    }


def _stories(tx: Transaction) -> dict[str, Any]:
    counted = stories.counts(tx)
    return {"stories": counted["count"], "large_stories": counted["large"]}


def _articles(tx: Transaction) -> dict[str, dict[str, int]]:
    by = (articles.c.role, articles.c.completeness)
    rows = sa.select(*by, sa.func.count().label("rows")).where(articles.c.state == "live").group_by(*by).order_by(*by)
    counted: dict[str, dict[str, int]] = {}
    for row in tx.all(rows):
        counted.setdefault(row.role, {})[row.completeness] = int(row.rows)
    return counted


def _counted(tx: Transaction, column: sa.ColumnElement[Any]) -> dict[str, int]:
    value = column.label("value")
    rows = sa.select(value, sa.func.count().label("rows")).group_by(value).order_by(value)
    return {row.value: int(row.rows) for row in tx.all(rows)}


def _troubled(tx: Transaction) -> list[dict[str, Any]]:
    rows = sa.select(sources).where(sources.c.enabled, sources.c.state.not_in(("ok", "new"))).order_by(sources.c.name)
    return [
        {"name": row.name, "state": row.state, "reason": row.reason, "failures": row.consecutive_failures}
        for row in tx.all(rows)
    ]
