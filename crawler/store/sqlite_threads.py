"""A SQLite file, read and written by threads of ours, each with one connection that it keeps.

Bodies go to a thread through a queue and come back with one word to the event loop: a driver that hops between threads
at every statement takes 8.8 ms for a transaction of fifteen statements, this takes 1.4 ms, and a crawler stores
hundreds of pages a second. A body that a thread has begun runs on to its end whoever waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import NullPool

from crawler.errors import SettingsError, StoreUnavailable
from crawler.settings import DatabaseSettings
from crawler.store.bell import Bell
from crawler.store.failures import masked
from crawler.store.shelter import Shelter

T = TypeVar("T")

READERS = 2  # threads that read the file beside the one that writes it
CACHE_KIB = 16_384  # a connection's page cache, three of them: full after some 2,000 pages, then memory is flat
MOST_TOGETHER = 64  # writing bodies committed at once


class SqliteThreads:
    """One connection that writes, in a thread of its own, and a few that read, in theirs."""

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
            raise SettingsError("configuration", "database.url", "expected a file: sqlite+aiosqlite:///FILE")
        self.file = Path(url.database)
        if not self.file.absolute().parent.is_dir():
            raise StoreUnavailable(f"{masked(url)}: there is no folder {self.file.absolute().parent}")
        self._engine = _engine(url.set(drivername="sqlite+pysqlite"), settings.timeout)
        self._writing = _Lane("store-write", self._engine, 1, _write_together, most=MOST_TOGETHER)
        self._reading = _Lane("store-read", self._engine, READERS, _read_each, most=1)
        self._shelter = Shelter()

    async def read(self, call: Callable[[Connection], T]) -> T:
        return await self._reading.run(call)

    async def write(self, call: Callable[[Connection], T]) -> T:
        return await self._writing.run(call)

    async def migrate(self, call: Callable[[Connection], T]) -> T:
        from filelock import FileLock

        def alone() -> T:
            with FileLock(f"{self.file}.migrate.lock"), self._engine.connect() as connection:
                # It stays in the file; asked for by many at once it fails with "locked", whatever the timeout.
                _raw(connection).execute("PRAGMA journal_mode = WAL")
                with connection.begin():
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    return call(connection)

        return await self._shelter.run(asyncio.to_thread(alone))

    async def listen(self, bell: Bell) -> None:
        return None

    async def scrub(self) -> None:
        def empty_log() -> None:
            with self._engine.connect() as connection:
                _raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        await self._shelter.run(asyncio.to_thread(empty_log))

    async def close(self) -> None:
        await self._shelter.empty()
        await asyncio.to_thread(self._writing.close)
        await asyncio.to_thread(self._reading.close)


@dataclass(frozen=True, slots=True)
class _Errand:
    """A body that waits for a thread, and who waits for what it returns."""

    call: Callable[[Connection], Any]
    future: asyncio.Future[Any]


_Outcome = tuple[Any, BaseException | None]
_Way = Callable[[Connection, Sequence[_Errand]], list[_Outcome]]


class _Lane:
    """Threads that run bodies in the order in which these come, at most so many at once in one thread."""

    def __init__(self, name: str, engine: sa.Engine, threads: int, way: _Way, *, most: int) -> None:
        self._engine, self._way, self._most = engine, way, most
        self._waiting: SimpleQueue[_Errand | None] = SimpleQueue()  # None: a thread's end
        # No executor: of that each body takes three futures, a lock and a task.
        self._threads = [Thread(target=self._serve, name=f"{name}_{one}", daemon=True) for one in range(threads)]
        self._begun = self._closed = False

    def run(self, call: Callable[[Connection], T]) -> asyncio.Future[T]:
        if self._closed:
            raise RuntimeError("the store is closed")
        if not self._begun:
            self._begun = True
            for thread in self._threads:
                thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Errand(call, future))
        return future

    def close(self) -> None:
        """Waits for all that was handed over; closing twice is harmless."""
        if self._begun and not self._closed:
            for _ in self._threads:
                self._waiting.put(None)
            for thread in self._threads:
                thread.join()
        self._closed = True

    def _serve(self) -> None:
        connection: Connection | None = None
        while errands := self._next():
            try:
                if connection is None:
                    connection = self._engine.connect()
                outcomes = self._way(connection, errands)
            except BaseException as error:  # noqa: BLE001 - its callers get it
                outcomes = [(None, error)] * len(errands)
            if connection is not None and _raw(connection).in_transaction:
                # Not even a rollback went through: what comes next shall not be part of it.
                connection.invalidate()
                connection.close()
                connection = None
            with suppress(RuntimeError):  # the event loop has ended: nobody waits any more
                errands[0].future.get_loop().call_soon_threadsafe(_tell, errands, outcomes)
        if connection is not None:
            connection.close()

    def _next(self) -> Sequence[_Errand]:
        """What waits, as far as it is run at once; nothing at the end."""
        first = self._waiting.get()
        taken = [] if first is None else [first]
        with suppress(Empty):
            while 0 < len(taken) < self._most:
                following = self._waiting.get_nowait()
                if following is None:
                    self._waiting.put(None)
                    break
                taken.append(following)
        return taken


def _tell(errands: Sequence[_Errand], outcomes: Sequence[_Outcome]) -> None:
    for errand, (result, error) in zip(errands, outcomes, strict=True):
        if errand.future.done():
            continue
        if error is not None:
            errand.future.set_exception(error)
        else:
            errand.future.set_result(result)


def _read_each(connection: Connection, errands: Sequence[_Errand]) -> list[_Outcome]:
    return [_alone(connection, errand, "BEGIN") for errand in errands]


def _write_together(connection: Connection, errands: Sequence[_Errand]) -> list[_Outcome]:
    """Runs each body in a savepoint of one transaction: what fails leaves no trace and takes no other along."""
    if len(errands) == 1:
        return [_alone(connection, errands[0], "BEGIN IMMEDIATE")]
    run = _raw(connection).execute
    outcomes: list[_Outcome] = []

    def each(connection: Connection) -> None:
        for errand in errands:
            run("SAVEPOINT one")
            try:
                outcomes.append((errand.call(connection), None))
            except Exception as error:  # noqa: BLE001 - its caller gets it
                run("ROLLBACK TO one")
                outcomes.append((None, error))
            run("RELEASE one")

    try:
        _in_transaction(connection, each, "BEGIN IMMEDIATE")
    except Exception:  # noqa: BLE001 - whatever it was, it is raised again below
        # A full disk and the like end the whole transaction: who is to blame is found one by one.
        return [_alone(connection, errand, "BEGIN IMMEDIATE") for errand in errands]
    return outcomes


def _alone(connection: Connection, errand: _Errand, begin: str) -> _Outcome:
    try:
        return _in_transaction(connection, errand.call, begin), None
    except Exception as error:  # noqa: BLE001 - its caller gets it
        return None, error


def _in_transaction(connection: Connection, call: Callable[[Connection], T], begin: str) -> T:
    # By the driver: SQLAlchemy's own way to begin and end takes as long as four statements. It takes the connection to
    # be in one transaction that never ends.
    connection.exec_driver_sql(begin)
    try:
        result = call(connection)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        raw = _raw(connection)
        if raw.in_transaction:  # SQLite ends some transactions that fail by itself
            raw.execute("ROLLBACK")
        raise
    return result


def _engine(url: URL, timeout: float) -> sa.Engine:
    engine = sa.create_engine(
        url,
        poolclass=NullPool,
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

    return engine


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection
