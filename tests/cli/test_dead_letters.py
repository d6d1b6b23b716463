"""Pages that were given up, as `status` tells them and `sources check --retry` brings them back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from crawler.clock import SystemClock
from crawler.model import Reference
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.cli.conftest import Wiretrace
from tests.store.pieces import NOON, source


@pytest.fixture
def dead_page(tmp_path: Path) -> None:
    """One page of one source, given up."""

    async def work() -> None:
        settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wiretrace.db'}")
        async with await Store.open(settings, SystemClock()) as store:
            await store.add_source(source(url="http://harbour.invalid/feed"))
            await store.announce("Harbour Post", [Reference("https://harbour.example/tide")], now=NOON)
            (entry,) = await store.lease("w", 1, per_host=1, seconds=60)
            await store.give_up(entry.key, "w", "status-404", "answered 404")

    asyncio.run(work())


@pytest.mark.usefixtures("dead_page")
def test_the_status_tells_pages_given_up_with_url_reason_and_tries(wiretrace: Wiretrace) -> None:
    (letter,) = json.loads(wiretrace("status", "--json").out)["dead_letters"]
    assert (letter["url"], letter["reason"], letter["attempts"]) == ("https://harbour.example/tide", "status-404", 1)
    shown = wiretrace("status").out
    assert "https://harbour.example/tide" in shown
    assert "status-404" in shown


@pytest.mark.usefixtures("dead_page")
def test_check_retry_queues_what_failed_of_a_reason_again(wiretrace: Wiretrace) -> None:
    assert "queued again: 0 pages" in wiretrace("sources", "check", "--retry", "--reason", "dns").err
    assert "queued again: 1 pages" in wiretrace("sources", "check", "--retry", "--reason", "status-404").err
    told = json.loads(wiretrace("status", "--json").out)
    assert (told["dead_letters"], told["frontier"]["due"]) == ([], 1)


def test_a_reason_without_retry_is_refused(wiretrace: Wiretrace) -> None:
    ran = wiretrace("sources", "check", "--reason", "dns")
    assert ran.code == 2
    assert "--retry" in ran.err
