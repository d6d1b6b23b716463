"""What the sample web announces, read by the parsers that others use."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import feedparser
import pytest
from defusedxml import ElementTree
from selectolax.lexbor import LexborHTMLParser

from crawler import discover, urls
from crawler.demo import feeds
from crawler.demo.feeds import Channel, Entry
from crawler.demo.stories import host_label
from crawler.model import Discovery, RawDocument, SourceKind
from tests.demo.conftest import LIGHTHOUSE, PLAIN, Client

FEEDS = [
    ("dailyharbor", "/feed/", "rss20"),
    ("bulletin24", "/atom.xml", "atom10"),
    ("feedgazette", "/rss.xml", "rss20"),
    ("ledgerline", "/index.rdf", "rss10"),
    ("newsroom", "/feeds/wsj.xml", "rss20"),
    ("newsroom", "/public/rss/world.xml", "rss20"),
    ("releases", "/releases.xml", "rss20"),
]
Writer = Callable[[Channel, Sequence[Entry]], bytes]
WRITERS = (feeds.rss2, feeds.rss1, feeds.atom)
CHANNEL = Channel("Fish & Chips <daily>", "http://x.localhost:1", "http://x.localhost:1/feed?a=1&b=2")
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


async def parsed(client: Client, host: str, path: str) -> feedparser.FeedParserDict:
    answer = await client.get(host, path)
    feed = feedparser.parse(io.BytesIO(answer.body))
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


@pytest.mark.parametrize(("host", "path", "version"), FEEDS)
async def test_every_feed_is_well_formed_and_of_its_kind(client: Client, host: str, path: str, version: str) -> None:
    feed = await parsed(client, host, path)
    assert feed.version == version
    assert feed.entries
    for entry in feed.entries:
        assert entry.link.startswith(f"http://{host}.localhost:{client.web.port}/")
        assert "published_parsed" in entry or "updated_parsed" in entry


async def test_announced_titles_are_those_of_the_stories(client: Client) -> None:
    for host, path in (("dailyharbor", "/feed/"), ("ledgerline", "/index.rdf"), ("releases", "/releases.xml")):
        titles = {entry.title for entry in (await parsed(client, host, path)).entries}
        assert titles >= {article.title for article in client.web.stories.on(host)} - _marked_up(titles)


def _marked_up(titles: set[str]) -> set[str]:
    """feedparser cleans titles that look like HTML; their escaping is seen to in the pages' tests."""
    return {'Tower <script>alert("x")</script> & "bell"', "Board <to> Retire Lamp"}


async def test_each_title_of_the_newsroom_has_its_own_feed_with_full_texts(client: Client) -> None:
    feed = await parsed(client, "newsroom", "/feeds/wsj.xml")
    (entry,) = feed.entries
    assert entry.title == "A Lamp Keeper’s Last Winter"
    assert entry.publisher == "The Wall Street Journal"
    tree = LexborHTMLParser(entry.content[0].value)
    text = tree.body.text() if tree.body else ""
    assert all(paragraph in text for paragraph in LIGHTHOUSE)
    assert [entry.title for entry in (await parsed(client, "newsroom", "/feeds/barrons.xml")).entries] == [
        "Bell Stocks Ring"
    ]


async def test_the_public_feed_gives_headline_and_teaser_only(client: Client) -> None:
    feed = await parsed(client, "newsroom", "/public/rss/world.xml")
    assert [entry.title for entry in feed.entries] == ["A Lamp Keeper’s Last Winter", "Who Will Miss the Foghorn?"]
    assert not any("content" in entry for entry in feed.entries)
    assert feed.entries[1].summary == "The foghorn of Skerryhaven fell silent on Monday."
    assert (await client.get_url(feed.entries[1].link)).status == 200


async def test_the_feed_only_site_carries_whole_texts_and_an_ending(client: Client) -> None:
    (entry,) = (await parsed(client, "feedgazette", "/rss.xml")).entries
    assert entry.title == "Lamp ]]> gone"
    tree = LexborHTMLParser(entry.content[0].value)
    paragraphs = [node.text() for node in tree.css("p")]
    assert paragraphs[:-1] == PLAIN
    assert "first appeared on" in paragraphs[-1]


async def test_other_feeds_of_aggregators_carry_no_text(client: Client) -> None:
    for host, path in (("dailyharbor", "/feed/"), ("bulletin24", "/atom.xml"), ("ledgerline", "/index.rdf")):
        assert not any("content" in entry for entry in (await parsed(client, host, path)).entries)


