"""How late the event loop is: whoever holds it up holds up every request and every heartbeat."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass, field

INTERVAL = 0.05  # seconds between two measurements
# Upper ends of the classes that lateness is counted in, in seconds; the last class has none.
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class LoopLag:
    """Lateness of the event loop since the start, in seconds: counts by class, the sum and the greatest."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    max: float = 0.0
    last: float = 0.0

    def add(self, seconds: float) -> None:
        late = max(0.0, seconds)
        self.counts[bisect_left(BOUNDS, late)] += 1
        self.total += late
        self.last = late
        self.max = max(self.max, late)

    @property
    def measured(self) -> int:
        return sum(self.counts)

    @property
    def p99(self) -> float:
        """What 99 of 100 measurements did not exceed, as the upper end of its class (never above `max`)."""
        return self.quantile(0.99)

    def quantile(self, share: float) -> float:
        wanted, seen = share * self.measured, 0
        for bound, count in zip((*BOUNDS, self.max), self.counts, strict=True):
            seen += count
            if count and seen >= wanted:
                return min(bound, self.max)
        return 0.0

    async def watch(self) -> None:
        """Measures until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.add(loop.time() - due)
