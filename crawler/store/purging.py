"""Taking articles out of the store for good: texts, versions, excerpts in links and in the log, pointers into archives.

All of it in one transaction, as a licence's own message of deletion is obeyed, and counted before and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from crawler.model import Removal, Role, Subject
from crawler.store import places, removals, sitememory
from crawler.store.connected import Connected
from crawler.store.righttables import hashed_texts
from crawler.store.rows import chunks
from crawler.store.sitetables import site_pages
from crawler.store.tables import articles, attributions, changes, fingerprints, frontier, links, versions
from crawler.store.transaction import CHUNK, Transaction

PURGED = "purged"

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Purge:
    """Which articles are to go; what is given has to hold all together.

    `received_before` is the time of their newest version. `source` is a source's name or a vendor's code of one,
    `vendor_id` an accession number. Pages of aggregators go only by their source.
    """

    received_before: datetime | None = None
    source: str | None = None
    vendor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Purged:
    """Ids of what went (or would go), what there was of it, and what is left: all zeros, or it failed.

    `archives` are files on disk that hold pages of it, which no database can take anything out of.
    """

    ids: tuple[str, ...]
    before: Counts
    after: Counts = field(default_factory=dict)
    archives: tuple[str, ...] = ()


class Purging(Connected):
    async def purge(self, wanted: Purge) -> Purged:
        """Takes away what is wanted, in one transaction, and what the engine keeps of deleted rows after it.

        What had an accession number is remembered as removed: an older message brings nothing back. One pass over all
        articles; costs grow with what goes and what hangs on it.
        """
        done = await self._db.write(_purge, wanted)
        await self._db.scrub()
        left = await self._db.read(_left, done.ids)  # told by another transaction than the one that did it
        return Purged(done.ids, done.before, left, done.archives)

    async def would_purge(self, wanted: Purge) -> Purged:
        """The same without doing it."""
        return await self._db.read(_plan, wanted)


def _purge(tx: Transaction, wanted: Purge) -> Purged:
    tx.dialect.erase_for_good(tx.connection)
    plan = _plan(tx, wanted)
    _remember(tx, wanted, plan.ids)
    for part in chunks(plan.ids):
        rows = tx.all(_by_id(tx, part).order_by(articles.c.no).with_for_update())
        numbers = [row.no for row in rows]
        for row in rows:
            if row.role == Role.AGGREGATOR.value:
                places.leave(tx, row, PURGED)
            sitememory.let_go(tx, row.no)
        removals.take_away(tx, rows, PURGED)
        among = tx.dialect.among
        tx.run(sa.update(attributions).where(among(attributions.c.article_no, numbers)).values(data=""))
        tx.run(sa.update(frontier).where(among(frontier.c.article_no, numbers)).values(reference=None))
        members = sa.and_(changes.c.subject == Subject.MEMBER.value, among(changes.c.object_id, part))
        tx.run(sa.update(changes).where(members).values(state=None))
    return plan


def _remember(tx: Transaction, wanted: Purge, ids: Sequence[str]) -> None:
    if wanted.received_before is None and wanted.source is not None and wanted.vendor_id is None:
        removals.remember(tx, Removal(None, wanted.source, tx.now))
    if wanted.vendor_id is not None:
        removals.remember(tx, Removal(wanted.vendor_id, None, tx.now))
    for part in chunks(ids):
        for row in tx.all(_by_id(tx, part).where(articles.c.vendor_id.is_not(None))):
            removals.remember(tx, Removal(row.vendor_id, None, tx.now))


def _plan(tx: Transaction, wanted: Purge) -> Purged:
    ids: list[str] = []
    files: set[str] = set()
    after = 0
    while rows := tx.all(_candidates(wanted).where(articles.c.no > after).order_by(articles.c.no).limit(CHUNK)):
        after = rows[-1].no
        for row in rows:
            fields = json.loads(row.fields) if row.fields else {}
            if wanted.source is not None and wanted.source not in (row.vendor_source, fields.get("source")):
                continue
            ids.append(row.id)
            if fields.get("archive"):
                files.add(fields["archive"]["file"])
    return Purged(tuple(ids), _left(tx, ids), archives=tuple(sorted(files)))


def _candidates(wanted: Purge) -> sa.Select[Any]:
    its = sa.and_(versions.c.article_no == articles.c.no, versions.c.version == articles.c.version)
    rows = sa.select(articles.c.no, articles.c.id, articles.c.vendor_source, versions.c.fields).outerjoin(versions, its)
    rows = rows.where(articles.c.state != "removed")
    if wanted.received_before is not None:
        rows = rows.where(articles.c.received < wanted.received_before)
    if wanted.vendor_id is not None:
        rows = rows.where(articles.c.vendor_id == wanted.vendor_id)
    return rows if wanted.source is not None else rows.where(articles.c.role != Role.AGGREGATOR.value)


def _by_id(tx: Transaction, ids: Sequence[str]) -> sa.Select[Any]:
    return sa.select(articles).where(tx.dialect.among(articles.c.id, ids))


def _left(tx: Transaction, ids: Iterable[str]) -> dict[str, int]:
    """How much of what these articles said the tables hold, by what it is."""
    found = dict.fromkeys(("versions", "hashes", "index entries", "excerpts", "archive pointers", "log entries"), 0)
    for part in chunks(ids):
        for name, rows in _parts(tx, part):
            found[name] += int(tx.scalar(sa.select(sa.func.count()).select_from(rows.subquery())) or 0)
    return found


def _parts(tx: Transaction, ids: Sequence[str]) -> Iterable[tuple[str, sa.Select[Any]]]:
    rows = tx.all(_by_id(tx, ids))
    numbers = [row.no for row in rows]

    def of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return tx.dialect.among(column, numbers)

    touching = sa.or_(of(links.c.rewrite_no), of(links.c.original_no))
    yield (
        "versions",
        sa.select(versions.c.version).where(
            of(versions.c.article_no), sa.or_(versions.c.text.is_not(None), versions.c.fields.is_not(None))
        ),
    )
    yield "hashes", sa.select(hashed_texts.c.version).where(of(hashed_texts.c.article_no))
    yield "index entries", sa.select(fingerprints.c.linker_no).where(of(fingerprints.c.article_no))
    yield "excerpts", sa.select(links.c.id).where(touching, links.c.evidence != "[]")
    yield "excerpts", sa.select(attributions.c.no).where(of(attributions.c.article_no), attributions.c.data != "")
    yield "excerpts", sa.select(attributions.c.no).where(of(attributions.c.teaser_no), attributions.c.data != "")
    yield "excerpts", sa.select(frontier.c.key).where(of(frontier.c.article_no), frontier.c.reference.is_not(None))
    yield (
        "excerpts",
        sa.select(site_pages.c.article_no).where(of(site_pages.c.article_no), site_pages.c.left_out.is_not(None)),
    )
    yield "archive pointers", sa.select(links.c.id).where(touching, links.c.archive.is_not(None))
    told = sa.select(links.c.id).where(touching)
    yield "log entries", sa.select(changes.c.seq).where(
        changes.c.state.is_not(None), sa.or_(
            sa.and_(changes.c.subject == Subject.LINK.value, changes.c.object_id.in_(told)),
            sa.and_(
                changes.c.subject.in_((Subject.STORY.value, Subject.MEMBER.value)),
                tx.dialect.among(changes.c.object_id, ids),
            ),
        ),
    )  # fmt: skip
