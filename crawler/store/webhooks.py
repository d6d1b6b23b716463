"""How far each webhook has been told the change log, and who tells it now.

One worker tells a webhook at a time: it holds the webhook for some seconds, and each note of what it did prolongs
that. Who is killed between sending and noting leaves the place where it was: the same is sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound
from crawler.interchange import Json, time_to_json
from crawler.store import changelog
from crawler.store.connected import Connected
from crawler.store.transaction import Transaction
from crawler.store.webhooktables import webhook_letters, webhooks

FARTHEST = timedelta(days=2)  # ahead; a time further away was written before the clock was set back


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """How a webhook stands. `seq`: the last change it needs not be told; `pending`: rows of the log behind that;
    `dead`: deliveries given up; `revived`: those of them that are tried again."""

    name: str
    seq: int
    attempts: int
    next_try: datetime | None
    reason: str
    delivered: int
    last_delivered: datetime | None
    pending: int = 0
    dead: int = 0
    revived: int = 0

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "delivered": self.delivered,
            "last_delivered": time_to_json(self.last_delivered),
            "pending": self.pending,
            "attempts": self.attempts,
            "next_try": time_to_json(self.next_try),
            "reason": self.reason,
            "dead": self.dead,
            "revived": self.revived,
            "seq": self.seq,
        }


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery that was given up."""

    webhook: str
    seq: int
    event: str
    object_id: str
    at: datetime
    attempts: int
    reason: str
    due: datetime | None = None

    def as_json(self) -> Json:
        return {
            "webhook": self.webhook,
            "event": self.event,
            "reason": self.reason,
            "attempts": self.attempts,
            "id": self.object_id,
            "seq": self.seq,
            "at": time_to_json(self.at),
        }


@dataclass(frozen=True, slots=True)
class Hold:
    """Who holds a webhook, and for how many seconds from each note on."""

    name: str
    owner: str
    seconds: float


class Webhooks(Connected):
    async def know_webhooks(self, names: Collection[str]) -> None:
        """At the start of a run: webhooks that are new begin behind the newest change. On SQLite, where only one run
        works, whatever another held it holds no more."""
        await self._db.write(_know, sorted(names), alone=self._db.file is not None)

    async def due_webhooks(self, names: Collection[str]) -> list[str]:
        """Those that there may be something to tell, now, and that nobody holds."""
        return await self._db.read(_due, sorted(names))

    async def hold_webhook(self, hold: Hold) -> WebhookRecord | None:
        """How it stands; None where another worker holds it."""
        return await self._db.write(_hold, hold)

    async def part_with_webhook(self, hold: Hold) -> None:
        await self._db.write(_part, hold)

    async def note_webhook(
        self,
        hold: Hold,
        seq: int,
        *,
        delivered: int = 0,
        attempts: int = 0,
        next_try: datetime | None = None,
        reason: str = "",
        letter: Letter | None = None,
    ) -> bool:
        """Notes what was told. False, and nothing noted, where another holds the webhook by now or has moved it on."""
        values = {"seq": seq, "attempts": attempts, "next_try": next_try, "reason": reason}
        return await self._db.write(_note, hold, values, delivered, letter)

    async def revived_letters(self, name: str, most: int) -> list[Letter]:
        """What was given up and is to be tried again now, in the order of the log."""
        return await self._db.read(_revived, name, most)

    async def note_letter(self, hold: Hold, letter: Letter, *, delivered: bool) -> bool:
        """A delivery was tried again: it is gone, or `letter` says how it stands. False as `note_webhook`."""
        return await self._db.write(_note_letter, hold, letter, delivered)

    async def revive_letters(self, name: str | None = None) -> int:
        """Has all that was given up tried again, of one webhook or of all; how many. Raises NotFound."""
        return await self._db.write(_revive, name)

    async def skip_webhook(self, name: str) -> int:
        """Leaves out what a webhook was not told yet, and goes on with what comes; how many rows. Raises NotFound."""
        return await self._db.write(_skip, name)

    async def webhooks(self) -> list[WebhookRecord]:
        """All that were ever known, by name."""
        return await self._db.read(all_of)

    async def webhook_letters(self, most: int) -> list[Letter]:
        """What was given up, the last first."""
        return await self._db.read(newest, most)


def all_of(tx: Transaction) -> list[WebhookRecord]:
    revived = sa.func.count(webhook_letters.c.due)
    by_name = sa.select(webhook_letters.c.webhook, sa.func.count().label("dead"), revived.label("revived"))
    letters = {row.webhook: row for row in tx.all(by_name.group_by(webhook_letters.c.webhook))}
    last = changelog.head(tx)
    return [_record(row, last, letters.get(row.name)) for row in tx.all(sa.select(webhooks).order_by(webhooks.c.name))]


def newest(tx: Transaction, most: int) -> list[Letter]:
    last = sa.select(webhook_letters).order_by(webhook_letters.c.at.desc(), webhook_letters.c.seq.desc()).limit(most)
    return [_letter(row) for row in tx.all(last)]


