"""Pending decisions: the durable list of articles that the linker has to look at (again)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from crawler.store.dialect import Dialect
from crawler.store.records import PendingDecision
from crawler.store.rows import chunks
from crawler.store.tables import articles, tasks
from crawler.store.transaction import Transaction

LEASE_SECONDS = 120.0  # for which who stores an article may decide on it before others do


def enqueue(tx: Transaction, numbers: Iterable[int], reason: str) -> None:
    """Puts articles on the list. One that is being decided is decided again: its worker did not see this."""
    rows = [_task(tx, number, reason) for number in sorted(set(numbers))]
    for part in chunks(rows):
        tx.run(_again(tx.dialect), part)
        tx.wakes.add("tasks")


def enqueue_for(tx: Transaction, number: int, reason: str, worker: str) -> None:
    """The same for an article that its worker has stored and decides on at once: it has the task first."""
    until = tx.now + timedelta(seconds=LEASE_SECONDS)
    leased = {"available_at": until, "leased_by": worker, "leased_generation": 0}
    tx.run(_reserved(tx.dialect), {**_task(tx, number, reason), **leased})
    tx.wakes.add("tasks")


def _task(tx: Transaction, number: int, reason: str) -> dict[str, Any]:
    return {"article_no": number, "reason": reason, "enqueued": tx.now, "available_at": tx.now, "generation": 0}


def lease(tx: Transaction, worker: str, limit: int, seconds: float) -> list[PendingDecision]:
    """Articles to decide, the oldest first. Costs one index probe each."""
    due = sa.select(tasks.c.article_no, tasks.c.reason).where(tasks.c.available_at <= tx.now)
    due = due.order_by(tasks.c.available_at, tasks.c.article_no).limit(limit)
    reasons = {row.article_no: row.reason for row in tx.all(due.with_for_update(skip_locked=True))}
    if not reasons:
        return []
    numbers = list(reasons)
    taken = sa.update(tasks).where(tx.dialect.among(tasks.c.article_no, numbers))
    until = tx.now + timedelta(seconds=seconds)
    tx.run(taken.values(leased_by=worker, available_at=until, leased_generation=tasks.c.generation))
    of = sa.select(articles.c.no, articles.c.id).where(tx.dialect.among(articles.c.no, numbers))
    ids = {row.no: row.id for row in tx.all(of)}
    return [PendingDecision(ids[number], reason) for number, reason in reasons.items()]


def finish(tx: Transaction, number: int, worker: str | None) -> None:
    """The decision is made: off the list, unless something came up since `worker` took it (then due again).

    `worker` None: whoever holds it.
    """
    mine = {"number": number} if worker is None else {"number": number, "worker": worker}
    if not tx.run(_FINISH if worker is None else _FINISH_MINE, mine):
        hand_back(tx, number, worker)


def finish_all(tx: Transaction, numbers: Sequence[int], worker: str) -> None:
    """The same for many that `worker` holds."""
    for part in chunks(numbers):
        mine = sa.and_(tx.dialect.among(tasks.c.article_no, part), tasks.c.leased_by == worker)
        tx.run(sa.delete(tasks).where(mine, _IS_CURRENT))
        due_again = {"leased_by": None, "leased_generation": None, "available_at": tx.now}
        tx.run(sa.update(tasks).where(mine).values(due_again))


def hand_back(tx: Transaction, number: int, worker: str | None, *, after: float = 0.0) -> None:
    """Due again `after` so many seconds."""
    given = {"number": number, "until": tx.now + timedelta(seconds=after)}
    if worker is None:
        tx.run(_HAND_BACK, given)
    else:
        tx.run(_HAND_BACK_MINE, {**given, "worker": worker})


def count(tx: Transaction) -> int:
    """Articles to decide, those under way included. One pass over the list."""
    return int(tx.scalar(sa.select(sa.func.count()).select_from(tasks)))


def drop(tx: Transaction, numbers: Sequence[int]) -> None:
    """Articles that went need no decision."""
    tx.run(sa.delete(tasks).where(tx.dialect.among(tasks.c.article_no, numbers)))


@cache
def _again(dialect: Dialect) -> Any:
    task = dialect.insert(tasks)
    newer = {"generation": tasks.c.generation + 1, "reason": task.excluded.reason}
    return task.on_conflict_do_update(index_elements=["article_no"], set_=newer)


@cache
def _reserved(dialect: Dialect) -> Any:
    task = dialect.insert(tasks)
    newer = tasks.c.generation + 1
    mine = {name: task.excluded[name] for name in ("reason", "available_at", "leased_by")}
    return task.on_conflict_do_update(
        index_elements=["article_no"], set_={**mine, "generation": newer, "leased_generation": newer}
    )


# Made once: these run for every page, and to build such a statement takes longer than to execute it.
_OF = tasks.c.article_no == sa.bindparam("number")
_MINE = tasks.c.leased_by == sa.bindparam("worker")
_IS_CURRENT = sa.func.coalesce(tasks.c.leased_generation, tasks.c.generation) == tasks.c.generation
_FINISH = sa.delete(tasks).where(_OF, _IS_CURRENT)
_FINISH_MINE = _FINISH.where(_MINE)
_HAND_BACK = (
    sa.update(tasks)
    .where(_OF)
    .values(leased_by=None, leased_generation=None, available_at=sa.bindparam("until", type_=tasks.c.available_at.type))
)
_HAND_BACK_MINE = _HAND_BACK.where(_MINE)
