from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from crawler.errors import LinkerMismatch
from crawler.model import ArchiveRecord, Article, Completeness, Role, Side, Verdict
from crawler.store import Store, StoreOutcome
from tests.store.pieces import HOUR, NOON, StillClock, fingerprint, linked, original, page


async def test_an_article_comes_back_as_it_was_stored(store: Store) -> None:
    given = Article(
        **{name: getattr(page(), name) for name in ("id", "url", "role", "publisher", "title", "text")},
        canonical_url="https://wire.example/ferry",
        site="Copy Site",
        byline=("Ada Quill", "Бела Кнут"),
        published=NOON - HOUR,
        modified=NOON,
        fetched=NOON,
        language="en",
        captions=("A ferry.",),
        copyright="© 2026 Copy Site",
        source="Copy feed",
        vendor_source="X",
        credit="Tidewater Wire",
        section="Coast",
        verdict=Verdict.ARTICLE,
        trailer=("© 2026",),
        hyperlinks=("https://wire.example/ferry",),
        archive=ArchiveRecord("a.warc.gz", 12, "<urn:uuid:1>"),
        noindex=True,
    )
    await store.store_article(given, None)
    assert await store.article(given.id) == replace(given, first_seen=NOON)


async def test_the_same_article_again_is_no_new_version(store: Store, clock: StillClock) -> None:
    first = await store.store_article(page(), fingerprint(1, 2))
    clock.pass_by(60)
    again = await store.store_article(replace(page(), fetched=clock.now()), fingerprint(1, 2))
    assert (first.outcome, again.outcome, again.version) == (StoreOutcome.CREATED, StoreOutcome.UNCHANGED, 1)
    assert len([change async for change in store.changes()]) == 1


@pytest.mark.parametrize(
    "other",
    [{"title": "Other"}, {"text": "Other."}, {"byline": ("Ada",)}, {"modified": NOON}, {"captions": ("A.",)}],
    ids=lambda other: next(iter(other)),
)
async def test_other_content_is_a_new_version(sqlite_url: str, clock: StillClock, other: dict[str, object]) -> None:
    from crawler.settings import DatabaseSettings

    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as store:
        await store.store_article(page(), None)
        changed = await store.store_article(page(**other), None)
        assert (changed.outcome, changed.version) == (StoreOutcome.CHANGED, 2)


async def test_first_seen_never_changes(store: Store, clock: StillClock) -> None:
    await store.store_article(page(), None)
    clock.pass_by(3600)
    await store.store_article(page(text="Later.", first_seen=NOON - HOUR), None)
    stored = await store.article(page().id)
    assert stored is not None
    assert (stored.first_seen, stored.text) == (NOON, "Later.")


async def test_an_archived_article_brings_its_own_first_time(store: Store) -> None:
    await store.store_article(page(first_seen=NOON - 5 * HOUR), None)
    stored = await store.article(page().id)
    assert stored is not None
    assert stored.first_seen == NOON - 5 * HOUR


async def test_an_article_is_found_under_twins_of_its_urls_and_under_extra_ones(store: Store) -> None:
    await store.store_article(page("ferry"), None, extra_urls=["https://short.example/f1", "mailto:x@a.example"])
    for url in (
        "http://www.copy.example/ferry/?utm_medium=mail",
        "https://copy.example/ferry/amp/",
        "https://short.example/f1",
    ):
        found = await store.article_by_url(url)
        assert found is not None
        assert found.id == page("ferry").id
    assert await store.known_urls(["https://short.example/f1", "https://copy.example/none", "::"]) == {
        "https://short.example/f1": page("ferry").id
    }


async def test_a_page_that_comes_under_an_alias_is_the_article_that_owns_it(store: Store) -> None:
    await store.store_article(page("ferry"), None, extra_urls=["https://copy.example/node/7"])
    again = await store.store_article(page("node/7", text="Changed."), None)
    assert (again.id, again.outcome) == (page("ferry").id, StoreOutcome.CHANGED)


async def test_a_canonical_url_on_another_site_merges_nothing(store: Store) -> None:
    await store.store_article(original(), None)
    stored = await store.store_article(page(canonical_url=original().url), None)
    assert stored.id == page().id
    assert len(await store.articles([page().id, original().id])) == 2


async def test_text_that_no_database_takes_is_stored_with_its_offsets_kept(store: Store) -> None:
    text = "NUL \x00 and a lone \ud83d surrogate"
    stored = await store.store_article(page(text=text, title=text, publisher=text, byline=(text,)), fingerprint(1))
    again = await store.store_article(page(text=text, title=text, publisher=text, byline=(text,)), fingerprint(1))
    found = await store.article(stored.id)
    assert found is not None
    assert found.text == "NUL \ufffd and a lone \ufffd surrogate"
    assert again.outcome is StoreOutcome.UNCHANGED


