"""One store copied into another, on whatever engine each is: every table, row by row, then compared.

The origin is read in one snapshot. Rows go over in the order of their keys, batch by batch, each with the number of
rows that are there by now: a copy that was cut off goes on behind the last batch that was committed, or begins a table
anew of which the origin has changed since. Then both sides are read to the end and their checksums compared (see
`digests`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from crawler.clock import Clock
from crawler.errors import StoreError, StoreInUse, UsageError
from crawler.settings import DatabaseSettings
from crawler.store import copybook, schema
from crawler.store.copybook import Begun
from crawler.store.database import Database
from crawler.store.digests import Digest, Rows
from crawler.store.ends import End, Snapshot, open_end
from crawler.store.failures import masked
from crawler.store.leasing import ALIVE
from crawler.store.store import Store
from crawler.store.tables import metadata
from crawler.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class TableCopy:
    """A table on both sides. `copied`: rows that this run wrote; the others were there from one that was cut off."""

    name: str
    rows: int
    copied: int
    checksum_from: str
    checksum_to: str


@dataclass(frozen=True, slots=True)
class CopyReport:
    """`origin` and `target` are URLs without passwords, `tables` in the order in which they were copied."""

    origin: str
    target: str
    seconds: float
    tables: tuple[TableCopy, ...]


Watch = Callable[[str, int, int], None]  # the table, rows read and compared so far, rows to read and compare


async def copy_store(
    origin: DatabaseSettings,
    target: DatabaseSettings,
    clock: Clock,
    *,
    while_running: bool = False,
    watch: Watch | None = None,
) -> CopyReport:
    """Copies the store at `origin` into an empty database, or goes on with a copy that was cut off.

    A copy that was finished is compared and left as it is. With `while_running` the origin may be crawled into
    meanwhile: what is stored after the begin is not copied. Raises UsageError where `origin` is no store of this
    program's schema or `target` holds anything else, StoreInUse where somebody works on either.
    """
    began = clock.monotonic()
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(_opened(Database(origin, clock)))
        there = await stack.enter_async_context(_opened(Database(target, clock)))
        name = _identity(here.url)
        if name == _identity(there.url):
            raise UsageError(f"{here.name}: expected another store to copy into")
        await _require_store(here)
        if not while_running and here.file is not None:
            stack.enter_context(Store(here).exclusive_run())
        reading = await stack.enter_async_context(_closing(open_end(here.url)))
        snapshot = await stack.enter_async_context(reading.snapshot())
        if not while_running and here.file is None:
            await _require_rest(here, clock)
        writing = await stack.enter_async_context(_closing(open_end(there.url)))
        begun = await _prepare(there, name)
        progress = _Progress(watch, 2 * sum([await snapshot.count(table) for table in metadata.sorted_tables]))
        if begun is None:
            tables = await _compared(snapshot, writing, there.name, progress)
        else:
            copies = [_Copy(table, snapshot, writing, begun.rows[table.name], progress) for table in _tables(begun)]
            tables = tuple([await one.make() for one in copies])
            await there.migrate(copybook.finish)
        return CopyReport(here.name, there.name, clock.monotonic() - began, tables)


def _tables(begun: Begun) -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if table.name in begun.rows]


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[Database]:
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _closing(end: End) -> AsyncIterator[End]:
    try:
        yield end
    finally:
        await end.close()


def _identity(url: URL) -> str:
    """By which a store is told, wherever the command is started; no password in it."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite {Path(url.database or '').resolve()}"
    return masked(url)


async def _require_store(origin: Database) -> None:
    found = await schema.current(origin)
    if found is None:
        raise UsageError(f"{origin.name}: expected a store to copy from, there is none")
    if found != schema.HEAD:
        schema.refuse_unknown(origin, found)
        raise UsageError(
            f"{origin.name}: expected a store of schema {schema.HEAD}, this one has {found}: "
            "run `wiretrace db upgrade` on it first"
        )


async def _require_rest(origin: Database, clock: Clock) -> None:
    """A worker writes a heartbeat every 30 seconds and signs off when it ends. (SQLite has a lock of the system.)"""
    now = clock.now()
    for one in await Store(origin).workers():
        if one.heartbeat > now - ALIVE:
            raise StoreInUse(
                f"{origin.name}: worker {one.name} gave a sign of life {(now - one.heartbeat).total_seconds():.0f} s "
                f"ago: expected none for {ALIVE.total_seconds():.0f} s; stop it, or copy the store as it is at this "
                "moment with --while-running"
            )


