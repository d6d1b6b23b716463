from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Article, Completeness, Removal, Side
from crawler.store import Store, StoreOutcome
from crawler.store.delivery import Held, Verdict, is_delivery, rank, weigh
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, linked, original, page


def removal(at: datetime, number: str = "TW0001") -> Removal:
    return Removal(number, None, at)


async def text_of(store: Store, article: Article) -> str | None:
    held = await store.article(article.id)
    return None if held is None else held.text


async def test_a_message_delivered_twice_changes_nothing(store: Store) -> None:
    await store.store_article(delivery(), fingerprint(1))
    again = await store.store_article(delivery(), fingerprint(1))
    assert again.outcome is StoreOutcome.UNCHANGED
    assert len([change async for change in store.changes()]) == 1


async def test_the_greatest_modification_time_wins_whatever_comes_last(store: Store) -> None:
    await store.store_article(delivery(text="Second.", modified=NOON + HOUR), None)
    old = await store.store_article(delivery(text="First.", modified=NOON), None)
    assert (old.outcome, await text_of(store, delivery())) == (StoreOutcome.STALE, "Second.")
    new = await store.store_article(delivery(text="Third.", modified=NOON + 2 * HOUR), None)
    assert (new.outcome, await text_of(store, delivery())) == (StoreOutcome.CHANGED, "Third.")


async def test_other_content_under_the_same_time_changes_nothing(store: Store) -> None:
    await store.store_article(delivery(text="One."), None)
    assert (await store.store_article(delivery(text="Other."), None)).outcome is StoreOutcome.UNCHANGED
    assert await text_of(store, delivery()) == "One."


async def test_a_removal_takes_text_versions_and_postings(store: Store) -> None:
    await store.store_article(delivery(text="One boat."), fingerprint(1))
    await store.store_article(delivery(text="Two boats.", modified=NOON + HOUR), fingerprint(2))
    assert await store.remove(removal(NOON + HOUR)) == [delivery().id]
    assert await store.article(delivery().id) is None
    assert await store.index.candidates(fingerprint(1, 2), Side.ORIGINAL) == []
    assert await store.article_by_url(delivery().url) is None
    assert await store.fingerprint(delivery().id) is None
    assert [article async for article in store.export_articles()] == []
    told = [change async for change in store.changes()]
    assert [change.action.value for change in told] == ["created", "changed", "retracted"]
    assert all(change.state is None for change in told)


async def test_a_removal_wins_ties_and_an_older_one_changes_nothing(store: Store) -> None:
    await store.store_article(delivery(), None)
    assert await store.remove(removal(NOON - HOUR)) == []
    assert await store.remove(removal(NOON)) == [delivery().id]
    assert (await store.store_article(delivery(), None)).outcome is StoreOutcome.STALE
    assert await store.remove(removal(NOON)) == []


async def test_a_removal_of_an_article_never_seen_is_remembered(store: Store) -> None:
    assert await store.remove(removal(NOON + HOUR)) == []
    late = await store.store_article(delivery(), None)
    assert (late.outcome, late.version, await text_of(store, delivery())) == (StoreOutcome.STALE, 0, None)


async def test_a_newer_delivery_brings_a_removed_article_back(store: Store, clock: StillClock) -> None:
    await store.store_article(delivery(), fingerprint(1))
    await store.remove(removal(NOON))
    clock.pass_by(60)
    back = await store.store_article(delivery(text="Back.", modified=NOON + HOUR), fingerprint(1))
    held = await store.article(delivery().id)
    assert (back.outcome, back.version) == (StoreOutcome.CREATED, 2)
    assert held is not None
    assert (held.text, held.first_seen) == ("Back.", NOON)
    assert len(await store.index.candidates(fingerprint(1), Side.ORIGINAL)) == 1
    assert (await store.article_by_url(delivery().url)) == held


async def test_a_source_delete_takes_all_of_the_source_up_to_its_time(store: Store) -> None:
    await store.store_article(delivery("TW1"), None)
    await store.store_article(delivery("TW2", modified=NOON + 3 * HOUR), None)
    await store.store_article(delivery("OT1", vendor_source="OTHER"), None)
    assert await store.remove(Removal(None, "TIDE", NOON + 2 * HOUR)) == [delivery("TW1").id, delivery("TW2").id]
    assert await store.remove(Removal(None, "TIDE", NOON + 2 * HOUR)) == []
    late = await store.store_article(delivery("TW3", modified=NOON + HOUR), None)
    assert late.outcome is StoreOutcome.STALE
    assert (await store.store_article(delivery("TW4", modified=NOON + 4 * HOUR), None)).outcome == "created"
    assert await store.article(delivery("OT1").id) is not None


