"""Webhooks beside a run: told while it works, and at the end of one pass till nothing is due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crawler.clock import Clock
from crawler.errors import WiretraceError
from crawler.pipeline.delivering import Courier, sender, webhooks_of
from crawler.settings import Settings
from crawler.store import Store

log = logging.getLogger(__name__)

LOOKED = 2.0  # seconds between two looks at a log that stands still
LAST_ROUND = 60.0  # seconds that one pass takes, at most, for what is due at its end
LET_GO = 1.0  # seconds that a request under way may take once the run has to end


@dataclass(slots=True)
class Delivering:
    """The task that tells webhooks; `finish` is called when the work is done that makes news."""

    courier: Courier
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.courier.begin()
        self._task = asyncio.create_task(self._go_on())

    async def finish(self, seconds: float) -> None:
        """Tells what is due, for at most so many seconds; what is left, and what is due later, the next run tells."""
        if self._task is None or self._task.done():
            return
        self._ending.set()
        if seconds > 0:
            await asyncio.wait({self._task}, timeout=seconds)
        self.courier.halted = True
        await asyncio.wait({self._task}, timeout=LET_GO)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self.courier.delivered or self.courier.given_up:
            log.info("webhooks: %d delivered, %d given up", self.courier.delivered, self.courier.given_up)

    async def _go_on(self) -> None:
        while True:
            is_last = self._ending.is_set()
            try:
                await self.courier.tell_all()
            except WiretraceError as error:
                log.warning("webhooks: %s", error)
            except Exception:
                log.exception("webhooks")  # a fault of ours must not stop the crawl
            if is_last or self.courier.halted:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), LOOKED)


@asynccontextmanager
async def delivering(store: Store, settings: Settings, clock: Clock, worker: str) -> AsyncIterator[Delivering | None]:
    """Tells the webhooks that are enabled while it is open; None where there is none. Raises SettingsError."""
    hooks = webhooks_of(settings, os.environ)
    if not hooks:
        yield None
        return
    async with sender(hooks, settings.fetch, clock) as fetcher:
        made = Delivering(Courier(store, fetcher, hooks, clock, worker, settings.fetch.timeout))
        await made.start()
        try:
            yield made
        finally:
            await made.finish(0.0)
