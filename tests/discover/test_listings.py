from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.directives import NONE_GIVEN, Directives
from crawler.discover import read
from crawler.discover.listings import MAX_DEPTH
from crawler.errors import DiscoverError
from crawler.model import Discovery, RawDocument, SourceKind

URL = "https://www.quay.example/business/"


def discover(html: str, url: str = URL) -> Discovery:
    return read(RawDocument(url=url, body=html.encode()))


CARDS = """<!doctype html><html lang="en-GB"><head><title>Business | The Quay</title></head><body>
<header class="site-header"><a href="/">The Quay</a><nav><ul>
 <li><a href="/business/">Business</a>
 <li><a href="/world/asia-pacific-and-oceania/">Asia, the Pacific and Oceania news</a>
 <li><a href="/subscribe/today-for-one-month-free">Subscribe today for one month free</a></ul></nav></header>
<main><article class="card"><a href="/business/2026/01/05/grain-prices-fall-for-third-week/">
 <img src="g.jpg" alt=""></a>
 <h2><a href="/business/2026/01/05/grain-prices-fall-for-third-week/?ref=front">
 Grain prices fall for third week</a></h2>
 <p>Traders point to a mild autumn.</p>
 <a class="byline" href="/authors/ida-mell-business-editor">Ida Mell, business editor</a>
 <time datetime="2026-01-05T08:00:00Z">Monday</time></article>
<article class="card">
 <h2><a href="https://quay.example/business/2026/01/04/lock-keepers-vote-on-pay-offer/">Lock keepers vote on
 pay offer</a></h2><time datetime="2026-01-04">Sunday</time><a href="/tag/pay-and-conditions-at-work">Pay</a>
 <a href="#comments">12 comments</a></article></main>
<aside><a href="https://other.example/2026/01/05/partner-story-about-boats">
 Partner story about boats and more</a></aside>
<footer><a href="/about-us/how-we-work-and-what-we-do">How we work and what we do</a>
<a href="/privacy-policy-for-our-readers-2026">Privacy policy for our readers</a></footer></body></html>"""

TABLE = """<html><head><title>PORT GAZETTE</title></head><body><table><tr><td>
<a href="index.php">Home</a> <a href="contact.php">Contact</a></td></tr><tr><td>
<a href="story.php?id=48213"><b>Ferry line drops its night crossing</b></a><br>
<a href="story.php?id=48209">Two cranes for sale, one careful owner</a><br>
<a href="story.php?id=48209&print=1"><img src="printer.gif"></a><br>
<a href="poster.pdf">Download the poster of the regatta</a></td></tr></table></body></html>"""

BLOG = """<!DOCTYPE html><html lang="de"><head><base href="https://hafenblog.example/"><title>Hafenblog</title></head>
<body class="home blog">
<div id="page"><div class="menu-main"><a href="ueber-uns">Über uns und unsere Arbeit</a></div>
<div class="post hentry">
 <h2 class="entry-title"><a href="kai-sieben-bleibt-gesperrt/">Kai sieben bleibt gesperrt</a></h2>
 <a class="more-link" href="kai-sieben-bleibt-gesperrt/#more">Weiterlesen</a></div>
<div class="post hentry">
 <h2 class="entry-title"><a href="schlepper-aus-drei-laendern/">Schlepper aus drei Ländern</a></h2></div>
<div class="pagination"><a href="page/2/">Ältere Beiträge aus dem Archiv</a></div></div></body></html>"""

SOUP = """<html><body><div class="wrap">
<div class="top-nav"><a href="/markets">Markets</a>
<a href="/login?next=/a-b-c-d">Log in</a></div>
<div class="river"><div class="river-item">
 <a href="/articles/tin-miners-win-longer-breaks-8f3a2b9c"><span>Tin miners win longer breaks</span></a></div>
<div class="advert"><a href="/sponsored/best-boats-of-the-year-2026">The best boats of the year</a></div>
<div class="river-item">
 <a href="/articles/who-pays-for-the-new-pier-77ab12cd"><span>Who pays for the new pier?</span></a></div>
<div class="river-item"><a href="javascript:void(0)">Show more of these stories</a></div>
<div class="river-item"><a href="/video/clip.mp4">Watch the pier being built</a></div></div></div></body></html>"""

NUMBERS = """<html><body><ul class="headlines">
<li><a href="/n/202601050017.html">Dredger stuck at mouth of river</a></li>
<li><a href="/n/202601050016.html">Mayor opens bridge a second time</a></li><li><a href="/n/">More</a></li></ul>
<div id="footer"><a href="/n/202601010001.html">Terms of use for our service</a></div></body></html>"""


