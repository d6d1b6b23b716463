"""`trace`: what the store knows of a page counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.clock import SystemClock
from crawler.jobs.tracing import load, trace
from crawler.model import RawDocument
from crawler.settings import DatabaseSettings, FetchSettings, Settings
from crawler.store import Store
from tests.stories import page_html, story
from tests.web import Web

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


async def test_what_a_person_asks_for_is_bound_neither_by_robots_txt_nor_by_directives(tmp_path: Path) -> None:
    database = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}")
    settings = Settings(database=database, fetch=FetchSettings(allow_private=("127.0.0.2",)))
    async with Web("127.0.0.2") as web:
        web.page("/robots.txt", "User-agent: *\nDisallow: /", media="text/plain")
        head = '<meta name="wiretrace" content="none">'
        url = web.page("/ferry", page_html(story("ferry-spun"), head=head), headers={"X-Robots-Tag": "none, noarchive"})
        page = await load(url, settings, clock=SystemClock())
        assert web.paths() == ["/ferry"]
    await trace(settings, page, clock=SystemClock(), keep=True)
    async with await Store.open(database, SystemClock()) as store:
        await store.forget_unindexed()
        kept = await store.article_by_url(url)
    assert kept is not None
    assert kept.text
    assert not kept.noindex
