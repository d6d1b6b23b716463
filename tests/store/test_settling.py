"""Originals whose tasks are ended together: the pages they concern are decided, and nothing that came since is lost."""

from __future__ import annotations

from crawler.store import Store
from crawler.store.records import PendingDecision
from tests.store.pieces import StillClock, delivery, fingerprint, original, page


async def leased(store: Store, worker: str = "w") -> list[PendingDecision]:
    return await store.pending(worker, 100, 60.0)


async def test_originals_end_together_and_their_pages_are_due(store: Store) -> None:
    await store.store_article(page(), fingerprint(1, 2, 3))
    await store.settle((await leased(store))[0].article_id, worker="w")
    await store.store_article(original(), fingerprint(1, 2, 3))
    await store.store_article(delivery("B2"), fingerprint(1, 2, 3))
    assert await store.settle_originals(await leased(store), "w") == []
    assert [one.article_id for one in await leased(store)] == [page().id]


async def test_pages_among_them_are_handed_back_to_the_caller(store: Store) -> None:
    await store.store_article(original(), fingerprint(1, 2, 3))
    await store.store_article(page(), fingerprint(1, 2, 3))
    (left,) = await store.settle_originals(await leased(store), "w")
    assert left.article_id == page().id
    assert await store.pending_count() == 1


async def test_without_pages_nothing_is_due(store: Store) -> None:
    for number in ("A1", "B2", "C3"):
        await store.store_article(delivery(number), fingerprint(1, 2, 3))
    await store.settle_originals(await leased(store), "w")
    assert await store.pending_count() == 0


async def test_an_original_that_changed_meanwhile_stays_due(store: Store, clock: StillClock) -> None:
    await store.store_article(original(), fingerprint(1, 2, 3))
    tasks = await leased(store)
    clock.pass_by(1)
    await store.store_article(original(title="Ferry line to reopen in June"), fingerprint(1, 2, 3))
    assert await store.settle_originals(tasks, "w") == []
    assert [one.article_id for one in await leased(store)] == [original().id]


async def test_what_another_worker_holds_is_left_to_it(store: Store, clock: StillClock) -> None:
    await store.store_article(original(), fingerprint(1, 2, 3))
    tasks = await leased(store)
    clock.pass_by(100)
    assert len(await leased(store, "other")) == 1
    await store.settle_originals(tasks, "w")
    assert await store.pending_count() == 1


async def test_an_original_without_words_ends_as_well(store: Store) -> None:
    await store.store_article(page(), fingerprint(1, 2, 3))
    await store.settle((await leased(store))[0].article_id, worker="w")
    await store.store_article(original(), None)
    await store.settle_originals(await leased(store), "w")
    assert await store.pending_count() == 0
