"""Texts that are kept for some days only: what goes, what stays, and whose key the hashes have."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crawler.errors import StoreError
from crawler.model import Article, Completeness, LinkState, Removal, Role, Side
from crawler.redistribution import text_hash
from crawler.settings import DatabaseSettings
from crawler.store import Hashed, Store, textkeys
from crawler.store.tables import metadata
from crawler.store.transaction import Transaction
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, linked, original, page

SECRET = "a secret of more than twenty characters"
HASHES = b"in its place"
CAPTION = "The ferry at its winter berth."


async def settled(store: Store, article: Article, *keys: int) -> None:
    await store.store_article(article, fingerprint(*keys or (1, 2)))
    await store.settle(article.id)


async def hash_all(store: Store, agency: bool = False) -> int:
    await store.text_key()
    due = await store.overdue_texts(NOON + timedelta(days=999), 50)
    return await store.replace_texts([Hashed(one, HASHES, agency) for one in due])


async def contents(store: Store) -> str:
    """All that the store's tables hold, as text."""

    def body(tx: Transaction) -> str:
        return "\n".join(str(row) for table in metadata.sorted_tables for row in tx.all(sa.select(table)))

    return await store._db.read(body)


async def test_texts_are_due_by_their_age_the_oldest_first(store: Store, clock: StillClock) -> None:
    for name in ("a", "b", "c"):
        await settled(store, original(name))
        clock.pass_by(3600)
    due = await store.overdue_texts(NOON + HOUR, 50)
    assert [one.article.id for one in due] == [original("a").id, original("b").id]
    assert len(await store.overdue_texts(NOON + HOUR, 1)) == 1


@pytest.mark.parametrize(
    "kept", [page(), original(completeness=Completeness.TEASER), original(text=""), delivery("none", title="")]
)
async def test_pages_teasers_and_what_waits_for_a_decision_are_not_due(store: Store, kept: Article) -> None:
    await store.store_article(kept, fingerprint(1))
    assert await store.overdue_texts(NOON, 50) == []


async def test_a_releases_text_is_due_as_well(store: Store) -> None:
    await settled(store, original(role=Role.RELEASE))
    assert len(await store.overdue_texts(NOON, 50)) == 1


async def test_text_and_captions_of_all_versions_go_and_hashes_come_in_their_place(store: Store) -> None:
    await settled(store, delivery(captions=(CAPTION,), trailer=("Write to nobody.",)))
    newer = delivery(text="Three boats were refitted.", captions=(CAPTION,), modified=NOON + HOUR)
    await settled(store, newer)
    assert await hash_all(store, agency=True) == 1
    held = await store.article(newer.id)
    assert held is not None
    assert held.imprint is not None
    assert (held.text, held.captions, held.trailer) == ("", (), ())
    assert (held.title, held.published, held.imprint.data, held.imprint.agency) == (
        newer.title, newer.published, HASHES, True,
    )  # fmt: skip
    everything = await contents(store)
    assert "boats were refitted" not in everything
    assert CAPTION not in everything
    assert "Write to nobody" not in everything
    assert await store.overdue_texts(NOON + HOUR, 50) == []


async def test_what_is_found_by_the_index_and_linked_stays_so(store: Store) -> None:
    await settled(store, original(), 1, 2)
    await store.store_article(page(), fingerprint(1, 2))
    await store.record_decision(linked(page(), original()), reason="new")
    before = [row async for row in store.export_links()]
    assert await hash_all(store) == 1
    assert [row async for row in store.export_links()] == before
    (found,) = await store.index.candidates(fingerprint(1, 2), Side.ORIGINAL)
    assert found.article_id == original().id
    link = await store.link_of(page().id)
    assert link is not None
    assert link.state is LinkState.NEW


async def test_the_log_tells_that_a_text_went_and_what_its_hash_was(store: Store) -> None:
    await settled(store, original())
    await hash_all(store)
    last = [change async for change in store.changes()][-1]
    assert (last.action.value, last.reason) == ("changed", "its text was replaced by hashes")
    assert last.state is not None
    assert (last.state["text"], last.state["text_hash"]) == ("", text_hash(original().text))


async def test_the_same_delivery_again_brings_no_text_back_and_a_newer_one_does(
    store: Store, clock: StillClock
) -> None:
    await settled(store, delivery())
    await hash_all(store)
    clock.pass_by(60)
    assert (await store.store_article(delivery(), fingerprint(1, 2))).outcome == "unchanged"
    held = await store.article(delivery().id)
    assert held is not None
    assert held.imprint is not None
    newer = delivery(text="Three boats were refitted.", modified=NOON + HOUR)
    await settled(store, newer)
    held = await store.article(newer.id)
    assert held is not None
    assert (held.text, held.imprint) == (newer.text, None)
    assert len(await store.overdue_texts(clock.now(), 50)) == 1


async def test_a_text_that_changed_since_it_was_read_is_left(store: Store) -> None:
    await settled(store, delivery())
    due = await store.overdue_texts(NOON, 50)
    await settled(store, delivery(text="Three boats were refitted.", modified=NOON + HOUR))
    assert await store.replace_texts([Hashed(one, HASHES, False) for one in due]) == 0
    held = await store.article(delivery().id)
    assert held is not None
    assert held.text == "Three boats were refitted."


async def test_a_vendors_deletion_takes_the_hashes_too(store: Store) -> None:
    await settled(store, delivery())
    await hash_all(store)
    assert await store.remove(Removal("TW0001", None, NOON + HOUR)) == [delivery().id]
    assert await store.article(delivery().id) is None
    assert "in its place" not in await contents(store)


async def test_the_key_is_made_once_and_kept(store_url: str, clock: StillClock) -> None:
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        key = await store.text_key()
        assert len(key) == 16
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        assert await store.text_key() == key


async def test_a_key_that_is_given_is_not_in_the_store(store_url: str, clock: StillClock) -> None:
    given = DatabaseSettings(url=store_url, text_key=SECRET)
    async with await Store.open(given, clock) as store:
        key = await store.text_key()
        await settled(store, original())
        await hash_all(store)
        held = await store.article(original().id)
        assert held is not None
        assert held.imprint is not None
        assert held.imprint.key == key
        everything = await contents(store)
        assert repr(key)[2:-1] not in everything
        assert SECRET not in everything


@pytest.mark.parametrize("other", ["", "another secret of some length"])
async def test_without_the_key_hashes_are_passed_over_and_no_more_are_made(
    store_url: str, clock: StillClock, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Store.open(DatabaseSettings(url=store_url, text_key=SECRET), clock) as store:
        await store.text_key()
        await settled(store, original())
        await hash_all(store)
    async with await Store.open(DatabaseSettings(url=store_url, text_key=other), clock) as store:
        held = await store.article(original().id)
        assert held is not None
        assert held.imprint is None
        textkeys._warn.cache_clear()
        await store.article(original().id)
        assert "[database] text_key" in caplog.text
        with pytest.raises(StoreError, match="hashed with another key"):
            await store.text_key()


async def test_hashed_originals_are_taken_over_into_a_new_index_of_the_same_scheme(store: Store) -> None:
    await settled(store, original("gone"), 5, 6)
    await hash_all(store)
    await settled(store, original("here"), 7, 8)
    index = await store.begin_index("2", "x")
    assert index is not None
    lacking = await store.unsigned(index, 0, 50)
    assert [one.article.id for one in lacking] == [original("here").id]
    await store.sign(index, [(lacking[0], fingerprint(9, linker="2"))])
    assert await store.serve_index(index) is None  # it would lose one
    assert await store.carry_over(index, 50) == 1
    assert await store.carry_over(index, 50) == 0
    assert await store.serve_index(index) == 0
    (found,) = await store.index.candidates(fingerprint(5, 6, linker="2"), Side.ORIGINAL)
    assert found.article_id == original("gone").id


async def test_an_original_that_is_replaced_by_hashes_twice_is_so_once(store: Store) -> None:
    await settled(store, original())
    due = await store.overdue_texts(NOON, 50)
    made = [Hashed(replace(one), HASHES, False) for one in due]
    assert await store.replace_texts(made) == 1
    assert await store.replace_texts(made) == 0


async def test_a_text_that_was_dropped_otherwise_is_not_hashed(store: Store) -> None:
    await settled(store, original())
    await store.forget_text(original().id)
    assert await store.overdue_texts(NOON, 50) == []