async def test_a_forgotten_text_is_gone_from_every_version_and_from_outputs(store: Store) -> None:
    await store.store_article(page(noindex=True), None)
    await store.store_article(page(noindex=True, text="Second version."), None)
    assert all("boats" not in str(change) for change in [change async for change in store.changes()])
    await store.forget_text(page().id)
    stored = await store.article(page().id)
    assert stored is not None
    assert stored.text == ""
    same = await store.store_article(page(noindex=True, text="Second version."), None)
    assert same.outcome is StoreOutcome.UNCHANGED


async def test_a_text_that_must_not_be_indexed_goes_when_its_decision_is_made(store: Store) -> None:
    await store.store_article(page(noindex=True), fingerprint(1), worker="w")
    await store.store_article(original(), fingerprint(1))
    assert await store.forget_unindexed() == 0
    await store.record_decision(linked(page(), original()), worker="w", reason="decided")
    assert await store.forget_unindexed() == 1
    texts = {one.id: bool(one.text) for one in (await store.articles([page().id, original().id])).values()}
    assert texts == {page().id: False, original().id: True}
    assert await store.link_of(page().id) is not None
    assert await store.forget_unindexed() == 0


async def test_a_page_that_turns_out_to_be_an_originals_loses_its_link(store: Store) -> None:
    await store.store_article(original(), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    await store.record_decision(linked(page(), original()), reason="decided")
    await store.store_article(page(role=Role.ORIGIN), fingerprint(1))
    assert await store.link_of(page().id) is None
    log = [(change.subject.value, change.action.value) async for change in store.changes()]
    assert ("link", "retracted") in log


async def test_a_fingerprint_is_kept_and_replaced_with_the_text(store: Store) -> None:
    await store.store_article(original(), fingerprint(1, 2, weights=[0.5, 0.25]))
    assert await store.fingerprint(original().id) == fingerprint(1, 2, weights=[0.5, 0.25])
    await store.store_article(original(text="New."), fingerprint(3))
    assert await store.index.candidates(fingerprint(1, 2), Side.ORIGINAL) == []
    (found,) = await store.index.candidates(fingerprint(3), Side.ORIGINAL)
    assert found.article_id == original().id
    await store.store_article(original(text="Too short to say."), None)
    assert await store.fingerprint(original().id) is None


async def test_a_teaser_that_becomes_a_full_text_changes_sides(store: Store) -> None:
    teaser = original(completeness=Completeness.TEASER, text="Short.")
    await store.store_article(teaser, fingerprint(1))
    assert len(await store.index.candidates(fingerprint(1), Side.TEASER)) == 1
    await store.store_article(original(), fingerprint(1))
    assert await store.index.candidates(fingerprint(1), Side.TEASER) == []
    assert len(await store.index.candidates(fingerprint(1), Side.ORIGINAL)) == 1
    down = await store.store_article(teaser, fingerprint(1))
    assert down.outcome is StoreOutcome.UNCHANGED


async def test_another_linkers_fingerprint_is_refused_and_stores_nothing(store: Store) -> None:
    await store.store_article(original(), fingerprint(1))
    for other in (fingerprint(1, linker="2"), fingerprint(1, scheme="y")):
        with pytest.raises(LinkerMismatch, match="db reindex"):
            await store.store_article(page(), other)
        with pytest.raises(LinkerMismatch):
            await store.index.candidates(other, Side.ORIGINAL)
    assert await store.article(page().id) is None


async def test_one_article_stored_by_many_at_once_is_created_once(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.store_article(page(), fingerprint(1, 2, 3)) for _ in range(6)))
    assert sorted(stored.outcome for stored in outcomes) == ["created"] + ["unchanged"] * 5


async def test_every_stored_article_waits_for_a_decision(store: Store, clock: StillClock) -> None:
    await store.store_article(page(), fingerprint(1), worker="one")
    assert await store.pending("two", 5, 60) == []
    clock.pass_by(121)
    (task,) = await store.pending("two", 5, 60)
    assert (task.article_id, task.reason) == (page().id, "new")


async def test_roles_stay_apart_under_one_url(store: Store) -> None:
    await store.store_article(page(), None)
    stored = await store.store_article(page(role=Role.ORIGIN, id="0" * 32), None)
    assert stored.id == "0" * 32
