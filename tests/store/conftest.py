from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.databases import *  # noqa: F403 - fixtures
from tests.store.pieces import StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def store(store_url: str, clock: StillClock) -> AsyncIterator[Store]:
    async with await Store.open(DatabaseSettings(url=store_url), clock) as opened:
        yield opened


@pytest.fixture
async def sqlite_store(sqlite_url: str, clock: StillClock) -> AsyncIterator[Store]:
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as opened:
        yield opened
