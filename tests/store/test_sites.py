"""The sites' memory in the store: what is pending, what is bounded, what is forgotten; on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa

from crawler.extract.repetition import blocks_of
from crawler.model import Article, Blocks, Role, SitePage, Subject
from crawler.store import Store, sitememory
from crawler.store import sites as sites_room
from crawler.store.sites import REMADE, Judgement, Sample, SiteWork
from crawler.store.sitetables import site_pages
from crawler.store.transaction import Transaction
from tests.store.pieces import StillClock, original, page

HOST = "copy.example"
TERMS = "All that stands here was written down by hand."
KEY = blocks_of("", TERMS).keys[0]
SECONDS = 60.0


def told(number: int) -> Article:
    text = f"The ferry number {number} sails in May.\n\n{TERMS}"
    return page(f"ferry/{number}", title=f"Ferry {number}", text=text)


def as_read(article: Article, judged: tuple[int, int] = (0, 0)) -> SitePage:
    return SitePage(HOST, blocks_of(article.title, article.text), (), judged)


async def keep(store: Store, *articles: Article) -> None:
    for article in articles:
        await store.store_article(article, None, page=as_read(article))


async def work_of(store: Store) -> SiteWork:
    (work,) = await store.site_work("w", SECONDS)
    return work


async def sample_of(store: Store, work: SiteWork) -> Sample:
    (sample,) = await store.site_samples([work])
    return sample


async def judge(store: Store, *furniture: int) -> None:
    """Puts a verdict in force and finishes what is pending before it."""
    while found := await store.site_work("w", SECONDS):
        (work,) = found
        if work.judging:
            await store.judge_sites([Judgement(work, furniture)])
            return
        await store.swept(work, None)
    pytest.fail("nothing to judge")


async def rows(store: Store) -> int:
    def body(tx: Transaction) -> int:
        return int(tx.scalar(sa.select(sa.func.count()).select_from(site_pages)))

    return await store._db.read(body)


@pytest.mark.parametrize(
    "blocks", [Blocks(1, 0), Blocks(2**64 - 1, 10**9, (0, 2**64 - 1), (7, 2**32 - 1))], ids=["none", "the greatest"]
)
def test_blocks_are_read_as_they_were_written(blocks: Blocks) -> None:
    assert sitememory.unpacked(sitememory.packed(blocks)) == blocks


async def test_a_stored_page_makes_its_site_due_to_be_judged_by_it(store: Store) -> None:
    assert await store.site_work("w", SECONDS) == []
    await keep(store, told(1), told(2))
    work = await work_of(store)
    assert (work.host, work.judging) == (HOST, True)
    sample = await sample_of(store, work)
    assert {one.title for one in sample.pages} == {as_read(told(1)).blocks.title, as_read(told(2)).blocks.title}
    assert sample.bound is None


async def test_a_leased_site_is_no_one_elses_until_its_lease_ends(store: Store, clock: StillClock) -> None:
    await keep(store, told(1))
    await work_of(store)
    assert await store.site_work("other", SECONDS) == []
    clock.pass_by(SECONDS + 1)
    assert await store.site_work("other", SECONDS)


async def test_a_worker_that_leaves_gives_its_sites_back(store: Store) -> None:
    await keep(store, told(1))
    await work_of(store)
    await store.release("w")
    assert await store.site_work("other", SECONDS)


async def test_a_page_that_comes_while_its_site_is_judged_has_it_judged_again(store: Store) -> None:
    await keep(store, told(1))
    work = await work_of(store)
    await keep(store, told(2))
    await store.judge_sites([Judgement(work, [KEY])])
    again = await work_of(store)
    assert again.judging
    assert len((await sample_of(store, again)).pages) == 2


async def test_a_new_verdict_is_known_at_once_and_has_the_pages_swept(store: Store) -> None:
    await keep(store, told(1), told(2))
    await judge(store, KEY)
    assert (await store.site_verdict(HOST)).keys == {KEY}
    work = await work_of(store)
    verdict, pages = await store.site_pages(work)
    assert not work.judging
    assert verdict.keys == {KEY}
    assert [one.blocks for one in pages] == [as_read(told(n)).blocks for n in (1, 2)]
    await store.swept(work, None)
    assert await store.site_work("w", SECONDS) == []


async def test_the_same_verdict_again_has_nothing_swept(store: Store) -> None:
    await keep(store, told(1))
    await judge(store)
    verdict = await store.site_verdict(HOST)
    second = told(2)
    await store.store_article(second, None, page=as_read(second, (verdict.site, verdict.revision)))
    await judge(store)
    assert await store.site_work("w", SECONDS) == []


async def test_pages_read_before_anything_was_known_of_a_site_are_swept_only_where_it_has_furniture(
    store: Store,
) -> None:
    await keep(store, told(1))
    await judge(store)
    await keep(store, told(2))
    await judge(store)
    assert await store.site_work("w", SECONDS) == []
    await keep(store, told(3))
    await judge(store, KEY)
    sweep = await work_of(store)
    assert len((await store.site_pages(sweep))[1]) == 3
    await store.swept(sweep, None)
    await keep(store, told(4))  # read by one that asked the store before that verdict
    _, (late,) = await store.site_pages(await work_of(store))
    assert late.blocks == as_read(told(4)).blocks


async def test_many_sites_are_judged_at_once(store: Store) -> None:
    for number in range(3):
        article = told(number)
        await store.store_article(article, None, page=replace(as_read(article), host=f"site{number}.example"))
    works = await store.site_work("w", SECONDS, 9)
    samples = await store.site_samples(works)
    assert [one.pages[0].title for one in samples] == [as_read(told(n)).blocks.title for n in range(3)]
    await store.judge_sites([Judgement(work, [KEY + number]) for number, work in enumerate(works)])
    assert [(await store.site_verdict(work.host)).keys for work in works] == [{KEY}, {KEY + 1}, {KEY + 2}]


async def test_a_page_read_by_an_old_verdict_is_swept(store: Store) -> None:
    await keep(store, told(1))
    await judge(store, KEY)
    await store.swept(await work_of(store), None)
    verdict = await store.site_verdict(HOST)
    late = told(2)
    await store.store_article(late, None, page=as_read(late, (verdict.site, verdict.revision - 1)))
    await judge(store, KEY)
    _, pages = await store.site_pages(await work_of(store))
    assert [one.blocks for one in pages] == [as_read(late).blocks]


async def test_a_sweep_goes_on_where_it_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites_room, "SWEPT_AT_ONCE", 2)
    await keep(store, *map(told, range(5)))
    await judge(store, KEY)
    seen = []
    while found := await store.site_work("w", SECONDS):
        (work,) = found
        _, pages = await store.site_pages(work)
        seen += [one.blocks for one in pages]
        await store.swept(work, pages[-1].article_no + 1 if len(pages) == 2 else None)
    assert seen == [as_read(told(n)).blocks for n in range(5)]


async def test_the_end_of_a_sweep_does_not_end_one_that_began_in_the_meantime(store: Store) -> None:
    await keep(store, told(1))
    await judge(store, KEY)
    sweep = await work_of(store)
    await keep(store, told(2))  # read by a verdict that is not in force
    await store.swept(sweep, None)
    assert (await work_of(store)).sweep_from is not None


async def test_a_text_made_again_is_a_version_with_its_reason_and_is_decided_again(store: Store) -> None:
    first = told(1)
    await keep(store, first)
    (pending,) = await store.pending("w", 9, SECONDS)
    await store.settle(pending.article_id, worker="w")
    await judge(store, KEY)
    verdict, (seen,) = await store.site_pages(await work_of(store))
    held = await store.site_article(seen.article_no)
    assert held is not None
    bare = replace(held[0], text=first.text.split("\n\n")[0])
    left_out = SitePage(HOST, seen.blocks, ((1, TERMS),), (verdict.site, verdict.revision))
    assert await store.remake(seen.article_no, held[1], bare, None, left_out)
    found = await store.article(first.id)
    assert found is not None
    assert found.text == "The ferry number 1 sails in May."
    assert [one.article_id for one in await store.pending("w", 9, SECONDS)] == [first.id]
    changes = [change.reason async for change in store.changes() if change.subject is Subject.ARTICLE]
    assert changes == ["first seen", REMADE]
    _, (after,) = await store.site_pages(await work_of_again(store))
    assert after.left_out == ((1, TERMS),)


async def work_of_again(store: Store) -> SiteWork:
    """The site as what is leased already."""
    await store.release("w")
    return await work_of(store)


async def test_nothing_is_made_of_a_version_that_is_not_the_newest(store: Store) -> None:
    await keep(store, told(1))
    await judge(store, KEY)
    verdict, (seen,) = await store.site_pages(await work_of(store))
    held = await store.site_article(seen.article_no)
    assert held is not None
    newer = replace(told(1), text="It does not sail.")
    await keep(store, newer)
    mine = SitePage(HOST, seen.blocks, ((1, TERMS),), (verdict.site, verdict.revision))
    assert not await store.remake(seen.article_no, held[1], held[0], None, mine)
    found = await store.article(newer.id)
    assert found is not None
    assert found.text == newer.text


async def test_nothing_is_made_by_a_verdict_that_is_not_in_force(store: Store) -> None:
    await keep(store, told(1))
    await judge(store, KEY)
    verdict, (seen,) = await store.site_pages(await work_of(store))
    held = await store.site_article(seen.article_no)
    assert held is not None
    old = SitePage(HOST, seen.blocks, ((1, TERMS),), (verdict.site, verdict.revision - 1))
    assert not await store.remake(seen.article_no, held[1], replace(held[0], text="x"), None, old)


async def test_a_text_that_had_to_go_is_not_made_again_and_nothing_of_it_is_kept(store: Store) -> None:
    hidden = replace(told(1), noindex=True, text="The ferry sails in May.")
    left_out = replace(as_read(told(1)), left_out=((1, TERMS),))
    await store.store_article(hidden, None, page=left_out)
    await store.forget_text(hidden.id)
    await judge(store, KEY)
    assert (await store.site_pages(await work_of(store)))[1] == []

    def texts(tx: Transaction) -> list[object]:
        return [row.left_out for row in tx.all(sa.select(site_pages.c.left_out))]

    assert await store._db.read(texts) == [None]


async def test_a_page_that_turns_out_to_be_an_original_is_left_as_it_is(store: Store) -> None:
    await keep(store, told(1))
    await store.store_article(replace(told(1), role=Role.ORIGIN), None)
    await judge(store, KEY)
    assert (await store.site_pages(await work_of(store)))[1] == []


async def test_originals_are_no_pages_of_a_site(store: Store) -> None:
    story = original()
    await store.store_article(story, None, page=SitePage("wire.example", blocks_of(story.title, story.text)))
    assert await store.site_work("w", SECONDS) == []


async def test_of_many_pages_a_sample_is_judged_whatever_their_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitememory, "SAMPLE", 5)
    articles = [told(n) for n in range(12)]
    smallest = sorted(articles, key=lambda one: one.id)[:5]
    await keep(store, *articles)
    work = await work_of(store)
    sample = await sample_of(store, work)
    assert {one.title for one in sample.pages} == {as_read(one).blocks.title for one in smallest}
    await store.judge_sites([Judgement(work, [], sample.bound)])
    # Pages outside the sample are no news.
    verdict = await store.site_verdict(HOST)
    outside = next(one for n in range(12, 99) if (one := told(n)).id > smallest[-1].id)
    await store.store_article(outside, None, page=as_read(outside, (verdict.site, verdict.revision)))
    assert await store.site_work("w", SECONDS) == []


async def test_a_host_holds_only_so_many_pages_beside_its_sample(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitememory, "SAMPLE", 2)
    monkeypatch.setattr(sitememory, "MOST_PAGES", 4)
    articles = sorted((told(n) for n in range(30)), key=lambda one: one.id)
    await keep(store, *articles[10:14])
    work = await work_of(store)
    await store.judge_sites([Judgement(work, [], (await sample_of(store, work)).bound)])
    await keep(store, *articles[14:])
    assert await rows(store) == 4
    await keep(store, articles[0])  # one of the smallest: it is in the sample
    assert await rows(store) == 5


async def test_what_was_known_holds_in_the_next_span_and_is_forgotten_after(store: Store, clock: StillClock) -> None:
    await keep(store, told(1))
    await judge(store, KEY)
    clock.pass_by(sitememory.ERA_SECONDS)
    assert (await store.site_verdict(HOST)).keys == {KEY}
    clock.pass_by(sitememory.ERA_SECONDS)
    assert (await store.site_verdict(HOST)).keys == frozenset()
    assert await store.forget_sites() == 0
    clock.pass_by(sitememory.ERA_SECONDS)
    assert await store.forget_sites() > 0
    assert await rows(store) == 0
    assert await store.forget_sites() == 0
    assert await store.article(told(1).id) is not None


async def test_a_page_read_again_in_a_later_span_counts_in_both_and_is_made_in_the_later(
    store: Store, clock: StillClock
) -> None:
    await keep(store, told(1))
    await judge(store)
    clock.pass_by(sitememory.ERA_SECONDS)
    await keep(store, told(1))
    work = await work_of(store)
    assert len((await sample_of(store, work)).pages) == 2
    await store.judge_sites([Judgement(work, [KEY])])
    assert len((await store.site_pages(await work_of(store)))[1]) == 1


async def test_long_forgotten_pages_go_a_few_at_a_time(
    store: Store, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites_room, "FORGOTTEN_AT_ONCE", 2)
    await keep(store, *map(told, range(5)))
    clock.pass_by(3 * sitememory.ERA_SECONDS)
    left = []
    while await store.forget_sites():
        left.append(await rows(store))
    assert left == [3, 1, 0]


async def test_of_too_many_sites_the_first_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites_room, "MOST_SITES", 2)
    for number in range(3):
        article = told(number)
        await store.store_article(article, None, page=replace(as_read(article), host=f"site{number}.example"))
    while await store.forget_sites():
        pass
    assert await rows(store) == 2


async def test_pages_stored_at_the_same_moment_are_all_judged(store: Store) -> None:
    await asyncio.gather(*(keep(store, told(n)) for n in range(20)))
    sample = await sample_of(store, await work_of(store))
    assert len(sample.pages) == 20
