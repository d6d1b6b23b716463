"""Confirmed pages, looked at again by the daemon itself: over HTTP, politely, each answer kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler import daemon
from crawler.clock import SystemClock
from crawler.model import LinkState, Look, LookOutcome, Role
from crawler.settings import ArchiveSettings
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.stories import page_html, story
from tests.web import Web

Again = Callable[[], Awaitable[Look]]


@pytest.fixture
async def again(origin: Web, site: Web, configure: Configure, tmp_path: Path) -> Again:
    """Crawls the spun page, confirms its link; then, each time, has it looked at again."""
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    settings = settings.model_copy(update={"archive": ArchiveSettings(warc_dir=str(tmp_path / "warc"))})
    body = page_html(story("ferry-spun"))
    site.page("/spun", body, headers={"ETag": '"first"'})
    await daemon.run(settings, once=True)
    async with await Store.open(settings.database, SystemClock()) as store:
        (link,) = [dict(row) async for row in store.export_links()]
        await store.judge_link(link["id"], LinkState.CONFIRMED, "seen")

    async def once() -> Look:
        async with await Store.open(settings.database, SystemClock()) as store:
            await store.ask_look(link["id"])
        result = await daemon.run(settings, once=True)
        async with await Store.open(settings.database, SystemClock()) as store:
            *_, last = await store.looks_of(link["id"])
            view = await store.view_link(link["id"])
        assert view.listed.state is LinkState.CONFIRMED
        assert result.tally.looks == {last.outcome.value: 1}
        return last

    return once


def kept(folder: Path, look: Look) -> tuple[str, str]:
    """The kind and the status of the record that a look names, by an independent reader."""
    assert look.archive is not None
    with (folder / "warc" / look.archive.file).open("rb") as file:
        file.seek(look.archive.offset)
        record = next(iter(ArchiveIterator(file)))
        assert record.rec_headers.get_header("WARC-Record-ID") == look.archive.record_id
        return record.rec_type, record.http_headers.get_statuscode()


async def test_a_page_is_asked_for_conditionally_and_304_says_that_it_is_live(
    again: Again, site: Web, tmp_path: Path
) -> None:
    site.page("/spun", status=304)
    look = await again()
    assert site.last("/spun").headers["if-none-match"] == '"first"'
    assert look.outcome is LookOutcome.LIVE
    assert look.text_hash is not None
    assert kept(tmp_path, look) == ("revisit", "304")


async def test_the_same_text_is_live_another_is_changed_and_no_page_is_gone(
    again: Again, site: Web, tmp_path: Path
) -> None:
    body = page_html(story("ferry-spun"))
    site.page("/spun", body.replace("<body>", "<body><!-- served at noon -->"))
    live = await again()
    assert live.outcome is LookOutcome.LIVE
    site.page("/spun", body.replace("</h1>", "</h1><p>Added later: the harbor stays open through the night.</p>"))
    changed = await again()
    assert changed.outcome is LookOutcome.CHANGED
    assert changed.text_hash != live.text_hash
    assert kept(tmp_path, changed) == ("response", "200")
    site.page("/spun", "no such page", status=410)
    gone = await again()
    assert (gone.outcome, gone.reason) == (LookOutcome.GONE, "status-410")
    assert kept(tmp_path, gone) == ("response", "410")


async def test_a_page_that_leads_to_the_front_page_or_holds_no_article_is_gone_and_a_closed_one_is_left_alone(
    again: Again, site: Web, tmp_path: Path
) -> None:
    site.redirect("/spun", "/")
    site.page("/", page_html(story("port-independent")))
    look = await again()
    assert (look.outcome, look.reason) == (LookOutcome.GONE, "front-page")
    assert kept(tmp_path, look) == ("response", "200")
    site.page("/spun", "<html><head><title>Not found</title></head><body><h1>Page not found</h1></body></html>")
    look = await again()
    assert look.outcome is LookOutcome.GONE
    assert look.reason in {"error-page", "not-article", "empty"}
    before = site.count("/spun")
    site.page("/robots.txt", "User-agent: *\nDisallow: /spun", media="text/plain")
    look = await again()
    assert (look.outcome, look.reason) == (LookOutcome.UNREACHABLE, "robots")
    assert site.count("/spun") == before
