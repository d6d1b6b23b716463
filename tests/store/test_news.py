from __future__ import annotations

from crawler.interchange import link_id
from crawler.model import Completeness, LinkState, Place, Removal
from crawler.store import Store
from tests.store.pieces import HOUR, NOON, claim, delivery, fingerprint, linked, original, page, unlinked


async def titles(store: Store, after: int | None = None, limit: int = 100) -> list[str]:
    return [item.article.title for item in await store.browse_news(after=after, limit=limit)]


async def test_news_are_originals_and_pages_that_stem_from_none(store: Store) -> None:
    wire, alone, copy = original(title="Wire"), page("alone", title="Alone"), page("copy", title="Copy")
    follower, waiting = page("follower", title="Follower"), page("waiting", title="Waiting")
    for number, one in enumerate((wire, alone, copy, follower, waiting), 1):
        await store.store_article(one, fingerprint(number))
    await store.record_decision(linked(copy, wire), worker=None, reason="new")
    await store.record_decision(unlinked(alone), worker=None, reason="new")
    await store.record_decision(unlinked(follower), Place(alone.id, 1, score=0.9), worker=None, reason="new")
    assert await titles(store) == ["Alone", "Wire"]


async def test_a_page_whose_link_was_rejected_by_a_person_is_news(store: Store) -> None:
    wire, copy = original(title="Wire"), page("copy", title="Copy")
    await store.store_article(wire, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    await store.record_decision(linked(copy, wire), worker=None, reason="new")
    assert await titles(store) == ["Wire"]
    await store.review(link_id(copy.id, wire.id), LinkState.REJECTED, reviewer="Morna")
    assert await titles(store) == ["Copy", "Wire"]


async def test_a_teaser_is_news_until_its_full_text_comes(store: Store) -> None:
    teaser = original("teaser", title="Ferry line", completeness=Completeness.TEASER)
    await store.store_article(teaser, fingerprint(1))
    takes, says = page("takes", title="Takes"), page("says", title="Says")
    for number, (one, attribution) in enumerate(((takes, claim(teaser)), (says, claim())), 2):
        await store.store_article(one, fingerprint(number))
        await store.record_decision(unlinked(one, attribution), worker=None, reason="new")
    found = await store.browse_news()
    assert [(item.article.title, item.claim) for item in found] == [("Says", "Tidewater Wire"), ("Ferry line", None)]
    await store.store_article(delivery(title="Ferry line"), fingerprint(5))
    again = await store.browse_news()
    assert [item.article.completeness for item in again if item.article.title == "Ferry line"] == [Completeness.FULL]


async def test_what_stood_in_a_source_from_the_start_is_no_news(store: Store) -> None:
    await store.store_article(original("old", title="Old", backfill=True), fingerprint(1))
    await store.store_article(original("new", title="New"), fingerprint(2))
    assert await titles(store) == ["New"]


async def test_an_original_that_had_to_go_is_no_news(store: Store) -> None:
    await store.store_article(delivery("TW1", title="Gone"), fingerprint(1))
    await store.remove(Removal("TW1", None, NOON + HOUR))
    assert await titles(store) == []


async def test_news_go_on_where_a_page_of_them_ended(store: Store) -> None:
    for number in range(5):
        await store.store_article(original(f"n{number}", title=f"Story {number}"), fingerprint(number))
    first = await store.browse_news(limit=2)
    assert [item.article.title for item in first] == ["Story 4", "Story 3"]
    await store.store_article(original("n9", title="Story 9"), fingerprint(9))
    assert await titles(store, after=first[-1].no, limit=2) == ["Story 2", "Story 1"]
