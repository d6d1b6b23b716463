"""`copy_store`: a store moved to another engine and back, cut off and taken up, and what it refuses to write over."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from crawler.errors import StoreError, StoreInUse, UsageError, WiretraceError
from crawler.model import Reference, Side
from crawler.settings import DatabaseSettings
from crawler.store import Store, ends
from crawler.store.columns import UtcTime
from crawler.store.copying import CopyReport, copy_store
from crawler.store.digests import Digest
from crawler.store.tables import articles, log_head, metadata
from crawler.store.transaction import Transaction
from tests.databases import fresh_database
from tests.store.pieces import HOUR, NOON, StillClock, claim, fingerprint, linked, original, page, source, unlinked
from tests.store.processes import context, copy_slowly
from tests.store.replaying import exported, replay

WAYS = (
    ("sqlite", "postgresql"),
    *(pytest.param(way, marks=pytest.mark.full) for way in (("postgresql", "sqlite"), ("sqlite", "sqlite"))),
)
KEYS = fingerprint(1, -2, 3)
MANY = 12  # pages, so that small batches are several


@pytest.fixture
def empty_databases(shared_folder: Path, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """New databases of the engine that is asked for, without a table where they are not `migrated`."""
    with ExitStack() as made:

        def make(engine: str, *, migrated: bool = False) -> str:
            folder = tmp_path / f"database{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return made.enter_context(fresh_database(engine, shared_folder, folder, migrated=migrated))

        yield make


@pytest.fixture(scope="module")
def filled(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SQLite store with something in every table."""
    folder = tmp_path_factory.mktemp("filled")
    with fresh_database("sqlite", shared_folder, folder) as url:
        asyncio.run(fill(url))
        yield folder / "wiretrace.db"


@pytest.fixture
def two(request: pytest.FixtureRequest, empty_databases: Callable[..., str], filled: Path) -> tuple[str, str]:
    """An origin with something in every table, and an empty database."""
    one, other = request.param
    origin = empty_databases(one, migrated=one != "sqlite")
    if one == "sqlite":
        shutil.copy(filled, origin.removeprefix("sqlite+aiosqlite:///"))
    else:
        asyncio.run(fill(origin))
    return origin, empty_databases(other)


async def fill(url: str) -> None:
    async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
        await store.add_source(source())
        await store.announce("s", [Reference(f"https://copy.example/{number}") for number in range(MANY)], now=NOON)
        await store.store_article(original(), KEYS)
        await store.store_article(replace(original(), text="Its second version: the ferry sails in June."), KEYS)
        for number in range(MANY):
            here = page(str(number), title=f"Über die Fähre {number} \u2013 \U0001f6a2", text="The harbour\ufffd gull.")
            await store.store_article(here, fingerprint(number, 3))
            await store.record_decision(
                linked(here, original()) if number % 2 else unlinked(here, claim()), reason="new"
            )
        await store._db.write(fill_the_rest)


def fill_the_rest(tx: Transaction) -> None:
    """One row into each table that has none, whatever tables there are."""
    for table in metadata.sorted_tables:
        if tx.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
            tx.run(sa.insert(table).values({column.name: value_for(tx, column) for column in table.columns}))


def value_for(tx: Transaction, column: sa.Column[Any]) -> object:
    for reference in column.foreign_keys:
        return None if reference.column.table is column.table else tx.scalar(sa.select(reference.column).limit(1))
    kind = column.type
    if isinstance(kind, UtcTime):
        return NOON - HOUR + timedelta(microseconds=123_457)
    if isinstance(kind, sa.LargeBinary):
        return b"\x00\xff\x80"
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Float):
        return 0.1 + 0.2
    return 7 if isinstance(kind, sa.Integer) else '"Žďár" \\u0000\n'


async def copied(origin: str, target: str, **options: Any) -> CopyReport:
    ways = DatabaseSettings(url=origin), DatabaseSettings(url=target)
    return await copy_store(*ways, StillClock(), **options)


