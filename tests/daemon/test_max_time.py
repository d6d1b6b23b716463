"""`run --once --max-time`: a job that ends in its time and loses nothing."""

from __future__ import annotations

import asyncio
import time

import pytest

from crawler import daemon
from crawler.cli.crawling import duration
from crawler.clock import SystemClock
from crawler.errors import UsageError
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.stories import feed, page_html, story
from tests.web import Seen, Web, response

PAGES = 8


async def test_a_job_ends_at_its_limit_and_leaves_the_rest_queued(configure: Configure) -> None:
    async with Web("127.0.0.6") as web:
        body = page_html(story("port-independent"))

        async def slowly(_: Seen, writer: asyncio.StreamWriter) -> bool:
            await asyncio.sleep(0.2)
            writer.write(response(body))
            await writer.drain()
            return True

        items = [(web.handler(f"/{number}", slowly), story("port-independent")) for number in range(PAGES)]
        web.page("/feed", feed(items), media="application/rss+xml")
        settings = configure(site=(web.url("/feed"), "aggregator"))
        begun = time.monotonic()
        result = await daemon.run(settings, once=True, max_seconds=0.5)
        assert time.monotonic() - begun < 8
        assert result.tally.stopped == "max-time"
        assert result.signal is None
        assert result.tally.left
        assert result.tally.left + result.tally.fetched == PAGES
        assert f"stopped=max-time left={result.tally.left}" in result.tally.line()
        async with await Store.open(settings.database, SystemClock()) as store:
            counts = await store.frontier_counts()
            (run,) = await store.last_runs(1)
        assert (counts.due, counts.leased) == (result.tally.left, 0)
        assert run.summary["stopped"] == "max-time"
        rest = await daemon.run(settings, once=True)
        assert rest.tally.fetched == result.tally.left
        assert "stopped" not in rest.tally.line()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5_400), ("2h", 7_200), ("1d", 86_400)]
)
def test_a_time_is_given_in_seconds_minutes_hours_or_days(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "10 minutes", "1h30", "9999999d", "٣m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max-time: expected seconds"):
        duration(text)
