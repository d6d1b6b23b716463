from __future__ import annotations

import pytest

from crawler.errors import ChangedSince, NotFound
from crawler.model import LinkState, Removal
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.browsing import LinkFilter
from tests.pages.conftest import FERRY, REWORDED, Browser, put_link
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, linked, original, page, unlinked

ALL = LinkFilter(state=None)


async def test_the_inbox_has_what_is_new_the_newest_first(browser: Browser) -> None:
    for name in ("one", "two", "three"):
        await put_link(browser.store, name)
        browser.clock.pass_by(60)
    shown = await browser.get("/")
    assert shown.status == 200
    assert shown.texts("#links .open") == [f"Line of ferries: {name}" for name in ("three", "two", "one")]
    assert "new 3" in shown.texts("#counts li")


async def test_a_confirmed_link_leaves_the_inbox_and_is_counted(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    judged = await browser.judge(link, "confirm", back="/?state=new")
    assert (judged.status, judged.headers["Location"]) == (303, "/?state=new")
    shown = await browser.get("/")
    assert shown.texts("#links .open") == []
    assert "confirmed 1" in shown.texts("#counts li")
    assert [link.id for link in (await browser.store.browse_links(ALL)).links] == [link]


async def test_a_word_is_kept_with_all_that_it_is_about(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await browser.judge(link, "confirm", note="Same quotes")
    (word,) = await browser.store.reviews_of(link)
    assert (word.verdict, word.reviewer, word.note, word.at) == (LinkState.CONFIRMED, "Morna", "Same quotes", NOON)
    assert (word.rewrite.id, word.rewrite.version) == (page("one").id, 1)
    assert (word.original.id, word.original.version) == (original().id, 1)
    assert (len(word.rewrite.hash), len(word.original.hash)) == (32, 32)
    assert (word.facts["score"], word.facts["linker"], word.facts["relation"]) == (0.93, "1", "rewrite")
    assert [piece["kind"] for piece in word.facts["evidence"]] == ["passage", "name"]


async def test_undo_takes_back_ones_last_words_one_by_one(browser: Browser) -> None:
    first, second = await put_link(browser.store, "one"), await put_link(browser.store, "two")
    await browser.judge(first, "confirm")
    await browser.judge(second, "reject")
    assert (await browser.undo()).headers["Location"] == f"/links/{second}"
    assert (await browser.undo()).headers["Location"] == f"/links/{first}"
    assert (await browser.undo()).status == 404
    assert (await browser.store.count_by_state())[LinkState.NEW] == 2
    assert [word.verdict.value for word in await browser.store.reviews_of(second)] == ["rejected", "new"]


async def test_nobody_takes_back_anothers_word(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await browser.store.review(link, LinkState.CONFIRMED, reviewer="Elspeth")
    assert (await browser.undo()).status == 404


async def test_a_link_that_was_decided_anew_is_not_judged_by_what_was_seen_before(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    seen = (await browser.store.listed_link(link)).mark
    await put_link(browser.store, "one", text=REWORDED + " Now.")
    refused = await browser.judge(link, "confirm", mark=seen)
    assert refused.status == 409
    assert "look at it again" in refused.text
    assert await browser.store.reviews_of(link) == []


async def test_a_pair_that_was_rejected_after_its_byline_changed_does_not_return(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await put_link(browser.store, "one", byline=("Elspeth Marwood",))  # says the same of the link, is another version
    await browser.judge(link, "reject")
    await put_link(browser.store, "one", byline=("Elspeth Marwood",))
    assert (await browser.store.listed_link(link)).state is LinkState.REJECTED


async def test_the_same_word_twice_is_one(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    seen = (await browser.store.listed_link(link)).mark
    for _ in range(2):
        assert (await browser.judge(link, "confirm", mark=seen)).status == 303
    assert len(await browser.store.reviews_of(link)) == 1


async def test_a_later_decision_stands_beside_a_confirmed_link_never_in_its_place(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await browser.judge(link, "confirm")
    browser.clock.pass_by(3600)
    await browser.store.record_decision(unlinked(page("one")), worker=None, reason="a new linker")
    shown = await browser.get(f"/links/{link}")
    assert any("no original; the best candidate has 10 %. Your word stands." in text for text in shown.texts(".notice"))
    assert (await browser.store.listed_link(link)).state is LinkState.CONFIRMED


async def test_a_confirmed_link_shows_the_text_that_was_judged(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await browser.judge(link, "confirm")
    await browser.store.store_article(page("one", text="Something else by now."), fingerprint(2))
    shown = await browser.get(f"/links/{link}")
    assert "line of ferries opens again" in shown.texts(".rewrite .body")[0]
    assert "The page has changed since: this is version 1, the newest is 2." in shown.texts(".notice")


async def test_a_rejected_pair_comes_back_only_when_a_text_changes(browser: Browser) -> None:
    link = await put_link(browser.store, "one")
    await browser.judge(link, "reject")
    await put_link(browser.store, "one")
    assert (await browser.store.listed_link(link)).state is LinkState.REJECTED
    await put_link(browser.store, "one", text=REWORDED + " Now.")
    assert (await browser.store.listed_link(link)).state is LinkState.NEW


async def test_a_licensors_deletion_takes_the_text_keeps_the_hashes_and_says_so(browser: Browser) -> None:
    wire = delivery(text=FERRY)
    link = await put_link(browser.store, "one", wire=wire)
    await browser.judge(link, "confirm")
    (before,) = await browser.store.reviews_of(link)
    await browser.store.remove(Removal("TW0001", None, NOON + HOUR))
    (word,) = await browser.store.reviews_of(link)
    assert (word.original.hash, word.facts["evidence"]) == (before.original.hash, [])
    assert word.text_gone == NOON
    shown = await browser.get(f"/links/{link}")
    assert "refitted over the winter" not in shown.text
    assert any("removed by its licensor" in text and word.original.hash in text for text in shown.texts(".notice"))


async def test_words_are_the_same_on_both_engines(store_url: str) -> None:
    async with await Store.open(DatabaseSettings(url=store_url), StillClock()) as store:
        link = await put_link(store, "one")
        await store.review(link, LinkState.CONFIRMED, reviewer="Morna", seen=(await store.listed_link(link)).mark)
        with pytest.raises(ChangedSince):
            await store.review(link, LinkState.REJECTED, reviewer="Morna", seen="0" * 16)
        assert (await store.undo_review("Morna")).verdict is LinkState.NEW
        with pytest.raises(NotFound):
            await store.undo_review("Morna")
        assert [word.undoes is None async for word in store.export_reviews()] == [True, False]
        found = (await store.browse_links(ALL)).links
        assert [(one.id, one.site, one.lag) for one in found] == [(link, "copy.example", 3600.0)]
        assert (await store.view_link(link)).rewrite.article is not None
        # A second decision keeps what was said: the same pair again is no other link.
        await store.record_decision(linked(page("one"), original()), worker=None, reason="again")
        assert await store.count_links(ALL) == 1