async def state(url: str) -> dict[str, object]:
    """What a store says of itself by every way out of it."""
    async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
        return {
            "exported": await exported(store),
            "log": await replay(store),
            "sources": await store.sources(),
            "found": [hit.brief for hit in (await store.search("gull")).hits],
            "stale": (await store.search("refitted")).hits,
            "candidates": await store.index.candidates(KEYS, Side.ORIGINAL),
            "pages": await store.index.candidates(KEYS, Side.PAGE),
        }


@pytest.mark.parametrize("two", WAYS, indirect=True, ids="-".join)
async def test_a_copy_says_all_that_its_origin_says(two: tuple[str, str]) -> None:
    before = await state(two[0])
    report = await copied(*two)
    assert before["found"]
    assert len(report.tables) == len(metadata.sorted_tables)
    for one in report.tables:
        assert one.checksum_from == one.checksum_to
        assert one.rows == one.copied > 0
    assert await state(two[1]) == await state(two[0]) == before


@pytest.mark.full
@pytest.mark.parametrize("two", WAYS, indirect=True, ids="-".join)
async def test_a_copy_is_a_store_to_work_on_like_any_other(two: tuple[str, str], request: Any) -> None:
    await copied(*two)
    numbers = []
    for url in two:
        async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
            await store.store_article(page("after", text="An albatross."), fingerprint(99))
            await store.record_decision(linked(page("after"), original()), reason="new")
            assert len((await store.search("albatross")).hits) == 1
            numbers.append(await store._db.read(lambda tx: tx.scalar(sa.select(sa.func.max(articles.c.no)))))
            await store.store_article(page("0", text="A cormorant."), fingerprint(99))
            assert len((await store.search("gull")).hits) == MANY - 1
            assert await store._db.read(differences_of_schema) == []
    assert numbers[0] == numbers[1]
    assert await described(two[1]) == await described(await another(two[1], request))


def differences_of_schema(tx: Transaction) -> list[object]:
    words = ("article_words", "ix_versions_words")
    options = {"compare_type": True, "include_name": lambda name, *_: not (name or "").startswith(words)}
    return list(compare_metadata(MigrationContext.configure(tx.connection, opts=options), metadata))


async def another(url: str, request: Any) -> str:
    """A store that was never copied into, on the same engine."""
    made: str = request.getfixturevalue("sqlite_url" if url.startswith("sqlite") else "postgres_url")
    return made


async def described(url: str) -> list[tuple[str, ...]]:
    """All tables, indexes, triggers and references, as the engine itself tells them."""
    queries = {
        "sqlite": "SELECT type, name, coalesce(sql, '') FROM sqlite_master",
        "postgresql": "SELECT indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
        "SELECT conname, pg_get_constraintdef(oid), '' FROM pg_constraint WHERE conrelid <> 0",
    }

    def body(tx: Transaction) -> list[tuple[str, ...]]:
        rows = tx.connection.exec_driver_sql(queries[tx.dialect.name])
        return sorted((row[0], row[1], " ".join(row[2].split())) for row in rows)

    async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
        return await store._db.read(body)


class CutOff(Exception):
    pass


