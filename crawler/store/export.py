"""The change log and the exports, as streams in constant memory.

An export is the last row of each thing in the log up to a number fixed at its start: it is consistent whatever is
written meanwhile, and one who replays the log holds the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

from crawler.model import Change, Source, Subject
from crawler.redistribution import Redistribution
from crawler.store import changelog, sources
from crawler.store.connected import Connected
from crawler.store.transaction import Transaction

PAGE = 100  # rows held in memory at once

Since = int | datetime | None


class Exports(Connected):
    async def changes(
        self, since: Since = None, limit: int | None = None, *, passing: Redistribution | None = None
    ) -> AsyncIterator[Change]:
        """The change log in order: rows numbered above `since`, or told at that time or later; at most `limit`.

        Rows written while it runs are not in it. A row's state is None where the thing was retracted or merged,
        or had to go since by a vendor's deletion. `passing` as in `export_articles`.
        """
        after, until = await self._db.read(_bounds, since, None)
        async for change in self._rows(after, until, None, last_only=False, limit=limit, passing=passing):
            yield change

    async def redistribution(self, declared: Iterable[Source] = ()) -> Redistribution:
        """Whose texts may leave, by the sources that the store holds; of those that a file declares by `declared`,
        where given: the file is newer."""
        return await self._db.read(redistribution_of, tuple(declared))

    async def export_articles(
        self, since: Since = None, as_of: datetime | None = None, *, passing: Redistribution | None = None
    ) -> AsyncIterator[Mapping[str, object]]:
        """Articles' public JSON in the order in which they last changed.

        `since`: only what changed after that number, or at that time or later. `as_of`: as it was known then.
        Texts of licensed originals only as `passing` says (None: as the sources in the store do): where one is left
        out, `text_hash` stands for it.
        """
        async for state in self._states(Subject.ARTICLE, since, as_of, passing):
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
        self, subject: Subject, since: Since, as_of: datetime | None, passing: Redistribution | None = None
    ) -> AsyncIterator[Mapping[str, object]]:
        after, until = await self._db.read(_bounds, since, as_of)
        async for change in self._rows(after, until, subject, last_only=True, limit=None, passing=passing):
            if change.state is not None:
                yield change.state

    async def _rows(
        self,
        after: int,
        until: int,
        subject: Subject | None,
        *,
        last_only: bool,
        limit: int | None,
        passing: Redistribution | None,
    ) -> AsyncIterator[Change]:
        left = limit
        passing = await self.redistribution() if passing is None else passing
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            rows = await self._db.read(_page, after, until, size, subject, last_only, passing)
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


def _page(
    tx: Transaction,
    after: int,
    until: int,
    size: int,
    subject: Subject | None,
    last_only: bool,
    passing: Redistribution,
) -> list[Change]:
    return changelog.page(
        tx, after=after, until=until, limit=size, subject=subject, last_only=last_only, passing=passing
    )


def redistribution_of(tx: Transaction, declared: Sequence[Source] = ()) -> Redistribution:
    """Whose texts may leave, see `Exports.redistribution`."""
    held = sources.of_store(tx)
    named = [one for one in held if one.declared != "file"] if declared else held
    return Redistribution.of([*named, *declared])
