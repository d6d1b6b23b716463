"""How far each archive was read, so that a run that was cut off goes on where it was."""

from __future__ import annotations

import sqlalchemy as sa

from crawler.store.archivetables import archives
from crawler.store.connected import Connected
from crawler.store.records import ArchiveProgress
from crawler.store.transaction import Transaction

_MOST_OF_A_NAME = 100  # archives of one name that are told


class Archives(Connected):
    async def archive_progress(self, key: str) -> ArchiveProgress | None:
        """None for an archive that was never read."""
        return await self._db.read(_held, key)

    async def note_progress(self, progress: ArchiveProgress) -> None:
        """All pages before `progress.position` are stored."""
        await self._db.write(_note, progress)

    async def archive_paths(self, name: str) -> list[str]:
        """Where archives of this name were read, the last read first."""
        return await self._db.read(_paths, name)


def _held(tx: Transaction, key: str) -> ArchiveProgress | None:
    row = tx.first(sa.select(archives).where(archives.c.key == key))
    return None if row is None else ArchiveProgress(row.key, row.name, row.path, row.position, row.pages)


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