@pytest.mark.parametrize(
    ("page", "url", "expected"),
    [
        (
            CARDS,
            URL,
            [
                "https://www.quay.example/business/2026/01/05/grain-prices-fall-for-third-week/",
                "https://quay.example/business/2026/01/04/lock-keepers-vote-on-pay-offer/",
            ],
        ),
        (
            TABLE,
            "https://gazette.example/index.php",
            ["https://gazette.example/story.php?id=48213", "https://gazette.example/story.php?id=48209"],
        ),
        (
            BLOG,
            "https://hafenblog.example/",
            [
                "https://hafenblog.example/kai-sieben-bleibt-gesperrt/",
                "https://hafenblog.example/schlepper-aus-drei-laendern/",
            ],
        ),
        (
            SOUP,
            "https://soup.example/",
            [
                "https://soup.example/articles/tin-miners-win-longer-breaks-8f3a2b9c",
                "https://soup.example/articles/who-pays-for-the-new-pier-77ab12cd",
            ],
        ),
        (
            NUMBERS,
            "https://digits.example/",
            ["https://digits.example/n/202601050017.html", "https://digits.example/n/202601050016.html"],
        ),
    ],
    ids=["cards", "table", "blog", "soup", "numbers"],
)
def test_a_section_front_gives_its_articles_in_order(page: str, url: str, expected: list[str]) -> None:
    found = discover(page, url)
    assert found.kind is SourceKind.LISTING
    assert [one.url for one in found.references] == expected


def test_a_card_gives_title_time_and_the_pages_language() -> None:
    found = discover(CARDS)
    first, second = found.references
    assert found.title == "Business | The Quay"
    assert (first.title, first.published) == ("Grain prices fall for third week", datetime(2026, 1, 5, 8, tzinfo=UTC))
    assert second.title == "Lock keepers vote on pay offer"
    assert first.language == "en-GB"


def test_times_of_a_list_of_many_stories_belong_to_none() -> None:
    rows = "".join(
        f"<a href='/2026/01/0{n}/story-about-harbour-{n}'>A story about the harbour {n}</a>"
        f"<time datetime='2026-01-0{n}'></time>"
        for n in range(1, 4)
    )
    found = discover(f"<html><body><div>{rows}</div></body></html>")
    assert [one.published for one in found.references] == [None] * 3


def test_links_are_bounded() -> None:
    rows = "".join(
        f"<li><a href='/2026/01/05/story-about-harbour-{n}'>A story about the harbour {n}</a>" for n in range(600)
    )
    found = discover(f"<html><body><ul>{rows}</ul></body></html>")
    assert len(found.references) == 500
    assert found.truncated


def test_the_page_itself_is_not_among_its_links() -> None:
    page = "<html><body><h2><a href='/2026/01/05/story-about-harbour?utm_source=x'>A story about the harbour</a></h2>"
    with pytest.raises(DiscoverError, match="without links that look like articles"):
        discover(page, "https://www.quay.example/2026/01/05/story-about-harbour")


def test_hostile_nesting_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(DiscoverError, match="too deeply nested"):
        discover("<html><body>" + "<div>" * (MAX_DEPTH + 1))


def test_ten_megabytes_of_one_tag_are_refused() -> None:
    with pytest.raises(DiscoverError, match="too many or too deeply nested"):
        discover("<html>" + "<a href=x>" * 1_000_000)


def test_unclosed_list_items_are_not_taken_for_depth() -> None:
    rows = "<li><p>text<br>" * (MAX_DEPTH + 100)
    found = discover(
        f"<html><body><h2><a href='/2026/story-about-harbour'>A story about the harbour</a></h2><ul>{rows}"
    )
    assert len(found.references) == 1


LINKS = '<html><head>%s</head><body><h2><a href="/2026/01/05/ferry-back-in-service">Ferry back in service</a></h2>'


def front(head: str = "", directives: Directives = NONE_GIVEN) -> RawDocument:
    return RawDocument("https://post.example/", (LINKS % head).encode(), directives=directives, robot="wiretrace")


@pytest.mark.parametrize(
    "document",
    [
        front('<meta name="robots" content="noindex, nofollow">'),
        front('<meta name="WireTrace" content="none">'),
        front(directives=Directives(nofollow=True)),
    ],
    ids=["to all", "by name", "by header"],
)
def test_a_front_that_asks_not_to_have_its_links_followed_is_no_source(document: RawDocument) -> None:
    with pytest.raises(DiscoverError, match="its links not be followed"):
        read(document)


def test_a_front_that_asks_others_or_something_else_is_one() -> None:
    head = '<meta name="otherbot" content="nofollow"><meta name="robots" content="noindex, follow">'
    assert len(read(front(head)).references) == 1
