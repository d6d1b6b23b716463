from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawler.clock import SystemClock
from crawler.errors import SettingsError, StoreError, StoreInUse, StoreUnavailable
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.transaction import Transaction
from tests.store.pieces import StillClock, fingerprint, page
from tests.store.processes import context, store_pages


async def failure(url: str, timeout: float = 2.0) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await Store.open(DatabaseSettings(url=url, timeout=timeout), StillClock())
    message = str(caught.value)
    assert "\n" not in message
    return message


async def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    assert "there is no folder" in await failure(f"sqlite+aiosqlite:///{tmp_path}/none/x.db")


async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("these are not the bytes of a database " * 50)
    assert "file is not a database" in await failure(f"sqlite+aiosqlite:///{tmp_path}/x.db")


def unchecked(url: str) -> DatabaseSettings:
    """What the settings would have refused."""
    return DatabaseSettings.model_construct(url=url, timeout=2.0, pool_size=1)


async def test_a_store_must_be_a_file() -> None:
    for url in ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///"):
        with pytest.raises(SettingsError, match=r"database\.url"):
            await Store.open(unchecked(url), StillClock())


async def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    message = await failure("postgresql+asyncpg://wire:s3cret@127.0.0.1:9/wiretrace?password=s3cret")
    assert message.startswith("postgresql+asyncpg://wire:***@127.0.0.1:9/wiretrace")
    assert "s3cret" not in message


async def test_a_database_that_is_not_there_is_one_clear_line(postgres_url: str) -> None:
    base, _, query = postgres_url.partition("?")
    url = f"{base.rsplit('/', 1)[0]}/nowhere?{query}"
    assert 'database "nowhere" does not exist' in await failure(url)


async def test_a_write_that_fails_among_others_leaves_no_trace_and_takes_none_along(tmp_path: Path) -> None:
    async with await Store.open(DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/x.db"), SystemClock()) as store:

        def fail(tx: Transaction) -> None:
            tx.run(sa.text("INSERT INTO workers (name, started, heartbeat) VALUES ('broken', 0, 0)"))
            raise ValueError("broken")

        # The first occupies the writing thread while the others gather behind it.
        writes = [store.heartbeat(f"worker {number}") for number in range(20)]
        writes.insert(10, store._db.write(fail))
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert [repr(one) for one in outcomes if one is not None] == ["ValueError('broken')"]
        assert len(await store.workers()) == 20
        assert "broken" not in {worker.name for worker in await store.workers()}


async def test_a_url_that_is_none_is_refused_without_being_quoted() -> None:
    with pytest.raises(SettingsError) as caught:
        await Store.open(unchecked("postgresql+asyncpg://wire:s3cr@et@host:port/db"), StillClock())
    assert "cr@et" not in str(caught.value)


async def test_a_drivers_error_becomes_ours(store: Store) -> None:
    def body(tx: Transaction) -> None:
        tx.run(sa.text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(StoreError, match="nowhere"):
        await store._db.write(body)


async def test_a_store_that_another_process_keeps_locked_is_unavailable(sqlite_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=sqlite_url, timeout=0.05), clock) as store:
        other = sqlite3.connect(sqlite_url.partition(":///")[2])
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.store_article(page(), None)
        other.rollback()
        other.close()
        await store.store_article(page(), None)


async def test_a_cancelled_caller_leaves_its_transaction_whole(store_url: str, clock: StillClock) -> None:
    settings = DatabaseSettings(url=store_url)
    async with await Store.open(settings, clock) as store:
        for turn in range(8):
            task = asyncio.create_task(store.store_article(page(f"{turn}"), fingerprint(turn)))
            await asyncio.sleep(0.001 * turn)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    async with await Store.open(settings, clock) as store:
        held = [row["id"] async for row in store.export_articles()]
        assert len(held) == await store.pending_count() == len(await store.fingerprints(map(str, held)))


async def test_a_connection_that_the_server_drops_is_replaced(postgres_url: str, clock: StillClock) -> None:
    def drop_others(tx: Transaction) -> None:
        tx.run(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    settings = DatabaseSettings(url=postgres_url)
    async with await Store.open(settings, clock) as store, await Store.open(settings, clock) as other:
        await store.store_article(page("a"), None)
        await other._db.write(drop_others)
        await store.store_article(page("b"), None)
        assert len([row async for row in store.export_articles()]) == 2


async def test_deadlocked_transactions_run_again(postgres_url: str, clock: StillClock) -> None:
    first_locked = asyncio.Event()
    turns: list[int] = []

    def crossing(tx: Transaction, one: str, two: str) -> None:
        turns.append(1)
        for name in (one, two):
            tx.run(sa.text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
            tx.run(sa.text("SELECT pg_sleep(0.1)"))

    first_locked.set()
    async with await Store.open(DatabaseSettings(url=postgres_url), clock) as store:
        await asyncio.gather(store._db.write(crossing, "a", "b"), store._db.write(crossing, "b", "a"))
    assert len(turns) > 2


async def test_only_one_run_works_on_a_sqlite_store(sqlite_url: str, clock: StillClock) -> None:
    settings = DatabaseSettings(url=sqlite_url)
    async with await Store.open(settings, clock) as store, await Store.open(settings, clock) as other:
        with store.exclusive_run(), pytest.raises(StoreInUse, match="another `wiretrace run`"), other.exclusive_run():
            pass
        with other.exclusive_run():
            pass


async def test_any_number_of_runs_work_on_postgresql(postgres_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=postgres_url), clock) as store:
        with store.exclusive_run(), store.exclusive_run():
            pass


async def test_a_process_killed_at_any_instant_leaves_a_whole_store(sqlite_url: str) -> None:
    told = 0
    for turn in range(4):
        answers, theirs = context().Pipe(duplex=False)
        process = context().Process(target=store_pages, args=(sqlite_url, 1000 * turn, theirs))
        process.start()
        theirs.close()
        for _ in range(5 + 3 * turn):
            answers.recv()
            told += 1
        process.kill()
        with contextlib.suppress(EOFError):
            while answers.recv() is not None:
                told += 1
        process.join()
    async with await Store.open(DatabaseSettings(url=sqlite_url), SystemClock()) as store:
        with store.exclusive_run():
            await store.release("w")
            held = [str(row["id"]) async for row in store.export_articles()]
            linked_pages = [row async for row in store.export_links()]
            assert told <= len(linked_pages) <= told + 4
            (story,) = [row async for row in store.export_stories()]
            assert story["size"] == len(story["members"]) + 1 == len(linked_pages) + 1  # type: ignore[arg-type]
            numbers = [change.seq async for change in store.changes()]
            assert numbers == list(range(1, len(numbers) + 1))
            waiting = {task.article_id for task in await store.pending("w", 99, 1)}
            assert len(held) == len(linked_pages) + len(waiting & set(held))
    checked = sqlite3.connect(sqlite_url.partition(":///")[2])
    assert checked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert checked.execute("PRAGMA foreign_key_check").fetchall() == []
    assert checked.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    checked.close()
