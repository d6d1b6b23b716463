"""Pages that were given up: what they failed of, and their way back into the queue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crawler.interchange import time_to_json
from crawler.model import Verdict
from crawler.store.connected import Connected
from crawler.store.records import DeadLetter
from crawler.store.tables import frontier, sources
from crawler.store.transaction import Transaction

REVIVED_AT_ONCE = 1_000  # pages
LOOKED_AT = 1_000  # of the last that were given up, to find those that failed
# What was read and held no article did not fail: it is given up as well, and stays so unless asked for by its name.
NO_FAULT = frozenset({*(verdict.value for verdict in Verdict), "empty", "part"})


class DeadLetters(Connected):
    async def dead_letters(self, most: int) -> list[DeadLetter]:
        """Pages that failed for good, the last given up first. Costs no more than 1,000 steps in an index."""
        return await self._db.read(newest, most)

    async def revive(self, *, reason: str | None = None, only: Collection[str] = ()) -> int:
        """Queues what was given up again, with all its tries; how many pages.

        `reason`: only what failed of it; without, all but the pages that hold no article. `only`: pages of these
        sources. Pages whose source is gone or disabled stay.
        """
        began = await self._db.read(lambda tx: tx.now)
        revived = 0
        while done := await self._db.write(_revive, reason, only, began):
            revived += done
        return revived


def newest(tx: Transaction, most: int) -> list[DeadLetter]:
    last = sa.select(frontier).where(frontier.c.state == "failed")
    last = last.order_by(frontier.c.available_at.desc(), frontier.c.key.desc()).limit(LOOKED_AT)
    failed = (row for row in tx.all(last) if row.reason not in NO_FAULT)
    return [
        DeadLetter(row.url, row.source, row.reason or "", row.detail or "", row.attempts, row.available_at)
        for row, _ in zip(failed, range(most), strict=False)
    ]


def as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "url": letter.url,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "source": letter.source,
        "detail": letter.detail,
        "at": time_to_json(letter.at),
    }


def _revive(tx: Transaction, reason: str | None, only: Collection[str], before: datetime) -> int:
    alive = sa.select(sources.c.name).where(sources.c.enabled)
    # What fails again meanwhile is later than `before`: it is not taken twice.
    dead = [frontier.c.state == "failed", frontier.c.available_at <= before, frontier.c.source.in_(alive)]
    if reason is not None:
        dead.append(frontier.c.reason == reason)
    else:
        dead.append(~tx.dialect.among(frontier.c.reason, sorted(NO_FAULT)))
    if only:
        dead.append(tx.dialect.among(frontier.c.source, sorted(only)))
    rows = tx.all(sa.select(frontier.c.key).where(*dead).limit(REVIVED_AT_ONCE).with_for_update(skip_locked=True))
    if not rows:
        return 0
    again = sa.update(frontier).where(tx.dialect.among(frontier.c.key, [row.key for row in rows]))
    tx.wakes.add("pages")
    return tx.run(again.values(state="queued", available_at=tx.now, attempts=0, losses=0, reason=None, detail=None))
