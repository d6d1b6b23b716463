"""Who waits for work hears of it: what a transaction gave to do is told when it is committed.

Inside a process at once; between the processes of a PostgreSQL store by NOTIFY, which each hears over one connection
of its own. A bell that was missed costs no more than the time until its hearer looks by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from weakref import WeakSet

PAGES, TASKS, SOURCES = "pages", "tasks", "sources"
TOPICS = (PAGES, TASKS, SOURCES)


class Ear:
    """Hears of some topics, and of whatever else rings it."""

    def __init__(self, topics: Collection[str]) -> None:
        self.topics = frozenset(topics)
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def hear(self, seconds: float) -> bool:
        """Waits for a ring, no longer than `seconds`; whether there was one since the last time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        heard = self._rung.is_set()
        self._rung.clear()
        return heard


class Bell:
    """Rings the ears of one process. `far` is True while the other processes' rings are heard as well."""

    def __init__(self) -> None:
        self.far = False
        self._ears: WeakSet[Ear] = WeakSet()

    def listen(self, *topics: str) -> Ear:
        ear = Ear(topics)
        self._ears.add(ear)
        return ear

    def ring(self, topics: Collection[str]) -> None:
        if topics:
            for ear in list(self._ears):
                if not ear.topics.isdisjoint(topics):
                    ear.ring()
