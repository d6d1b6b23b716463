"""How late the event loop is: whoever holds it up holds up every request and every heartbeat."""

from __future__ import annotations

import asyncio

from crawler import metrics

INTERVAL = 0.05  # seconds between two measurements


async def watch_lag() -> None:
    """Measures into `metrics.LOOP_LAG_SECONDS` until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL
        await asyncio.sleep(INTERVAL)
        metrics.LOOP_LAG_SECONDS.observe(max(0.0, loop.time() - due))
