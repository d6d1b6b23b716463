"""Articles in parts: one article in the end, each part asked for once and as politely as any page."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from crawler import daemon
from crawler.model import PARAGRAPH_BREAK, Article, Role
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from tests.daemon.conftest import Configure
from tests.daemon.test_run import articles_of
from tests.stories import feed, page_html, story
from tests.web import Web


def told(part: int) -> str:
    return PARAGRAPH_BREAK.join(
        f"In part {part} the captain tells how storm number {n} came over the northern quay, and who saw it come."
        for n in range(6)
    )


def page(part: int, pager: str, title: str = "The ferry returns") -> str:
    article = replace(story("ferry-spun"), title=title, text=told(part))
    return page_html(article).replace("</article>", f"</article><div>{pager}</div>")


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with Web("127.0.0.3") as web:
        yield web


def announce(site: Web, paths: Sequence[str], title: str = "The ferry returns") -> None:
    article: Article = replace(story("ferry-spun"), title=title)
    items = [(site.url(path), article) for path in paths]
    site.page("/feed", feed(items), media="application/rss+xml")


async def run(site: Web, configure: Configure, **changes: object) -> tuple[Tally, Settings]:
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    settings = settings.model_copy(update={"fetch": settings.fetch.model_copy(update=changes)})
    return (await daemon.run(settings, once=True)).tally, settings


def three_parts(site: Web) -> None:
    site.page("/ferry", page(1, '<b>1</b> <a href="?page=2">2</a> <a href="?page=3">3</a>'))
    site.page("/ferry?page=2", page(2, '<a href="/ferry">1</a> <b>2</b> <a href="?page=3">3</a>'))
    site.page("/ferry?page=3", page(3, '<a href="/ferry">1</a> <a href="?page=2">2</a> <b>3</b>'))


@pytest.mark.parametrize(
    "paths",
    [["/ferry"], ["/ferry", "/ferry?page=2", "/ferry?page=3"], ["/ferry?page=3", "/ferry?page=2"]],
    ids=["the first", "all", "the later ones"],
)
async def test_parts_are_one_article_whichever_of_them_is_announced(
    site: Web, configure: Configure, paths: list[str]
) -> None:
    three_parts(site)
    announce(site, paths)
    tally, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["url"] == site.url("/ferry")
    assert stored["text"] == PARAGRAPH_BREAK.join((told(1), told(2), told(3)))
    assert tally.failed.total() == 0


async def test_each_part_is_asked_for_once(site: Web, configure: Configure) -> None:
    three_parts(site)
    announce(site, ["/ferry"])
    await run(site, configure)
    announce(site, ["/ferry", "/ferry?page=2", "/ferry?page=3"])  # a listing that links to them a day later
    tally, settings = await run(site, configure)
    assert [site.count(path) for path in ("/ferry", "/ferry?page=2", "/ferry?page=3")] == [1, 1, 1]
    assert tally.not_articles == {"part": 2}
    assert list(await articles_of(settings)) == [site.url("/ferry")]


async def test_parts_wait_for_their_turn_at_the_host(site: Web, configure: Configure) -> None:
    three_parts(site)
    announce(site, ["/ferry"])
    await run(site, configure, delay=0.3)
    times = [seen.at for seen in site.requests if seen.path.startswith("/ferry")]
    assert len(times) == 3
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.29


async def test_robots_rules_hold_for_parts(site: Web, configure: Configure) -> None:
    three_parts(site)
    site.page("/robots.txt", "User-agent: *\nDisallow: /*page=2", media="text/plain")
    announce(site, ["/ferry"])
    _, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["text"] == PARAGRAPH_BREAK.join((told(1), told(3)))
    assert site.count("/ferry?page=2") == 0


async def test_a_missing_part_is_told_and_the_rest_is_stored(
    site: Web, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    three_parts(site)
    site.page("/ferry?page=2", "gone", status=500)
    announce(site, ["/ferry"])
    with caplog.at_level(logging.WARNING, "crawler.pipeline.parts"):
        _, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["text"] == PARAGRAPH_BREAK.join((told(1), told(3)))
    assert any("a part is missing" in line and "page=2" in line for line in caplog.messages)


async def test_parts_that_lead_in_a_circle_or_to_another_host_are_left_out(site: Web, configure: Configure) -> None:
    async with Web("127.0.0.4") as foreign:
        foreign.page("/ferry?page=4", page(4, ""))
        pager = " ".join(f'<a href="?page={n}">{n}</a>' for n in (2, 3, 4))
        site.page("/ferry", page(1, pager))
        site.page("/ferry?page=2", page(2, pager))
        site.redirect("/ferry?page=3", site.url("/ferry?page=2"))
        site.redirect("/ferry?page=4", foreign.url("/ferry?page=4"))
        announce(site, ["/ferry"])
        _, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["text"] == PARAGRAPH_BREAK.join((told(1), told(2)))


async def test_a_pager_without_an_end_is_followed_to_ten_pages(site: Web, configure: Configure) -> None:
    site.page("/ferry", page(1, '<a rel="next" href="?page=2">Next page</a>'))
    for n in range(2, 20):
        site.page(f"/ferry?page={n}", page(n, f'<a rel="next" href="?page={n + 1}">Next page</a>'))
    announce(site, ["/ferry"])
    _, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["text"] == PARAGRAPH_BREAK.join(told(n) for n in range(1, 11))
    assert site.count("/ferry?page=11") == 0


async def test_pages_of_comments_and_the_next_story_are_no_parts(site: Web, configure: Configure) -> None:
    site.page("/ferry", page(1, '<a href="?page=2">2</a> <a rel="next" href="/ferry/2">The harbor closes</a>'))
    site.page("/ferry?page=2", page(1, "<p>A comment.</p>"))
    site.page("/ferry/2", page(2, "", title="The harbor closes"))
    announce(site, ["/ferry"])
    _, settings = await run(site, configure)
    (stored,) = (await articles_of(settings)).values()
    assert stored["text"] == told(1)
