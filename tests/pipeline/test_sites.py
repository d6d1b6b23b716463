"""A site's furniture, learned while its pages are read and stored: the order of crawling changes nothing in the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from crawler.jobs.importing import read_batch, settle_pending
from crawler.link.markers import markers
from crawler.model import PARAGRAPH_BREAK, Article, RawDocument, Reference, Role
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.reading import Announcement, read_page
from crawler.pipeline.sites import SiteDesk, SiteVerdicts
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store, sitememory
from tests.store.pieces import NOON, StillClock, source
from tests.stories import story

NOTE = (
    "Copy Lines is put together by three friends in a flat above a bakery. We are glad of letters and of cakes, and we "
    "read each of them twice before we answer."
)
CLAIM = "Much of what stands on this page was first told by Dow Jones & Company, who hold all rights in it."
BANNER = "More of this kind is in our letter, twice a week."
NEW_NOTE = "Since we moved house this site is looked after by a robot that never sleeps, never errs and never laughs."
QUOTE = "“We shall look into it with all due care,” the minister said on Monday."
SITE = "https://copies.example"
WORDS = ("ferry", "harbor", "council", "bridge", "vote", "storm", "market", "teacher", "museum", "river", "engine")


def prose(number: int) -> list[str]:
    """Paragraphs that stand on no other page."""
    dice = random.Random(number)

    def sentence() -> str:
        return f"The {' '.join(dice.choice(WORDS) for _ in range(14))} of {dice.randrange(10_000)} was told again."

    return [f"{sentence()} {sentence()}" for _ in range(4)]


def page_of(number: int) -> list[str]:
    """What stands on a page, so that all cases come up: of 24 pages most have the furniture, four quote a minister,
    six are one story, and one is hardly more than its furniture."""
    if number == 23:
        return [BANNER, "A short line.", NOTE, CLAIM]
    told = prose(100) if number % 4 == 0 else prose(number)
    quoted = [QUOTE] if number in {1, 5, 9, 13} else []
    return [*([BANNER] if number % 3 else []), *told, *quoted, *([NOTE] if number % 5 else []), CLAIM]


def html(number: int, paragraphs: Sequence[str], head: str = "") -> bytes:
    body = "".join(f"<p>{escape(part)}</p>" for part in paragraphs)
    title = f"Headline number {number} of the day"
    return (
        f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1>{body}</article></body></html>"
    ).encode()


class Crawl:
    """Pages read and stored one by one as the crawl does, with a store of its own."""

    def __init__(self, store: Store, cpu: CpuPool, role: Role = Role.AGGREGATOR) -> None:
        self.store, self.cpu, self.source = store, cpu, source(role=role)
        self.desk = SiteDesk(store, cpu, SiteVerdicts(store, StillClock()))

    async def take(self, path: str, body: bytes) -> str:
        url = f"{SITE}/{path}"
        known = await self.store.site_verdict("copies.example")
        document = RawDocument(url, body, "text/html", "utf-8")
        announced = Announcement(self.source, Reference(url), NOON)
        reading = await self.cpu.run(read_page, document, announced, known)
        stored = await self.store.store_article(reading.article, reading.fingerprint, page=reading.page)
        return stored.id

    async def learn(self) -> None:
        while await self.desk.step("w"):
            pass

    async def text(self, article_id: str) -> str:
        article = await self.store.article(article_id)
        assert article is not None
        return article.text


async def crawled(url: str, order: Sequence[int], *, learn: random.Random | None) -> dict[int, Article]:
    """The stored articles by number; `learn`: whether, and how often, the site is learned in between."""
    async with (
        await Store.open(DatabaseSettings(url=url), StillClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = Crawl(store, cpu)
        ids = {}
        for number in order:
            ids[number] = await crawl.take(str(number), html(number, page_of(number)))
            if learn is not None and learn.random() < 0.6:
                for _ in range(learn.randrange(1, 4)):
                    await crawl.desk.step("w")
        await crawl.learn()
        held = await store.articles(ids.values())
        prints = await store.fingerprints(ids.values())
    assert {one for one, article in held.items() if article.text} == set(prints)
    return {number: replace(held[one], fetched=None, first_seen=None) for number, one in ids.items()}


def paragraphs(article: Article) -> set[str]:
    return set(article.text.split(PARAGRAPH_BREAK))


async def test_furniture_goes_from_all_pages_and_the_stories_stay_whole(store_url: str) -> None:
    found = await crawled(store_url, range(24), learn=random.Random(0))
    for number in range(23):
        assert paragraphs(found[number]) == set(page_of(number)) - {BANNER, NOTE, CLAIM}, number
    assert paragraphs(found[23]) == set(page_of(23))


async def test_a_claim_of_origin_that_stands_on_every_page_is_still_found(sqlite_url: str) -> None:
    found = await crawled(sqlite_url, range(24), learn=None)
    assert all(CLAIM not in paragraphs(found[number]) for number in range(23))
    assert all(markers(article) for article in found.values())


@pytest.mark.parametrize("seed", range(6))
async def test_the_order_of_crawling_changes_no_text(seed: int, tmp_path: Path) -> None:
    async def after(name: str, order: Sequence[int], learn: random.Random | None) -> dict[int, Article]:
        return await crawled(f"sqlite+aiosqlite:///{tmp_path / name}.db", order, learn=learn)

    expected = await after("in order", range(24), None)
    dice = random.Random(seed)
    order = list(range(24))
    dice.shuffle(order)
    assert dict(sorted((await after("shuffled", order, dice)).items())) == expected


async def started(store: Store, cpu: CpuPool, clock: StillClock) -> Crawl:
    """A site with ten pages, whose note is known."""
    crawl = Crawl(store, cpu)
    for number in range(10):
        await crawl.take(f"old/{number}", html(number, [*prose(number), NOTE]))
    await crawl.learn()
    return crawl


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def test_a_page_of_a_known_site_is_stored_without_its_furniture_at_once(
    sqlite_url: str, clock: StillClock
) -> None:
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), clock) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = await started(store, cpu, clock)
        new = await crawl.take("new", html(50, [*prose(50), NOTE]))
        assert await crawl.text(new) == PARAGRAPH_BREAK.join(prose(50))
        # And once more: it is what it was.
        before = [change.seq async for change in store.changes()]
        await crawl.take("new", html(50, [*prose(50), NOTE]))
        await crawl.learn()
        assert [change.seq async for change in store.changes()] == before


async def test_what_turns_out_to_stand_on_few_pages_is_put_back(sqlite_url: str, clock: StillClock) -> None:
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), clock) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = await started(store, cpu, clock)
        first = await crawl.take("old/0", html(0, [*prose(0), NOTE]))
        assert NOTE not in await crawl.text(first)
        for number in range(100, 140):
            await crawl.take(f"other/{number}", html(number, prose(number)))
        await crawl.learn()
        assert await crawl.text(first) == PARAGRAPH_BREAK.join([*prose(0), NOTE])


async def test_after_a_redesign_the_new_furniture_is_learned_and_the_old_forgotten(
    sqlite_url: str, clock: StillClock
) -> None:
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), clock) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = await started(store, cpu, clock)
        first = await crawl.take("old/0", html(0, [*prose(0), NOTE]))
        clock.pass_by(2 * sitememory.ERA_SECONDS)
        for number in range(200, 210):
            # A page or two tells the old note as news.
            told = [*prose(number), *([NOTE] if number < 202 else []), NEW_NOTE]
            await crawl.take(f"new/{number}", html(number, told))
        await crawl.learn()
        quoting = await crawl.take("new/200", html(200, [*prose(200), NOTE, NEW_NOTE]))
        assert await crawl.text(quoting) == PARAGRAPH_BREAK.join([*prose(200), NOTE])
        # What was told of an old page stays told.
        assert await crawl.text(first) == PARAGRAPH_BREAK.join(prose(0))


async def test_nothing_is_left_out_of_an_original(sqlite_url: str, clock: StillClock) -> None:
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), clock) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = Crawl(store, cpu, Role.ORIGIN)
        ids = [await crawl.take(str(number), html(number, [*prose(number), NOTE])) for number in range(12)]
        await crawl.learn()
        assert await crawl.text(ids[0]) == PARAGRAPH_BREAK.join([*prose(0), NOTE])
        assert await store.site_verdict("copies.example") == await store.site_verdict("elsewhere.example")


async def test_a_page_that_asks_not_to_be_indexed_is_learned_from_and_its_text_stays_gone(
    sqlite_url: str, clock: StillClock
) -> None:
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), clock) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = Crawl(store, cpu)
        head = '<meta name="robots" content="noindex">'
        ids = [await crawl.take(str(number), html(number, [*prose(number), NOTE], head)) for number in range(10)]
        for one in ids[:5]:
            await store.forget_text(one)
        await crawl.learn()
        assert [await crawl.text(one) for one in ids[:5]] == [""] * 5
        assert [await crawl.text(one) for one in ids[5:]] == [PARAGRAPH_BREAK.join(prose(n)) for n in range(5, 10)]


async def linked(url: str, others: int) -> tuple[str, list[object]]:
    """A rewrite of which its site's furniture is told after its link: its text and the link's evidence."""
    original = replace(story("ferry-original"), role=Role.ORIGIN, url="https://wire.example/ferry")
    spun = story("ferry-spun").text.split(PARAGRAPH_BREAK)
    furniture = ([BANNER], [NOTE]) if others else ([], [])
    async with (
        await Store.open(DatabaseSettings(url=url), StillClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        crawl = Crawl(store, cpu)
        copy = await crawl.take("spun", html(0, [*furniture[0], *spun, *furniture[1]]))
        ((article, fingerprint),) = await cpu.run(read_batch, [original])
        await store.store_article(article, fingerprint)
        await settle_pending(store, cpu, Tally())
        for number in range(1, others):
            await crawl.take(str(number), html(number, [BANNER, *prose(number), NOTE]))
        await crawl.learn()
        await settle_pending(store, cpu, Tally())
        (link,) = [row async for row in store.export_links()]
        return await crawl.text(copy), [link["evidence"], link["score"], link["coverage"]]


@pytest.mark.full
async def test_a_text_made_again_is_linked_as_if_it_had_never_had_the_furniture(tmp_path: Path) -> None:
    alone, among = (f"sqlite+aiosqlite:///{tmp_path / name}.db" for name in ("alone", "among"))
    assert await linked(among, 9) == await linked(alone, 0)
