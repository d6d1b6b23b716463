"""A PostgreSQL database, over connections that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import NullPool

from crawler.errors import MissingExtra
from crawler.settings import DatabaseSettings
from crawler.store import listening
from crawler.store.bell import Bell
from crawler.store.dialect import POSTGRESQL
from crawler.store.shelter import Shelter

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0  # seconds


class PostgresPool:
    """SQLAlchemy's asyncio engine and its connections."""

    file = None

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        self._url, self._timeout = url, settings.timeout
        self._engine = self._connect(
            pool_size=settings.pool_size, max_overflow=0, pool_timeout=settings.timeout, pool_recycle=1_800
        )
        # One snapshot for all statements of a reading body, as SQLite gives it.
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._shelter = Shelter()

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
        return await self._shelter.run(_in_transaction(self._snapshots, call))

    async def write(self, call: Callable[[Connection], T]) -> T:
        return await self._shelter.run(_in_transaction(self._engine, call))

    async def migrate(self, call: Callable[[Connection], T]) -> T:
        return await self._shelter.run(self._migrate(call))

    async def _migrate(self, call: Callable[[Connection], T]) -> T:
        def alone(connection: Connection) -> T:
            POSTGRESQL.take_turns(connection, "migrate")
            return call(connection)

        engine = self._connect(limited=False, poolclass=NullPool)
        try:
            return await _in_transaction(engine, alone)
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
        await self._shelter.empty()
        await self._engine.dispose()


async def _in_transaction(engine: AsyncEngine, call: Callable[[Connection], T]) -> T:
    async with engine.begin() as connection:
        return await connection.run_sync(call)
