from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.errors import NotFound
from crawler.interchange import link_id
from crawler.model import Coverage, LinkState, Place, Relation, Removal
from crawler.store import Store
from crawler.store.browsing import Cursor, LinkFilter
from crawler.store.transaction import Transaction
from tests.store.pieces import HOUR, NOON, StillClock, claim, delivery, fingerprint, linked, original, page, unlinked

ALL = LinkFilter(state=None)


async def put(store: Store, name: str, site: str = "copy.example", **facts: object) -> str:
    copy, wire = page(name, url=f"https://www.{site}/{name}", title=f"Page {name}"), original()
    await store.store_article(wire, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    await store.record_decision(linked(copy, wire, **facts), worker=None, reason="new")
    return link_id(copy.id, wire.id)


async def titles(store: Store, wanted: LinkFilter) -> list[str]:
    return [one.rewrite.title.removeprefix("Page ") for one in (await store.browse_links(wanted)).links]


async def test_a_list_goes_on_where_its_page_ended_whatever_came_meanwhile(store: Store, clock: StillClock) -> None:
    for name in "abcdefg":
        await put(store, name)
        clock.pass_by(0 if name in "bcd" else 60)  # several of one instant
    seen: list[str] = []
    after: Cursor | None = None
    while True:
        found = await store.browse_links(ALL, after=after, limit=2)
        seen += [one.rewrite.title[-1] for one in found.links]
        if len(seen) == 2:
            await put(store, "z")
        after = found.next
        if after is None:
            break
    assert sorted(seen) == list("abcdefg")
    assert (seen[:2], seen[-1]) == (["g", "f"], "a")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LinkFilter(), "cba"),
        (LinkFilter(site="copy.example"), "ba"),
        (LinkFilter(publisher="Tidewater Wire"), "cba"),
        (LinkFilter(publisher="Tidewater Wire", site="other.example"), "c"),
        (LinkFilter(publisher="Another"), ""),
        (LinkFilter(publisher="Another", site="copy.example"), ""),
        (LinkFilter(relation=Relation.COPY), "b"),
        (LinkFilter(least=0.9), "cb"),
        (LinkFilter(most=0.9), "ba"),
        (LinkFilter(since=NOON + timedelta(seconds=60)), "cb"),
        (LinkFilter(until=NOON + timedelta(seconds=60)), "a"),
        (LinkFilter(state=LinkState.REJECTED), ""),
        (LinkFilter(state=LinkState.NEW, site="copy.example", relation=Relation.COPY), "b"),
    ],
)
async def test_a_list_has_what_its_filter_says(store: Store, clock: StillClock, wanted: LinkFilter, found: str) -> None:
    await put(store, "a", score=0.85)
    clock.pass_by(60)
    await put(store, "b", score=0.9, relation=Relation.COPY)
    clock.pass_by(60)
    await put(store, "c", "other.example", score=0.95)
    assert await titles(store, wanted) == list(found)
    assert await store.count_links(wanted) == len(found)


async def test_states_are_counted_apart(store: Store) -> None:
    first, _ = await put(store, "a"), await put(store, "b")
    await store.judge_link(first, LinkState.REJECTED, "no")
    counted = await store.count_by_state()
    assert (counted[LinkState.NEW], counted[LinkState.REJECTED], counted[LinkState.CONFIRMED]) == (1, 1, 0)


async def test_a_link_knows_its_neighbours_in_a_list(store: Store, clock: StillClock) -> None:
    ids = []
    for name in "abc":
        ids.append(await put(store, name))
        clock.pass_by(60)
    middle = (await store.listed_link(ids[1])).cursor
    assert await store.link_neighbours(ALL, middle) == (ids[2], ids[0])
    assert await store.link_neighbours(ALL, (await store.listed_link(ids[0])).cursor) == (ids[1], None)


