"""`trace`: what the store knows of a page counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.clock import SystemClock
from crawler.jobs.tracing import trace
from crawler.model import RawDocument
from crawler.settings import DatabaseSettings, Settings
from tests.stories import page_html, story

URL = "https://mirror.example/news/ferry"


class Later(SystemClock):
    """A clock that runs a year ahead."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=365)


async def test_a_page_that_the_store_holds_was_first_seen_when_it_was_stored(tmp_path: Path) -> None:
    settings = Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}"))
    page = RawDocument(url=URL, body=page_html(story("ferry-spun")).encode(), media_type="text/html")
    kept = (await trace(settings, page, clock=SystemClock(), keep=True)).article
    again = RawDocument(url=f"{URL}?utm_source=x", body=page.body, media_type="text/html")
    found = (await trace(settings, again, clock=Later())).article
    assert found.first_seen == kept.first_seen
    assert found.fetched is not None
    assert kept.fetched is not None
    assert found.fetched > kept.fetched


async def test_a_page_that_the_store_does_not_hold_is_first_seen_now(tmp_path: Path) -> None:
    settings = Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}"))
    page = RawDocument(url=URL, body=page_html(story("ferry-spun")).encode(), media_type="text/html")
    before = datetime.now(UTC)
    found = (await trace(settings, page, clock=SystemClock())).article
    assert found.first_seen is not None
    assert found.first_seen >= before
