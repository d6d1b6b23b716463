"""`run`: the whole way, over HTTP on loopback, into a real store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler import daemon
from crawler.clock import SystemClock
from crawler.errors import NotFound, StoreInUse
from crawler.model import Role
from crawler.redistribution import WITHIN_THE_HOUSE
from crawler.settings import ArchiveSettings, Settings
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.stories import feed, page_html, story
from tests.web import Web, response


async def links_of(settings: Settings) -> list[dict[str, Any]]:
    async with await Store.open(settings.database, SystemClock()) as store:
        return [dict(row) async for row in store.export_links()]


async def articles_of(settings: Settings) -> dict[str, dict[str, Any]]:
    async with await Store.open(settings.database, SystemClock()) as store:
        return {row["url"]: dict(row) async for row in store.export_articles(passing=WITHIN_THE_HOUSE)}


async def test_one_pass_stores_and_links(origin: Web, site: Web, configure: Configure, store_url: str) -> None:
    sources = {"wire": (origin.url("/feed"), Role.ORIGIN), "site": (site.url("/feed"), Role.AGGREGATOR)}
    settings = configure(database=store_url, **sources)
    result = await daemon.run(settings, once=True)
    assert (result.tally.sources, result.tally.fetched, result.tally.new) == (2, 2, 3)
    (link,) = await links_of(settings)
    assert link["rewrite"]["url"] == site.url("/spun")
    assert link["original"]["url"] == origin.url("/ferry")
    assert link["relation"] == "rewrite"
    assert link["score"] >= 0.8
    assert result.tally.linked == 1


async def test_evidence_points_at_the_words_that_are_alike(origin: Web, site: Web, configure: Configure) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    stored = await articles_of(settings)
    (link,) = await links_of(settings)
    passages = [piece for piece in link["evidence"] if piece["kind"] == "passage"]
    assert len(passages) >= 5
    page, original = stored[site.url("/spun")]["text"], stored[origin.url("/ferry")]["text"]
    for piece in passages:
        assert page[slice(*piece["rewrite"])].strip()
        assert original[slice(*piece["original"])].strip()


async def test_a_second_pass_asks_only_for_feeds_and_robots(origin: Web, site: Web, configure: Configure) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    before = len(site.requests)
    result = await daemon.run(settings, once=True)
    assert {seen.path for seen in site.requests[before:]} == {"/feed", "/robots.txt"}
    assert result.tally.fetched == result.tally.new == 0
    assert site.last("/feed").headers["if-none-match"] == '"one"'


async def test_a_changed_page_is_fetched_again_and_becomes_a_version(site: Web, configure: Configure) -> None:
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    spun = story("ferry-spun")
    entry = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>x</id><updated>2026-06-01T00:00:00Z</updated>'
        f'<entry><title>{spun.title}</title><id>1</id><link href="{site.url("/spun")}"/>'
        "<published>2026-05-01T00:00:00Z</published><updated>2026-06-01T00:00:00Z</updated></entry></feed>"
    )
    site.page("/feed", entry, media="application/atom+xml")
    site.page("/spun", page_html(spun).replace("</h1>", "</h1><p>Added later: the harbor stays open.</p>"))
    result = await daemon.run(settings, once=True)
    assert result.tally.changed == 1
    assert "Added later" in (await articles_of(settings))[site.url("/spun")]["text"]


async def test_a_late_original_links_what_was_stored_before_it(origin: Web, site: Web, configure: Configure) -> None:
    await daemon.run(configure(site=(site.url("/feed"), Role.AGGREGATOR)), once=True)
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    assert await links_of(settings) == []
    result = await daemon.run(settings, once=True)
    assert result.tally.linked == 1
    (link,) = await links_of(settings)
    assert link["rewrite"]["url"] == site.url("/spun")


async def test_a_full_text_is_taken_though_a_public_feed_has_named_the_story_before(
    origin: Web, configure: Configure
) -> None:
    named = feed([(origin.url("/ferry"), story("ferry-original"))])
    origin.page("/public", named, media="application/rss+xml")
    settings = configure(public=(origin.url("/public"), Role.ORIGIN), wire=(origin.url("/feed"), Role.ORIGIN))
    await daemon.run(settings, once=True, only=["public"])
    (held,) = (await articles_of(settings)).values()
    assert held["completeness"] == "teaser"
    await daemon.run(settings, once=True, only=["wire"])
    (held,) = (await articles_of(settings)).values()
    assert (held["completeness"], held["source"]) == ("full", "wire")
    result = await daemon.run(settings, once=True)
    assert (result.tally.new, result.tally.changed) == (0, 0)
    assert await articles_of(settings) == {held["url"]: held}


async def test_twins_of_a_page_are_stored_once(site: Web, configure: Configure) -> None:
    spun = story("ferry-spun")
    for path in ("/spun?utm_source=feed", "/spun/amp/", "/spun?fbclid=1"):
        site.page(path, page_html(spun))
    items = [(site.url(path), spun) for path in ("/spun", "/spun?utm_source=feed", "/spun/amp/", "/spun?fbclid=1")]
    site.page("/feed", feed(items), media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert len(await articles_of(settings)) == 1


async def test_one_run_asks_for_nothing_twice_though_several_sources_list_it(site: Web, configure: Configure) -> None:
    paths = ("/spun", "/spun?utm_source=map", "/spun", "/other", "/other#top")
    locations = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in paths)
    site.page("/sitemap.xml", f"<urlset>{locations}</urlset>", media="application/xml")
    site.page("/index.xml", f"<sitemapindex><sitemap><loc>{site.url('/more.xml')}</loc></sitemap></sitemapindex>")
    site.page("/more.xml", f"<urlset>{locations}</urlset>", media="application/xml")
    sources = {name: (site.url(f"/{path}"), Role.AGGREGATOR) for name, path in
               {"one": "feed", "two": "sitemap.xml", "three": "index.xml"}.items()}  # fmt: skip
    await daemon.run(configure(**sources), once=True)
    assert sorted(site.paths()) == [
        "/feed",
        "/index.xml",
        "/more.xml",
        "/other",
        "/robots.txt",
        "/sitemap.xml",
        "/spun",
    ]


async def test_a_canonical_url_of_another_site_merges_nothing(site: Web, configure: Configure) -> None:
    head = '<link rel="canonical" href="https://original.example/ferry">'
    site.page("/spun", page_html(story("ferry-spun"), head=head))
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    row = (await articles_of(settings))[site.url("/spun")]
    assert row["canonical_url"] == "https://original.example/ferry"
    assert row["site"]


async def test_bad_pages_are_counted_and_cost_nothing_else(site: Web, configure: Configure) -> None:
    spun = story("ferry-spun")
    site.page("/error", "broken", status=500)
    site.page("/image", b"\x89PNG\r\n\x1a\n" + b"\0" * 64, media="image/png")
    site.page("/pdf", b"%PDF-1.7 not a page", media="application/pdf")
    site.page("/empty", "")
    site.page("/tags", "<b>" * 100_000)
    site.page("/nested", "<div>" * 5_000 + "x" + "</div>" * 5_000)
    site.redirect("/circle", "/circle2")
    site.redirect("/circle2", "/circle")
    site.raw("/cut", response("half", length=1000))
    site.page("/charset", page_html(spun).encode("cp1252", "replace"), media="text/html; charset=utf-8")
    paths = ["error", "image", "pdf", "empty", "tags", "nested", "circle", "cut", "charset", "missing", "spun"]
    items = [(site.url(f"/{path}"), spun) for path in paths]
    items.append(("http://gone.invalid/page", spun))
    site.page("/feed", feed(items), media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    result = await daemon.run(settings, once=True)
    failed, refused = result.tally.failed, result.tally.not_articles
    assert failed["status-500"] == failed["status-404"] == failed["redirects"] == failed["connection"] == 1
    assert failed["dns"] == 1
    assert failed["media-type"] == 2
    assert refused.total() == 3
    stored = await articles_of(settings)
    assert site.url("/spun") in stored
    assert site.url("/charset") in stored
    assert failed.total() + refused.total() + len(stored) == len(items)


async def test_a_slow_page_times_out_and_is_tried_again_later(site: Web, configure: Configure) -> None:
    async def never(_: object, writer: Any) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
        await writer.drain()
        import asyncio

        await asyncio.sleep(30)
        return False

    site.handler("/slow", never)
    site.page("/feed", feed([(site.url("/slow"), story("ferry-spun"))]), media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    settings = settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"timeout": 0.5})})
    result = await daemon.run(settings, once=True)
    assert result.tally.failed["timeout"] == 1
    async with await Store.open(settings.database, SystemClock()) as store:
        counts = await store.frontier_counts()
    assert counts.waiting == 1


async def test_every_source_failing_is_told(site: Web, configure: Configure) -> None:
    settings = configure(a=(site.url("/nowhere"), Role.AGGREGATOR), b=(site.url("/gone"), Role.AGGREGATOR))
    result = await daemon.run(settings, once=True)
    assert result.every_source_failed
    assert result.tally.source_failures["status-404"] == 2


@pytest.mark.parametrize(
    ("body", "media", "reason"),
    [
        ("", "application/rss+xml", "not-a-source"),
        ("%PDF-1.7", "application/pdf", "media-type"),
    ],
)
async def test_a_source_that_is_none_is_counted_with_its_reason(
    site: Web, configure: Configure, body: str, media: str, reason: str
) -> None:
    site.page("/feed", body, media=media)
    result = await daemon.run(configure(site=(site.url("/feed"), Role.AGGREGATOR)), once=True)
    assert result.tally.source_failures == {reason: 1}


async def test_a_truncated_feed_gives_what_came_before_the_break(site: Web, configure: Configure) -> None:
    items = [(site.url("/spun"), story("ferry-spun")), (site.url("/other"), story("port-independent"))]
    whole = feed(items)
    site.page("/feed", whole[: whole.rindex("<item>") + 30], media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert site.url("/spun") in await articles_of(settings)


async def test_a_full_text_in_the_feed_saves_the_request(site: Web, configure: Configure) -> None:
    site.page("/feed", feed([(site.url("/spun"), story("ferry-spun"))], full=True), media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert site.count("/spun") == 0
    assert len((await articles_of(settings))[site.url("/spun")]["text"].split()) > 200


async def test_robots_are_heeded(site: Web, configure: Configure) -> None:
    site.page("/robots.txt", "User-agent: *\nDisallow: /spun\n", media="text/plain")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    result = await daemon.run(settings, once=True)
    assert result.tally.failed["robots"] == 1
    assert site.count("/spun") == 0


async def test_the_text_of_a_page_that_says_noindex_is_not_kept(origin: Web, site: Web, configure: Configure) -> None:
    site.page("/spun", page_html(story("ferry-spun"), head='<meta name="robots" content="noindex">'))
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert (await articles_of(settings))[site.url("/spun")]["text"] == ""
    assert len(await links_of(settings)) == 1


async def test_what_was_fetched_is_archived_unless_the_page_forbids_it(
    site: Web, configure: Configure, tmp_path: Path
) -> None:
    site.page("/other", page_html(story("port-independent"), head='<meta name="robots" content="noarchive">'))
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    settings = settings.model_copy(update={"archive": ArchiveSettings(warc_dir=str(tmp_path / "warc"))})
    await daemon.run(settings, once=True)
    (archive,) = (tmp_path / "warc").iterdir()
    with archive.open("rb") as stream:
        urls = {record.rec_headers["WARC-Target-URI"] for record in ArchiveIterator(stream)}
    assert urls - {None} == {site.url("/spun")}


@pytest.mark.parametrize(
    ("header", "kept"),
    [("none", False), ("wiretrace: noindex", False), ("otherbot: noindex", True),
     ("unavailable_after: 2020-01-01", False), ("unavailable_after: 2999-01-01", True)],
)  # fmt: skip
async def test_a_header_that_says_noindex_drops_the_text_after_the_page_was_linked(
    origin: Web, site: Web, configure: Configure, header: str, kept: bool
) -> None:
    site.page("/spun", page_html(story("ferry-spun")), headers={"X-Robots-Tag": header})
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    spun = (await articles_of(settings))[site.url("/spun")]
    assert bool(spun["text"]) is kept
    assert spun["first_seen"]
    assert len(await links_of(settings)) == 1


async def test_a_header_that_says_noarchive_keeps_the_page_out_of_the_archive(
    site: Web, configure: Configure, tmp_path: Path
) -> None:
    site.page("/other", page_html(story("port-independent")), headers={"X-Robots-Tag": "otherbot: all, *: noarchive"})
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    settings = settings.model_copy(update={"archive": ArchiveSettings(warc_dir=str(tmp_path / "warc"))})
    await daemon.run(settings, once=True)
    (archive,) = (tmp_path / "warc").iterdir()
    with archive.open("rb") as stream:
        urls = {record.rec_headers["WARC-Target-URI"] for record in ArchiveIterator(stream)}
    assert urls - {None} == {site.url("/spun")}


async def test_what_leads_into_a_trap_is_never_asked_for(site: Web, configure: Configure) -> None:
    traps = ["/a/b/a/b/a/b/page", "/calendar/2031/05/", *(f"/list/page/{number}" for number in range(101, 300))]
    locations = "".join(f"<url><loc>{site.url(path)}</loc></url>" for path in (*traps, "/spun"))
    site.page("/sitemap.xml", f"<urlset>{locations}</urlset>", media="application/xml")
    result = await daemon.run(configure(site=(site.url("/sitemap.xml"), Role.AGGREGATOR)), once=True)
    assert result.tally.trapped == len(traps)
    assert sorted(site.paths()) == ["/robots.txt", "/sitemap.xml", "/spun"]


async def test_only_the_sources_asked_for_are_polled(origin: Web, site: Web, configure: Configure) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    result = await daemon.run(settings, once=True, only=["wire"])
    assert result.tally.sources == 1
    assert not site.requests


async def test_an_unknown_source_is_named(site: Web, configure: Configure) -> None:
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    with pytest.raises(NotFound, match=r"'sites': not known; the sources are: site"):
        await daemon.run(settings, once=True, only=["sites"])


async def test_sources_not_yet_due_are_left_alone_when_asked(site: Web, configure: Configure) -> None:
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    result = await daemon.run(settings, once=True, due_only=True)
    assert result.tally.sources == 0


async def test_a_second_run_on_one_file_does_nothing_once_and_refuses_as_daemon(
    site: Web, configure: Configure
) -> None:
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    async with await Store.open(settings.database, SystemClock()) as store:
        with store.exclusive_run():
            result = await daemon.run(settings, once=True)
            assert result.skipped
            with pytest.raises(StoreInUse):
                await daemon.run(settings, once=False)
    assert not site.requests


async def test_a_teaser_of_the_origin_names_the_story_of_a_page_that_claims_it(
    origin: Web, site: Web, configure: Configure
) -> None:
    original = story("ferry-original")
    origin.page("/feed", feed([(origin.url("/ferry"), original)]), media="application/rss+xml")
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    result = await daemon.run(settings, once=True)
    assert await links_of(settings) == []
    # Both sources are asked at once: a page that comes before the teaser is decided on again when that has come.
    assert result.tally.attributed in {1, 2}
    attribution = (await articles_of(settings))[site.url("/spun")]["attribution"]
    assert attribution["teaser"]["url"] == origin.url("/ferry")


async def test_a_full_text_takes_the_place_of_its_teaser_and_gets_the_link(
    origin: Web, site: Web, configure: Configure
) -> None:
    original = story("ferry-original")
    origin.page("/feed", feed([(origin.url("/ferry"), original)]), media="application/rss+xml")
    origin.page("/full", feed([(origin.url("/licensed"), original)], full=True), media="application/rss+xml")
    sources = {"site": (site.url("/feed"), Role.AGGREGATOR), "wire": (origin.url("/feed"), Role.ORIGIN)}
    await daemon.run(configure(**sources), once=True)
    settings = configure(wire=(origin.url("/full"), Role.ORIGIN), site=sources["site"])
    await daemon.run(settings, once=True)
    (link,) = await links_of(settings)
    assert link["original"]["url"] == origin.url("/licensed")
    assert "attribution" not in (await articles_of(settings))[site.url("/spun")]


async def test_an_aggregator_that_links_to_an_original_does_not_take_its_place(
    origin: Web, site: Web, configure: Configure
) -> None:
    origin.page("/ferry", page_html(story("ferry-original")))
    items = [(origin.url("/ferry"), story("ferry-original")), (site.url("/spun"), story("ferry-spun"))]
    site.page("/feed", feed(items), media="application/rss+xml")
    site.redirect("/moved", origin.url("/ferry"))
    sources = {"wire": (origin.url("/feed"), Role.ORIGIN), "site": (site.url("/feed"), Role.AGGREGATOR)}
    settings = configure(**sources)
    await daemon.run(settings, once=True, only=["wire"])
    await daemon.run(settings, once=True)
    assert (await articles_of(settings))[origin.url("/ferry")]["role"] == "origin"
    assert len(await links_of(settings)) == 1


async def test_an_origins_story_is_its_own_though_an_aggregator_linked_to_it_first(
    origin: Web, site: Web, configure: Configure
) -> None:
    origin.page("/ferry", page_html(story("ferry-original")))
    site.page("/feed", feed([(origin.url("/ferry"), story("ferry-original"))]), media="application/rss+xml")
    sources = {"wire": (origin.url("/feed"), Role.ORIGIN), "site": (site.url("/feed"), Role.AGGREGATOR)}
    settings = configure(**sources)
    await daemon.run(settings, once=True, only=["site"])
    await daemon.run(settings, once=True, only=["wire"])
    assert (await articles_of(settings))[origin.url("/ferry")]["role"] == "origin"


async def test_pages_of_a_renamed_source_are_not_left_lying(site: Web, configure: Configure) -> None:
    site.page("/spun", "broken", status=500)
    await daemon.run(configure(old=(site.url("/feed"), Role.AGGREGATOR)), once=True)
    site.page("/spun", page_html(story("ferry-spun")))
    settings = configure(new=(site.url("/feed"), Role.AGGREGATOR))
    site.page("/feed", feed([(site.url("/spun"), story("ferry-spun"))]), media="application/rss+xml")
    await daemon.run(settings, once=True)
    assert site.url("/spun") in await articles_of(settings)


async def test_a_text_that_the_feed_cuts_off_is_fetched(site: Web, configure: Configure) -> None:
    whole = story("ferry-spun")
    cut = replace(whole, text=" ".join(whole.text.split()[:140]) + " … Continue reading")
    site.page("/feed", feed([(site.url("/spun"), cut)], full=True), media="application/rss+xml")
    settings = configure(site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert site.count("/spun") == 1


async def test_a_page_in_html_is_no_feed_of_an_origin(site: Web, configure: Configure) -> None:
    links = "".join(f"<li><a href=/2026/story-number-{n}>A headline long enough, number {n}</a>" for n in range(20))
    site.page("/feed", f"<html><body><main><ul>{links}</ul></main></body></html>")
    result = await daemon.run(configure(wire=(site.url("/feed"), Role.ORIGIN)), once=True)
    assert result.tally.source_failures == {"not-a-source": 1}


async def test_what_a_source_had_before_is_stored_and_linked_but_marked_as_no_news(
    origin: Web, site: Web, configure: Configure
) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    assert len(await links_of(settings)) == 1
    site.page("/late", page_html(story("pump-followup")))
    items = [(site.url("/late"), story("pump-followup")), (site.url("/spun"), story("ferry-spun"))]
    site.page("/feed", feed(items), media="application/rss+xml")
    await daemon.run(settings, once=True)
    stored = await articles_of(settings)
    assert stored[site.url("/spun")]["backfill"] is True
    assert stored[origin.url("/ferry")]["backfill"] is True
    assert "backfill" not in stored[site.url("/late")]