async def test_a_source_delete_from_an_old_file_spares_what_is_newer(store: Store) -> None:
    await store.store_article(delivery("TW1", modified=NOON - 5 * HOUR), None)
    await store.store_article(delivery("TW2", modified=NOON - HOUR), None)
    assert await store.remove(Removal(None, "TIDE", NOON - 2 * HOUR)) == [delivery("TW1").id]


async def test_links_to_a_removed_original_go_with_it_and_their_pages_are_decided_again(store: Store) -> None:
    await store.store_article(delivery(title="A headline that must go"), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    for task in await store.pending("w", 9, 60):
        await store.settle(task.article_id, worker="w")
    await store.record_decision(linked(page(), delivery()), reason="decided")
    await store.remove(removal(NOON))
    assert await store.link_of(page().id) is None
    (task,) = await store.pending("w", 9, 60)
    assert (task.article_id, task.reason) == (page().id, "its original was removed")
    told = [change async for change in store.changes()]
    assert [(change.subject.value, change.action.value) for change in told[-3:]] == [
        ("link", "retracted"),
        ("article", "retracted"),
        ("story", "retracted"),
    ]
    assert "headline that must go" not in str(told)


async def test_a_decision_on_an_original_that_went_is_made_again(store: Store) -> None:
    await store.store_article(delivery(), fingerprint(1))
    await store.store_article(page(), fingerprint(1), worker="w")
    await store.remove(removal(NOON))
    recorded = await store.record_decision(linked(page(), delivery()), worker="w", reason="decided")
    assert (recorded.current, recorded.link) == (False, "none")
    assert await store.link_of(page().id) is None
    assert [task.article_id for task in await store.pending("w", 9, 60)] == [page().id]


MESSAGES = (
    delivery(text="First.", modified=NOON),
    delivery(text="Second.", modified=NOON + HOUR),
    removal(NOON + HOUR),
    delivery(text="Third.", modified=NOON + 2 * HOUR),
    delivery("TW0002", text="Other.", modified=NOON),
    removal(NOON, "TW0002"),
)


async def test_messages_out_of_order_end_in_the_same_state(sqlite_url: str, clock: StillClock) -> None:
    from crawler.settings import DatabaseSettings

    orders = list(permutations(range(len(MESSAGES))))[::29]
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as store:
        for turn, order in enumerate(orders):
            for place in order:
                await deliver(store, MESSAGES[place], f"-{turn}")
            held = await store.article(delivery(f"TW0001-{turn}").id)
            assert held is not None
            assert held.text == "Third."
            assert await store.article(delivery(f"TW0002-{turn}").id) is None


async def deliver(store: Store, message: Article | Removal, suffix: str) -> None:
    if isinstance(message, Removal):
        await store.remove(removal(message.at, f"{message.vendor_id}{suffix}"))
    else:
        number = f"{message.vendor_id}{suffix}"
        await store.store_article(delivery(number, text=message.text, modified=message.modified), None)


times = st.none() | st.integers(0, 4).map(lambda hours: NOON + timedelta(hours=hours))


@given(times, times, times, st.booleans(), st.sampled_from(Completeness), st.sampled_from(Completeness))
def test_a_delivery_never_beats_a_newer_one_nor_a_removal(
    time: datetime | None,
    held_rank: datetime | None,
    removed: datetime | None,
    live: bool,
    completeness: Completeness,
    held_as: Completeness,
) -> None:
    article = delivery(modified=time, published=None, completeness=completeness)
    verdict = weigh(article, Held(live, held_rank, held_as), removed)
    if verdict is Verdict.TAKE:
        assert removed is None or (time is not None and time > removed)
        assert not live or held_rank is None or (time is not None and time >= held_rank)
        assert not (live and completeness is Completeness.TEASER and held_as is Completeness.FULL)


@pytest.mark.parametrize("article", [page(vendor_id="X"), original()])
def test_only_a_vendors_originals_are_ordered_by_their_own_times(article: Article) -> None:
    assert not is_delivery(article)
    assert weigh(article, Held(True, NOON, Completeness.FULL), NOON) is Verdict.COMPARE


def test_a_delivery_without_modification_is_ordered_by_its_publication() -> None:
    assert rank(delivery(modified=None)) == NOON - HOUR
