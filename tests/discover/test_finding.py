"""Leads on a page and in URLs, and what hostile pages make of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.discover import finding
from crawler.discover.finding import How, by_promise, is_front, names_document, read_front, usual_feeds
from crawler.model import RawDocument

PAGE = "https://post.example/"


def feeds(html: str, url: str = PAGE) -> list[tuple[str, How]]:
    return [(lead.url, lead.how) for lead in read_front(RawDocument(url, html.encode())).feeds]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<link rel="alternate" type="application/atom+xml" href="/a">', ["/a"]),
        ('<LINK REL="Alternate home" TYPE="application/rss+xml; charset=utf-8" HREF="a">', ["/a"]),
        ('<link rel="alternate" type="application/feed+json" href="//post.example/j">', ["/j"]),
        ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/7">', []),
        ('<link rel="alternate" type="application/json" href="/feed.json">', ["/feed.json"]),
        ('<link rel="alternate" hreflang="de" href="/de/">', []),
        ('<link rel="stylesheet" type="text/css" href="/feed.css">', []),
        ('<base href="/news/"><link rel="alternate" type="application/rss+xml" href="feed">', ["/news/feed"]),
        ('<a href="feed:https://post.example/x/rss">RSS</a>', ["/x/rss"]),
        ('<a href="feed://post.example/x/rss">RSS</a>', ["/x/rss"]),
        ('<a href="/?feed=rss2">RSS</a><a href="/blog?format=rss">RSS</a>', ["/?feed=rss2", "/blog?format=rss"]),
        ('<a href="/feedback">Say</a><a href="/2026/feeding-the-gulls-of-the-quay">Gulls</a>', []),
        ('<a href="/comments/feed/">RSS</a><a href="/rss.xml">Comments</a>', []),
        ('<a href="javascript:feed()">x</a><a href="">x</a><a href="mailto:feed@post.example">x</a>', []),
    ],
)
def test_feeds_that_a_page_names(html: str, expected: list[str]) -> None:
    assert [url.removeprefix("https://post.example") for url, _ in feeds(html)] == expected


def test_what_the_head_declares_goes_before_links_and_each_is_there_once() -> None:
    html = (
        '<body><a href="/rss/b">B</a><a href="/rss/a">A</a>'
        '<link rel="alternate" type="application/rss+xml" href="/rss/a">'
    )
    assert feeds(html) == [(f"{PAGE}rss/a", How.DECLARED), (f"{PAGE}rss/b", How.LINKED)]


def test_sections_are_the_short_links_of_menus() -> None:
    html = (
        '<nav><a href="/world">World</a><a href="/sport/football">Football</a><a href="/login">Log in</a>'
        '<a href="/2026/a">x</a><a href="https://other.example/world">x</a></nav>'
        '<main><a href="/money">Money</a></main>'
    )
    found = read_front(RawDocument(PAGE, html.encode())).sections
    assert [(lead.url, lead.title) for lead in found] == [
        (f"{PAGE}world", "World"),
        (f"{PAGE}sport/football", "Football"),
    ]


@pytest.mark.parametrize(
    ("url", "front", "document"),
    [
        ("https://post.example", True, False),
        ("https://post.example/en/", True, False),
        ("https://post.example/index.html", True, False),
        ("https://post.example/world", False, False),
        ("https://post.example/?p=3", False, False),
        ("https://post.example/feed", False, True),
        ("https://post.example/world/rss/", False, True),
        ("https://post.example/atom.xml", False, True),
        ("https://post.example/sitemap_news.xml.gz", False, True),
        ("https://post.example/sitemap-1", False, True),
        ("https://post.example/?feed=atom", False, True),
        ("https://post.example/feedback", False, False),
    ],
)
def test_what_a_url_says_of_itself(url: str, front: bool, document: bool) -> None:
    assert (is_front(url), names_document(url)) == (front, document)


def test_news_sitemaps_go_first_and_those_of_pictures_last() -> None:
    named = [
        "/image-sitemap.xml",
        "/sitemap.xml",
        "https://post.example/google-news.xml",
        "ftp://x/",
        "/newsletter.xml",
    ]
    found = [lead.url.removeprefix(PAGE) for lead in by_promise(named, PAGE, How.ROBOTS)]
    assert found == ["google-news.xml", "sitemap.xml", "newsletter.xml", "image-sitemap.xml"]


def test_usual_places_of_a_section_begin_in_it() -> None:
    places = [lead.url for lead in usual_feeds("https://post.example/world")]
    assert places[0] == "https://post.example/world/feed"
    assert "https://post.example/feed" in places
    assert len(places) == len(set(places)) == 10


PIECES = [
    "<a href=", "/feed", "<nav>", ">", "'", '"', "<link rel=alternate type=", "application/rss+xml", " href=",
    "http://[", "feed:", "\x00", "é", "</nav>", "<base href=", "&#x1F;",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_page_breaks_the_reading(parts: list[str]) -> None:
    front = read_front(RawDocument(PAGE, "".join(parts).encode()))
    assert all(lead.url.startswith(("http://", "https://")) for lead in (*front.feeds, *front.sections))


@pytest.mark.parametrize(
    "html",
    ["<nav>" * 100_000, "<nav>" + "<a href=/feed/%s>x</a>" * 60_000, "<link href=/feed rel=feed>" * 100_000],
    ids=["deep", "links", "declared"],
)
def test_a_hostile_page_costs_no_more_than_a_large_one(html: str) -> None:
    begun = time.perf_counter()
    front = read_front(RawDocument(PAGE, html.encode()))
    assert time.perf_counter() - begun < 3
    assert len(front.feeds) <= finding.MAX_FEEDS