def _know(tx: Transaction, names: Sequence[str], *, alone: bool) -> None:
    fresh = {"seq": changelog.head(tx), "attempts": 0, "reason": "", "delivered": 0, "created": tx.now}
    unless_known = tx.dialect.insert(webhooks).on_conflict_do_nothing(index_elements=["name"])
    tx.run(unless_known, [{"name": name, **fresh} for name in names])
    if alone:
        tx.run(sa.update(webhooks).values(owner=None, owned_until=None))


def _due(tx: Transaction, names: Sequence[str]) -> list[str]:
    letters = sa.exists().where(
        webhook_letters.c.webhook == webhooks.c.name,
        webhook_letters.c.due.is_not(None),
        webhook_letters.c.due <= tx.now,
    )
    news = sa.and_(webhooks.c.seq < changelog.head(tx), _has_come(tx, webhooks.c.next_try))
    found = sa.select(webhooks.c.name).where(
        tx.dialect.among(webhooks.c.name, names), _has_come(tx, webhooks.c.owned_until), sa.or_(news, letters)
    )
    return [row.name for row in tx.all(found.order_by(webhooks.c.name))]


def _has_come(tx: Transaction, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column <= tx.now, column > tx.now + FARTHEST)


def _hold(tx: Transaction, hold: Hold) -> WebhookRecord | None:
    ours = sa.or_(webhooks.c.owner == hold.owner, _has_come(tx, webhooks.c.owned_until))
    taken = sa.update(webhooks).where(webhooks.c.name == hold.name, ours).values(_held(tx, hold)).returning(*webhooks.c)
    row = tx.first(taken)
    return None if row is None else _record(row, changelog.head(tx), None)


def _held(tx: Transaction, hold: Hold) -> dict[str, Any]:
    return {"owner": hold.owner, "owned_until": tx.now + timedelta(seconds=hold.seconds)}


def _part(tx: Transaction, hold: Hold) -> None:
    tx.run(_of(hold).values(owner=None, owned_until=None))


def _of(hold: Hold) -> sa.Update:
    return sa.update(webhooks).where(webhooks.c.name == hold.name, webhooks.c.owner == hold.owner)


def _note(tx: Transaction, hold: Hold, values: dict[str, Any], delivered: int, letter: Letter | None) -> bool:
    still_there = _of(hold).where(webhooks.c.seq <= values["seq"])
    if not tx.run(still_there.values(**values, **_held(tx, hold), **_counted(tx, delivered))):
        return False
    if letter is not None:
        made = tx.dialect.insert(webhook_letters).on_conflict_do_nothing(index_elements=["webhook", "seq"])
        tx.run(made, {"webhook": hold.name, "seq": letter.seq, "at": tx.now, **_told(letter)})
    return True


def _counted(tx: Transaction, delivered: int) -> dict[str, Any]:
    return {"delivered": webhooks.c.delivered + delivered, "last_delivered": tx.now} if delivered else {}


def _told(letter: Letter) -> dict[str, Any]:
    return {
        "event": letter.event,
        "object_id": letter.object_id,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "due": letter.due,
    }


def _revived(tx: Transaction, name: str, most: int) -> list[Letter]:
    due = sa.select(webhook_letters).where(webhook_letters.c.webhook == name, webhook_letters.c.due <= tx.now)
    return [_letter(row) for row in tx.all(due.order_by(webhook_letters.c.seq).limit(most))]


def _note_letter(tx: Transaction, hold: Hold, letter: Letter, delivered: bool) -> bool:
    if not tx.run(_of(hold).values(**_held(tx, hold), **_counted(tx, int(delivered)))):
        return False
    this = sa.and_(webhook_letters.c.webhook == hold.name, webhook_letters.c.seq == letter.seq)
    if delivered:
        tx.run(sa.delete(webhook_letters).where(this))
    else:
        tx.run(sa.update(webhook_letters).where(this).values(at=tx.now, **_told(letter)))
    return True


def _revive(tx: Transaction, name: str | None) -> int:
    dead = sa.update(webhook_letters).where(webhook_letters.c.due.is_(None))
    if name is not None:
        _require(tx, name)
        dead = dead.where(webhook_letters.c.webhook == name)
    return tx.run(dead.values(due=tx.now, attempts=0))


def _skip(tx: Transaction, name: str) -> int:
    before = _require(tx, name)
    last = changelog.head(tx)
    skipped = {"seq": last, "attempts": 0, "next_try": None, "reason": ""}
    tx.run(sa.update(webhooks).where(webhooks.c.name == name).values(skipped))
    return last - before


def _require(tx: Transaction, name: str) -> int:
    seq = tx.scalar(sa.select(webhooks.c.seq).where(webhooks.c.name == name).with_for_update())
    if seq is None:
        raise NotFound(f"webhook {name!r}: not known; `wiretrace webhooks list` shows those that are")
    return int(seq)


def _record(row: Row[Any], last: int, letters: Row[Any] | None) -> WebhookRecord:
    return WebhookRecord(
        row.name,
        row.seq,
        row.attempts,
        row.next_try,
        row.reason,
        row.delivered,
        row.last_delivered,
        pending=max(0, last - row.seq),
        dead=letters.dead if letters is not None else 0,
        revived=letters.revived if letters is not None else 0,
    )


def _letter(row: Row[Any]) -> Letter:
    return Letter(row.webhook, row.seq, row.event, row.object_id, row.at, row.attempts, row.reason, row.due)
