from __future__ import annotations

from dataclasses import replace

import pytest

from crawler.model import Article, Completeness, Removal, Side
from crawler.store import Store
from tests.store.pieces import HOUR, NOON, claim, delivery, fingerprint, page, unlinked

FULL = delivery(title="Harbour wall to be raised", url="https://wire.example/full")


def teaser(**other: object) -> Article:
    path = str(other.pop("path", "teaser"))
    fields = {"completeness": Completeness.TEASER, "text": "Short.", "vendor_id": None, "vendor_source": None}
    from tests.store.pieces import original

    return original(path, **{**fields, "modified": NOON, "title": "Harbour wall to be raised", **other})


async def found(store: Store, side: Side) -> list[str]:
    return [candidate.article_id for candidate in await store.index.candidates(fingerprint(1), side)]


@pytest.mark.parametrize("teaser_first", [True, False])
async def test_a_full_text_takes_its_teasers_place_whichever_comes_first(store: Store, teaser_first: bool) -> None:
    for article in [teaser(), FULL] if teaser_first else [FULL, teaser()]:
        await store.store_article(article, fingerprint(1))
    assert await found(store, Side.TEASER) == []
    assert await found(store, Side.ORIGINAL) == [FULL.id]
    assert [row["id"] async for row in store.export_articles()] == [FULL.id]
    by_url = await store.article_by_url(teaser().url)
    assert by_url is not None
    assert by_url.id == FULL.id
    (merged,) = [change async for change in store.changes() if change.action == "merged"]
    assert (merged.id, merged.reason, merged.state) == (teaser().id, f"its full text is {FULL.id}", None)


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Harbour wall to be lowered"},
        {"publisher": "Other Wire"},
        {"modified": NOON + 49 * HOUR},
    ],
    ids=["headline", "publisher", "time"],
)
async def test_another_headline_publisher_or_time_merges_nothing(store: Store, other: dict[str, object]) -> None:
    await store.store_article(teaser(**other), fingerprint(1))
    await store.store_article(FULL, fingerprint(1))
    assert await found(store, Side.TEASER) == [teaser().id]


async def test_headlines_are_compared_without_case_accents_and_signs(store: Store) -> None:
    await store.store_article(teaser(title="HARBOUR WALL – TO BE “RÁISED”"), fingerprint(1))
    await store.store_article(FULL, fingerprint(1))
    assert await found(store, Side.TEASER) == []


async def test_pages_attributed_to_a_teaser_are_decided_again_when_its_full_text_comes(store: Store) -> None:
    await store.store_article(teaser(), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    recorded = await store.record_decision(unlinked(page(), claim(teaser())), reason="decided")
    assert recorded.attribution == "created"
    for task in await store.pending("w", 9, 60):
        await store.settle(task.article_id, worker="w")
    await store.store_article(FULL, fingerprint(1))
    due = {task.article_id: task.reason for task in await store.pending("w", 9, 60)}
    assert due[page().id] == "the full text of its teaser came"
    assert teaser().id not in due


async def test_a_teaser_is_back_when_its_full_text_is_removed(store: Store) -> None:
    await store.store_article(teaser(), fingerprint(1))
    await store.store_article(FULL, fingerprint(1))
    await store.remove(Removal(FULL.vendor_id, None, NOON))
    assert await found(store, Side.TEASER) == [teaser().id]
    assert [row["id"] async for row in store.export_articles()] == [teaser().id]
    assert (await store.known_urls([teaser().url])) == {teaser().url: teaser().id}


async def test_a_replaced_teaser_that_changes_stays_replaced(store: Store) -> None:
    await store.store_article(teaser(), fingerprint(1))
    await store.store_article(FULL, fingerprint(1))
    await store.store_article(teaser(title="Sea wall: the vote"), fingerprint(1))
    assert await found(store, Side.TEASER) == []
    assert [row["id"] async for row in store.export_articles()] == [FULL.id]


async def test_a_replaced_teaser_that_gets_a_text_of_its_own_is_an_article_again(store: Store) -> None:
    await store.store_article(FULL, fingerprint(1))
    await store.store_article(teaser(), fingerprint(1))
    own = teaser(completeness=Completeness.FULL, text="The harbour wall is to be raised by a metre, the town said.")
    assert (await store.store_article(own, fingerprint(1))).outcome == "created"
    assert sorted(await found(store, Side.ORIGINAL)) == sorted([FULL.id, own.id])
    assert {row["id"] async for row in store.export_articles()} == {FULL.id, own.id}
    by_url = await store.article_by_url(own.url)
    assert by_url is not None
    assert (by_url.id, by_url.text) == (own.id, own.text)


async def test_a_second_full_text_keeps_the_teaser_replaced_when_the_first_goes(store: Store) -> None:
    second = replace(FULL, id="1" * 32, vendor_id="TW9", url="https://wire.example/second")
    for article in (teaser(), FULL, second):
        await store.store_article(article, fingerprint(1))
    await store.remove(Removal(FULL.vendor_id, None, NOON))
    assert await found(store, Side.TEASER) == []
    assert (await store.known_urls([teaser().url])) == {teaser().url: second.id}


async def test_a_removed_teaser_leaves_no_page_attributed_to_it(store: Store) -> None:
    given = teaser(vendor_id="T1", title="A title that must go")
    await store.store_article(given, fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    await store.record_decision(unlinked(page(), claim(given)), reason="decided")
    await store.remove(Removal("T1", None, NOON))
    assert await store.attribution_of(page().id) is None
    assert "title that must go" not in str([change async for change in store.changes()])
