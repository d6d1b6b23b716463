"""`run --from-warc`: archives crawled without the net, into a real store."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler import daemon
from crawler.clock import SystemClock
from crawler.daemon.archives import run_archives
from crawler.daemon.reading import key_of
from crawler.demo import stories
from crawler.errors import InputError, StoreInUse
from crawler.model import Role
from crawler.settings import Settings
from crawler.store import Store
from tests.archives import Captured, archive, of_story
from tests.daemon.conftest import Configure
from tests.stories import page_html, story
from tests.web import Web


async def rows(settings: Settings, what: str = "articles") -> list[dict[str, Any]]:
    async with await Store.open(settings.database, SystemClock()) as store:
        found = store.export_links() if what == "links" else store.export_articles()
        return [dict(row) async for row in found]


@pytest.fixture
def settings(configure: Configure) -> Settings:
    return configure()


async def test_a_page_of_an_archive_is_linked_and_its_record_can_be_shown(
    origin: Web, configure: Configure, tmp_path: Path, store_url: str
) -> None:
    settings = configure(database=store_url, wire=(origin.url("/feed"), Role.ORIGIN))
    await daemon.run(settings, once=True)
    body = page_html(story("ferry-spun")).encode()
    file = archive(tmp_path / "NEWS-01.warc.gz", [of_story("port-independent"), of_story("ferry-spun")])
    result = await run_archives(settings, [file])
    assert (result.tally.sources, result.tally.fetched, result.tally.new, result.tally.linked) == (1, 2, 2, 1)
    (link,) = await rows(settings, "links")
    assert link["rewrite"]["url"] == "https://bulletin.example/ferry-spun"
    assert link["archive"]["file"] == "NEWS-01.warc.gz"
    with file.open("rb") as stream:
        stream.seek(link["archive"]["offset"])
        record = next(iter(ArchiveIterator(stream)))
        assert record.rec_headers.get_header("WARC-Record-ID") == link["archive"]["record_id"]
        assert record.content_stream().read() == body


async def test_the_article_says_where_and_when_it_was_captured(settings: Settings, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    await run_archives(settings, [archive(tmp_path / "NEWS-01.warc.gz", [of_story("ferry-spun")])])
    (row,) = await rows(settings)
    assert row["source"] == "archive:NEWS-01.warc.gz"
    assert row["role"] == "aggregator"
    assert row["publisher"] == row["site"] == "bulletin.example"
    assert row["fetched"] == "2026-05-02T03:04:05Z"
    assert datetime.fromisoformat(row["first_seen"]) >= before


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in its place", "moved"])
async def test_an_archive_that_was_read_is_not_read_again(settings: Settings, tmp_path: Path, elsewhere: bool) -> None:
    file = archive(tmp_path / "NEWS-01.warc.gz", [of_story("ferry-spun"), of_story("pump-spun")])
    await run_archives(settings, [file])
    if elsewhere:
        (tmp_path / "moved").mkdir()
        file = file.rename(tmp_path / "moved" / file.name)
    again = await run_archives(settings, [file])
    assert again.tally.fetched == again.tally.new == 0
    assert len(await rows(settings)) == 2


@pytest.mark.full
async def test_an_archive_that_has_grown_is_read_on(settings: Settings, tmp_path: Path) -> None:
    file = archive(tmp_path / "NEWS-01.warc.gz", [of_story("ferry-spun"), of_story("pump-spun")])
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    first = await run_archives(settings, [file])
    assert first.tally.new == first.tally.failed["cut"] == 1
    file.write_bytes(whole)
    second = await run_archives(settings, [file])
    assert (second.tally.fetched, second.tally.new, second.tally.failed.total()) == (1, 1, 0)


@pytest.mark.full
async def test_the_same_pages_in_another_archive_change_nothing(settings: Settings, tmp_path: Path) -> None:
    pages = [of_story("ferry-spun"), of_story("pump-spun")]
    await run_archives(settings, [archive(tmp_path / "NEWS-01.warc.gz", pages)])
    again = await run_archives(settings, [archive(tmp_path / "NEWS-02.warc", pages, packed=False)])
    assert (again.tally.fetched, again.tally.new, again.tally.changed, again.tally.unchanged) == (2, 0, 0, 2)


@pytest.mark.parametrize("newest_first", [pytest.param(False, marks=pytest.mark.full), True])
async def test_the_newest_capture_is_the_text_in_whatever_order_archives_come(
    settings: Settings, tmp_path: Path, newest_first: bool
) -> None:
    later = page_html(story("ferry-spun")).replace("</h1>", "</h1><p>Added later: the harbor stays open.</p>")
    url = "https://bulletin.example/ferry-spun"
    old = archive(tmp_path / "a.warc.gz", [of_story("ferry-spun", at="2026-05-01T00:00:00Z")])
    new = archive(tmp_path / "b.warc.gz", [Captured(url, later.encode(), at="2026-05-03T00:00:00Z")])
    for file in [new, old] if newest_first else [old, new]:
        await run_archives(settings, [file])
    (row,) = await rows(settings)
    assert "Added later" in row["text"]
    assert row["fetched"] == "2026-05-03T00:00:00Z"


async def test_a_page_that_an_archive_had_before_the_original_appeared_is_linked_no_more(
    origin: Web, configure: Configure, tmp_path: Path
) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN))
    await daemon.run(settings, once=True)
    published = story("ferry-original").published
    assert published is not None
    first = archive(tmp_path / "a.warc.gz", [of_story("ferry-spun", at=f"{published.year + 1}-01-01T00:00:00Z")])
    await run_archives(settings, [first])
    assert len(await rows(settings, "links")) == 1
    before = archive(tmp_path / "b.warc.gz", [of_story("ferry-spun", at=f"{published.year - 1}-01-01T00:00:00Z")])
    await run_archives(settings, [before])
    assert [link for link in await rows(settings, "links") if link["state"] in {"new", "confirmed"}] == []


async def test_what_is_no_page_is_left_out_and_what_is_broken_is_counted(settings: Settings, tmp_path: Path) -> None:
    html = {"Content-Type": "text/html"}
    file = archive(
        tmp_path / "NEWS-01.warc.gz",
        [
            of_story("ferry-spun"),
            Captured("https://bulletin.example/gone", b"<p>gone", status="404 Not Found"),
            Captured("https://bulletin.example/image", b"\x89PNG\r\n\x1a\n", headers={"Content-Type": "image/png"}),
            Captured("https://bulletin.example/front", b"<!doctype html><a href=/a>A</a>"),
            Captured("dns:bulletin.example", b"<p>a name", headers=html),
            Captured("https://bulletin.example/date", b"<p>a date", headers=html, at="yesterday"),
            Captured(
                "https://bulletin.example/bomb", b"\x1f\x8b\x08 broken", headers={**html, "Content-Encoding": "gzip"}
            ),
            of_story("pump-spun"),
        ],
    )
    tally = (await run_archives(settings, [file])).tally
    assert tally.new == 2
    assert dict(tally.failed) == {"url-refused": 1, "damaged": 1, "encoding": 1}
    assert tally.not_articles.total() == 1


async def test_what_a_page_asks_of_robots_holds_in_archives(origin: Web, configure: Configure, tmp_path: Path) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN))
    await daemon.run(settings, once=True)
    head = '<meta name="robots" content="noindex, noarchive">'
    await run_archives(settings, [archive(tmp_path / "a.warc.gz", [of_story("ferry-spun", head=head)])])
    (row,) = [one for one in await rows(settings) if one["role"] == "aggregator"]
    (link,) = await rows(settings, "links")
    assert (row["text"], link["archive"]) == ("", None)


async def test_robots_headers_of_an_archive_hold_for_whom_they_name(
    origin: Web, configure: Configure, tmp_path: Path
) -> None:
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN))
    await daemon.run(settings, once=True)
    story = of_story("ferry-spun")
    headers = {**story.headers, "X-Robots-Tag": "otherbot: none", "x-robots-tag": "wiretrace: noarchive"}
    await run_archives(settings, [archive(tmp_path / "a.warc.gz", [replace(story, headers=headers)])])
    (row,) = [one for one in await rows(settings) if one["role"] == "aggregator"]
    (link,) = await rows(settings, "links")
    assert row["text"]
    assert link["archive"] is None


async def test_folders_and_globs_are_searched_for_archives(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "crawl" / "2026"
    folder.mkdir(parents=True)
    archive(folder / "a.warc.gz", [of_story("ferry-spun")])
    archive(folder / "b.warc", [of_story("pump-spun")], packed=False)
    (folder / "index.html").write_text("<p>no archive")
    archive(folder / ".c.warc.gz", [of_story("central-spun")])
    result = await run_archives(settings, [tmp_path / "crawl", folder / "*.warc"])
    assert (result.tally.sources, result.tally.new) == (2, 2)
    with pytest.raises(InputError, match="expected a WARC file"):
        await run_archives(settings, [tmp_path / "none*"])


async def test_a_name_that_is_no_text_can_be_exported(settings: Settings, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.warc.gz", [of_story("ferry-spun")])
    await run_archives(settings, [file.rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.warc.gz")))])
    (row,) = await rows(settings)
    assert row["source"].encode() == "archive:caf\ufffd.warc.gz".encode()


async def test_a_file_that_is_no_archive_costs_the_others_nothing(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "page.warc").write_text(page_html(story("pump-spun")))
    good = archive(tmp_path / "good.warc.gz", [of_story("ferry-spun")])
    result = await run_archives(settings, [tmp_path / "page.warc", good])
    assert result.tally.new == 1
    assert dict(result.tally.source_failures) == {"no-archive": 1}
    assert not result.every_source_failed
    assert (await run_archives(settings, [tmp_path / "page.warc"])).every_source_failed


async def test_a_store_that_a_daemon_works_on_is_left_to_it(settings: Settings, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.warc.gz", [of_story("ferry-spun")])
    async with await Store.open(settings.database, SystemClock()) as store:
        with store.exclusive_run(), pytest.raises(StoreInUse):
            await run_archives(settings, [file])


@pytest.mark.full
async def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, settings: Settings) -> None:
    told = [one for one in stories.Stories.bundled().articles if one.text]
    pages = [
        Captured(f"https://bulletin.example/{turn}/{one.id}", page_html(one).encode())
        for turn in range(5)
        for one in told
    ]
    file = archive(tmp_path / "a.warc.gz", pages)
    configuration = tmp_path / "wiretrace.toml"
    configuration.write_text(f'[database]\nurl = "{settings.database.url}"\n[run]\nprocesses = 1\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crawler", "--config", str(configuration), "run", "--from-warc", str(file),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")},
    )  # fmt: skip
    async with asyncio.timeout(60), await Store.open(settings.database, SystemClock()) as store:
        while not ((noted := await store.archive_progress(key_of(file))) and noted.pages):
            await asyncio.sleep(0.05)
    process.kill()
    await process.communicate()
    held = len(await rows(settings))
    again = (await run_archives(settings, [file])).tally
    assert 0 < held < len(pages)
    assert again.fetched < len(pages)
    assert again.new == len(pages) - held
    assert len(await rows(settings)) == len(pages)