async def _prepare(target: Database, origin: str) -> Begun | None:
    """Makes `target` ready to be copied into; None where it holds a whole store, which may be a finished copy."""

    def read(tx: Transaction) -> Begun:
        return copybook.read(tx.connection)

    found = await schema.current(target)
    if found is None:
        await _require_nothing(target)
        await schema.prepare(target, upgrade=True)
        found = schema.HEAD
    if found == schema.HEAD:
        if not await target.read(lambda tx: copybook.is_unused(tx.connection)):
            return None
        await target.migrate(copybook.begin(origin))
    elif found != schema.COPYING:
        raise UsageError(f"{target.name}: expected an empty database, there is a store of schema {found}")
    begun = await target.read(read)
    if begun.origin != origin:
        raise UsageError(f"{target.name}: expected an empty database, there is a copy of {begun.origin} under way")
    if begun.schema != schema.HEAD:
        raise UsageError(
            f"{target.name}: the copy was begun with schema {begun.schema}, this program has {schema.HEAD}: "
            "expected an empty database to begin anew"
        )
    return begun


async def _require_nothing(target: Database) -> None:
    if target.file is not None and not target.file.exists():
        return
    names = await target.read(lambda tx: copybook.table_names(tx.connection))
    if names:
        raise UsageError(
            f"{target.name}: expected an empty database, there are tables of something else ({', '.join(names)[:80]})"
        )


async def _compared(snapshot: Snapshot, there: End, name: str, progress: _Progress) -> tuple[TableCopy, ...]:
    """The tables of two whole stores. Raises UsageError at the first that differs: no copy, or one no more."""
    made = []
    async with there.snapshot() as written:
        for table in metadata.sorted_tables:
            if await written.count(table) != await snapshot.count(table):
                raise _another_store(name, table)
        for table in metadata.sorted_tables:
            one, other = await _digest(snapshot, table, progress), await _digest(written, table, progress)
            if one.checksum != other.checksum:
                raise _another_store(name, table)
            made.append(TableCopy(table.name, one.rows, 0, one.checksum, other.checksum))
    return tuple(made)


def _another_store(name: str, table: sa.Table) -> UsageError:
    return UsageError(f"{name}: expected an empty database, there is a store that differs (in {table.name})")


async def _digest(snapshot: Snapshot, table: sa.Table, progress: _Progress) -> Digest:
    digest = Digest(table)
    async with aclosing(snapshot.batches(table)) as batches:  # type: ignore[type-var]
        async for rows in batches:
            await asyncio.to_thread(digest.add, rows)
            progress.passed(table, len(rows))
    return digest


@dataclass(slots=True)
class _Progress:
    watch: Watch | None
    total: int
    done: int = 0

    def passed(self, table: sa.Table, rows: int) -> None:
        self.done += rows
        if self.watch is not None:
            self.watch(table.name, self.done, max(self.total, self.done))


@dataclass(slots=True)
class _Copy:
    """One table on its way. `held`: rows that are there."""

    table: sa.Table
    snapshot: Snapshot
    target: End
    held: int
    progress: _Progress
    written: int = 0

    async def make(self) -> TableCopy:
        """Raises StoreError where the copy differs although it was made anew."""
        if self.held and not await self._goes_on():
            await self._begin_anew()
        one, other = await self._written(), await self._read_back()
        if one.checksum != other.checksum:
            await self._begin_anew()
            one, other = await self._written(), await self._read_back()
        if one.checksum != other.checksum:
            raise StoreError(f"{self.table.name}: {one.rows} rows went over, and what is read back is not the same")
        return TableCopy(self.table.name, one.rows, self.written, one.checksum, other.checksum)

    async def _goes_on(self) -> bool:
        """Whether what is there is still the beginning of what is to be there."""
        digest = Digest(self.table)
        async with aclosing(self.snapshot.batches(self.table)) as batches:  # type: ignore[type-var]
            async for rows in batches:
                await asyncio.to_thread(digest.add, rows[: self.held - digest.rows])
                if digest.rows == self.held:
                    break
        return digest.checksum == (await self._read_back()).checksum

    async def _begin_anew(self) -> None:
        await self.target.change(copybook.empty(self.table, self.held))
        self.held = self.written = 0

    async def _written(self) -> Digest:
        """Reads all rows and writes those that are not there yet."""
        digest = Digest(self.table)
        async with aclosing(self.snapshot.batches(self.table)) as batches:  # type: ignore[type-var]
            async for rows in batches:
                fresh = rows[max(self.held - digest.rows, 0) :]
                # Counted in a thread while the target is waited for.
                await asyncio.gather(asyncio.to_thread(digest.add, rows), self._put(fresh))
                self.progress.passed(self.table, len(rows))
        return digest

    async def _put(self, rows: Rows) -> None:
        if not rows:
            return
        after = self.held + len(rows)
        await self.target.put(self.table, rows, copybook.counted(self.table, self.held, after))
        self.held, self.written = after, self.written + len(rows)

    async def _read_back(self) -> Digest:
        async with self.target.snapshot() as written:
            return await _digest(written, self.table, self.progress)