async def test_lists_are_read_from_an_index_that_holds_what_they_ask_for(sqlite_store: Store) -> None:
    asked = {
        "ix_links_state_decided": LinkFilter(relation=Relation.COPY, least=0.9),
        "ix_links_decided": LinkFilter(state=None, least=0.9),
        "ix_links_site_decided": LinkFilter(site="copy.example", least=0.5),
        "ix_links_publisher_decided": LinkFilter(publisher="Tidewater Wire", relation=Relation.COPY),
    }
    for index, wanted in asked.items():
        plan = await sqlite_store._db.read(_plan, wanted)
        assert f"USING COVERING INDEX {index}" in plan, (wanted, plan)
        assert "TEMP B-TREE" not in plan


def _plan(tx: Transaction, wanted: LinkFilter) -> str:
    from crawler.store import browsing

    at = Cursor(NOON, "0" * 32)
    ordered = browsing._ids(wanted).where(browsing._place(at) > browsing._ORDER)
    ordered = ordered.order_by(browsing.links.c.decided.desc(), browsing.links.c.id.desc()).limit(30)
    compiled = ordered.compile(tx.connection, compile_kwargs={"literal_binds": True})
    rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
    return " ".join(str(row[-1]) for row in rows)


async def test_sites_are_ranked_by_their_live_links_with_median_lag_and_mean_coverage(
    store: Store, clock: StillClock
) -> None:
    for place, name in enumerate("abc"):
        await put(store, name, "much.example", coverage=Coverage(0.5, 0.2 + 0.1 * place))
        clock.pass_by(600)
    rejected = await put(store, "d", "little.example")
    await put(store, "e", "little.example", coverage=Coverage(0.5, 0.9))
    await store.judge_link(rejected, LinkState.REJECTED, "no")
    much, little = await store.rank_sites()
    assert (much.site, much.links, much.lag, round(much.coverage, 6)) == ("much.example", 3, 4200.0, 0.3)
    assert (little.site, little.links, little.coverage) == ("little.example", 1, 0.9)


async def test_stories_come_the_largest_first_with_their_pages(store: Store) -> None:
    await put(store, "a")
    await put(store, "b")
    lone, kin = page("x", text="One thing."), page("y", text="One thing.")
    for one in (lone, kin):
        await store.store_article(one, fingerprint(7))
    await store.record_decision(unlinked(lone), Place(), worker=None, reason="new")
    await store.record_decision(unlinked(kin), Place(lone.id, 1, score=0.9), worker=None, reason="new")
    first, second = await store.browse_stories()
    assert (first.id, first.size, second.id, second.size) == (original().id, 3, lone.id, 2)
    assert [one.id for one in await store.browse_stories(after=(first.size, first.id))] == [lone.id]
    view = await store.view_story(original().id)
    assert sorted(one.brief.title for one in view.members) == ["Page a", "Page b"]
    assert all(one.link_id and one.state is LinkState.NEW for one in view.members)
    (member,) = (await store.view_story(lone.id)).members
    assert (member.brief.id, member.relation, member.link_id) == (kin.id, "copy", None)
    with pytest.raises(NotFound):
        await store.view_story("0" * 32)


async def test_pages_that_say_where_they_come_from_are_listed_the_newest_first(store: Store) -> None:
    for name in "ab":
        await store.store_article(page(name), fingerprint(2))
        await store.record_decision(unlinked(page(name), claim()), worker=None, reason="new")
    first, second = await store.browse_attributed()
    assert (first.brief.id, second.brief.id) == (page("b").id, page("a").id)
    assert first.claim["publisher"] == "Tidewater Wire"
    assert [one.no for one in await store.browse_attributed(after=first.no)] == [second.no]


async def test_words_and_phrases_are_found_in_title_and_text_the_newest_first(store: Store) -> None:
    await store.store_article(page("a", title="A lamp goes out", text="The keeper hands in her keys."), fingerprint(1))
    await store.store_article(page("b", title="Keys", text="A keeper of lamps. The lamp is old."), fingerprint(2))
    assert [hit.brief.title for hit in (await store.search("KEEPER")).hits] == ["Keys", "A lamp goes out"]
    assert [hit.brief.title for hit in (await store.search("lamp keeper keys")).hits] == ["Keys", "A lamp goes out"]
    assert [hit.brief.title for hit in (await store.search('"the lamp is"')).hits] == ["Keys"]
    assert (await store.search("lamp OR nothing")).hits == ()
    assert (await store.search("NEAR(x) * ^ -")).hits == ()
    assert (await store.search("  ")).hits == ()


