"""The event loop's lateness, measured while it works."""

from __future__ import annotations

import asyncio
import time

from crawler import metrics
from crawler.daemon.lag import watch_lag


async def test_a_loop_that_is_held_up_shows_it(monkeypatch) -> None:
    lag = metrics.Timed(metrics.LOOP_LAG_SECONDS.family, metrics.LOOP_LAG_SECONDS.bounds)
    monkeypatch.setattr(metrics, "LOOP_LAG_SECONDS", lag)
    watching = asyncio.create_task(watch_lag())
    await asyncio.sleep(0.01)
    time.sleep(0.3)
    await asyncio.sleep(0.1)
    watching.cancel()
    assert lag.greatest >= 0.2
    (spread,) = lag.spreads.values()
    assert sum(spread.counts) >= 1
