"""Connections and transactions.

What the store does is written as bodies: plain functions of a `Transaction`. Each runs whole, in one transaction,
and may be run again. A caller that is cancelled never breaks a transaction: it runs on to its end, and `close` waits
for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import Connection

from crawler import metrics
from crawler.clock import Clock
from crawler.settings import DatabaseSettings
from crawler.store import changelog, textkeys
from crawler.store.bell import TASKS, Bell
from crawler.store.dialect import POSTGRESQL, SQLITE, Dialect
from crawler.store.failures import can_be_repeated, is_away, masked, parsed, told_in_our_words
from crawler.store.postgres_pool import PostgresPool
from crawler.store.sqlite_threads import SqliteThreads
from crawler.store.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")
Body = Callable[Concatenate[Transaction, P], T]

RUNS = 6  # of one transaction, before a deadlock or a lost connection is given up on
PAUSE, LONGEST_PAUSE = 0.025, 5.0  # seconds before a further run, doubled each time
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
        self.bell = Bell()
        self.outage = 0.0  # seconds that a server which is away is waited for
        self._told_of_tasks = -TELL_OF_TASKS
        if self.url.get_backend_name() == "sqlite":
            self.dialect, self._engine = SQLITE, SqliteThreads(self.url, settings)
        else:
            self.dialect, self._engine = POSTGRESQL, PostgresPool(self.url, settings)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store."""
        return self._engine.file

    async def read(self, body: Body[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `body` over one snapshot. Raises StoreUnavailable, StoreError."""

        def call(connection: Connection) -> T:
            return body(Transaction(connection, self.dialect, self._clock.now(), self._text_key), *args, **kwargs)

        with metrics.STORE_SECONDS.timed("read"):
            return await self._repeated(self._engine.read, call)

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
            result = await self._repeated(self._engine.write, call)
        self.bell.ring(wakes)
        return result

    async def listen(self) -> None:
        """Rings the bell for what other processes have put to do, until it is cancelled; SQLite has no way to."""
        await self._engine.listen(self.bell)

    async def migrate(self, steps: Callable[[Connection], None]) -> None:
        """Runs `steps` alone: other processes that want to migrate wait for it, without a limit of time."""
        await self._repeated(self._engine.migrate, steps)

    async def scrub(self) -> None:
        """Has the engine let go of rows that were deleted: SQLite of its log, PostgreSQL of what it kept of them."""
        with told_in_our_words(self.url):
            await self._engine.scrub()

    async def close(self) -> None:
        """Waits for transactions under way and lets the connections go. Closing twice is harmless."""
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

    async def _repeated(
        self, run: Callable[[Callable[[Connection], T]], Awaitable[T]], call: Callable[[Connection], T]
    ) -> T:
        """Runs a transaction till it is through, or its failure is none that another run may mend."""
        began = time.monotonic()
        attempt = 0
        with told_in_our_words(self.url):
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


class _Engine(Protocol):
    """Each call runs to its end though its caller is cancelled; `close` waits for it."""

    @property
    def file(self) -> Path | None: ...

    async def read(self, call: Callable[[Connection], T]) -> T: ...
    async def write(self, call: Callable[[Connection], T]) -> T: ...
    async def migrate(self, call: Callable[[Connection], T]) -> T: ...
    async def listen(self, bell: Bell) -> None: ...
    async def scrub(self) -> None: ...
    async def close(self) -> None: ...
