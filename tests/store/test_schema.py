from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from crawler.errors import SchemaTooNew
from crawler.lookups import MOST_COUNTED
from crawler.model import Side
from crawler.settings import DatabaseSettings
from crawler.store import Store, crowds, schema
from crawler.store.tables import metadata, page_postings
from crawler.store.transaction import Transaction
from tests.store.pieces import StillClock, fingerprint, original, page
from tests.store.processes import context, open_store

BIG = (1 << 31) - 1


async def test_the_migrated_schema_is_the_one_of_the_tables(store: Store) -> None:
    def body(tx: Transaction) -> list[object]:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": True, "include_name": _is_of_the_tables}
        )
        return list(compare_metadata(context, metadata))

    assert await store._db.read(body) == []


def _is_of_the_tables(name: str | None, kind: str, _parents: object) -> bool:
    """The index of words is each engine's own; what it finds is tested with the search."""
    return not (name or "").startswith(("article_words", "ix_versions_words"))


def test_the_program_knows_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(schema.config()).get_heads() == [schema.HEAD]


async def test_a_new_store_is_migrated_by_itself(empty_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=empty_url), clock) as store:
        assert await store.current_revision() == store.known_revision()
        await store.store_article(page(), None)
    async with await Store.open(DatabaseSettings(url=empty_url), clock) as store:
        assert await store.article(page().id) is not None


async def test_a_store_can_be_opened_without_migrating_it(empty_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=empty_url), clock, upgrade=False) as store:
        assert await store.current_revision() is None
        await store.upgrade()
        assert await store.current_revision() == store.known_revision()


async def test_a_newer_schema_is_refused_with_both_versions(store_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        await store._db.write(_set_revision, "0042")
    with pytest.raises(SchemaTooNew, match=r"schema 0042, this program knows \d{4}"):
        await Store.open(DatabaseSettings(url=store_url), clock)


def _set_revision(tx: Transaction, revision: str) -> None:
    tx.run(sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


async def test_what_an_older_store_holds_is_there_after_it_was_migrated(store_url: str, clock: StillClock) -> None:
    from alembic import command

    def down(connection: Connection) -> None:
        config = schema.config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")

    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        await store.store_article(page(), fingerprint(-5, BIG))
        await store.store_article(original(), fingerprint(3))
        second = await store.begin_index("2", "x")
        assert second is not None
        theirs = [fingerprint(-7, 9, linker="2")] * 2
        await store.sign(second, list(zip(await store.unsigned(second, 0, 9), theirs, strict=True)))
        assert await store.serve_index(second) == 1
        await store._db.migrate(down)
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        assert await store.current_revision() == store.known_revision()
        assert await store.article(page().id) is not None
        for side in (Side.PAGE, Side.ORIGINAL):
            (found,) = await store.index.candidates(fingerprint(-7, 9, linker="2"), side)
            assert found.overlap == 2.0


async def test_keys_that_too_many_hold_are_marked_by_the_migration(store_url: str, clock: StillClock) -> None:
    from alembic import command

    def down(connection: Connection) -> None:
        config = schema.config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")

    def fill(tx: Transaction) -> None:
        rows = [{"key": 1, "article_no": number} for number in range(MOST_COUNTED + 1)]
        tx.run(sa.insert(page_postings), [*rows, *({**row, "key": 2} for row in rows[1:])])

    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        await store._db.write(fill)
        await store._db.migrate(down)
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        assert await store._db.read(crowds.marked, Side.PAGE, [1, 2]) == {1}
        assert await store._db.read(crowds.marked, Side.ORIGINAL, [1, 2]) == set()


async def test_the_schema_goes_back_to_nothing(store_url: str, clock: StillClock) -> None:
    from alembic import command

    def down(connection: Connection) -> None:
        config = schema.config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        await store._db.migrate(down)
        assert await store.current_revision() is None


def test_ten_processes_started_together_on_an_empty_store_all_come_up(empty_url: str) -> None:
    pipes = [context().Pipe(duplex=False) for _ in range(10)]
    started = [
        context().Process(target=open_store, args=(empty_url, f"w{number}", theirs))
        for number, (_, theirs) in enumerate(pipes)
    ]
    for process in started:
        process.start()
    for process, (ours, theirs) in zip(started, pipes, strict=True):
        theirs.close()
        assert ours.recv() == schema.HEAD
        process.join()
        assert process.exitcode == 0
