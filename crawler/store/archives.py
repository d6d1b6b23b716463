"""How far each archive was read, so that a run that was cut off goes on there; and which has what of a page."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound
from crawler.model import ArchiveRecord
from crawler.store import held
from crawler.store.archivetables import archives
from crawler.store.articles import known_urls
from crawler.store.columns import storable
from crawler.store.connected import Connected
from crawler.store.records import ArchiveProgress
from crawler.store.tables import links
from crawler.store.transaction import Transaction

_MOST_OF_A_NAME = 100  # archives of one name that are told


class Archives(Connected):
    async def archive_progress(self, key: str) -> ArchiveProgress | None:
        """None for an archive that was never read."""
        return await self._db.read(_held, key)

    async def note_progress(self, progress: ArchiveProgress) -> None:
        """All pages before `progress.position` are stored."""
        await self._db.write(_note, progress)

    async def archives(self) -> list[ArchiveProgress]:
        """All that were read, the last read first."""
        return await self._db.read(_list)

    async def archive_record(self, named: str) -> ArchiveRecord | None:
        """Where an archive has the page of a link or article (by id) or of a URL; None where none has.

        Raises NotFound where there is no such link or article.
        """
        return await self._db.read(_record, named)

    async def archive_paths(self, name: str) -> list[str]:
        """Where archives of this name were read, the last read first."""
        return await self._db.read(_paths, name)


def _held(tx: Transaction, key: str) -> ArchiveProgress | None:
    row = tx.first(sa.select(archives).where(archives.c.key == key))
    return None if row is None else _progress(row)


def _progress(row: Row[Any]) -> ArchiveProgress:
    return ArchiveProgress(row.key, row.name, row.path, row.position, row.pages, row.read_at)


def _list(tx: Transaction) -> list[ArchiveProgress]:
    return [_progress(row) for row in tx.all(sa.select(archives).order_by(archives.c.read_at.desc(), archives.c.key))]


def _record(tx: Transaction, named: str) -> ArchiveRecord | None:
    link = tx.first(sa.select(links.c.archive).where(links.c.id == storable(named)))
    if link is not None:
        return ArchiveRecord(**json.loads(link.archive)) if link.archive else None
    found = held.by_id(tx, [known_urls(tx, [named]).get(named, storable(named))])
    if not found:
        raise NotFound(f"{named}: expected the id of a link or article, or the URL of one, that is stored")
    return next(iter(found.values())).archive


def _note(tx: Transaction, progress: ArchiveProgress) -> None:
    row = {
        "key": progress.key,
        "name": progress.name,
        "path": progress.path,
        "position": progress.position,
        "pages": progress.pages,
        "read_at": tx.now,
    }
    upsert = tx.dialect.insert(archives)
    renewed = {name: upsert.excluded[name] for name in row}
    tx.run(upsert.on_conflict_do_update(index_elements=["key"], set_=renewed), row)


def _paths(tx: Transaction, name: str) -> list[str]:
    rows = sa.select(archives.c.path).where(archives.c.name == name).order_by(archives.c.read_at.desc())
    return [row.path for row in tx.all(rows.limit(_MOST_OF_A_NAME))]
