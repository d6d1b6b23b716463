"""`sources check`: real answers of a server, nothing stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from crawler.jobs.checking import Check, check_sources
from crawler.model import Role, Source
from crawler.settings import DatabaseSettings, FetchSettings, Settings
from crawler.store import Store
from tests.store.pieces import StillClock
from tests.web import Web

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rss(*dates: str, head: str = "") -> str:
    items = "".join(
        f"<item><link>https://post.example/{number}</link><pubDate>{date}</pubDate></item>"
        for number, date in enumerate(dates)
    )
    return f'<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>{head}{items}</channel></rss>'


class Desk:
    def __init__(self, store: Store, web: Web, clock: StillClock, settings: Settings) -> None:
        self.store, self.web, self.clock, self.settings = store, web, clock, settings

    async def check(self) -> Check:
        await self.store.reconcile([Source("Post", self.web.url("/feed"), Role.AGGREGATOR, "Post")])
        (found,) = await check_sources(self.store, self.settings, self.clock, ["Post"])
        return found


@pytest.fixture
async def desk(store_url: str) -> AsyncIterator[Desk]:
    clock = StillClock(NOW)
    settings = Settings(
        database=DatabaseSettings(url=store_url), fetch=FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0)
    )
    async with Web("127.0.0.2") as web, await Store.open(settings.database, clock) as store:
        yield Desk(store, web, clock, settings)


async def test_a_live_feed_is_ok_with_what_it_asks_for(desk: Desk) -> None:
    head = '<ttl>15</ttl><atom:link rel="hub" href="https://hub.example/"/>'
    desk.web.page("/feed", rss("Mon, 02 Mar 2026 11:00:00 GMT", "Mon, 02 Mar 2026 10:00:00 GMT", head=head))
    found = await desk.check()
    assert (found.state, found.fault, found.mark()) == ("ok", None, "ok  ")
    assert (found.hub, found.ttl, found.newest, found.entries) == ("https://hub.example/", 900.0, "2026-03-02", 2)


async def test_a_frozen_feed_is_stale_though_it_was_never_polled(desk: Desk) -> None:
    desk.web.page("/feed", rss("Tue, 28 Jan 2025 11:00:00 GMT", "Tue, 28 Jan 2025 10:30:00 GMT"))
    found = await desk.check()
    assert (found.state, found.fault) == ("stale", None)
    assert "since 2025-01-28" in found.line()
    assert found.advice


async def test_a_moved_feed_names_its_new_place(desk: Desk) -> None:
    desk.web.redirect("/feed", "/new", status=308)
    desk.web.page("/new", rss("Mon, 02 Mar 2026 11:00:00 GMT"))
    found = await desk.check()
    assert found.state == "moved"
    assert desk.web.url("/new") in found.advice


@pytest.mark.parametrize(("status", "state"), [(403, "blocked"), (500, "failing")])
async def test_a_source_of_no_use_has_its_fault_and_an_advice(desk: Desk, status: int, state: str) -> None:
    desk.web.page("/feed", "no", status=status)
    found = await desk.check()
    assert (found.state, found.mark()) == (state, "FAIL")
    assert f"answered {status}" in found.line()
    assert found.advice


async def test_a_check_stores_nothing(desk: Desk) -> None:
    desk.web.page("/feed", rss("Mon, 02 Mar 2026 11:00:00 GMT"))
    await desk.check()
    record = await desk.store.source("Post")
    assert (record.polls, record.state, record.news_a_day) == (0, "new", None)
    assert await desk.store.lease("w", 5, per_host=5, seconds=60) == []