def cut_off_after(batches: int) -> Callable[[str, int, int], None]:
    left = [batches]

    def watch(_table: str, _done: int, _total: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise CutOff

    return watch


@pytest.mark.parametrize(
    "two",
    [("sqlite", "sqlite"), pytest.param(("sqlite", "postgresql"), marks=pytest.mark.full)],
    indirect=True,
    ids=str,
)
async def test_a_copy_that_is_cut_off_again_and_again_goes_on_and_is_equal(
    two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "WIDE", 5)
    monkeypatch.setattr(ends, "NARROW", 7)
    for batches in (0, 9, 33, 60):
        with pytest.raises(CutOff):
            await copied(*two, watch=cut_off_after(batches))
        with pytest.raises(StoreError, match="a copy into this store is not finished"):
            await Store.open(DatabaseSettings(url=two[1]), StillClock())
    report = await copied(*two)
    assert sum(one.copied for one in report.tables) < sum(one.rows for one in report.tables)
    assert await state(two[1]) == await state(two[0])


@pytest.mark.full
@pytest.mark.parametrize("two", [("sqlite", "postgresql")], indirect=True, ids="-".join)
async def test_a_copy_that_was_killed_goes_on_where_it_was(two: tuple[str, str]) -> None:
    ours, theirs = context().Pipe(duplex=False)
    process = context().Process(target=copy_slowly, args=(*two, theirs))
    process.start()
    theirs.close()
    while ours.recv() != "sources":
        pass
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    report = await copied(*two)
    assert 0 < sum(one.copied for one in report.tables) < sum(one.rows for one in report.tables)
    assert await state(two[1]) == await state(two[0])


@pytest.mark.parametrize("two", [("sqlite", "sqlite")], indirect=True, ids="-".join)
@pytest.mark.full
async def test_what_has_changed_since_a_copy_was_cut_off_is_copied_anew(two: tuple[str, str]) -> None:
    with pytest.raises(CutOff):
        await copied(*two, watch=cut_off_after(45))
    async with await Store.open(DatabaseSettings(url=two[0]), StillClock()) as store:
        await store.store_article(page("0", text="A cormorant."), fingerprint(99))
        await store.store_article(page("after", text="An albatross."), fingerprint(99))
        await store._db.write(lambda tx: tx.run(sa.delete(metadata.tables["archives"])))
    await copied(*two)
    assert await state(two[1]) == await state(two[0])


@pytest.mark.parametrize("two", [("sqlite", "sqlite")], indirect=True, ids="-".join)
async def test_a_finished_copy_is_compared_and_refused_once_it_differs(two: tuple[str, str]) -> None:
    first = await copied(*two)
    again = await copied(*two)
    assert [one.checksum_to for one in again.tables] == [one.checksum_to for one in first.tables]
    assert {one.copied for one in again.tables} == {0}
    async with await Store.open(DatabaseSettings(url=two[1]), StillClock()) as store:
        await store._db.write(lambda tx: tx.run(sa.update(articles).values(version=9)))
    with pytest.raises(UsageError, match=r"expected an empty database, there is a store that differs \(in articles\)"):
        await copied(*two)


@pytest.mark.parametrize("two", [("sqlite", "sqlite")], indirect=True, ids="-".join)
async def test_one_store_is_not_copied_over_another(two: tuple[str, str], empty_databases: Callable[..., str]) -> None:
    other = empty_databases("sqlite", migrated=True)
    await fill(other)
    async with await Store.open(DatabaseSettings(url=other), StillClock()) as store:
        await store.store_article(page("another"), KEYS)
    held = await state(other)
    with pytest.raises(UsageError, match="expected an empty database, there is a store that differs"):
        await copied(two[0], other)
    assert await state(other) == held
    with pytest.raises(CutOff):
        await copied(*two, watch=cut_off_after(3))
    with pytest.raises(UsageError, match=r"there is a copy of sqlite .* under way"):
        await copied(other, two[1])
    with pytest.raises(StoreError, match="a copy into this store is not finished"):
        await copied(two[1], empty_databases("sqlite"))


@pytest.mark.parametrize("two", [("sqlite", "postgresql")], indirect=True, ids="-".join)
async def test_tables_of_something_else_are_left_alone(two: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as theirs:
        theirs.execute("CREATE TABLE articles (title TEXT)")
    with pytest.raises(UsageError, match=r"there are tables of something else \(articles\)"):
        await copied(two[0], f"sqlite+aiosqlite:///{file}")
    async with await Store.open(DatabaseSettings(url=two[1]), StillClock()) as store:
        await store._db.migrate(lambda connection: connection.exec_driver_sql("DROP TABLE alembic_version"))
    with pytest.raises(UsageError, match="there are tables of something else"):
        await copied(*two)


@pytest.mark.parametrize("two", [("sqlite", "sqlite")], indirect=True, ids="-".join)
@pytest.mark.parametrize(
    ("side", "revision", "said"),
    [
        (0, "0001", "this one has 0001: run `wiretrace db upgrade` on it first"),
        (0, "0999", "has schema 0999, this program knows"),
        (1, "0001", "expected an empty database, there is a store of schema 0001"),
        (1, "0999", "expected an empty database, there is a store of schema 0999"),
    ],
)
async def test_a_store_of_another_schema_is_refused(two: tuple[str, str], side: int, revision: str, said: str) -> None:
    async with await Store.open(DatabaseSettings(url=two[side]), StillClock()) as store:
        change = sa.text("UPDATE alembic_version SET version_num = :revision")
        await store._db.write(lambda tx: tx.run(change, {"revision": revision}))
    with pytest.raises(WiretraceError, match=said):
        await copied(*two)


async def test_there_has_to_be_a_store_to_copy_and_another_place_for_it(
    empty_databases: Callable[..., str], sqlite_url: str
) -> None:
    nothing = empty_databases("sqlite")
    with pytest.raises(UsageError, match="expected a store to copy from"):
        await copied(nothing, empty_databases("sqlite"))
    with pytest.raises(UsageError, match="expected another store to copy into"):
        await copied(
            sqlite_url, sqlite_url.replace("wiretrace.db", "../" + sqlite_url.split("/")[-2] + "/wiretrace.db")
        )
    assert not Path(nothing.removeprefix("sqlite+aiosqlite:///")).exists()


@pytest.mark.parametrize("two", [("sqlite", "sqlite"), ("postgresql", "sqlite")], indirect=True, ids="-".join)
async def test_a_store_is_copied_under_a_running_worker_only_where_that_is_wanted(two: tuple[str, str]) -> None:
    async with await Store.open(DatabaseSettings(url=two[0]), StillClock()) as store:
        await store.heartbeat("host:1:abc")
        with store.exclusive_run():
            with pytest.raises(StoreInUse):
                await copied(*two)
            report = await copied(*two, while_running=True)
            assert all(one.rows == one.copied for one in report.tables)
        await store.sign_off("host:1:abc")


@pytest.mark.parametrize("two", [("postgresql", "sqlite")], indirect=True, ids="-".join)
@pytest.mark.full
async def test_a_worker_that_is_long_silent_holds_up_no_copy(two: tuple[str, str]) -> None:
    clock = StillClock()
    async with await Store.open(DatabaseSettings(url=two[0]), clock) as store:
        await store.heartbeat("host:1:abc")
    clock.pass_by(91)
    report = await copy_store(DatabaseSettings(url=two[0]), DatabaseSettings(url=two[1]), clock)
    assert all(one.rows == one.copied for one in report.tables)


@pytest.mark.parametrize("two", [("sqlite", "sqlite")], indirect=True, ids="-".join)
async def test_what_is_stored_while_the_copy_is_made_is_not_in_it(two: tuple[str, str]) -> None:
    before = await state(two[0])

    def store_one_more(_table: str, done: int, _total: int) -> None:
        if done == 1:
            with sqlite3.connect(two[0].removeprefix("sqlite+aiosqlite:///")) as other:
                other.execute("UPDATE versions SET text = 'An albatross.'")

    await copied(*two, while_running=True, watch=store_one_more)
    assert await state(two[1]) == before


async def test_a_checksum_tells_any_value_from_any_other_and_no_order() -> None:
    rows = [(1, 5, NOON), (1, 6, NOON), (1, 5, NOON + timedelta(microseconds=1)), (2, 5, NOON)]
    alone = {digest_of([row]) for row in rows}
    assert len(alone) == len(rows)
    assert digest_of(rows) == digest_of(rows[::-1])
    assert digest_of(rows) != digest_of(rows[:-1])
    assert digest_of([]) == "0" * 32


def digest_of(rows: list[tuple[Any, ...]]) -> str:
    digest = Digest(log_head)
    digest.add(rows)
    return digest.checksum


def test_a_checksum_knows_its_table() -> None:
    row = (7, "x", True, b"\x00", 0.5)
    kinds = (sa.Integer, sa.Text, sa.Boolean, sa.LargeBinary, sa.Double)
    sums = set()
    for name in ("one", "other"):
        table = sa.Table(name, sa.MetaData(), *(sa.Column(f"c{at}", kind) for at, kind in enumerate(kinds)))
        digest = Digest(table)
        digest.add([row])
        sums.add(digest.checksum)
        same = Digest(table)
        same.add([(7, "x", 1, memoryview(b"\x00"), 0.5)])  # as another driver might give it
        assert same.checksum == digest.checksum
    assert len(sums) == 2
