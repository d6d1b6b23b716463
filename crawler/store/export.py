"""The change log and the exports, as streams in constant memory.

An export is the last row of each thing in the log up to a number fixed at its start: it is consistent whatever is
written meanwhile, and one who replays the log holds the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from crawler.model import Change, Subject
from crawler.store import changelog
from crawler.store.connected import Connected
from crawler.store.transaction import Transaction

PAGE = 100  # rows held in memory at once

Since = int | datetime | None


class Exports(Connected):
    async def changes(self, since: Since = None, limit: int | None = None) -> AsyncIterator[Change]:
        """The change log in order: rows numbered above `since`, or told at that time or later; at most `limit`.

        Rows written while it runs are not in it. A row's state is None where the thing was retracted or merged,
        or had to go since by a vendor's deletion.
        """
        after, until = await self._db.read(_bounds, since, None)
        async for change in self._rows(after, until, None, last_only=False, limit=limit):
            yield change

    async def export_articles(
        self, since: Since = None, as_of: datetime | None = None
    ) -> AsyncIterator[Mapping[str, object]]:
        """Articles' public JSON in the order in which they last changed.

        `since`: only what changed after that number, or at that time or later. `as_of`: as it was known then.
        """
        async for state in self._states(Subject.ARTICLE, since, as_of):
            yield state

    async def export_links(
        self, since: Since = None, as_of: datetime | None = None
    ) -> AsyncIterator[Mapping[str, object]]:
        """Links' public JSON: new, confirmed and rejected ones."""
        async for state in self._states(Subject.LINK, since, as_of):
            yield state

    async def export_stories(
        self, since: Since = None, as_of: datetime | None = None
    ) -> AsyncIterator[Mapping[str, object]]:
        """Stories' public JSON: originals with the pages that are linked to them, and pages with those that belong to
        theirs, members best first."""
        async for state in self._states(Subject.STORY, since, as_of):
            yield state

    async def _states(
        self, subject: Subject, since: Since, as_of: datetime | None
    ) -> AsyncIterator[Mapping[str, object]]:
        after, until = await self._db.read(_bounds, since, as_of)
        async for change in self._rows(after, until, subject, last_only=True, limit=None):
            if change.state is not None:
                yield change.state

    async def _rows(
        self, after: int, until: int, subject: Subject | None, *, last_only: bool, limit: int | None
    ) -> AsyncIterator[Change]:
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            rows = await self._db.read(_page, after, until, size, subject, last_only)
            for change in rows:
                yield change
            if len(rows) < size:
                return
            after = rows[-1].seq
            left = None if left is None else left - len(rows)


def _bounds(tx: Transaction, since: Since, as_of: datetime | None) -> tuple[int, int]:
    """The numbers above which and up to which rows count."""
    after = since or 0
    if isinstance(after, datetime):
        after = changelog.last_before(tx, after, inclusive=False)
    until = changelog.head(tx) if as_of is None else changelog.last_before(tx, as_of, inclusive=True)
    return after, until


def _page(tx: Transaction, after: int, until: int, size: int, subject: Subject | None, last_only: bool) -> list[Change]:
    return changelog.page(tx, after=after, until=until, limit=size, subject=subject, last_only=last_only)
