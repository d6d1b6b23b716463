"""What the workers do, as it happens, told by the rows that it leaves: the change log's, and the frontier's of pages
that were given up. Whoever looks reads on from a mark, a bounded number of rows each time, however much happened."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.model import Action, Subject
from crawler.store import changelog
from crawler.store.columns import UtcTime
from crawler.store.connected import Connected
from crawler.store.deadletters import NO_FAULT
from crawler.store.rows import chunks
from crawler.store.tables import articles, changes, frontier, versions
from crawler.store.transaction import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(r"([0-9]{1,18})\.([0-9]{1,17})\.([0-9a-f]{1,32})")
_TOLD = (Subject.ARTICLE.value, Subject.LINK.value)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in both: the number of a change, and time and key of a page that was given up."""

    seq: int
    failed_at: datetime = _EPOCH
    failed_key: str = "0"

    def __str__(self) -> str:
        return f"{self.seq}.{(self.failed_at - _EPOCH) // _MICROSECOND}.{self.failed_key}"

    @staticmethod
    def of(text: str) -> Mark | None:
        """The mark that was written so; None where it is none."""
        found = _TEXT.fullmatch(text)
        return Mark(int(found[1]), _EPOCH + int(found[2]) * _MICROSECOND, found[3]) if found else None

    @property
    def failed(self) -> tuple[datetime, str]:
        return self.failed_at, self.failed_key


@dataclass(frozen=True, slots=True)
class Happening:
    """`kind`: fetched | changed | linked | relinked | retracted | failed | no-article. `seq` is 0 for what failed,
    whose place is `at` and `key`. `reason` is a short code or a line; title, URL and source are "" where not known."""

    kind: str
    at: datetime
    source: str
    title: str
    url: str
    reason: str
    subject: Subject | None
    id: str
    seq: int = 0

    def is_after(self, mark: Mark) -> bool:
        return self.seq > mark.seq if self.seq else (self.at, self.id) > mark.failed


@dataclass(frozen=True, slots=True)
class Happened:
    """In the order of time. `skipped` changes before them were left out; `mark` is where to go on."""

    events: tuple[Happening, ...]
    mark: Mark
    skipped: int = 0


class Happenings(Connected):
    async def happenings(self, after: Mark, limit: int) -> Happened:
        """What happened since, at most `limit` of each kind of row, the newest: two ranges of an index, and a row of
        two tables an article."""
        return await self._db.read(_since, after, limit)

    async def latest_happenings(self, limit: int) -> Happened:
        """The last that happened."""
        return await self._db.read(_latest, limit)


def _since(tx: Transaction, after: Mark, limit: int) -> Happened:
    head = changelog.head(tx)
    first = max(after.seq, head - limit) if after.seq <= head else head
    told = _changes(tx, sa.and_(changes.c.seq > first, changes.c.seq <= head))
    place = sa.tuple_(sa.literal(after.failed_at, UtcTime), sa.literal(after.failed_key, sa.Text))
    lost = _failures(tx, place < sa.tuple_(frontier.c.available_at, frontier.c.key), limit)
    return _happened(told, lost, Mark(head, *after.failed), first - after.seq if after.seq < first else 0)


def _latest(tx: Transaction, limit: int) -> Happened:
    head = changelog.head(tx)
    told = _changes(tx, sa.and_(changes.c.seq > head - 4 * limit, changes.c.seq <= head))  # stories have rows, too
    return _happened(told, _failures(tx, None, limit), Mark(head), 0, limit)


def _happened(
    told: Sequence[Happening], lost: Sequence[Happening], mark: Mark, skipped: int, limit: int | None = None
) -> Happened:
    if lost:
        mark = Mark(mark.seq, lost[-1].at, lost[-1].id)
    merged = sorted([*told, *lost], key=lambda one: one.at)  # a stable sort: changes stay in their order
    return Happened(tuple(merged if limit is None else merged[-limit:]), mark, skipped)


def _changes(tx: Transaction, which: sa.ColumnElement[bool]) -> list[Happening]:
    columns = (changes.c.seq, changes.c.at, changes.c.subject, changes.c.action, changes.c.object_id, changes.c.reason)
    rows = tx.all(sa.select(*columns, changes.c.state).where(which).order_by(changes.c.seq))
    rows = [row for row in rows if row.subject in _TOLD]
    pages = {row.seq: _page_of(row) for row in rows}
    fields = _fields(tx, {one for one in pages.values() if one})
    return [_of_change(row, fields.get(pages[row.seq], {})) for row in rows]


def _page_of(row: Row[Any]) -> str:
    """The id of the article that a change is about: of a link, its page."""
    if row.subject == Subject.ARTICLE.value:
        return str(row.object_id)
    return str(json.loads(row.state)["rewrite"]["id"]) if row.state else ""


def _fields(tx: Transaction, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    newest = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version)
    of = sa.select(articles.c.id, versions.c.fields).join(versions, newest)
    return {
        row.id: json.loads(row.fields)
        for part in chunks(sorted(ids))
        for row in tx.all(of.where(tx.dialect.among(articles.c.id, part)))
        if row.fields is not None
    }


_KINDS = {
    (Subject.ARTICLE.value, Action.CREATED.value): "fetched",
    (Subject.ARTICLE.value, Action.CHANGED.value): "changed",
    (Subject.LINK.value, Action.CREATED.value): "linked",
    (Subject.LINK.value, Action.CHANGED.value): "relinked",
}


def _of_change(row: Row[Any], fields: dict[str, Any]) -> Happening:
    return Happening(
        kind=_KINDS.get((row.subject, row.action), "retracted"),
        at=row.at,
        source=fields.get("source") or "",
        title=fields.get("title") or "",
        url=fields.get("url") or "",
        reason=row.reason,
        subject=Subject(row.subject),
        id=row.object_id,
        seq=row.seq,
    )


def _failures(tx: Transaction, which: sa.ColumnElement[bool] | None, limit: int) -> list[Happening]:
    last = sa.select(frontier).where(frontier.c.state == "failed")
    if which is not None:
        last = last.where(which)
    last = last.order_by(frontier.c.available_at.desc(), frontier.c.key.desc()).limit(limit)
    return [
        Happening(
            kind="no-article" if row.reason in NO_FAULT else "failed",
            at=row.available_at,
            source=row.source,
            title="",
            url=row.url,
            reason=row.reason or "",
            subject=None,
            id=row.key,
        )
        for row in reversed(tx.all(last))
    ]