async def test_atom_links_are_tracked_and_the_amp_twin_stands_beside_its_page(client: Client) -> None:
    feed = await parsed(client, "bulletin24", "/atom.xml")
    links = [entry.link for entry in feed.entries]
    assert sum("/world/script-2?utm_source=" in link for link in links) == 1
    assert sum(link.endswith("/world/script-2?amp=1") for link in links) == 1
    assert all("?" in link for link in links)


async def test_noise_is_announced_where_it_lies(client: Client) -> None:
    home = f"localhost:{client.web.port}"
    daily = [entry.link for entry in (await parsed(client, "dailyharbor", "/feed/")).entries]
    assert f"http://dailyharbor.{home}/2026/02/gone/" in daily
    sitemap = (await client.get("quickbrief", "/sitemap-news.xml")).body.decode()
    assert f"<loc>http://quickbrief.{home}/news/picture</loc>" in sitemap


async def test_the_json_feed_has_the_fields_of_version_1_1(client: Client) -> None:
    answer = await client.get("northpress", "/feed.json")
    feed = json.loads(answer.body)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    (item,) = feed["items"]
    assert item["title"] == "Keeper leaves tower"
    assert [author["name"] for author in item["authors"]] == ["Ivo Brand", "Uma Lisle"]
    assert item["date_published"].endswith("Z")


async def test_the_sitemap_index_leads_to_the_news_sitemap(client: Client) -> None:
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}
    index = ElementTree.fromstring((await client.get("quickbrief", "/sitemap_index.xml")).body)
    (child,) = [node.text for node in index.findall("s:sitemap/s:loc", space)]
    news = ElementTree.fromstring((await client.get_url(child)).body)
    assert [node.text for node in news.findall("s:url/n:news/n:title", space)] == ["Lamp off", "A picture"]


async def test_the_section_front_links_to_every_story(client: Client) -> None:
    tree = LexborHTMLParser((await client.get("oldtownpost", "/")).body.decode("cp1252"))
    linked = {node.attributes["href"]: node.text() for node in tree.css("a")}
    assert linked["/world/0301.htm"] == "Žďár and “the lamp” part ways after ninety winters"


@pytest.mark.parametrize("write", WRITERS)
def test_a_feed_without_entries_is_a_feed(write: Writer) -> None:
    feed = feedparser.parse(io.BytesIO(write(CHANNEL, [])))
    assert not feed.bozo
    assert not feed.entries


@pytest.mark.parametrize("write", WRITERS)
def test_nothing_in_an_entry_can_break_out_of_its_element(write: Writer) -> None:
    hostile = "</title></item>]]>&amp;<x y='\">"
    entry = Entry(hostile, "http://x.localhost:1/a?b=1&c=<2>", NOON, hostile, (hostile,), hostile, f"<p>{hostile}</p>")
    feed = feedparser.parse(io.BytesIO(write(CHANNEL, [entry, entry])))
    assert not feed.bozo
    assert len(feed.entries) == 2
    ElementTree.fromstring(write(CHANNEL, [entry]))


async def test_every_source_is_read_by_discovery_and_leads_to_all_stories(client: Client) -> None:
    for source in client.web.sources():
        found = await _discovered(client, source.url, source.kind)
        announced = {urls.identity(reference.url) for reference in found.references}
        for child in found.children:
            announced |= {urls.identity(one.url) for one in (await _discovered(client, child)).references}
        host = host_label(source.url)
        expected = {urls.identity(client.web.url(article)) for article in client.web.stories.on(host)}
        if host == "newsroom":
            assert announced
        else:
            assert announced >= expected, source.name


async def test_discovery_finds_full_texts_and_times_where_feeds_carry_them(client: Client) -> None:
    home = f"localhost:{client.web.port}"
    (gazette,) = (await _discovered(client, f"http://feedgazette.{home}/rss.xml")).references
    assert "77 steps &amp; 1 bell" in gazette.content_html
    public = (await _discovered(client, f"http://newsroom.{home}/public/rss/world.xml")).references
    assert [bool(reference.content_html) for reference in public] == [False, False]
    assert public[1].teaser == "The foghorn of Skerryhaven fell silent on Monday."
    for reference in (gazette, *public):
        assert reference.published is not None


async def _discovered(client: Client, url: str, kind: SourceKind = SourceKind.AUTO) -> Discovery:
    answer = await client.get_url(url)
    media_type = answer.headers["Content-Type"].partition(";")[0]
    return discover.read(RawDocument(url, answer.body, media_type), kind)
