"""A new index beside the one in use, for another linker: signed article by article, then put in its place at once.

Each step is a transaction of its own, so a run that was cut off goes on where it stopped. What is stored or changed
in the meantime has only the old linker's fingerprint and is found again by what it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from crawler.errors import LinkerMismatch
from crawler.model import Article, Completeness, Fingerprint, Role, Side
from crawler.store import candidates, held, places, tasks
from crawler.store.connected import Connected
from crawler.store.righttables import hashed_texts
from crawler.store.rows import article_of
from crawler.store.tables import articles, fingerprints, linkers, versions
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Unsigned:
    """An article that the new linker has not signed, with its number and version."""

    no: int
    version: int
    article: Article


class _NotWholeError(Exception):
    """Something came in that the new index lacks."""


class Reindexing(Connected):
    async def begin_index(self, linker: str, scheme: str) -> int | None:
        """The number of the index to be made for a linker; None where the one in use is its own, or none is yet."""
        return await self._db.write(_begin, linker, scheme)

    async def unsigned(self, index: int, after: int, limit: int) -> list[Unsigned]:
        """Articles with a text that `index` lacks, numbered above `after`, in order. One probe an article passed."""
        return await self._db.read(_unsigned, index, after, limit)

    async def unsigned_count(self, index: int) -> int:
        """How many of them there are. One pass over all articles."""
        return await self._db.read(_count, index)

    async def sign(self, index: int, signed: Sequence[tuple[Unsigned, Fingerprint]]) -> None:
        """Puts articles into `index`, those left out that changed since they were read."""
        await self._db.write(_sign, index, signed)

    async def carry_over(self, index: int, limit: int) -> int:
        """Takes over into `index` what the index in use knows of `limit` originals whose text is kept no longer; how
        many. Of another scheme nothing can be taken over: these are not found any more."""
        return await self._db.write(_carry_over, index, limit)

    async def serve_index(self, index: int) -> int | None:
        """Puts `index` in place of the one in use and has all pages decided anew; how many.

        None where it still lacks articles: nothing was changed then.
        """
        try:
            return await self._db.write(_serve, index)
        except _NotWholeError:
            return None

    async def drop_old_index(self, after: int, limit: int) -> int | None:
        """Removes what linkers before the one in use made of `limit` articles numbered above `after`; the last one's
        number, None where there was nothing left.
        """
        return await self._db.write(_drop_old, after, limit)


def _begin(tx: Transaction, linker: str, scheme: str) -> int | None:
    serving = candidates.serving(tx)
    if serving is None or (serving.linker, serving.scheme) == (linker, scheme):
        return None
    newest = 0
    for row in tx.all(sa.select(linkers).order_by(linkers.c.no)):
        newest = row.no
        if row.no > serving.no and (row.linker, row.scheme) == (linker, scheme):
            return int(row.no)
    values = {"no": newest + 1, "linker": linker, "scheme": scheme, "serving": False, "created": tx.now}
    tx.run(sa.insert(linkers), values)
    return int(newest + 1)


_SIGNED = sa.exists().where(
    fingerprints.c.article_no == articles.c.no, fingerprints.c.linker_no == sa.bindparam("index")
)
_LACKING = held.NEWEST.add_columns(articles.c.version).where(versions.c.text != "", ~_SIGNED)


def _unsigned(tx: Transaction, index: int, after: int, limit: int) -> list[Unsigned]:
    rows = _LACKING.where(articles.c.no > after).order_by(articles.c.no).limit(limit)
    return [
        Unsigned(row.no, row.version, article_of(row.id, row.first_seen, row.text, row.fields))
        for row in tx.all(rows, {"index": index})
    ]


def _count(tx: Transaction, index: int) -> int:
    return int(tx.scalar(sa.select(sa.func.count()).select_from(_LACKING.subquery()), {"index": index}))


def _carry_over(tx: Transaction, index: int, limit: int) -> int:
    """The keys of a fingerprint are the same whatever linker of one scheme made it; only which ones, and their weights,
    may be others."""
    old, new, known = linkers.alias("old"), linkers.alias("new"), fingerprints.alias("known")
    rows = (
        sa.select(
            articles.c.id, articles.c.no, articles.c.state, articles.c.role, articles.c.completeness, new.c.linker
        )
        .join(hashed_texts, hashed_texts.c.article_no == articles.c.no)
        .join(known, known.c.article_no == articles.c.no)
        .join(old, sa.and_(old.c.no == known.c.linker_no, old.c.no < index))
        .join(new, sa.and_(new.c.no == index, new.c.scheme == old.c.scheme))
        .where(~_SIGNED, articles.c.state != "removed")
        .order_by(articles.c.no, old.c.no.desc())
        .limit(limit)
    )
    found = {row.no: row for row in tx.all(rows, {"index": index})}
    for row in found.values():
        before = candidates.newest(tx, row.no)
        side = Side.of(Role(row.role), Completeness(row.completeness)) if row.state == "live" else None
        candidates.put_beside(tx, row.no, side, replace(before, linker=row.linker), index)
    return len(found)


def _sign(tx: Transaction, index: int, signed: Sequence[tuple[Unsigned, Fingerprint]]) -> None:
    row = tx.first(sa.select(linkers).where(linkers.c.no == index))
    for one, fingerprint in signed:
        if row is None or (row.linker, row.scheme) != (fingerprint.linker, fingerprint.scheme):
            raise LinkerMismatch(row.linker if row else "none", fingerprint.linker)
        now = tx.first(sa.select(articles.c.state, articles.c.version).where(articles.c.no == one.no).with_for_update())
        if now is None or now.state == "removed" or now.version != one.version:
            continue
        side = None
        if now.state == "live":
            side = places.side_of(tx, one.no, Side.of(one.article.role, one.article.completeness))
        candidates.put_beside(tx, one.no, side, fingerprint, index)


def _serve(tx: Transaction, index: int) -> int:
    # Who stores an article holds the serving row shared: from here on nobody does until this is over.
    tx.run(sa.update(linkers).where(linkers.c.serving).values(serving=False))
    if _unsigned(tx, index, 0, 1) or _carry_over(tx, index, 1):
        raise _NotWholeError
    tx.run(sa.update(linkers).where(linkers.c.no == index).values(serving=True))
    pages = sa.select(articles.c.no).where(
        articles.c.role == Role.AGGREGATOR.value,
        articles.c.completeness == Completeness.FULL.value,
        articles.c.state == "live",
    )
    numbers = [row.no for row in tx.all(pages)]
    tasks.enqueue(tx, numbers, "a new linker")
    return len(numbers)


def _drop_old(tx: Transaction, after: int, limit: int) -> int | None:
    serving = candidates.serving(tx)
    if serving is None:
        return None
    old = [row.no for row in tx.all(sa.select(linkers.c.no).where(linkers.c.no < serving.no))]
    theirs = sa.and_(fingerprints.c.linker_no.in_(old), fingerprints.c.article_no > after)
    some = sa.select(fingerprints.c.article_no).where(theirs).order_by(fingerprints.c.article_no).limit(limit)
    numbers = [row.article_no for row in tx.all(some)]
    if not numbers:
        tx.run(sa.delete(linkers).where(linkers.c.no.in_(old)))
        return None
    upto = sa.and_(theirs, fingerprints.c.article_no <= numbers[-1])
    candidates.take_down(tx, tx.all(sa.select(fingerprints).where(upto)))
    tx.run(sa.delete(fingerprints).where(upto))
    return int(numbers[-1])
