"""How often a host is asked: so many requests at once, so many seconds between two, and not at all when it says so."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from crawler.clock import Clock
from crawler.errors import HostHeldBack

MAX_CRAWL_DELAY = 60.0  # seconds; a longer one would keep a source of a hundred pages busy for hours
MAX_HOLD = 3_600.0  # seconds a host may send us away for
PATIENCE = 15.0  # seconds of a hold that are waited out; for longer ones the caller has better things to do
_SILENT_HOLD = 600.0  # seconds, the longest hold after refusals that name no time
KEPT_HOSTS = 10_000


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore  # requests under way; both of these serve in the order of arrival
    door: asyncio.Lock = field(default_factory=asyncio.Lock)  # who may start next
    users: int = 0
    next_start: float = 0.0
    held_until: float = 0.0
    crawl_delay: float = 0.0
    refusals: int = 0


class SharedHosts(Protocol):
    """Hosts that several processes ask, each of them one at a time."""

    async def claim(self, host: str, url: str) -> datetime | None:
        """Makes `host` this process's; when it may be asked first, None: that is known. Raises HostHeldBack where
        another process does not let go of it."""
        ...


class HostGate:
    """The turns at all hosts. Keeps no more than `kept_hosts` of them, the idle ones longest unused go first."""

    def __init__(
        self,
        per_host: int,
        delay: float,
        concurrency: int,
        clock: Clock,
        *,
        kept_hosts: int = KEPT_HOSTS,
        shared: SharedHosts | None = None,
    ) -> None:
        self._shared = shared
        self._per_host = per_host
        self._delay = delay
        self._everywhere = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._kept_hosts = kept_hosts
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    @asynccontextmanager
    async def turn(self, host: str, url: str) -> AsyncIterator[None]:
        """A request's turn at `host`, in the order of arrival. Raises HostHeldBack where that is far off."""
        state = self._state(host)
        state.users += 1
        try:
            async with state.slots:
                async with state.door:
                    if self._shared is not None and (first := await self._shared.claim(host, url)) is not None:
                        self.keep_away(host, first)
                    await self._wait(state, url)
                    # A start counts when it is made: with the slot of the whole crawler in hand.
                    await self._everywhere.acquire()
                    state.next_start = self._clock.monotonic() + max(self._delay, state.crawl_delay)
                try:
                    yield
                finally:
                    self._everywhere.release()
        finally:
            state.users -= 1

    async def _wait(self, state: _Host, url: str) -> None:
        while True:
            now = self._clock.monotonic()
            held = state.held_until - now
            if held > PATIENCE:
                raise HostHeldBack(url, held)
            pause = max(held, state.next_start - now)
            if pause <= 0:
                return
            await self._clock.sleep(pause)

    def not_before(self, host: str) -> datetime:
        """When the next request to `host` may begin, on the wall clock."""
        state = self._hosts.get(host)
        left = 0.0 if state is None else max(state.next_start, state.held_until) - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=max(0.0, left))

    def keep_away(self, host: str, until: datetime) -> None:
        """No request to `host` begins earlier: whoever asked it before says so."""
        state = self._state(host)
        left = min((until - self._clock.now()).total_seconds(), MAX_HOLD)
        state.held_until = max(state.held_until, self._clock.monotonic() + left)

    def pace(self, host: str) -> float:
        """Seconds between two requests to `host`."""
        state = self._hosts.get(host)
        return max(self._delay, state.crawl_delay if state is not None else 0.0)

    def is_idle(self, host: str) -> bool:
        """Whether no request to `host` is under way or waits for its turn."""
        state = self._hosts.get(host)
        return state is None or not state.users

    def crawl_delay(self, host: str, seconds: float | None) -> None:
        """What robots.txt asks for; the larger of it and `delay` counts."""
        self._state(host).crawl_delay = min(seconds or 0.0, MAX_CRAWL_DELAY)

    def refused(self, host: str, retry_after: float | None) -> None:
        """The host answered 429 or 503: nothing goes there for `retry_after` seconds, or ever longer."""
        state = self._state(host)
        state.refusals += 1
        if retry_after is None:
            seconds = min(max(self._delay, 1.0) * 2.0 ** min(state.refusals, 20), _SILENT_HOLD)
        else:
            seconds = min(retry_after, MAX_HOLD)
        state.held_until = max(state.held_until, self._clock.monotonic() + seconds)

    def answered(self, host: str) -> None:
        """The host answered without complaint."""
        self._state(host).refusals = 0

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is not None:
            self._hosts.move_to_end(host)
            return state
        if len(self._hosts) >= self._kept_hosts:
            self._forget_one()
        state = self._hosts[host] = _Host(asyncio.Semaphore(self._per_host))
        return state

    def _forget_one(self) -> None:
        now = self._clock.monotonic()
        for host, state in self._hosts.items():
            if not state.users and state.next_start <= now and state.held_until <= now:
                del self._hosts[host]
                return
        # All are at work or waited for: forgetting one would break its delay. Their number is bounded by
        # what the caller keeps under way.
