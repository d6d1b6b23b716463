from __future__ import annotations

import pytest
import sqlalchemy as sa

from crawler.errors import LinkerMismatch
from crawler.model import Fingerprint, Side
from crawler.store import Store
from crawler.store.tables import fingerprints, linkers, original_postings, page_postings
from crawler.store.transaction import Transaction
from tests.store.pieces import fingerprint, original, page


def new(*keys: int) -> Fingerprint:
    return fingerprint(*keys, linker="2")


@pytest.fixture
async def filled(store: Store) -> Store:
    """Two originals and a page, signed by linker 1 and decided on."""
    for article in (original("a"), original("b"), page()):
        await store.store_article(article, fingerprint(1))
    for task in await store.pending("setup", 9, 60):
        await store.settle(task.article_id, worker="setup")
    return store


async def sign_all(store: Store, index: int) -> None:
    await store.sign(index, [(one, new(7)) for one in await store.unsigned(index, 0, 100)])


async def rows(store: Store) -> list[int]:
    def body(tx: Transaction) -> list[int]:
        tables = (linkers, fingerprints, original_postings, page_postings)
        return [int(tx.scalar(sa.select(sa.func.count()).select_from(table))) for table in tables]

    return await store._db.read(body)


async def test_a_store_without_articles_and_one_of_the_same_linker_need_no_new_index(store: Store) -> None:
    assert await store.begin_index("2", "x") is None
    await store.store_article(original(), fingerprint(1))
    assert await store.begin_index("1", "x") is None


async def test_the_old_index_serves_until_the_new_one_takes_its_place(filled: Store) -> None:
    index = await filled.begin_index("2", "x")
    assert index is not None
    assert await filled.unsigned_count(index) == 3
    await sign_all(filled, index)
    assert len(await filled.index.candidates(fingerprint(1), Side.ORIGINAL)) == 2
    with pytest.raises(LinkerMismatch, match="db reindex"):
        await filled.index.candidates(new(7), Side.ORIGINAL)
    assert await filled.serve_index(index) == 1
    assert len(await filled.index.candidates(new(7), Side.ORIGINAL)) == 2
    assert [task.article_id for task in await filled.pending("w", 9, 60)] == [page().id]
    with pytest.raises(LinkerMismatch):
        await filled.store_article(original("c"), fingerprint(1))


async def test_a_run_that_was_cut_off_goes_on_with_the_same_index(filled: Store) -> None:
    index = await filled.begin_index("2", "x")
    assert index is not None
    first = await filled.unsigned(index, 0, 1)
    await filled.sign(index, [(first[0], new(7))])
    assert await filled.begin_index("2", "x") == index
    assert await filled.unsigned_count(index) == 2


async def test_an_index_that_lacks_an_article_does_not_serve(filled: Store) -> None:
    index = await filled.begin_index("2", "x")
    assert index is not None
    await sign_all(filled, index)
    await filled.store_article(original("late"), fingerprint(1))
    await filled.store_article(page(text="It changed meanwhile."), fingerprint(1))
    assert await filled.serve_index(index) is None
    assert len(await filled.index.candidates(fingerprint(1), Side.ORIGINAL)) == 3
    await sign_all(filled, index)
    assert await filled.serve_index(index) == 1


async def test_an_article_that_changed_since_it_was_read_is_not_signed_with_its_old_text(filled: Store) -> None:
    index = await filled.begin_index("2", "x")
    assert index is not None
    read = await filled.unsigned(index, 0, 100)
    await filled.store_article(page(text="It changed meanwhile."), fingerprint(1))
    await filled.sign(index, [(one, new(7)) for one in read])
    assert [one.article.id for one in await filled.unsigned(index, 0, 100)] == [page().id]


async def test_what_is_left_of_the_old_index_goes_bit_by_bit(filled: Store) -> None:
    index = await filled.begin_index("2", "x")
    assert index is not None
    await sign_all(filled, index)
    assert await rows(filled) == [2, 6, 4, 2]
    assert await filled.drop_old_index(0, 100) is None
    assert await rows(filled) == [2, 6, 4, 2]
    await filled.serve_index(index)
    last = await filled.drop_old_index(0, 2)
    assert last is not None
    assert await rows(filled) == [2, 4, 2, 2]
    last = await filled.drop_old_index(last, 2)
    assert last is not None
    assert await filled.drop_old_index(last, 2) is None
    assert await rows(filled) == [1, 3, 2, 1]
    assert len(await filled.index.candidates(new(7), Side.ORIGINAL)) == 2