async def test_a_search_goes_on_where_its_page_ended(store: Store) -> None:
    for name in "abcde":
        await store.store_article(page(name, title=f"Page {name}"), fingerprint(1))
    first = await store.search("ferry", limit=3)
    rest = await store.search("ferry", after=first.next, limit=3)
    assert [hit.brief.title[-1] for hit in (*first.hits, *rest.hits)] == list("edcba")
    assert rest.next is None


async def test_only_an_articles_newest_text_is_found(store: Store) -> None:
    for text in ("The keeper stays.", "The warden stays.", "The porter stays."):
        await store.store_article(page("a", text=text), fingerprint(1))
    assert (await store.search("keeper")).hits == (await store.search("warden")).hits == ()
    assert len((await store.search("porter")).hits) == 1


async def test_no_word_of_a_deleted_text_is_left_in_the_index(store: Store) -> None:
    await store.store_article(delivery(text="The keeper stays.", title="Lamps"), fingerprint(1))
    await store.store_article(page("a", text="A porter. " * 3, noindex=True), fingerprint(2))
    await store.remove(Removal("TW0001", None, NOON + HOUR))
    await store.forget_text(page("a").id)
    for word in ("keeper", "lamps", "porter"):
        assert (await store.search(word)).hits == ()
    if store._db.dialect.name == "sqlite":
        assert await store._db.read(_words_left) == {"ferry", "line", "to", "reopen", "in", "may"}  # the page's title


def _words_left(tx: Transaction) -> set[str]:
    tx.connection.exec_driver_sql("CREATE VIRTUAL TABLE temp.left_over USING fts5vocab('main', 'article_words', 'row')")
    return {row[0] for row in tx.connection.exec_driver_sql("SELECT term FROM temp.left_over")}


async def test_texts_of_megabytes_and_of_odd_characters_are_stored_and_found(store: Store) -> None:
    await store.store_article(page("a", text="keeper " + "x\x00\ud800é中" * 300_000), fingerprint(1))
    for number, title in enumerate(("a\x00b", "a\ud800b", "a\\u0000b", 'a\\"b\x00', "\U0001f6a2\x00")):
        await store.store_article(page(f"t{number}", title=f"{title} odd{number}"), fingerprint(1))
        assert len((await store.search(f"odd{number}")).hits) == 1, title
    await store.store_article(page("b", text=" ".join(f"word{number}" for number in range(150_000))), fingerprint(2))
    assert len((await store.search("keeper")).hits) == 1
    assert len((await store.search("word77")).hits) == 1


async def test_a_link_to_a_page_whose_text_went_is_still_listed(store: Store) -> None:
    wire, copy = delivery(), page()
    await store.store_article(wire, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    await store.record_decision(linked(copy, wire), worker=None, reason="new")
    await store.remove(Removal("TW0001", None, NOON + HOUR))
    (one,) = (await store.browse_links(ALL)).links
    assert (one.state, one.original.gone, one.original.title) == (LinkState.RETRACTED, True, "")
    view = await store.view_link(one.id)
    assert (view.original.article, len(view.original.hash)) == (None, 32)


async def test_a_version_that_was_decided_on_is_found_again_by_its_hash(store: Store) -> None:
    link = await put(store, "a")
    copy = page("a", url="https://www.copy.example/a", title="Page a")
    await store.store_article(replace(copy, text="Changed."), fingerprint(2))
    view = await store.view_link(link)
    assert view.rewrite.changed
    assert (view.rewrite.version, view.rewrite.newest) == (1, 2)
    assert view.rewrite.article is not None
    assert view.rewrite.article.text == copy.text
