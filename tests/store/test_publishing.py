from __future__ import annotations

import json
from dataclasses import replace

import pytest

from crawler.errors import NotFound
from crawler.model import Considered, LinkState, Subject
from crawler.store import Store
from crawler.store.browsing import LinkFilter
from crawler.store.publishing import ArticleFilter
from tests.store.pieces import fingerprint, linked, original, page, unlinked


async def put_links(store: Store, count: int) -> None:
    wire = original()
    await store.store_article(wire, fingerprint(1))
    for number in range(count):
        copy = page(f"copy-{number}", text=f"The ferry will sail again. Number {number}.")
        await store.store_article(copy, fingerprint(2))
        decision = replace(linked(copy, wire), considered=(Considered(wire.id, 0.93, True, "taken"),))
        await store.record_decision(decision, worker=None, reason="new")


async def test_what_is_told_of_links_is_what_the_export_tells(store: Store) -> None:
    await put_links(store, 3)
    found = await store.browse_links(LinkFilter(LinkState.NEW))
    ids = [one.id for one in found.links]
    told = await store.public_links([*ids, "0" * 32])
    assert [one["id"] for one in told] == ids
    exported = {str(one["id"]): json.loads(json.dumps(one)) async for one in store.export_links()}
    assert {one["id"]: one for one in told} == exported


async def test_articles_are_told_page_by_page_each_once(store: Store) -> None:
    await put_links(store, 4)
    ids: list[str] = []
    place = None
    while True:
        found = await store.public_articles(ArticleFilter(), before=place, limit=2)
        ids += [one["id"] for one in found.rows]
        place = found.next
        if place is None:
            break
    assert sorted(ids) == sorted({str(one["id"]) async for one in store.export_articles()})


async def test_a_story_is_told_with_its_members_and_under_the_ids_it_had(store: Store) -> None:
    await put_links(store, 2)
    (listed,) = await store.browse_stories()
    told = await store.public_story(listed.id)
    assert len(told["members"]) == 2
    assert await store.public_stories([listed.id]) == [told]
    with pytest.raises(NotFound):
        await store.public_story(page("copy-0").id)


async def test_the_log_is_read_in_order_and_says_where_to_go_on(store: Store) -> None:
    await put_links(store, 2)
    head = await store.log_head()
    seen: list[int] = []
    after = 0
    while after < head:
        found = await store.log_page(after, limit=3)
        seen += [one.seq for one in found.changes]
        assert found.more == (found.last < head)
        after = found.last
    assert seen == list(range(1, head + 1))
    assert (await store.log_page(head)).last == head
    links = await store.log_page(0, subject=Subject.LINK, limit=1)
    assert (len(links.changes), links.more) == (1, True)
    rest = await store.log_page(links.last, subject=Subject.LINK)
    assert (len(rest.changes), rest.last, rest.more) == (1, head, False)


async def test_a_page_of_the_log_beyond_its_end_goes_on_from_there(store: Store) -> None:
    assert (await store.log_page(7)).last == 7


async def test_an_article_that_was_never_held_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.public_article("0" * 32)
    copy = page()
    await store.store_article(copy, fingerprint(1))
    await store.record_decision(unlinked(copy), worker=None, reason="new")
    assert (await store.public_article(copy.id))["url"] == copy.url
