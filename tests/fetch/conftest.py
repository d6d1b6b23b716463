"""What the fetcher's tests share: servers on addresses of their own, a held clock, fetchers that may ask them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.fetch import Fetcher
from crawler.settings import FetchSettings
from tests.web import Web


class HeldClock:
    """Time that passes only when somebody sleeps, and then at once. `slept` are the pauses taken."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 8, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web("127.0.0.2") as server:
        yield server


@pytest.fixture
async def other() -> AsyncIterator[Web]:
    """A second host."""
    async with Web("127.0.0.3") as server:
        yield server


class Names:
    """A resolver of invented names; `asked` are those that were looked up."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        await asyncio.sleep(0)
        if host not in self.table:
            raise OSError(-2, "Name or service not known")
        return self.table[host]


def settings(**keys: Any) -> FetchSettings:
    """Loopback allowed, no delay; `keys` as in the configuration."""
    return FetchSettings(**{"allow_private": ("127.0.0.0/8",), "delay": 0.0, "timeout": 10.0, **keys})


@pytest.fixture
async def make(clock: HeldClock) -> AsyncIterator[Callable[..., Any]]:
    """Makes fetchers of the settings given, closed at the end."""
    made: list[Fetcher] = []

    async def one(*, resolver: Names | None = None, source_ports: tuple[int, ...] = (), **keys: Any) -> Fetcher:
        fetcher = Fetcher(settings(**keys), clock, resolver=resolver or Names({}), source_ports=source_ports)
        made.append(await fetcher.__aenter__())
        return fetcher

    yield one
    for fetcher in made:
        await fetcher.__aexit__(None, None, None)


@pytest.fixture
async def fetcher(make: Callable[..., Any]) -> Fetcher:
    made: Fetcher = await make()
    return made
