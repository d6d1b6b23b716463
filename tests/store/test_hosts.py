"""Hosts whose pages were met, counted in the store; on both engines."""

from __future__ import annotations

import pytest

from crawler.errors import UsageError
from crawler.extract.repetition import blocks_of
from crawler.model import Article, Reference, SitePage
from crawler.store import Store
from crawler.store.hosts import HostCount
from crawler.store.sitememory import ERA_SECONDS, ERAS_KEPT
from tests.store.pieces import NOON, StillClock, claim, linked, original, page, source, unlinked

FORGOTTEN = (ERAS_KEPT + 2) * ERA_SECONDS


async def read(store: Store, article: Article, host: str) -> Article:
    """Stores a page as a crawl does: with what its site's memory keeps of it."""
    known = SitePage(host, blocks_of(article.title, article.text), (), (0, 0))
    await store.store_article(article, None, page=known)
    return article


async def counts(store: Store, min_pages: int = 1) -> dict[str, tuple[int, int, int]]:
    return {one.host: (one.pages, one.linked, one.attributed) for one in await store.host_counts(min_pages)}


async def example(store: Store, host: str) -> str:
    (number,) = [one.newest for one in await store.host_counts() if one.host == host]
    return (await store.article_urls([number]))[number]


async def test_an_empty_store_has_met_no_host(store: Store) -> None:
    assert await store.host_counts() == []
    assert await store.article_urls([]) == {}


async def test_pages_are_counted_by_host_with_those_that_are_linked_or_attributed(store: Store) -> None:
    wire = original()
    await store.store_article(wire, None)
    pages = [await read(store, page(str(number)), "copy.example") for number in range(4)]
    await read(store, page("other", id="f" * 32, url="https://other.example/a"), "other.example")
    await store.record_decision(linked(pages[0], wire), reason="decided")
    await store.record_decision(unlinked(pages[1], claim()), reason="decided")
    assert await counts(store) == {"copy.example": (4, 1, 1), "other.example": (1, 0, 0)}
    assert await counts(store, 2) == {"copy.example": (4, 1, 1)}
    assert await example(store, "copy.example") == pages[1].url
    assert await example(store, "other.example") == "https://other.example/a"


async def test_a_link_that_was_rejected_counts_no_more(store: Store) -> None:
    wire, first = original(), page()
    await store.store_article(wire, None)
    await read(store, first, "copy.example")
    await store.record_decision(linked(first, wire), reason="decided")
    await store.record_decision(unlinked(first), reason="decided")
    assert await counts(store) == {"copy.example": (1, 0, 0)}


async def test_a_page_read_again_in_a_later_span_is_one_page(store: Store, clock: StillClock) -> None:
    await read(store, page(), "copy.example")
    clock.pass_by(ERA_SECONDS)
    await read(store, page(text="It is another text by now."), "copy.example")
    assert await counts(store) == {"copy.example": (1, 0, 0)}


async def test_a_page_that_the_sites_memory_forgot_is_known_by_its_url_in_the_frontier(
    store: Store, clock: StillClock
) -> None:
    await store.add_source(source())
    first = page()
    await store.announce("Harbour Post", [Reference(first.url)], now=NOON)
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    known = SitePage("copy.example", blocks_of(first.title, first.text), (), (0, 0))
    await store.store_article(first, None, frontier_key=entry.key, worker="w", page=known)
    before = await store.host_counts()
    clock.pass_by(FORGOTTEN)
    while await store.forget_sites():
        pass
    assert await store.host_counts() == before == [HostCount("copy.example", 1, 0, 0, before[0].newest)]


async def test_many_sources_are_added_all_or_none(store: Store) -> None:
    await store.add_sources([source("One"), source("Two")])
    with pytest.raises(UsageError, match="'One' is there already"):
        await store.add_sources([source("Three"), source("One")])
    assert [record.name for record in await store.sources()] == ["One", "Two"]
