"""Polls of a real server into a real store, on a clock that the tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from crawler.fetch import Fetcher
from crawler.habits import Habits
from crawler.model import Role, Source
from crawler.pipeline.polling import Poller
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, FetchSettings, Settings
from crawler.store import SourceRecord, Store
from tests.store.pieces import HOUR, NOON, StillClock, page
from tests.web import Web, response

DAY = timedelta(days=1)


class Desk:
    """One source that is polled, whatever its server answers."""

    def __init__(self, store: Store, web: Web, clock: StillClock, poller: Poller) -> None:
        self.store, self.web, self.clock, self.poller = store, web, clock, poller
        self.tally = Tally()

    async def configure(self, **other: Any) -> None:
        source = Source("Post", self.web.url("/feed"), Role.AGGREGATOR, "Post", **other)
        await self.store.reconcile([source])

    async def poll(self) -> SourceRecord:
        await self.poller.poll(await self.store.source("Post"), await self.store.habits("Post"), self.tally)
        return await self.store.source("Post")

    def serves(self, *entries: tuple[str, timedelta | None], head: str = "", **headers: str) -> None:
        """Entries as (name, age now)."""
        items = ""
        for name, age in entries:
            dated = f"<pubDate>{self.clock.now() - age:%a, %d %b %Y %H:%M:%S GMT}</pubDate>" if age is not None else ""
            items += f"<item><title>{name}</title><link>{self.web.url('/' + name)}</link>{dated}</item>"
        text = (
            '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Post</title>'
            f"{head}{items}</channel></rss>"
        )
        self.web.page("/feed", text, media="application/rss+xml", headers=headers)

    async def queued(self) -> dict[str, bool]:
        """Names of the pages that are due → whether they are marked as no news."""
        entries = await self.store.lease("w", 1_000, per_host=1_000, seconds=1)
        await self.store.release("w")
        return {entry.url.rpartition("/")[2]: entry.reference.backfill for entry in entries}


@pytest.fixture
async def desk(store_url: str) -> AsyncIterator[Desk]:
    clock = StillClock()
    settings = Settings(
        database=DatabaseSettings(url=store_url),
        fetch=FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0, timeout=5.0),
    )
    async with (
        Web("127.0.0.2") as web,
        await Store.open(settings.database, clock) as store,
        Fetcher(settings.fetch, clock, source_ports={web.port}) as fetcher,
    ):
        made = Desk(store, web, clock, Poller(store, fetcher, settings, clock))
        await made.configure()
        yield made


def hourly(count: int, prefix: str = "story") -> Sequence[tuple[str, timedelta]]:
    return [(f"{prefix}-{number}", number * HOUR) for number in range(1, count + 1)]


async def test_a_busy_feed_is_polled_soon_and_a_slow_one_once_a_day(desk: Desk) -> None:
    desk.serves(*((f"story-{number}", timedelta(minutes=5 * number)) for number in range(1, 21)))
    assert (await desk.poll()).next_poll < NOON + timedelta(minutes=3)  # type: ignore[operator]
    await desk.store.reconcile([Source("Post", desk.web.url("/slow"), Role.AGGREGATOR, "Post")])
    desk.web.redirect("/slow", "/feed")
    desk.serves(*((f"post-{number}", number * 7 * DAY) for number in range(1, 9)))
    assert (await desk.poll()).next_poll > NOON + 12 * HOUR  # type: ignore[operator]


async def test_what_is_learned_is_kept_from_poll_to_poll(desk: Desk) -> None:
    desk.serves(*hourly(20))
    first = await desk.poll()
    assert first.news_a_day == pytest.approx(24, rel=0.2)
    for number in range(30):
        desk.clock.pass_by(600)
        desk.serves((f"flood-{number}", timedelta(minutes=1)), *hourly(19))
        await desk.poll()
    assert (await desk.poll()).news_a_day > 1.5 * first.news_a_day  # type: ignore[operator]


async def test_an_interval_of_the_configuration_goes_before_all(desk: Desk) -> None:
    await desk.configure(interval=4_000.0)
    desk.serves(*hourly(20), head="<ttl>600</ttl>", **{"Cache-Control": "max-age=90000"})
    assert (await desk.poll()).next_poll == NOON + timedelta(seconds=4_000)


async def test_ttl_and_the_servers_freshness_put_the_next_poll_off(desk: Desk) -> None:
    desk.serves(*hourly(20), head="<ttl>120</ttl>", ETag='"one"')
    assert (await desk.poll()).next_poll == NOON + 2 * HOUR
    desk.web.raw("/feed", response(status=304, headers={"Cache-Control": "max-age=14400", "Age": "3600"}), keep=True)
    assert (await desk.poll()).next_poll == NOON + 3 * HOUR
    desk.web.raw("/feed", response(status=304), keep=True)
    assert (await desk.poll()).next_poll == NOON + 2 * HOUR  # the feed's own wish holds on


async def test_an_unchanged_feed_is_not_downloaded_again(desk: Desk) -> None:
    desk.serves(*hourly(5), ETag='"one"')
    await desk.poll()
    desk.web.raw("/feed", response(status=304), keep=True)
    assert (await desk.poll()).state == "ok"
    assert desk.web.last("/feed").headers["if-none-match"] == '"one"'
    assert desk.tally.unchanged == 1


async def test_a_hub_is_noted(desk: Desk) -> None:
    desk.serves(*hourly(3), head='<atom:link rel="hub" href="https://hub.example/"/>')
    assert (await desk.poll()).hub == "https://hub.example/"


async def test_the_first_document_brings_no_news_and_the_next_ones_do(desk: Desk) -> None:
    desk.serves(*hourly(3))
    await desk.poll()
    assert await desk.queued() == {"story-1": True, "story-2": True, "story-3": True}
    desk.serves(("fresh", timedelta()), *hourly(3))
    await desk.poll()
    assert (await desk.queued())["fresh"] is False


async def test_backfill_bounds_what_a_new_source_brings_and_the_rest_never_comes(desk: Desk) -> None:
    await desk.configure(backfill=2)
    desk.serves(*hourly(6))
    await desk.poll()
    desk.serves(("fresh", timedelta()), *hourly(6))
    await desk.poll()
    assert set(await desk.queued()) == {"fresh", "story-1", "story-2"}


async def test_another_url_makes_the_next_document_a_first_one(desk: Desk) -> None:
    desk.serves(*hourly(3))
    await desk.poll()
    await desk.store.reconcile([Source("Post", desk.web.url("/new"), Role.AGGREGATOR, "Post")])
    desk.web.redirect("/new", "/feed")
    desk.serves(*hourly(3, "other"))
    await desk.poll()
    assert all((await desk.queued()).values())


async def test_a_poll_that_knows_no_entry_is_a_gap_and_the_sitemap_tells_what_was_missed(desk: Desk) -> None:
    robots = f"Sitemap: {desk.web.url('/map.xml')}\nUser-agent: *\nDisallow:\n"
    desk.web.page("/robots.txt", robots, media="text/plain")
    desk.serves(*hourly(5))
    before = await desk.poll()
    desk.clock.pass_by(6 * 3600)
    desk.serves(*((f"new-{number}", timedelta(minutes=number)) for number in range(1, 6)))
    elsewhere = "https://elsewhere.example/x"
    pages = {"missed": 3 * HOUR, "old": 20 * HOUR, "undated": None, elsewhere: HOUR}
    entries = ""
    for name, age in pages.items():
        dated = f"<lastmod>{desk.clock.now() - age:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if age is not None else ""
        url = name if name == elsewhere else desk.web.url("/" + name)
        entries += f"<url><loc>{url}</loc>{dated}</url>"
    desk.web.page("/map.xml", f"<urlset>{entries}</urlset>", media="application/xml")
    after = await desk.poll()
    queued = await desk.queued()
    assert set(queued) == {f"story-{n}" for n in range(1, 6)} | {f"new-{n}" for n in range(1, 6)} | {"missed"}
    assert queued["missed"] is False
    assert (before.gaps, after.gaps, desk.tally.gaps) == (0, 1, 1)
    assert after.articles == before.articles + 6


async def test_a_gap_without_any_sitemap_costs_two_requests(desk: Desk) -> None:
    desk.serves(*hourly(5))
    await desk.poll()
    desk.clock.pass_by(6 * 3600)
    desk.serves(("new", timedelta()))
    assert (await desk.poll()).gaps == 1
    asked = [path for path in desk.web.paths() if path not in {"/feed", "/robots.txt"}]
    assert asked == ["/news-sitemap.xml", "/sitemap.xml"]


async def test_an_entry_that_was_known_shows_that_nothing_is_missing(desk: Desk) -> None:
    desk.serves(*hourly(5))
    await desk.poll()
    desk.clock.pass_by(3600)
    desk.serves(("fresh", timedelta()), *hourly(4))
    assert (await desk.poll()).gaps == 0
    assert desk.web.count("/sitemap.xml") == desk.web.count("/news-sitemap.xml") == 0


async def test_entries_too_old_to_be_taken_show_it_as_well(desk: Desk) -> None:
    monthly = [(f"month-{number}", number * 30 * DAY) for number in range(1, 6)]
    desk.serves(*monthly)
    await desk.poll()
    desk.serves(("fresh", timedelta()), *monthly)
    assert (await desk.poll()).gaps == 0


async def test_a_feed_that_is_another_each_time_leaves_its_site_in_peace(desk: Desk) -> None:
    for round_ in range(12):
        desk.serves(*hourly(3, f"round-{round_}"))
        await desk.poll()
        desk.clock.pass_by(3600)
    assert desk.tally.gaps == 11
    assert desk.web.count("/sitemap.xml") <= 3


async def test_a_job_that_runs_once_a_day_has_the_sitemap_asked_each_time(desk: Desk) -> None:
    for day in range(6):
        desk.serves(*hourly(3, f"day-{day}"))
        await desk.poll()
        desk.clock.pass_by(86_400)
    assert desk.web.count("/sitemap.xml") == 5


async def test_what_another_source_announced_first_is_a_sign_of_life(desk: Desk) -> None:
    desk.serves(*hourly(20))
    await desk.poll()
    desk.clock.pass_by(30 * 86_400)
    desk.serves(("fresh", timedelta(minutes=5)), *hourly(3))
    twin = Source("Twin", desk.web.url("/feed?twin"), Role.AGGREGATOR, "Post")
    await desk.store.add_source(twin)
    desk.web.redirect("/feed?twin", "/feed")
    await desk.poller.poll(await desk.store.source("Twin"), Habits(), desk.tally)
    assert (await desk.poll()).state == "ok"


@pytest.mark.parametrize("ages", [[timedelta(days=300 + number) for number in range(10)]])
async def test_a_frozen_feed_is_stale_at_its_first_poll(desk: Desk, ages: list[timedelta]) -> None:
    desk.serves(*((f"story-{place}", age) for place, age in enumerate(ages)))
    record = await desk.poll()
    assert record.state == "stale"
    assert "nothing new since 2025-05-06" in record.reason
    assert "another feed" in record.advice


async def test_a_feed_that_falls_silent_becomes_stale_and_is_well_with_its_next_story(desk: Desk) -> None:
    desk.serves(*hourly(20), ETag='"one"')
    assert (await desk.poll()).state == "ok"
    desk.web.raw("/feed", response(status=304), keep=True)
    desk.clock.pass_by(6 * 86_400)
    assert (await desk.poll()).state == "ok"
    desk.clock.pass_by(2 * 86_400)
    assert (await desk.poll()).state == "stale"
    desk.serves(("fresh", timedelta()), *hourly(3))
    record = await desk.poll()
    assert (record.state, record.reason, record.advice) == ("ok", "", "")


async def test_a_feed_that_moved_for_good_says_where_to(desk: Desk) -> None:
    desk.web.redirect("/feed", "/new-feed", status=301)
    desk.web.page("/new-feed", "<rss><channel><item><link>https://a.example/x</link></item></channel></rss>")
    record = await desk.poll()
    assert record.state == "moved"
    assert desk.web.url("/new-feed") in record.reason
    assert desk.web.url("/new-feed") in record.advice


async def test_a_feed_that_names_another_address_is_moved_also_while_it_is_unchanged(desk: Desk) -> None:
    desk.serves(*hourly(3), head='<atom:link rel="self" href="https://new.example/feed"/>', ETag='"one"')
    assert (await desk.poll()).state == "moved"
    desk.web.raw("/feed", response(status=304), keep=True)
    record = await desk.poll()
    assert record.state == "moved"
    assert "https://new.example/feed" in record.advice


@pytest.mark.parametrize("status", [401, 403])
async def test_a_site_that_refuses_is_blocked_and_left_alone(desk: Desk, status: int) -> None:
    desk.web.page("/feed", "no", status=status)
    record = await desk.poll()
    assert record.state == "blocked"
    assert record.advice
    assert record.next_poll >= NOON + HOUR  # type: ignore[operator]


async def test_a_challenge_page_is_no_broken_feed_but_a_block(desk: Desk) -> None:
    challenge = (
        "<!doctype html><html><head><title>Just a moment...</title></head><body><h1>harbour.example</h1>"
        "<p>Verify you are human by completing the action below.</p></body></html>"
    )
    desk.web.page("/feed", challenge)
    assert (await desk.poll()).state == "blocked"
    assert desk.tally.source_failures["challenge"] == 1


async def test_a_failure_that_stays_makes_a_source_broken_and_polls_rare(desk: Desk) -> None:
    desk.web.page("/feed", "gone", status=410)
    states, waits = [], []
    for _ in range(4):
        record = await desk.poll()
        states.append(record.state)
        assert record.next_poll is not None
        waits.append(record.next_poll - desk.clock.now())
        desk.clock.time = record.next_poll
    assert states == ["failing", "failing", "broken", "broken"]
    assert waits[0] < waits[1] < waits[2] < waits[3]
    assert "new address" in record.advice


async def test_a_server_that_says_when_to_come_again_is_taken_at_its_word(desk: Desk) -> None:
    desk.web.page("/feed", "later", status=429, headers={"Retry-After": "7200"})
    record = await desk.poll()
    assert record.state == "failing"
    assert record.next_poll == NOON + 2 * HOUR


async def test_a_source_whose_pages_stop_being_articles_is_unreadable(desk: Desk) -> None:
    desk.serves(*hourly(20))
    await desk.poll()
    for entry in await desk.store.lease("w", 100, per_host=100, seconds=60):
        await desk.store.give_up(entry.key, "w", "paywall" if entry.url.endswith("-1") else "status-404", "")
    desk.clock.pass_by(7_200)
    assert (await desk.poll()).state == "ok"  # one page is no share, and failures of the server are none of its pages
    await _outcomes(desk, "good", article=True)
    assert (await desk.poll()).state == "ok"
    await _outcomes(desk, "bad", article=False)
    record = await desk.poll()
    assert record.state == "unreadable"
    assert "extract" in record.advice
    await _outcomes(desk, "well", article=True)
    assert (await desk.poll()).state == "ok"


async def _outcomes(desk: Desk, prefix: str, *, article: bool) -> None:
    """Twenty-five more pages, each stored as an article or told to be none; then two hours pass."""
    desk.serves(*((f"{prefix}-{number}", timedelta(minutes=number)) for number in range(25)), *hourly(5))
    await desk.poll()
    for entry in await desk.store.lease("w", 100, per_host=100, seconds=60):
        if article:
            stored = page(entry.url.rpartition("/")[2], url=entry.url)
            await desk.store.store_article(stored, None, frontier_key=entry.key, worker="w")
        else:
            await desk.store.give_up(entry.key, "w", "consent", "the page holds no article")
    desk.clock.pass_by(7_200)
