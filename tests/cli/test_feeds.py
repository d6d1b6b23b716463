"""Feeds as a reader takes them: parsed by another's parser and by our own."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from crawler.discover.reading import read
from crawler.model import Article, Completeness, LinkState, RawDocument, Standing
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.cli.conftest import Wiretrace
from tests.pages.conftest import FERRY, put_link
from tests.store.pieces import (
    HOUR,
    NOON,
    StillClock,
    claim,
    delivery,
    fingerprint,
    linked,
    original,
    page,
    source,
    unlinked,
)

NASTY = 'Boats & <b>"ferries"</b>\x0b \ud83d\x00 \u202eend'


@pytest.fixture
def ours(wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wiretrace:
    """The command over a store in its folder."""
    monkeypatch.setenv("WIRETRACE_DATABASE__URL", f"sqlite+aiosqlite:///{tmp_path}/store.db")
    return wiretrace


def fill(tmp_path: Path, *work: object) -> None:
    """Runs steps, each a function of the store and the clock, in order."""

    async def all_of_it() -> None:
        clock = StillClock()
        url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
        async with await Store.open(DatabaseSettings(url=url), clock) as store:
            for step in work:
                clock.pass_by(60)
                await step(store)  # type: ignore[operator]

    asyncio.run(all_of_it())


def links_of(*names: str, **other: object) -> list[object]:
    async def put(store: Store, name: str) -> None:
        await put_link(store, name, **other)  # type: ignore[arg-type]

    return [lambda store, name=name: put(store, name) for name in names]


def kept(article: Article, decision: object = None) -> object:
    async def put(store: Store) -> None:
        await store.store_article(article, fingerprint(7))
        if decision is not None:
            await store.record_decision(decision, worker=None, reason="new")  # type: ignore[arg-type]

    return put


def test_a_feed_of_links_has_the_newest_first_and_leads_to_page_and_original(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, *links_of("one", "two"))
    feed = feedparser.parse(ours("export", "links", "--format", "atom").out.encode())
    assert not feed.bozo
    assert [entry.link for entry in feed.entries] == ["https://copy.example/two", "https://copy.example/one"]
    newest = feed.entries[0]
    assert {link.rel: link.href for link in newest.links}["via"] == "https://wire.example/ferry"
    assert newest.content[0].value.startswith("Rewrite of “Ferry line to reopen in May” (Tidewater Wire, 2026-03-02)")
    assert {tag.term for tag in newest.tags} == {"rewrite", "ours", "new"}
    assert feed.feed.updated == newest.updated == "2026-03-02T12:02:00Z"


def test_both_forms_of_a_feed_are_read_by_the_crawler_itself(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, *links_of("one", "two"))
    for kind in ("atom", "jsonfeed"):
        body = ours("export", "links", "--format", kind).out.encode()
        found = read(RawDocument("https://desk.example/feed", body))
        assert [one.url for one in found.references] == ["https://copy.example/two", "https://copy.example/one"], kind
        assert not found.faults


def test_ids_of_entries_stay_what_they_are(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, *links_of("one"))
    before = json.loads(ours("export", "links", "--format", "jsonfeed").out)["items"]
    fill(tmp_path, *links_of("two"))
    after = json.loads(ours("export", "links", "--format", "jsonfeed").out)["items"]
    assert before[0]["id"] == after[1]["id"] != after[0]["id"]
    atom = feedparser.parse(ours("export", "links", "--format", "atom").out.encode())
    assert [entry.id for entry in atom.entries] == [item["id"] for item in after]


def test_what_a_stranger_wrote_breaks_no_feed(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, *links_of("one", title=NASTY), *links_of("two", url="javascript:alert(1)"))
    said = ours("export", "links", "--format", "atom").out.encode()
    root = etree.fromstring(said)
    assert "<b>" in root.findtext(".//{*}entry[2]/{*}title")
    assert b"javascript:" not in said
    items = json.loads(ours("export", "links", "--format", "jsonfeed").out)["items"]
    assert "url" not in items[0]
    assert items[0]["content_text"]


def test_a_feed_has_no_link_that_a_person_rejected(ours: Wiretrace, tmp_path: Path) -> None:
    async def reject(store: Store) -> None:
        await store.review(await put_link(store, "no"), LinkState.REJECTED, reviewer="Morna")

    fill(tmp_path, *links_of("yes"), reject)
    items = json.loads(ours("export", "links", "--format", "jsonfeed").out)["items"]
    assert [item["url"] for item in items] == ["https://copy.example/yes"]


def test_a_feed_of_links_is_narrowed_by_site_standing_time_and_number(ours: Wiretrace, tmp_path: Path) -> None:
    async def licensed(store: Store) -> None:
        copy, of = page("paid", url="https://www.partner.example/paid"), original()
        await store.store_article(copy, fingerprint(2))
        await store.record_decision(linked(copy, of, standing=Standing.LICENSED), worker=None, reason="new")

    fill(tmp_path, *links_of("one", "two"), licensed)

    def urls(*options: str) -> list[str]:
        said = json.loads(ours("export", "links", "--format", "jsonfeed", *options).out)
        return [item["url"].rpartition("/")[2] for item in said["items"]]

    assert urls() == ["paid", "two", "one"]
    assert urls("--standing", "ours") == ["two", "one"]
    assert urls("--standing", "ours", "--standing", "licensed") == ["paid", "two", "one"]
    assert urls("--site", "www.PARTNER.example") == ["paid"]
    assert urls("--site", "https://copy.example/any") == ["two", "one"]
    assert urls("--limit", "2") == ["paid", "two"]
    assert urls("--since", "2026-03-02T12:02:00Z") == ["paid", "two"]


def test_news_has_each_story_once_and_credits_who_wrote_it(ours: Wiretrace, tmp_path: Path) -> None:
    alone, waiting = page("alone", title="A page of its own"), page("waiting")
    old, teaser = page("old", backfill=True), original("teaser", completeness=Completeness.TEASER, title="Teaser")
    says, takes = page("says", title="Says it"), page("takes")
    fill(
        tmp_path,
        *links_of("copy"),
        kept(alone, unlinked(alone)),
        kept(waiting),
        kept(old, unlinked(old)),
        kept(teaser),
        kept(says, unlinked(says, claim())),
        kept(takes, unlinked(takes, claim(teaser))),
    )
    feed = json.loads(ours("export", "news", "--format", "jsonfeed").out)
    titles = [item["title"] for item in feed["items"]]
    assert titles == ["Says it", "Teaser", "A page of its own", "Ferry line to reopen in May"]
    assert feed["items"][-1]["authors"] == [{"name": "Tidewater Wire"}]
    assert feed["items"][0]["summary"] == "Copy Site says that it comes from Tidewater Wire."
    assert [entry.title for entry in feedparser.parse(ours("export", "news").out).entries] == titles


def test_news_of_a_time_and_a_number_end_there(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, *(kept(original(f"n{number}", title=f"Story {number}")) for number in range(1, 251)))

    def numbers(*options: str) -> list[int]:
        items = json.loads(ours("export", "news", "--format", "jsonfeed", *options).out)["items"]
        return [int(item["title"].split()[1]) for item in items]

    assert numbers() == list(range(250, 150, -1))
    assert numbers("--limit", "230") == list(range(250, 20, -1))
    since = (NOON + timedelta(minutes=100)).isoformat()
    assert numbers("--limit", "1000", "--since", since) == list(range(250, 99, -1))


@pytest.mark.parametrize("may", [False, True])
def test_news_carries_a_licensed_text_only_where_its_source_says_so(ours: Wiretrace, tmp_path: Path, may: bool) -> None:
    async def sources(store: Store) -> None:
        await store.add_source(source("Licensed", publisher="Tidewater Wire", redistribute=may))

    by_source = original("fetched", text=FERRY, source="Licensed")
    fill(tmp_path, sources, kept(by_source), kept(delivery(text=FERRY, published=NOON - HOUR)))
    for kind in ("atom", "jsonfeed"):
        said = ours("export", "news", "--format", kind).out
        assert said.count("Two boats were refitted over the winter") == (2 if may else 0), kind


def test_the_text_of_a_page_is_not_in_the_news(ours: Wiretrace, tmp_path: Path) -> None:
    alone = page("alone")
    fill(tmp_path, kept(alone, unlinked(alone)))
    said = ours("export", "news").out
    assert alone.title in said
    assert alone.text.splitlines()[0] not in said


def test_a_feed_of_nothing_is_a_feed(ours: Wiretrace) -> None:
    ran = ours("export", "news")
    assert not feedparser.parse(ran.out).bozo
    assert "no news yet" in ran.err
    assert json.loads(ours("export", "links", "--format", "jsonfeed").out)["items"] == []


def test_a_feed_says_where_it_stands(ours: Wiretrace, tmp_path: Path) -> None:
    where = "https://desk.example/news?a=1&b=2"
    feed = feedparser.parse(ours("export", "news", "--feed-url", where).out)
    assert feed.feed.id == where
    assert [(link.rel, link.href) for link in feed.feed.links] == [("self", where)]
    assert json.loads(ours("export", "news", "--format", "jsonfeed", "--feed-url", where).out)["feed_url"] == where


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("stories", "--format", "atom"), "--format"),
        (("news", "--format", "csv"), "--format"),
        (("news", "--as-of", "2026-03-02"), "--as-of"),
        (("links", "--site", "copy.example"), "--site"),
        (("news", "--standing", "ours"), "--standing"),
        (("links", "--feed-url", "https://desk.example/"), "--feed-url"),
        (("news", "--feed-url", "desk"), "--feed-url"),
        (("links", "--format", "atom", "--site", "://"), "--site"),
        (("links", "--format", "atom", "--since", "1200"), "--since"),
        (("links", "abc"), "LINK_ID"),
        (("links", "--limit", "5"), "--limit"),
        (("news", "--corpus", "judged"), "--corpus"),
    ],
)
def test_what_a_feed_cannot_heed_is_refused(ours: Wiretrace, arguments: tuple[str, ...], told: str) -> None:
    ran = ours("export", *arguments)
    assert ran.code == 2
    assert told in ran.err
