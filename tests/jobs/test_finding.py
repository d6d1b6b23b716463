"""A site on loopback is looked at as a user's `sources add` looks at it: which documents are asked, which is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any

import pytest

from crawler.clock import SystemClock
from crawler.discover.choosing import Verdict
from crawler.discover.finding import How
from crawler.errors import BadStatus, ConnectionFailed, DiscoverError, RobotsDenied
from crawler.jobs import finding
from crawler.jobs.finding import Findings, find_sources
from crawler.model import SourceKind
from crawler.settings import FetchSettings
from tests.web import Web

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SETTINGS = FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0, timeout=5.0)
TEXT = "The harbour council met again on Monday and agreed on a plan for the eastern quay. " * 30


def paths(count: int = 8, start: int = 0) -> list[str]:
    return [f"/2026/11/{number + 10}/harbour-council-votes-on-quay-{number}" for number in range(start, start + count)]


def rss(web: Web, stories: Sequence[str], *, age: timedelta = DAY / 4, full: bool = False, language: str = "en") -> str:
    text = f"<content:encoded>{escape(f'<p>{TEXT}</p>')}</content:encoded>" if full else ""
    items = "".join(
        f"<item><title>Harbour council votes</title><link>{path if '://' in path else web.url(path)}</link>"
        f"<description>The council met.</description>"
        f"<pubDate>{format_datetime(NOW - age)}</pubDate>{text}</item>"
        for path in stories
    )
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Harbour Post</title><language>{language}</language>{items}</channel></rss>"
    )


def sitemap(web: Web, stories: Sequence[str], *, news: bool = False) -> str:
    time = (NOW - DAY / 4).isoformat()
    said = (
        f"<news:news><news:title>Council votes</news:title><news:publication_date>{time}</news:publication_date>"
        "</news:news>"
        if news
        else f"<lastmod>{time}</lastmod>"
    )
    entries = "".join(f"<url><loc>{web.url(path)}</loc>{said}</url>" for path in stories)
    return (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{entries}</urlset>'
    )


def front(stories: Sequence[str] = (), head: str = "", menu: str = "") -> str:
    cards = "".join(
        f"<article><h2><a href={path}>Harbour council votes on the quay</a></h2></article>" for path in stories
    )
    return (
        f"<!doctype html><html lang=en><head><title>Harbour Post</title>{head}</head>"
        f"<body><nav>{menu}</nav>{cards}</body></html>"
    )


def declared(*urls: str) -> str:
    return "".join(f'<link rel="alternate" type="application/rss+xml" href="{url}">' for url in urls)


def feed(web: Web, path: str, body: str) -> None:
    web.page(path, body, media="application/rss+xml")


async def found(web: Web, path: str = "/", **how: Any) -> Findings:
    return await find_sources(SETTINGS, SystemClock(), web.url(path), **how)


def chosen(findings: Findings) -> list[str]:
    return [one.url.partition("//")[2].partition("/")[2] for one in findings.wanted]


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web("127.0.0.9") as web:
        yield web


async def test_the_feed_that_the_page_names_is_taken_and_little_else_is_asked(web: Web) -> None:
    web.page("/", front(paths(), declared("/news/feed")))
    feed(web, "/news/feed", rss(web, paths()))
    findings = await found(web)
    assert chosen(findings) == ["news/feed"]
    (best, *_) = findings.offers
    assert (best.verdict, best.find.how, best.find.kind) == (Verdict.BEST, How.DECLARED, SourceKind.FEED)
    assert (best.find.entries, best.find.recent) == (8, 8)
    assert sorted(web.paths()) == ["/", "/news/feed", "/robots.txt"]


async def test_a_feed_with_the_whole_text_goes_before_one_with_teasers(web: Web) -> None:
    web.page("/", front(paths(), declared("/short", "/whole")))
    feed(web, "/short", rss(web, paths()))
    feed(web, "/whole", rss(web, paths(), full=True))
    findings = await found(web)
    assert chosen(findings) == ["whole"]
    assert {one.find.url.rsplit("/", 1)[-1]: one.verdict for one in findings.offers}["short"] is Verdict.REPEATS


async def test_a_fresh_feed_goes_before_a_frozen_one_with_more_text(web: Web) -> None:
    web.page("/", front((), declared("/frozen", "/fresh")))
    feed(web, "/frozen", rss(web, paths(), age=300 * DAY, full=True))
    feed(web, "/fresh", rss(web, paths(4, 4)))
    findings = await found(web)
    assert chosen(findings)[0] == "fresh"
    assert "frozen" not in chosen(findings)


async def test_a_site_with_a_frozen_feed_alone_is_taken_by_its_page(web: Web) -> None:
    web.page("/", front(paths(), declared("/frozen")))
    feed(web, "/frozen", rss(web, ["/old-story-of-the-quay"], age=300 * DAY))
    assert chosen(await found(web)) == [""]


async def test_a_feed_of_readers_comments_is_not_looked_at(web: Web) -> None:
    comments = '<link rel=alternate type=application/rss+xml title="Post » Comments Feed" href=/talk/feed>'
    web.page("/", front(paths(), comments + declared("/feed")))
    feed(web, "/feed", rss(web, paths()))
    feed(web, "/talk/feed", rss(web, paths(), full=True))
    assert chosen(await found(web)) == ["feed"]
    assert web.count("/talk/feed") == 0


async def test_a_feed_of_other_sites_stories_or_in_another_language_is_no_choice(web: Web) -> None:
    web.page("/", front(paths(), declared("/partners", "/german", "/own")))
    feed(web, "/partners", rss(web, [f"https://partner.example/{n}" for n in range(9)], full=True))
    feed(web, "/german", rss(web, paths(8, 20), full=True, language="de"))
    feed(web, "/own", rss(web, paths()))
    findings = await found(web)
    assert chosen(findings) == ["own"]
    verdicts = {one.find.url: one.verdict for one in findings.offers}
    assert verdicts[web.url("/partners")] is verdicts[web.url("/german")] is Verdict.FOREIGN


async def test_the_feed_that_holds_most_of_the_front_page_is_the_main_one(web: Web) -> None:
    web.page("/", front(paths(12), declared("/sport", "/main")))
    feed(web, "/sport", rss(web, paths(12, 60)))
    feed(web, "/main", rss(web, paths(12)))
    findings = await found(web)
    assert chosen(findings) == ["main", "sport"]


async def test_a_link_to_a_list_of_feeds_is_followed(web: Web) -> None:
    web.page("/", front(paths(), menu="<a href=/rss>RSS</a>"))
    web.page("/rss", front((), menu="<a href=/rss/top.xml>Top</a>"))
    feed(web, "/rss/top.xml", rss(web, paths()))
    assert chosen(await found(web)) == ["rss/top.xml"]


async def test_a_usual_place_is_asked_where_nothing_is_named(web: Web) -> None:
    web.page("/", front(paths()))
    feed(web, "/feed", rss(web, paths()))
    findings = await found(web)
    assert chosen(findings) == ["feed"]
    assert findings.offers[0].find.how is How.USUAL


async def test_an_error_page_that_answers_200_is_no_feed(web: Web) -> None:
    web.page("*", front(paths()))
    findings = await found(web)
    assert chosen(findings) == [""]
    assert findings.offers[0].find.kind is SourceKind.LISTING
    assert len(web.requests) <= finding.MAX_ASKED + 2


async def test_a_news_sitemap_of_robots_txt_is_taken_before_other_sitemaps(web: Web) -> None:
    web.page(
        "/robots.txt", f"Sitemap: {web.url('/pages.xml')}\nSitemap: {web.url('/news-map.xml')}\n", media="text/plain"
    )
    web.page("/", front(paths(3)))
    web.page("/pages.xml", sitemap(web, paths(30)), media="application/xml")
    web.page("/news-map.xml", sitemap(web, paths(20), news=True), media="application/xml")
    findings = await found(web)
    best = findings.offers[0].find
    assert (best.url, best.kind, best.news, best.how) == (
        web.url("/news-map.xml"),
        SourceKind.SITEMAP,
        True,
        How.ROBOTS,
    )
    assert web.count("/pages.xml") == 0


async def test_the_news_sitemap_of_an_index_is_taken_and_not_the_index(web: Web) -> None:
    web.page("/robots.txt", f"Sitemap: {web.url('/sitemaps.xml')}\n", media="text/plain")
    web.page("/", front(paths(3)))
    listed = "".join(f"<sitemap><loc>{web.url(path)}</loc></sitemap>" for path in ("/posts-1.xml", "/news.xml"))
    web.page("/sitemaps.xml", f"<sitemapindex>{listed}</sitemapindex>", media="application/xml")
    web.page("/posts-1.xml", sitemap(web, paths(30)), media="application/xml")
    web.page("/news.xml", sitemap(web, paths(20), news=True), media="application/xml")
    assert chosen(await found(web))[0] == "news.xml"


async def test_an_index_without_news_is_measured_by_its_newest_sitemap(web: Web) -> None:
    web.page("/robots.txt", f"Sitemap: {web.url('/sitemaps.xml')}\n", media="text/plain")
    web.page("/", front())
    web.page("/sitemaps.xml", f"<sitemapindex><sitemap><loc>{web.url('/a.xml')}</loc></sitemap></sitemapindex>")
    web.page("/a.xml", sitemap(web, paths(30)), media="application/xml")
    best = (await found(web)).offers[0].find
    assert (best.url, best.entries) == (web.url("/sitemaps.xml"), 30)
    assert best.described.startswith("sitemap index with 30 entries, newest of ")


async def test_the_sections_of_the_menu_are_the_last_resort(web: Web) -> None:
    web.page("/", front((), menu="<a href=/world>World</a><a href=/about>About</a><a href=/sport>Sport</a>"))
    web.page("/world", front(paths()))
    web.page("/sport", front(paths(8, 50)))
    findings = await found(web)
    assert sorted(chosen(findings)) == ["sport", "world"]
    assert web.count("/about") == 0
    with pytest.raises(DiscoverError):
        await found(web, pages=False)


async def test_what_robots_txt_forbids_is_not_asked(web: Web) -> None:
    web.page("/robots.txt", "User-agent: *\nDisallow: /feed\n", media="text/plain")
    web.page("/", front(paths(), declared("/feed")))
    feed(web, "/feed", rss(web, paths()))
    assert chosen(await found(web)) == [""]
    assert web.count("/feed") == 0


async def test_a_site_whose_page_is_closed_may_have_a_feed(web: Web) -> None:
    web.page("/robots.txt", "User-agent: *\nDisallow: /$\n", media="text/plain")
    feed(web, "/rss.xml", rss(web, paths()))
    assert chosen(await found(web)) == ["rss.xml"]


@pytest.mark.parametrize("path", ["/feed", "/anything"])
async def test_a_url_that_is_a_feed_is_taken_as_it_is(web: Web, path: str) -> None:
    feed(web, path, rss(web, paths()))
    findings = await found(web, path)
    assert findings.given is not None
    assert findings.wanted == [findings.given]
    assert web.paths() == ["/robots.txt", path]


async def test_a_section_front_is_taken_at_its_word_unless_a_search_is_asked_for(web: Web) -> None:
    web.page("/world", front(paths(), declared("/feed")))
    feed(web, "/feed", rss(web, paths()))
    plain = await found(web, "/world", search=False)
    assert (chosen(plain), plain.feeds) == (["world"], 1)
    assert web.count("/feed") == 0
    assert chosen(await found(web, "/world")) == ["feed"]


async def test_a_site_that_moved_is_looked_at_where_it_is(web: Web) -> None:
    async with Web("127.0.0.10", port=web.port) as new:
        web.redirect("/", new.url("/"), 301)
        new.page("/", front(paths(), declared("/feed")))
        feed(new, "/feed", rss(new, paths()))
        assert [one.url for one in (await found(web)).wanted] == [new.url("/feed")]


async def test_a_site_that_cannot_be_reached_is_told_as_that(web: Web) -> None:
    port = web.port
    await web.__aexit__()
    with pytest.raises(ConnectionFailed):
        await find_sources(SETTINGS, SystemClock(), f"http://127.0.0.9:{port}/")


async def test_a_site_that_announces_nothing_is_told_with_what_its_page_answered(web: Web) -> None:
    with pytest.raises(BadStatus, match="404"):
        await found(web)
    web.page("/", front())
    with pytest.raises(DiscoverError, match="found no feed, sitemap or page of stories"):
        await found(web)
    web.page("/robots.txt", "User-agent: *\nDisallow: /\n", media="text/plain")
    with pytest.raises(RobotsDenied):
        await found(web)


async def test_a_page_of_a_thousand_leads_costs_no_more_than_the_limit(web: Web) -> None:
    many = declared(*(f"/feed/{number}" for number in range(1_000)))
    sitemaps = "".join(f"Sitemap: {web.url(f'/news-{number}.xml')}\n" for number in range(400))
    web.page("/robots.txt", sitemaps, media="text/plain")
    web.page("/", front((), many, "".join(f"<a href=/part{'x' * n}>x</a>" for n in range(300))))
    with pytest.raises(DiscoverError):
        await found(web, thorough=True)
    assert len(web.requests) <= finding.MAX_ASKED + 2


async def test_a_site_that_never_answers_ends_the_search_in_time(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(finding, "MAX_SECONDS", 0.3)
    web.page("/", front(paths(), declared("/slow", "/feed")))
    web.handler("/slow", never)
    feed(web, "/feed", rss(web, paths()))
    async with asyncio.timeout(4):
        assert chosen(await found(web)) == ["feed"]


async def test_a_page_of_links_is_as_old_as_the_feed_of_the_same_stories(web: Web) -> None:
    web.page("/", front(paths(), declared("/frozen")))
    feed(web, "/frozen", rss(web, paths(), age=300 * DAY))
    (best, page, *_) = (await found(web)).offers
    assert (best.find.url, best.why) == (web.url("/frozen"), "its newest entry is old: it may be dead")
    assert page.verdict is Verdict.REPEATS


async def test_a_page_that_says_a_wrong_language_does_not_lose_its_only_feed(web: Web) -> None:
    web.page("/", front(paths(), declared("/feed")))
    feed(web, "/feed", rss(web, paths(), language="de"))
    assert chosen(await found(web)) == ["feed"]


async def test_a_front_that_leads_to_a_page_of_its_own_is_a_front(web: Web) -> None:
    web.redirect("/", "/news/start.do")
    web.page("/news/start.do", front(paths(), declared("/feed")))
    feed(web, "/feed", rss(web, paths()))
    assert chosen(await found(web, search=False)) == ["feed"]
