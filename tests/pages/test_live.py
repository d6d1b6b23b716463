"""The crawler watched at work: a list without scripts, and events for as many as care to watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from crawler.model import Reference
from crawler.store import Store
from crawler.store.happenings import Mark
from crawler.web import feed as feeding
from crawler.web.feed import Feed, Listener, batch_of
from tests.pages.conftest import Browser, put_link
from tests.store.pieces import HOUR, StillClock, fingerprint, page


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "LOOKED", 0.02)


async def fail(store: Store, clock: StillClock, path: str, reason: str = "status-404") -> None:
    await store.announce("Harbour Post", [Reference(url=f"https://copy.example/{path}")], now=clock.now())
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    await store.give_up(entry.key, "w", reason, "it answered so")


@asynccontextmanager
async def watching(browser: Browser, after: str, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
    path = f"{browser.root}/live/events?after={after}"
    async with browser.session.get(path, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield events(response)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str]]:
    """Name and data of each event; a mark's data is its id."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if not line:
            if "event" in fields:
                yield fields["event"], fields.get("id") or fields["data"]
            fields = {}
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()


async def until_mark(stream: AsyncIterator[tuple[str, str]]) -> tuple[list[dict[str, str]], str]:
    """What happened up to the next mark, and that mark."""
    found = []
    async with asyncio.timeout(10):
        async for name, data in stream:
            if name == "mark":
                return found, data
            if name == "happening":
                found.append(json.loads(data))
    raise AssertionError("the stream ended")


async def mark_of(browser: Browser) -> str:
    return str((await browser.get("/live")).html.css_first("#live").attributes["data-mark"])


async def test_without_scripts_it_is_a_list_of_the_last_the_newest_first(browser: Browser) -> None:
    link = await put_link(browser.store, "one", source="Harbour Post")
    browser.clock.pass_by(60)
    await fail(browser.store, browser.clock, "lost")
    shown = await browser.get("/live")
    rows = shown.texts("#live li")
    assert rows[0].startswith("failed 12:01:00 https://copy.example/lost Harbour Post · status-404")
    assert rows[1].startswith("linked 12:00:00 Line of ferries: one Harbour Post")
    assert any(row.startswith("fetched") for row in rows)
    assert shown.html.css_first(f'#live a[href="/links/{link}"]') is not None
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
    assert not [node for node in shown.html.css("script") if not node.attributes.get("src")]


async def test_what_happens_is_told_as_it_happens(browser: Browser) -> None:
    async with watching(browser, await mark_of(browser)) as stream:
        await put_link(browser.store, "one", source="Harbour Post")
        seen: list[dict[str, str]] = []
        while not any(one["kind"] == "linked" for one in seen):
            seen += (await until_mark(stream))[0]
        browser.clock.pass_by(60)
        await fail(browser.store, browser.clock, "lost")
        ((lost,), _) = await until_mark(stream)
    assert [one["kind"] for one in seen if one["source"]] == ["fetched", "linked"]
    assert (lost["kind"], lost["source"], lost["reason"]) == ("failed", "Harbour Post", "status-404")


async def test_who_was_cut_off_goes_on_behind_the_last_that_came(browser: Browser) -> None:
    await put_link(browser.store, "one")
    start = await mark_of(browser)
    await put_link(browser.store, "two")
    async with watching(browser, start) as stream:
        first, mark = await until_mark(stream)
    await put_link(browser.store, "three")
    browser.clock.pass_by(60)
    await fail(browser.store, browser.clock, "lost")
    async with watching(browser, start, **{"Last-Event-ID": mark}) as stream:
        second, _ = await until_mark(stream)
    assert {one["title"] for one in first} == {"Line of ferries: two"}
    assert [one["title"] for one in second] == ["Line of ferries: three"] * 2 + ["https://copy.example/lost"]


async def test_fifty_who_watch_share_one_reader_of_the_store(browser: Browser, store: Store) -> None:
    feed = Feed(store)
    listeners = [feed.join() for _ in range(50)]
    await asyncio.sleep(0.2)
    before = feed.looks
    assert 2 <= before <= 15  # at 0.02 s a look, for all of them together
    await put_link(store, "one")
    batches = [await listener.take(5) for listener in listeners]
    assert all(batch is not None and batch.happenings for batch in batches)
    assert len({id(batch) for batch in batches}) == 1
    for listener in listeners:
        feed.leave(listener)
    await asyncio.sleep(0.1)
    looks = feed.looks
    await asyncio.sleep(0.1)
    assert feed.looks == looks  # nobody watches: nobody looks
    await feed.close()


async def test_a_slow_reader_holds_a_bounded_backlog_and_is_told_that_it_missed_some(store: Store) -> None:
    listener = Listener()
    start = (await store.latest_happenings(1)).mark
    await put_link(store, "one")
    batch = batch_of(await store.happenings(start, 10))
    for _ in range(10 * feeding.MOST_QUEUED):
        listener.give(batch)
        assert len(listener.waiting) <= feeding.MOST_QUEUED
    assert listener.missed


async def test_of_much_that_happened_the_newest_is_told_and_how_much_is_missing(store: Store) -> None:
    start = (await store.latest_happenings(1)).mark
    for number in range(5):
        await store.store_article(page(f"p{number}", title=f"Page {number}"), fingerprint(1))
    found = await store.happenings(start, 3)
    assert found.events[-1].title == "Page 4"
    assert 1 <= len(found.events) <= 3
    assert found.skipped == found.mark.seq - start.seq - 3
    assert b"event: missed" in batch_of(found).since(start)
    assert (await store.happenings(found.mark, 3)).events == ()


async def test_what_strangers_wrote_is_shown_as_text(browser: Browser) -> None:
    hostile = "</li><script>alert(1)</script>\n\ndata: x\u202e"
    start = await mark_of(browser)
    await browser.store.store_article(page("evil", title=hostile, source=hostile), fingerprint(1))
    shown = await browser.get("/live")
    assert "<script>alert" not in shown.text
    async with watching(browser, start) as stream:
        ((one,), _) = await until_mark(stream)
    assert one["title"] == "</li><script>alert(1)</script> data: x\ufffd"


async def test_a_place_that_is_none_is_refused(browser: Browser) -> None:
    for text in ("", "x", "1.2", "9" * 30 + ".1.a", "1.1.G"):
        assert (await browser.get(f"/live/events?after={text}")).status == 400


def test_a_mark_is_read_as_it_was_written(clock: StillClock) -> None:
    mark = Mark(12, clock.now() + HOUR, "ab" * 16)
    assert Mark.of(str(mark)) == mark
