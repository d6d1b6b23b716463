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
from crawler.fetch.pace import MAX_CRAWL_DELAY, MAX_HOLD, Pace, hold

PATIENCE = 15.0  # seconds of a hold that are waited out; for longer ones the caller has better things to do
KEPT_HOSTS = 10_000


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore  # requests under way; both of these serve in the order of arrival
    door: asyncio.Lock = field(default_factory=asyncio.Lock)  # who may start next
    users: int = 0
    pace: Pace = field(kw_only=True)
    last_start: float = float("-inf")
    next_start: float = 0.0
    held_until: float = 0.0
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
                    self._started(state)
                try:
                    yield
                finally:
                    self._everywhere.release()
        finally:
            state.users -= 1

    def sent(self, host: str) -> None:
        """The request whose turn it is goes out now. Connecting took time: to the host this is when it starts."""
        self._started(self._state(host))

    def _started(self, state: _Host) -> None:
        state.last_start = self._clock.monotonic()
        state.next_start = max(state.next_start, state.last_start + state.pace.gap)

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

    def crawl_delay(self, host: str, seconds: float | None) -> None:
        """What robots.txt asks for; the larger of it and `delay` counts."""
        state = self._state(host)
        state.pace = state.pace.asking(seconds)

    def took(self, host: str, seconds: float) -> None:
        """An answer of the host took so long, or did not come in that time: the slower, the more seldom it is asked."""
        state = self._state(host)
        state.pace = state.pace.after(seconds)
        state.next_start = max(state.next_start, state.last_start + state.pace.gap)

    def not_before(self, host: str) -> datetime:
        """The wall-clock time of the next permitted start; that of now, or an earlier one, where it is free."""
        state = self._hosts.get(host)
        wait = max(state.next_start, state.held_until) - self._clock.monotonic() if state is not None else 0.0
        return self._clock.now() + timedelta(seconds=max(wait, 0.0))

    def pace(self, host: str) -> float:
        """Seconds from the start of one request to that of the next, as is known now."""
        state = self._hosts.get(host)
        return state.pace.gap if state is not None else self._delay

    def is_idle(self, host: str) -> bool:
        """Whether no request to `host` is under way or waits for its turn."""
        state = self._hosts.get(host)
        return state is None or not state.users

    def keep_away(self, host: str, until: datetime) -> None:
        """No request to the host starts before `until`, which another process may have set; never brought forward.

        As long as a pause between two requests it is waited out, a longer one is a hold: see `turn`.
        """
        wait = (until - self._clock.now()).total_seconds()
        if wait <= 0:
            return
        state = self._state(host)
        start = self._clock.monotonic() + min(wait, MAX_HOLD)
        if wait <= MAX_CRAWL_DELAY:
            state.next_start = max(state.next_start, start)
        else:
            state.held_until = max(state.held_until, start)

    def refused(self, host: str, retry_after: float | None) -> None:
        """The host answered 429 or 503: nothing goes there for `retry_after` seconds, or ever longer.

        Refusals of requests that were under way together are one.
        """
        state = self._state(host)
        now = self._clock.monotonic()
        if state.held_until <= now:
            state.refusals += 1
        seconds = hold(max(state.refusals, 1), self._delay, retry_after)
        state.held_until = max(state.held_until, now + seconds)

    def answered(self, host: str) -> None:
        """The host answered without complaint; what was under way when it refused others says nothing."""
        state = self._state(host)
        if state.held_until <= self._clock.monotonic():
            state.refusals = 0

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is not None:
            self._hosts.move_to_end(host)
            return state
        if len(self._hosts) >= self._kept_hosts:
            self._forget_one()
        state = self._hosts[host] = _Host(asyncio.Semaphore(self._per_host), pace=Pace(self._delay))
        return state

    def _forget_one(self) -> None:
        now = self._clock.monotonic()
        for host, state in self._hosts.items():
            if not state.users and state.next_start <= now and state.held_until <= now:
                del self._hosts[host]
                return
        # All are at work or waited for: forgetting one would break its delay. Their number is bounded by
        # what the caller keeps under way.
