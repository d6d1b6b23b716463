"""What other processes do to a store in tests. They are forked from a server that has imported it all already."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

from crawler.clock import SystemClock
from crawler.model import Reference
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.copying import copy_store
from tests.store.pieces import NOON, fingerprint, linked, original, page


def context() -> ForkServerContext:
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(
        [
            "pytest",
            "tests.store.processes",
            "sqlalchemy.dialects.postgresql.asyncpg",
            "sqlalchemy.ext.asyncio",
            "alembic.command",
        ]
    )
    return forking


def open_store(url: str, name: str, answers: Connection) -> None:
    """Opens the store, which may have to be migrated, and tells its revision."""

    async def work() -> None:
        async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
            await store.heartbeat(name)
            answers.send(await store.current_revision())

    asyncio.run(work())


def store_pages(url: str, first: int, answers: Connection) -> None:
    """Stores and links page after page until it is killed; tells the number of each."""

    async def work() -> None:
        async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
            with store.exclusive_run():
                await store.store_article(original(), fingerprint(1))
                for number in itertools.count(first):
                    here = page(str(number))
                    await store.announce("s", [Reference(here.url)], now=NOON)
                    (entry,) = await store.lease("w", 1, per_host=1, seconds=1)
                    keys = fingerprint(*range(number, number + 50))
                    await store.store_article(here, keys, frontier_key=entry.key, worker="w")
                    await store.record_decision(linked(here, original()), worker="w", reason="decided")
                    answers.send(number)

    asyncio.run(work())


def copy_slowly(origin: str, target: str, answers: Connection) -> None:
    """Copies a store and tells of every batch; slowly, so that it can be killed in the middle."""

    def watch(table: str, _done: int, _total: int) -> None:
        answers.send(table)
        time.sleep(0.01)

    ways = DatabaseSettings(url=origin), DatabaseSettings(url=target)
    asyncio.run(copy_store(*ways, SystemClock(), watch=watch))
