"""The workers of one process and the bounded queue between fetching and processing.

    due sources → pollers → frontier (in the store) → dispatcher → fetchers → queue → processors → store
                                                      pending decisions, sites to learn (in the store) → decider → store

Whatever is under way is leased in the store: what a killed process leaves behind is taken up by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crawler.clock import Clock
from crawler.errors import LinkerMismatch, StoreError, WorkerLost
from crawler.fetch.archive import ArchiveError
from crawler.pipeline.cpu import NoWorkers
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.pages import Obtained, PageDesk
from crawler.pipeline.polling import Poller
from crawler.pipeline.reading import Reading
from crawler.pipeline.sites import SiteDesk
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import FrontierEntry, SourceRecord, Store

log = logging.getLogger(__name__)

LEASE_SECONDS = 120.0  # work of a process that died is free again after this
HEARTBEAT_SECONDS = 30.0
IDLE_SECONDS = 0.2  # between two looks at a store with nothing due
# What no page is to blame for: the run ends, its leases are given back, and nothing is given up.
_FATAL = (StoreError, LinkerMismatch, ArchiveError, NoWorkers)
DECISIONS_AT_ONCE = 8
# Every page in hand when a worker dies is a suspect, most of them wrongly: only what was there again and again is
# given up, and it can be brought back.
MOST_LOSSES = 25
PUT_OFF_SECONDS = 600.0  # for which a decision that failed waits


@dataclass(slots=True)
class Crew:
    """All workers of one process. `stop` is set from outside to end them."""

    store: Store
    settings: Settings
    clock: Clock
    poller: Poller
    pages: PageDesk
    linking: LinkingDesk
    sites: SiteDesk
    name: str
    tally: Tally
    stop: asyncio.Event
    processors: int = 4
    only: frozenset[str] = frozenset()  # names of sources; empty: all
    _queue: asyncio.Queue[Obtained] = field(default_factory=asyncio.Queue)
    _polls: asyncio.Semaphore = field(default_factory=asyncio.Semaphore)  # how many sources are polled at once
    _fetching: Counter[str] = field(default_factory=Counter)  # entries by host, from lease to queue
    _under_way: int = 0  # entries from lease to stored, and decisions
    _stored: int = 0  # entries processed so far
    _decided: int = -1  # `_stored` as it was when no decision was pending
    _forgotten: int = -1  # `_stored` as it was when texts that must not be kept were dropped
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _polled: asyncio.Event = field(default_factory=asyncio.Event)
    _sources: dict[str, SourceRecord] = field(default_factory=dict)

    async def work(self, *, once: bool, due_only: bool = False) -> None:
        """Works until `stop` is set, or with `once` until one pass over the sources is done.

        Raises an exception group where the store fails. Cancelled, it leaves its leases to be released.
        """
        self._queue = asyncio.Queue(self.settings.fetch.concurrency)
        self._polls = asyncio.Semaphore(self.settings.fetch.concurrency)
        self._idle.set()
        await self._load_sources()
        async with asyncio.TaskGroup() as group:
            ending = [group.create_task(self._keep_leases())]
            ending += [group.create_task(self._process(group)) for _ in range(self.processors)]
            ending += [group.create_task(self._poll_once(due_only) if once else self._poll_forever())]
            ending += [group.create_task(self._decide())]
            await self._dispatch(group, once=once)
            # Nothing new is begun from here on; what is under way is finished.
            await self._idle.wait()
            for task in ending:
                task.cancel()
        await self.store.forget_unindexed()
        await self.store.release(self.name)
        await self.store.sign_off(self.name)

    # --- sources ---------------------------------------------------------------------------------------

    async def _load_sources(self) -> None:
        self._sources = {record.source.name: record for record in await self.store.sources()}

    def _due(self) -> list[SourceRecord]:
        now = self.clock.now()
        return [one for one in self._chosen() if one.next_poll is None or one.next_poll <= now]

    def _chosen(self) -> list[SourceRecord]:
        enabled = (one for one in self._sources.values() if one.source.enabled)
        return [one for one in enabled if not self.only or one.source.name in self.only]

    async def _poll_once(self, due_only: bool) -> None:
        await asyncio.gather(*map(self._poll, self._due() if due_only else self._chosen()))
        self._polled.set()

    async def _poll_forever(self) -> None:
        """Each source in its own time: one that hangs holds up no other."""
        async with asyncio.TaskGroup() as group:
            under_way: dict[str, asyncio.Task[None]] = {}
            while not self.stop.is_set():
                await self._load_sources()
                under_way = {name: task for name, task in under_way.items() if not task.done()}
                for record in self._due():
                    if record.name not in under_way:
                        under_way[record.name] = group.create_task(self._poll(record))
                await self._pause(1.0)

    async def _poll(self, record: SourceRecord) -> None:
        async with self._polls:
            if not self.stop.is_set():
                await self.poller.poll(record, self.tally)

    # --- pages -----------------------------------------------------------------------------------------

    async def _dispatch(self, group: asyncio.TaskGroup, *, once: bool) -> None:
        """Leases what is due and hands each entry to a fetcher of its own, never too many of one host."""
        per_host = self.settings.fetch.per_host + 1  # one more than may be under way, so that the next is at hand
        most = 4 * self.settings.fetch.concurrency
        while not self.stop.is_set():
            was_polled, was_idle = self._polled.is_set(), self._idle.is_set()
            entries: Sequence[FrontierEntry] = ()
            if (room := most - self._under_way) > 0:
                full = [host for host, count in self._fetching.items() if count >= per_host]
                entries = await self.store.lease(
                    self.name,
                    room,
                    per_host=per_host,
                    seconds=LEASE_SECONDS,
                    exclude_hosts=full,
                    sources=self.only or None,
                )
            for entry in entries:
                self._begin()
                self._fetching[entry.host] += 1
                group.create_task(self._fetch(entry))
            if entries:
                continue
            if once and was_polled and was_idle and self._idle.is_set() and self._decided == self._stored:
                return
            await self._pause(IDLE_SECONDS / 4)

    async def _fetch(self, entry: FrontierEntry) -> None:
        obtained = None
        try:
            if entry.source not in self._sources:
                await self._load_sources()
            source = self._sources[entry.source].source
            if entry.losses >= MOST_LOSSES:
                raise WorkerLost(entry.url, f"{entry.losses} workers died with it in hand")
            obtained = await self.pages.obtain(entry, source, self.name, self.tally)
        except _FATAL:
            raise
        except WorkerLost as error:
            await self.pages.fail(entry, self.name, error, self.tally)
        except Exception as error:
            # A page must never stop the run, not even by a fault of ours; it is counted and shown like any other.
            log.exception("%s", entry.url)
            await self.pages.fail(entry, self.name, error, self.tally)
        finally:
            self._fetching[entry.host] -= 1
            if not self._fetching[entry.host]:
                del self._fetching[entry.host]
            if obtained is None:
                self._end()
        if obtained is not None:
            await self._queue.put(obtained)

    async def _process(self, group: asyncio.TaskGroup) -> None:
        while True:
            obtained = await self._queue.get()
            handed_on = False
            try:
                reading = await self.pages.read(obtained, self.name, self.tally)
                if reading is not None and reading.parts:
                    # Its site may want seconds between two requests: no processor waits for that.
                    group.create_task(self._complete(obtained, reading))
                    handed_on = True
                elif reading is not None:
                    await self._keep(obtained, reading)
            except _FATAL:
                raise
            except Exception as error:
                log.exception("%s", obtained.entry.url)
                await self.pages.fail(obtained.entry, self.name, error, self.tally)
            finally:
                if not handed_on:
                    self._stored += 1
                    self._end()

    async def _complete(self, obtained: Obtained, first: Reading) -> None:
        try:
            await self._keep(obtained, await self.pages.complete(obtained, first, self.tally))
        except _FATAL:
            raise
        except Exception as error:
            log.exception("%s", obtained.entry.url)
            await self.pages.fail(obtained.entry, self.name, error, self.tally)
        finally:
            self._stored += 1
            self._end()

    async def _keep(self, obtained: Obtained, reading: Reading) -> None:
        article_id = await self.pages.keep(obtained, reading, self.name, self.tally)
        if article_id is not None:
            await self._decide_one(article_id, "article stored")

    async def _decide(self) -> None:
        """Makes the decisions that are pending in the store, also those of a run that was cut off, and learns the
        sites' furniture, which may call for more of them."""
        while not self.stop.is_set():
            mark = self._stored
            self._begin()
            try:
                pending = await self.store.pending(self.name, DECISIONS_AT_ONCE, LEASE_SECONDS)
                await asyncio.gather(*(self._decide_one(one.article_id, one.reason) for one in pending))
                learned = await self._learn()
            finally:
                self._end()
            if not pending and not learned:
                if self._decided == mark != self._forgotten:  # for a second time: nothing was stored in between
                    # Not sooner: an original stored a moment after such a page could not be told from it any more.
                    await self.store.forget_unindexed()
                    self._forgotten = mark
                self._decided = mark
                await self._pause(IDLE_SECONDS)

    async def _learn(self) -> bool:
        """One step at the sites' memory; False where there is none to do."""
        try:
            return await self.sites.step(self.name)
        except _FATAL:
            raise
        except Exception:
            # The site stays leased, so that it is not tried again at once; its pages are as they were read.
            log.exception("learning a site's furniture")
            self.tally.failed["site"] += 1
            return False

    async def _decide_one(self, article_id: str, reason: str) -> None:
        try:
            await self.linking.decide(article_id, self.tally, worker=self.name, reason=reason)
        except _FATAL:
            raise
        except Exception:
            # Nothing is lost by a fault of ours: the decision is due again later.
            log.exception("decision on %s", article_id)
            self.tally.failed["decision"] += 1
            await self.store.put_off(article_id, self.name, PUT_OFF_SECONDS)

    # --- leases and shutdown -----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._under_way += 1
        self._idle.clear()

    def _end(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()

    async def _keep_leases(self) -> None:
        while True:
            await self.store.heartbeat(self.name)
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.store.extend_leases(self.name, LEASE_SECONDS)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
