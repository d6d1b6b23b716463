"""One reader of the store for all who watch it live: it looks once a second however many they are, and not at all
where there is nobody. Each has a bounded queue; who does not read is told that something is missing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from crawler.errors import WiretraceError
from crawler.interchange import time_to_json
from crawler.model import Subject
from crawler.store import Store
from crawler.store.happenings import Happened, Happening, Mark
from crawler.web import taming

log = logging.getLogger(__name__)

LOOKED = 1.0  # seconds between two looks
MOST_EVENTS = 200  # changes, and failures, of one look: of more the newest
MOST_QUEUED = 30  # looks that a slow reader may be behind
MOST_LISTENERS = 500
_ADDRESSES = {Subject.ARTICLE: "/articles/", Subject.LINK: "/links/"}


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look found. `events` are written once for all who listen; `mark` is where who has it goes on."""

    happenings: tuple[Happening, ...]
    events: tuple[bytes, ...]
    mark: Mark
    skipped: int

    def since(self, mark: Mark) -> bytes:
        """The events behind `mark`, and where to go on."""
        rows = zip(self.happenings, self.events, strict=True)
        fresh = [event for happening, event in rows if happening.is_after(mark)]
        missing = [b"event: missed\ndata: %d\n\n" % self.skipped] if self.skipped and self.mark.seq > mark.seq else []
        if not fresh and not missing:
            return b""
        # The number stands alone behind the events: cut off in the middle of them, a client gets them all again.
        return b"".join([*missing, *fresh, b"id: %s\nevent: mark\ndata:\n\n" % str(self.mark).encode()])


@dataclass(eq=False)
class Listener:
    """One who watches."""

    waiting: deque[Batch] = field(default_factory=deque)
    missed: bool = False  # batches were dropped
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, batch: Batch) -> None:
        if len(self.waiting) >= MOST_QUEUED:
            self.waiting.clear()
            self.missed = True
        self.waiting.append(batch)
        self.rung.set()

    async def take(self, seconds: float) -> Batch | None:
        """The next batch, None where none comes in time."""
        if not self.waiting:
            self.rung.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self.rung.wait()
            except TimeoutError:
                return None
        return self.waiting.popleft() if self.waiting else None


class Feed:
    """`looks` counts the looks at the store, for tests and figures."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._reader: asyncio.Task[None] | None = None
        self.closed = False
        self.looks = 0

    @property
    def is_full(self) -> bool:
        return len(self._listeners) >= MOST_LISTENERS

    def join(self) -> Listener:
        listener = Listener()
        self._listeners.add(listener)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    async def close(self) -> None:
        """Wakes all who listen, so that they end."""
        self.closed = True
        for listener in self._listeners:
            listener.rung.set()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        """Goes on while somebody listens; a store that is away for a while is asked again."""
        mark: Mark | None = None
        while self._listeners and not self.closed:
            try:
                self.looks += 1
                # Who joins reads for itself up to its own moment, so the first look needs no past.
                found = await (
                    self._store.latest_happenings(1) if mark is None else self._store.happenings(mark, MOST_EVENTS)
                )
                if mark is not None and (found.events or found.skipped):
                    batch = await asyncio.to_thread(batch_of, found)
                    for listener in self._listeners:
                        listener.give(batch)
                mark = found.mark
            except WiretraceError as error:
                log.warning("watching the store: %s", error)
            await asyncio.sleep(LOOKED)


def batch_of(found: Happened) -> Batch:
    return Batch(found.events, tuple(_written(found.events)), found.mark, found.skipped)


def _written(events: Sequence[Happening]) -> list[bytes]:
    return [b"event: happening\ndata: %s\n\n" % json.dumps(shown(one)).encode() for one in events]


def shown(one: Happening) -> dict[str, str]:
    """A happening as the page shows it: tamed, and with the address of what it is about in these pages."""
    return {
        "kind": one.kind,
        "at": str(time_to_json(one.at.replace(microsecond=0))),
        "source": taming.line(one.source, 80),
        "title": taming.line(one.title or one.url, 120),
        "href": f"{_ADDRESSES[one.subject]}{one.id}" if one.subject in _ADDRESSES and one.kind != "retracted" else "",
        "reason": "" if one.kind in {"fetched", "linked"} else taming.line(one.reason, 120),
    }
