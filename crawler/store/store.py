"""The store as one object: everything that wiretrace keeps, behind one door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from filelock import FileLock, Timeout

from crawler.clock import Clock
from crawler.errors import StoreInUse, StoreUnavailable
from crawler.settings import DatabaseSettings
from crawler.store import schema
from crawler.store.archives import Archives
from crawler.store.articles import Articles
from crawler.store.bell import Bell
from crawler.store.browsing import Browsing
from crawler.store.bulk import Bulk
from crawler.store.candidates import PostingIndex
from crawler.store.cases import Cases
from crawler.store.database import Database
from crawler.store.deadletters import DeadLetters
from crawler.store.decisions import Decisions
from crawler.store.export import Exports
from crawler.store.frontier import Frontier
from crawler.store.happenings import Happenings
from crawler.store.hearing import Hearing
from crawler.store.hostbook import HostBook
from crawler.store.hosts import Hosts
from crawler.store.imprints import Imprints
from crawler.store.looks import Looks
from crawler.store.news import News
from crawler.store.overviews import Overviews
from crawler.store.places import Places
from crawler.store.publishing import Publishing
from crawler.store.purging import Purging
from crawler.store.reindexing import Reindexing
from crawler.store.reviews import Reviews
from crawler.store.runs import Runs
from crawler.store.searching import Searching
from crawler.store.settling import Settling
from crawler.store.sites import Sites
from crawler.store.sources import Sources
from crawler.store.tokens import Tokens
from crawler.store.webhooks import Webhooks


class Store(
    Sources,
    Frontier,
    HostBook,
    DeadLetters,
    Articles,
    Bulk,
    Cases,
    Decisions,
    Settling,
    Places,
    Imprints,
    Purging,
    Reindexing,
    Exports,
    Runs,
    Sites,
    Hosts,
    Archives,
    Reviews,
    Looks,
    Browsing,
    Happenings,
    News,
    Overviews,
    Searching,
    Publishing,
    Tokens,
    Webhooks,
    Hearing,
):
    """Every public write is one transaction: a process killed at any instant leaves a store that the next picks up.

    All methods raise StoreUnavailable where the database can't be reached, StoreError where it refuses.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.index = PostingIndex(database)

    @classmethod
    async def open(cls, settings: DatabaseSettings, clock: Clock, *, upgrade: bool = True) -> Store:
        """The store at `settings.url`; a new or older one is migrated first, by one process while others wait.

        Without `upgrade` an older store is opened as it is, good for `current_revision` alone. Raises
        StoreUnavailable, SchemaTooNew.
        """
        database = Database(settings, clock)
        try:
            await schema.prepare(database, upgrade=upgrade)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return self._db.name

    @property
    def bell(self) -> Bell:
        """Rings when there are pages, tasks or sources to look at."""
        return self._db.bell

    @property
    def outage(self) -> float:
        """Seconds that a server which went away is waited for before a call raises StoreUnavailable; 0 at first."""
        return self._db.outage

    @outage.setter
    def outage(self, seconds: float) -> None:
        self._db.outage = seconds

    async def listen(self) -> None:
        """Has the bell ring for what other processes put to do, too, until it is cancelled. SQLite: returns."""
        await self._db.listen()

    async def close(self) -> None:
        """Waits for what is being written. Closing twice is harmless."""
        await self._db.close()

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def current_revision(self) -> str | None:
        """The schema's revision; None for an empty store."""
        return await schema.current(self._db)

    @staticmethod
    def known_revision() -> str:
        """The newest revision that this program knows."""
        return schema.HEAD

    async def upgrade(self) -> None:
        """Migrates to the newest revision."""
        await schema.prepare(self._db, upgrade=True)

    @contextmanager
    def exclusive_run(self) -> Iterator[None]:
        """SQLite: the only `run` on this store, else StoreInUse; freed by the system if the process dies.

        PostgreSQL takes any number of runs.
        """
        if self._db.file is None:
            yield
            return
        lock = FileLock(f"{self._db.file}.run.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise StoreInUse(f"{self.url}: another `wiretrace run` works on this store") from None
        except OSError as error:
            raise StoreUnavailable(f"{lock.lock_file}: {error.strerror or error}") from None
        try:
            yield
        finally:
            lock.release()
