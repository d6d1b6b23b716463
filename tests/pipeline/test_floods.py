"""Thousands of pages that are alike: each costs what the others cost, and so does what is told of it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from crawler import urls
from crawler.clock import SystemClock
from crawler.jobs.importing import read_batch, settle_pending
from crawler.lookups import MOST_COUNTED
from crawler.model import Article, Role, Subject
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from crawler.store.stories import LARGE, LISTED
from tests.databases import *  # noqa: F403 - fixtures
from tests.stories import story

BATCH = 500
SEEN = SystemClock().now()
LIBRARY = """{town} has {count} inhabitants.

This page lists the opening hours of the public library and the town hall. The library lends books, music and games \
for all ages, four weeks at a time. It is open from Monday to Friday. Information is given without guarantee: ask at \
the counter before you come a long way."""


def town(dice: random.Random) -> str:
    return "".join(dice.choice(("ba", "de", "lo", "mi", "na", "ru", "so", "ti", "va")) for _ in range(5)).title()


def page(number: int, text: str) -> Article:
    url = f"https://site{number % 7}.example/{number}"
    day = SEEN + timedelta(minutes=number)
    return Article(urls.article_id(url), url, Role.AGGREGATOR, "", f"Page {number}", text, first_seen=day)


@dataclass(frozen=True)
class Told:
    sizes: list[int]  # of the stories, largest first
    seconds: list[float]  # for each batch
    rows: int  # of the log
    characters: int  # of the log's rows of links, members and stories


async def settled(store: Store, cpu: CpuPool, pages: Sequence[Article]) -> Told:
    seconds = []
    for start in range(0, len(pages), BATCH):
        for article, fingerprint in await cpu.run(read_batch, pages[start : start + BATCH]):
            await store.store_article(article, fingerprint)
        begun = time.perf_counter()
        await settle_pending(store, cpu, Tally())
        seconds.append(time.perf_counter() - begun)
    told = [change async for change in store.changes()]
    small = [json.dumps(change.state) for change in told if change.subject is not Subject.ARTICLE]
    sizes = [int(str(row["size"])) async for row in store.export_stories()]
    return Told(sorted(sizes, reverse=True), seconds, len(told), sum(map(len, small)))


@pytest.mark.full
async def test_copies_that_wait_for_their_decision_together_are_one_story(sqlite_url: str) -> None:
    count = MOST_COUNTED + 10  # more than a search reads of one key
    copies = [page(number, story("bakery-original").text) for number in range(count)]
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        found = await settled(store, cpu, copies)
        assert found.sizes == [count]


@pytest.mark.full  # two minutes
async def test_five_thousand_pages_of_one_template_are_no_story(sqlite_url: str) -> None:
    dice = random.Random(5)
    pages = [page(number, LIBRARY.format(town=town(dice), count=dice.randint(500, 90_000))) for number in range(5_000)]
    again = [page(5_000 + number, pages[7].text) for number in range(3)]  # one of them, found among all the others
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        found = await settled(store, cpu, [*pages, *again])
    assert found.sizes[0] == 4
    assert sum(found.sizes) < 100  # the same town twice
    assert sum(found.seconds[-4:-1]) < 2 * sum(found.seconds[:3])
    assert found.rows < 5_500


@pytest.mark.full  # six minutes
async def test_five_thousand_copies_are_one_story_that_is_told_in_short_and_goes_to_a_late_original(
    sqlite_url: str,
) -> None:
    dice, text = random.Random(7), story("bakery-original").text
    pages = [page(number, f"{town(dice)} Post readers met this first.\n\n{text}") for number in range(5_000)]
    async with (
        await Store.open(DatabaseSettings(url=sqlite_url), SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
    ):
        found = await settled(store, cpu, pages)
        large = (await store.status())["large_stories"]
        late = replace(story("bakery-original"), id="f" * 32, role=Role.ORIGIN)
        assert (await settled(store, cpu, [late])).sizes == [5_001]
        (row,) = [row async for row in store.export_stories()]
    assert row["id"] == late.id
    assert all(member["link"] for member in row["members"])  # type: ignore[attr-defined]
    assert found.sizes == [5_000]
    assert list(large.values()) == [5_000] > [LARGE]
    # A row of a member and one of the story for each page, and for each again as often as another came to stand for it.
    assert found.characters < found.rows * 700 + LISTED * LISTED * 700
