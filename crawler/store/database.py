"""Connections and transactions.

What the store does is written as bodies: plain functions of a `Transaction`. Each runs whole, in one transaction,
and may be run again. PostgreSQL's bodies run over SQLAlchemy's asyncio engine. SQLite's run over its plain engine
in threads of ours: a driver that hops between threads at every statement takes 8.8 ms for a transaction of fifteen
statements, this takes 1.4 ms, and a crawler stores hundreds of pages a second.

A caller that is cancelled never breaks a transaction: it runs on to its end, and `close` waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import NullPool

from crawler import metrics
from crawler.clock import Clock
from crawler.errors import MissingExtra, SettingsError, StoreUnavailable
from crawler.settings import DatabaseSettings
from crawler.store import changelog, listening, textkeys
from crawler.store.bell import TASKS, Bell
from crawler.store.dialect import POSTGRESQL, SQLITE, Dialect
from crawler.store.failures import can_be_repeated, is_away, masked, parsed, told_in_our_words
from crawler.store.transaction import Transaction

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")
Body = Callable[Concatenate[Transaction, P], T]

RUNS = 6  # of one transaction, before a deadlock or a lost connection is given up on
PAUSE, LONGEST_PAUSE = 0.025, 5.0  # seconds before a further run, doubled each time
READERS = 2  # threads that read a SQLite file beside the one that writes it
CACHE_KIB = 16_384  # a SQLite connection's page cache, three of them: full after some 2,000 pages, then memory is flat
MOST_TOGETHER = 64  # transactions of a SQLite store committed at once
CONNECT_TIMEOUT = 10.0  # seconds
TELL_OF_TASKS = 1.0  # seconds between two words to other processes that there are decisions to make


class Database:
    """The database behind the store."""

    def __init__(self, settings: DatabaseSettings, clock: Clock) -> None:
        self.url = parsed(settings.url)
        self.name = masked(self.url)
        self.dialect: Dialect
        self._engine: _Engine
        self._clock = clock
        self._text_key = textkeys.from_words(settings.text_key)
        self._under_way: set[asyncio.Task[Any]] = set()
        self.bell = Bell()
        self.outage = 0.0  # seconds that a server which is away is waited for
        self._told_of_tasks = -TELL_OF_TASKS
        if self.url.get_backend_name() == "sqlite":
            self.dialect, self._engine = SQLITE, _SqliteThreads(self.url, settings)
        else:
            self.dialect, self._engine = POSTGRESQL, _PostgresPool(self.url, settings)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store."""
        return self._engine.file

    async def read(self, body: Body[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `body` over one snapshot. Raises StoreUnavailable, StoreError."""

        def call(connection: Connection) -> T:
            return body(Transaction(connection, self.dialect, self._clock.now(), self._text_key), *args, **kwargs)

        with metrics.STORE_SECONDS.timed("read"):
            return await self._to_its_end(self._engine.read, call)

    async def write(self, body: Body[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `body` and writes what it noted to the change log, all or nothing. Raises as `read`."""
        now = self._clock.now()

        def call(connection: Connection) -> T:
            transaction = Transaction(connection, self.dialect, now, self._text_key)
            result = body(transaction, *args, **kwargs)
            changelog.append(transaction)
            if transaction.wakes:
                self.dialect.tell(connection, self._worth_telling(transaction.wakes))
            wakes.update(transaction.wakes)
            return result

        wakes: set[str] = set()
        with metrics.STORE_SECONDS.timed("write"):
            result = await self._to_its_end(self._engine.write, call)
        self.bell.ring(wakes)
        return result

    async def listen(self) -> None:
        """Rings the bell for what other processes have put to do, until it is cancelled; SQLite has no way to."""
        await self._engine.listen(self.bell)

    async def migrate(self, steps: Callable[[Connection], None]) -> None:
        """Runs `steps` alone: other processes that want to migrate wait for it, without a limit of time."""
        await self._to_its_end(self._engine.migrate, steps)

    async def scrub(self) -> None:
        """Has the engine let go of rows that were deleted: SQLite of its log, PostgreSQL of what it kept of them."""
        with told_in_our_words(self.url):
            await self._engine.scrub()

    async def close(self) -> None:
        """Waits for transactions under way and lets the connections go. Closing twice is harmless."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        with told_in_our_words(self.url):
            await self._engine.close()

    def _worth_telling(self, topics: Collection[str]) -> list[str]:
        """Decisions are made by the worker that stored the article, so that others need not hear of each."""
        now = time.monotonic()
        if TASKS in topics and now - self._told_of_tasks < TELL_OF_TASKS:
            return sorted(set(topics) - {TASKS})
        if TASKS in topics:
            self._told_of_tasks = now
        return sorted(topics)

    async def _to_its_end(
        self, run: Callable[[Callable[[Connection], T]], Awaitable[T]], call: Callable[[Connection], T]
    ) -> T:
        async def repeated() -> T:
            began = time.monotonic()
            attempt = 0
            while True:
                try:
                    return await run(call)
                except (exc.SQLAlchemyError, OSError) as error:
                    waited = time.monotonic() - began
                    again = can_be_repeated(error) and attempt < RUNS - 1
                    if not again and not (is_away(error) and waited < self.outage):
                        raise
                attempt += 1
                await asyncio.sleep(min(PAUSE * 2**attempt, LONGEST_PAUSE))

        with told_in_our_words(self.url):
            return await self._shielded(repeated())

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have gone: nobody else asks for it


class _Engine(Protocol):
    @property
    def file(self) -> Path | None: ...

    async def read(self, call: Callable[[Connection], T]) -> T: ...
    async def write(self, call: Callable[[Connection], T]) -> T: ...
    async def migrate(self, call: Callable[[Connection], T]) -> T: ...
    async def listen(self, bell: Bell) -> None: ...
    async def scrub(self) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Write:
    """A body that waits for the writing thread, and who waits for what it returns."""

    call: Callable[[Connection], Any]
    future: asyncio.Future[Any]


_Outcome = tuple[Any, BaseException | None]


class _SqliteThreads:
    """One connection that writes, in a thread of its own, and a few that read, in theirs."""

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
            raise SettingsError("configuration", "database.url", "expected a file: sqlite+aiosqlite:///FILE")
        self.file = Path(url.database)
        if not self.file.absolute().parent.is_dir():
            raise StoreUnavailable(f"{masked(url)}: there is no folder {self.file.absolute().parent}")
        plain = url.set(drivername="sqlite+pysqlite")
        self._writer = _sqlite_engine(plain, settings.timeout, 1, begin="BEGIN IMMEDIATE")
        self._reader = _sqlite_engine(plain, settings.timeout, READERS, begin="BEGIN")
        self._waiting: deque[_Write] = deque()
        self._writing = ThreadPoolExecutor(1, "store-write")
        self._reading = ThreadPoolExecutor(READERS, "store-read")

    async def read(self, call: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, _in_transaction, self._reader, call)

    async def write(self, call: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        write = _Write(call, loop.create_future())
        self._waiting.append(write)
        loop.run_in_executor(self._writing, self._write_waiting, loop)
        result: T = await write.future
        return result

    def _write_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        """Writes all that came in while the last were written, with one commit and one word to the event loop."""
        writes = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        outcomes = _together(self._writer, writes)

        def tell() -> None:
            for write, (result, error) in zip(writes, outcomes, strict=True):
                if write.future.done():
                    continue
                if error is not None:
                    write.future.set_exception(error)
                else:
                    write.future.set_result(result)

        if writes:
            loop.call_soon_threadsafe(tell)

    async def migrate(self, call: Callable[[Connection], T]) -> T:
        from filelock import FileLock

        def alone() -> T:
            with FileLock(f"{self.file}.migrate.lock"):
                with self._writer.connect() as connection:
                    # It stays in the file; asked for by many at once it fails with "locked", whatever the timeout.
                    _raw(connection).execute("PRAGMA journal_mode = WAL")
                return _in_transaction(self._writer, call)

        return await asyncio.get_running_loop().run_in_executor(self._writing, alone)

    async def listen(self, bell: Bell) -> None:
        return None

    async def scrub(self) -> None:
        def empty_log() -> None:
            with self._writer.connect() as connection:
                _raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        await asyncio.get_running_loop().run_in_executor(self._writing, empty_log)

    async def close(self) -> None:
        def let_go() -> None:
            self._writing.shutdown()
            self._reading.shutdown()
            self._writer.dispose()
            self._reader.dispose()

        await asyncio.to_thread(let_go)


def _sqlite_engine(url: URL, timeout: float, connections: int, *, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        poolclass=sa.QueuePool,
        # Autocommit on the driver's side: it would begin transactions where it thinks best.
        connect_args={"timeout": timeout, "check_same_thread": False, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in (
            "foreign_keys = ON",
            "synchronous = NORMAL",
            f"cache_size = -{CACHE_KIB}",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _together(engine: sa.Engine, writes: Sequence[_Write]) -> list[_Outcome]:
    """Runs each body in a savepoint of one transaction: what fails leaves no trace and takes no other along."""
    if len(writes) == 1:
        return [_alone(engine, writes[0])]
    outcomes: list[_Outcome] = []
    try:
        with engine.begin() as connection:
            run = _raw(connection).execute
            for write in writes:
                run("SAVEPOINT one")
                try:
                    outcomes.append((write.call(connection), None))
                except Exception as error:  # noqa: BLE001 - its caller gets it
                    run("ROLLBACK TO one")
                    outcomes.append((None, error))
                run("RELEASE one")
    except Exception:  # noqa: BLE001 - whatever it was, it is raised again below
        # A full disk and the like end the whole transaction: who is to blame is found one by one.
        return [_alone(engine, write) for write in writes]
    return outcomes


def _alone(engine: sa.Engine, write: _Write) -> _Outcome:
    try:
        return _in_transaction(engine, write.call), None
    except Exception as error:  # noqa: BLE001 - its caller gets it
        return None, error


def _in_transaction(engine: sa.Engine, call: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return call(connection)


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


class _PostgresPool:
    file = None

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        self._url, self._timeout = url, settings.timeout
        self._engine = self._connect(
            pool_size=settings.pool_size, max_overflow=0, pool_timeout=settings.timeout, pool_recycle=1_800
        )
        # One snapshot for all statements of a reading body, as SQLite gives it.
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def _connect(self, *, limited: bool = True, **pool: Any) -> AsyncEngine:
        arguments: dict[str, Any] = {
            "timeout": min(self._timeout, CONNECT_TIMEOUT),
            "server_settings": {"application_name": "wiretrace"},
        }
        if limited:
            arguments["command_timeout"] = self._timeout
        from sqlalchemy.ext.asyncio import create_async_engine  # brings the whole ORM: SQLite does without

        try:
            return create_async_engine(self._url, connect_args=arguments, **pool)
        except ModuleNotFoundError:
            raise MissingExtra("a PostgreSQL store", "postgres") from None

    async def read(self, call: Callable[[Connection], T]) -> T:
        async with self._snapshots.begin() as connection:
            return await connection.run_sync(call)

    async def write(self, call: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(call)

    async def migrate(self, call: Callable[[Connection], T]) -> T:
        def alone(connection: Connection) -> T:
            POSTGRESQL.take_turns(connection, "migrate")
            return call(connection)

        engine = self._connect(limited=False, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(alone)
        finally:
            await engine.dispose()

    async def scrub(self) -> None:
        engine = self._connect(limited=False, poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await alone.exec_driver_sql("VACUUM")
        finally:
            await engine.dispose()

    async def listen(self, bell: Bell) -> None:
        await listening.listen(lambda: self._connect(limited=False, poolclass=NullPool), bell)

    async def close(self) -> None:
        await self._engine.dispose()
