"""The two ends of a copy: long reading in one snapshot, and writing by the batch, on either engine.

`Database` is made for short transactions: it bounds their time, repeats them, and gives no rows before the last is
there. A copy reads one table for hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import NullPool

from crawler.errors import MissingExtra, StoreError
from crawler.store.digests import Rows
from crawler.store.failures import masked, told_in_our_words
from crawler.store.postgres_pool import CONNECT_TIMEOUT

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

# Rows in hand at once: of tables of numbers, and of such with texts, of which one may have megabytes.
NARROW, WIDE = 20_000, 500
LOCK_TIMEOUT = 30.0  # seconds that another writer of a SQLite file is waited for


class Snapshot(Protocol):
    """The store as it was at one moment, however long it is read."""

    async def count(self, table: sa.Table) -> int: ...

    def batches(self, table: sa.Table) -> AsyncIterator[Rows]:
        """All rows by the key, as the engine sorts it: always in the same order."""
        ...


class End(Protocol):
    def snapshot(self) -> Any:
        """An asynchronous context manager that gives a Snapshot."""
        ...

    async def change(self, call: Callable[[Connection], T]) -> T:
        """Runs `call` in a transaction that checks no references."""
        ...

    async def put(self, table: sa.Table, rows: Rows, also: Callable[[Connection], None]) -> None:
        """Writes new rows and what `also` does, all or nothing."""
        ...

    async def close(self) -> None: ...


def open_end(url: URL) -> End:
    """Raises MissingExtra, StoreUnavailable and StoreError, here and later."""
    return SqliteEnd(url) if url.get_backend_name() == "sqlite" else PostgresEnd(url)


def _at_once(table: sa.Table) -> int:
    wide = any(isinstance(column.type, sa.Text | sa.LargeBinary) or _is_text(column) for column in table.columns)
    return WIDE if wide else NARROW


def _is_text(column: sa.Column[Any]) -> bool:
    return getattr(column.type, "impl", None) is not None and isinstance(column.type.impl, sa.Text)  # type: ignore[attr-defined]


def _in_order(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key.columns)


def _counted(table: sa.Table) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table)


class SqliteEnd:
    """All statements run in one thread of ours, so that none is left behind when the copy is cut off."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = sa.create_engine(
            url.set(drivername="sqlite+pysqlite"),
            poolclass=NullPool,
            connect_args={"timeout": LOCK_TIMEOUT, "check_same_thread": False, "isolation_level": None},
        )
        self._thread = ThreadPoolExecutor(1, "store-copy")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        def begin() -> Connection:
            connection = self._engine.connect()
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first()  # the moment is that of the first reading
            return connection

        connection = await self._run(begin)
        try:
            yield _SqliteSnapshot(connection, self._run)
        finally:
            await self._run(connection.close)

    async def change(self, call: Callable[[Connection], T]) -> T:
        def whole() -> T:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    result = call(connection)
                except BaseException:
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
                return result

        return await self._run(whole)

    async def put(self, table: sa.Table, rows: Rows, also: Callable[[Connection], None]) -> None:
        names = [column.name for column in table.columns]

        def write(connection: Connection) -> None:
            also(connection)
            connection.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])

        await self.change(write)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self, call: Callable[[], T]) -> T:
        with told_in_our_words(self._url):
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)


class _SqliteSnapshot:
    def __init__(self, connection: Connection, run: Callable[[Callable[[], Any]], Any]) -> None:
        self._connection, self._run = connection, run

    async def count(self, table: sa.Table) -> int:
        return int(await self._run(lambda: self._connection.execute(_counted(table)).scalar()))

    async def batches(self, table: sa.Table) -> AsyncIterator[Rows]:
        size = _at_once(table)
        found = await self._run(lambda: self._connection.execute(_in_order(table)))
        try:
            while rows := await self._run(lambda: [tuple(row) for row in found.fetchmany(size)]):
                yield rows
        finally:
            await self._run(found.close)


class PostgresEnd:
    def __init__(self, url: URL) -> None:
        self._url = url
        # However long a statement takes, and however long a slow other end lets the snapshot wait.
        unlimited = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
        arguments = {"timeout": CONNECT_TIMEOUT, "server_settings": {"application_name": "wiretrace copy", **unlimited}}
        from sqlalchemy.ext.asyncio import create_async_engine

        try:
            self._engine = create_async_engine(url, connect_args=arguments, pool_size=2, max_overflow=0)
        except ModuleNotFoundError:
            raise MissingExtra("a PostgreSQL store", "postgres") from None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with self._told():
            async with reading.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))  # the moment is that of the first statement
                yield _PostgresSnapshot(connection)

    async def change(self, call: Callable[[Connection], T]) -> T:
        with self._told():
            async with self._engine.begin() as connection:
                return await connection.run_sync(call)

    async def put(self, table: sa.Table, rows: Rows, also: Callable[[Connection], None]) -> None:
        names = [column.name for column in table.columns]
        with self._told():
            async with self._engine.begin() as connection:
                # A statement of SQLAlchemy's first: with it the transaction begins, of which COPY is to be a part.
                await connection.run_sync(also)
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await driver.copy_records_to_table(table.name, records=rows, columns=names, timeout=None)

    async def close(self) -> None:
        with self._told():
            await self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """COPY goes past SQLAlchemy, and so do its errors."""
        import asyncpg

        try:
            with told_in_our_words(self._url):
                yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreError(f"{masked(self._url)}: {str(error).splitlines()[0]}") from None


class _PostgresSnapshot:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def count(self, table: sa.Table) -> int:
        return int((await self._connection.execute(_counted(table))).scalar_one())

    async def batches(self, table: sa.Table) -> AsyncIterator[Rows]:
        size = _at_once(table)
        async with self._connection.stream(_in_order(table), execution_options={"yield_per": size}) as found:
            async for rows in found.partitions(size):
                yield [tuple(row) for row in rows]
