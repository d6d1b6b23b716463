"""An origin and an aggregator on loopback, and settings that crawl them into a new SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from crawler.daemon import service
from crawler.settings import DatabaseSettings, FetchSettings, RunSettings, Settings, SourceSettings
from tests.databases import *  # noqa: F403 - fixtures
from tests.stories import feed, page_html, story
from tests.web import Web

Configure = Callable[..., Settings]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPU work runs in a thread: a run of a handful of pages would spend its time on starting a process for them.

    Tests that start `wiretrace run` itself have real ones.
    """
    monkeypatch.setattr(service, "default_processes", lambda: 0)


@pytest.fixture
async def origin() -> AsyncIterator[Web]:
    async with Web("127.0.0.2") as web:
        web.page("/feed", feed([(web.url("/ferry"), story("ferry-original"))], full=True), media="application/rss+xml")
        yield web


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with Web("127.0.0.3") as web:
        pages = {"/spun": story("ferry-spun"), "/other": story("port-independent")}
        for path, article in pages.items():
            web.page(path, page_html(article))
        items = [(web.url(path), article) for path, article in pages.items()]
        web.page("/feed", feed(items), media="application/rss+xml", headers={"ETag": '"one"'})
        yield web


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Settings for sources given as name → (URL, role), on a SQLite file or on `database`."""

    def settings(*, database: str = f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}", **sources: Any) -> Settings:
        return Settings(
            database=DatabaseSettings(url=database),
            fetch=FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0, max_age_days=0, timeout=5.0),
            run=RunSettings(),
            sources=tuple(SourceSettings(name=name, url=url, role=role) for name, (url, role) in sources.items()),
        )

    return settings
