"""The workers of one process and the bounded queue between fetching and processing.

    due sources → pollers → frontier (in the store) → dispatcher → fetchers → queue → processors → store
                                                      pending decisions, sites to learn (in the store) → decider → store

Whatever is under way is leased in the store: what a killed process leaves behind is taken up by the next. Who has
nothing to do waits for a bell (`store.bell`) and looks by itself from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawler import logfields, metrics, urls
from crawler.clock import Clock
from crawler.daemon.deciding import FATAL, Decider
from crawler.daemon.lag import watch_lag
from crawler.errors import WorkerLost
from crawler.habits import Habits
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.hosts import HostDesk
from crawler.pipeline.looks import stranger
from crawler.pipeline.pages import Obtained, PageDesk
from crawler.pipeline.polling import Poller
from crawler.pipeline.reading import Reading
from crawler.pipeline.retention import replace_old_texts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import FrontierEntry, SourceRecord, Store
from crawler.store.bell import Ear

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30.0
SET_BACK_SECONDS = 5.0  # by which the clock must be set back to be noticed
SKEW = timedelta(seconds=60)  # by which clocks of workers may differ
# Between two looks at a store with nothing due, where no bell has rung; the shorter one where other processes may
# have put something to do and can't be heard.
IDLE_SECONDS, UNHEARD_SECONDS = 10.0, 1.0
TEND_SECONDS = 0.5  # between two looks at which hosts are idle
LEASE_PAUSE, DECIDE_PAUSE = 0.05, 0.2  # seconds, so that many rings become one look
# Between two looks at what there is to learn of sites while pages come in: a site is judged once for many pages.
LEARN_SECONDS = 10.0
SOURCES_SECONDS = 30.0  # between two readings of all sources
# That one pass waits for a source or pages of a host that another worker asks, before they are left to that one.
LEFT_SECONDS = 60.0
RETENTION_SECONDS = 600.0  # between two looks for texts that were kept long enough
LOOKS_SECONDS = 20.0  # between two looks for confirmed pages that are to be looked at again
# Every page in hand when a worker dies is a suspect, most of them wrongly: only what was there again and again is
# given up, and it can be brought back.
MOST_LOSSES = 25


@dataclass(slots=True)
class Crew:
    """All workers of one process. `stop` is set from outside to end them."""

    store: Store
    settings: Settings
    clock: Clock
    poller: Poller
    pages: PageDesk
    decider: Decider
    cpu: CpuPool
    hosts: HostDesk
    name: str
    tally: Tally
    stop: asyncio.Event
    processors: int = 4
    only: frozenset[str] = frozenset()  # names of sources; empty: all
    _queue: asyncio.Queue[Obtained] = field(default_factory=asyncio.Queue)
    _fetching: Counter[str] = field(default_factory=Counter)  # entries by host, from lease to queue
    _polling: dict[str, str] = field(default_factory=dict)  # sources with their hosts, from the claim to the record
    _under_way: int = 0  # entries from lease to stored, and decisions
    _stored: int = 0  # entries processed so far
    _decided: int = -1  # `_stored` as it was when no decision was pending
    _learns_at: float = 0.0  # when sites are looked at again, though pages are under way
    _forgotten: int = -1  # `_stored` as it was when texts that must not be kept were dropped
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _polled: asyncio.Event = field(default_factory=asyncio.Event)
    _sources: dict[str, SourceRecord] = field(default_factory=dict)
    _pages_ear: Ear = field(init=False)
    _tasks_ear: Ear = field(init=False)
    _sources_ear: Ear = field(init=False)

    def __post_init__(self) -> None:
        self._pages_ear = self.store.bell.listen("pages")
        self._tasks_ear = self.store.bell.listen("tasks")
        self._sources_ear = self.store.bell.listen("sources")

    async def work(self, *, once: bool, due_only: bool = False) -> None:
        """Works until `stop` is set, or with `once` until one pass over the sources is done.

        Raises an exception group where the store fails. Cancelled, it leaves its leases to be released.
        """
        self._queue = asyncio.Queue(self.settings.fetch.concurrency)
        self._idle.set()
        logfields.about(worker=self.name)  # all that works here is started from here
        if mended := await self.store.mend_times():
            log.info("the clock was set back: %d waits are over", mended)
        await self._load_sources()
        await self.store.queue_looks()  # before the pages of one pass are counted
        async with asyncio.TaskGroup() as group:
            ending = [group.create_task(task) for task in (
                self._keep_leases(), self._tend_hosts(), self._pass_on_stop(), self.store.listen(), watch_lag(),
                self._keep_rights(), self._keep_looks(),
                self._poll_once(due_only) if once else self._poll_forever(), self._decide(),
            )]  # fmt: skip
            ending += [group.create_task(self._process(group)) for _ in range(self.processors)]
            await self._dispatch(group, once=once)
            # Nothing new is begun from here on; what is under way is finished.
            await self._idle.wait()
            for task in ending:
                task.cancel()
        await self.store.forget_unindexed()
        await self._replace_texts()
        await self.leave()

    async def _keep_rights(self) -> None:
        while True:
            await self._replace_texts()
            await asyncio.sleep(RETENTION_SECONDS)

    async def _keep_looks(self) -> None:
        while True:
            await asyncio.sleep(LOOKS_SECONDS)
            await self.store.queue_looks()

    async def _replace_texts(self) -> None:
        days = self.settings.originals.keep_text_days
        await replace_old_texts(self.store, self.cpu, days, self.clock.now(), self.stop.is_set)

    async def leave(self) -> None:
        """Gives back what is held, with the hosts' next permitted starts, and signs off."""
        await self.hosts.part()
        await self.store.release(self.name, self.settings.fetch.delay)
        await self.store.sign_off(self.name)

    @property
    def load(self) -> tuple[int, int]:
        """Pages and decisions in hand, and those of them that wait to be read."""
        return self._under_way, self._queue.qsize()

    # --- sources ---------------------------------------------------------------------------------------

    async def _load_sources(self) -> None:
        self._sources = {record.source.name: record for record in await self.store.sources()}

    def _due(self) -> list[SourceRecord]:
        now = self.clock.now()
        return [one for one in self._chosen() if seconds_until_due(one, now) <= 0]

    def _chosen(self) -> list[SourceRecord]:
        enabled = (one for one in self._sources.values() if one.source.enabled)
        return [one for one in enabled if not self.only or one.source.name in self.only]

    async def _poll_once(self, due_only: bool) -> None:
        began = await self.store.pass_began()
        waiting = self._due() if due_only else self._chosen()
        async with asyncio.TaskGroup() as group:
            until = self.clock.monotonic() + LEFT_SECONDS
            while waiting and not self.stop.is_set():
                left = await self._begin_polls(group, waiting, began)
                if len(left) < len(waiting):
                    until = self.clock.monotonic() + LEFT_SECONDS
                elif self.clock.monotonic() >= until:
                    for one in left:
                        log.info("source %s: another worker asks its host, it is left to that one", one.name)
                    break
                if left:
                    await self._pause(1.0)
                waiting = left
        self._polled.set()
        self._pages_ear.ring()

    async def _poll_forever(self) -> None:
        """Each source in its own time: one that hangs holds up no other."""
        read = self.clock.monotonic()
        async with asyncio.TaskGroup() as group:
            while not self.stop.is_set():
                await self._begin_polls(group, [one for one in self._due() if one.name not in self._polling], None)
                if await self._sources_ear.hear(1.0) or self.clock.monotonic() - read > SOURCES_SECONDS:
                    await self._load_sources()
                    read = self.clock.monotonic()

    async def _begin_polls(
        self, group: asyncio.TaskGroup, records: Sequence[SourceRecord], began: datetime | None
    ) -> list[SourceRecord]:
        """Begins to poll sources, many at a time; returns those that are to be polled, but whose hosts other workers
        ask now.

        `began`: of one pass over all sources, which waits till there is room for each; None: of those that are due, as
        many as there is room for.
        """
        left: list[SourceRecord] = []
        waiting = list(records)
        while waiting and not self.stop.is_set():
            room = self.settings.fetch.concurrency - len(self._polling)
            if room > 0:
                left += await self._begin_some(group, waiting[:room], began)
                waiting = waiting[room:]
            elif began is None:
                break
            else:
                await self._pause(LEASE_PAUSE)
        return left

    async def _begin_some(
        self, group: asyncio.TaskGroup, records: Sequence[SourceRecord], began: datetime | None
    ) -> list[SourceRecord]:
        hosts = {one.name: urls.host_of(one.source.url) for one in records}
        self._polling |= hosts  # before they are claimed: who has a host next must see that its sources were polled
        claimed = await self.hosts.claim_sources(hosts)
        left = []
        for name, host in hosts.items():
            record = claimed.records.get(name)
            self._hold(name, record)
            if record is not None and is_to_be_polled(record, began, self.clock.now()):
                if host in claimed.notes:
                    group.create_task(self._poll(record, claimed.habits[name]))
                    continue
                left.append(record)
            del self._polling[name]
        return left

    async def _poll(self, record: SourceRecord, habits: Habits) -> None:
        try:
            found = await self.poller.poll(record, habits, self.tally)
        finally:
            del self._polling[record.name]
        self._hold(record.name, found)

    def _hold(self, name: str, record: SourceRecord | None) -> None:
        """A source as it is now; None: it was removed."""
        if record is None:
            self._sources.pop(name, None)
        else:
            self._sources[name] = record

    # --- pages -----------------------------------------------------------------------------------------

    async def _dispatch(self, group: asyncio.TaskGroup, *, once: bool) -> None:
        """Leases what is due and hands each entry to a fetcher of its own, never too many of one host."""
        per_host = self.settings.fetch.per_host + 1  # one more than may be under way, so that the next is at hand
        most = 4 * self.settings.fetch.concurrency
        patient_until: float | None = None
        while not self.stop.is_set():
            was_polled, was_idle = self._polled.is_set(), self._idle.is_set()
            entries: Sequence[FrontierEntry] = ()
            # With more fetched than is being read, the rest is left to workers that have a core to spare.
            behind = self._queue.qsize() > self.processors
            if (room := most - self._under_way) > 0 and not behind:
                full = [host for host, count in self._fetching.items() if count >= per_host]
                entries = await self.hosts.lease(room, per_host=per_host, exclude_hosts=full, sources=self.only or None)
            for entry in entries:
                self._begin()
                self._fetching[entry.host] += 1
                group.create_task(self._fetch(entry))
            is_through = was_polled and was_idle and self._idle.is_set() and self._decided == self._stored
            if entries or not is_through:
                patient_until = None
            elif once:
                now = self.clock.monotonic()
                patient_until = now + LEFT_SECONDS if patient_until is None else patient_until
                # What is due now is of a host that another worker has, and that one may have looked for the last time.
                if now >= patient_until or not await self.store.is_due(sources=self.only or None):
                    return
            if not entries:
                await self._pages_ear.hear(self._idle_seconds() if patient_until is None else UNHEARD_SECONDS)
            await asyncio.sleep(LEASE_PAUSE)

    def _idle_seconds(self) -> float:
        return IDLE_SECONDS if self.store.bell.far else UNHEARD_SECONDS

    async def _fetch(self, entry: FrontierEntry) -> None:
        logfields.about(source=entry.source, host=entry.host, url=entry.url)
        obtained = None
        try:
            if entry.source not in self._sources:
                await self._load_sources()
            unknown = entry.look and entry.source not in self._sources
            source = stranger(entry) if unknown else self._sources[entry.source].source
            if entry.losses >= MOST_LOSSES:
                raise WorkerLost(entry.url, f"{entry.losses} workers died with it in hand")
            obtained = await self.pages.obtain(entry, source, self.name, self.tally)
        except FATAL:
            raise
        except WorkerLost as error:
            await self.pages.fail(entry, self.name, error, self.tally)
        except Exception as error:
            # A page must never stop the run, not even by a fault of ours; it is counted and shown like any other.
            log.exception("%s", entry.url)
            await self.pages.fail(entry, self.name, error, self.tally)
        finally:
            one_less(self._fetching, entry.host)
            self._pages_ear.ring()  # its host has room for another
            if obtained is None:
                self._done()
        if obtained is not None:
            await self._queue.put(obtained)

    async def _process(self, group: asyncio.TaskGroup) -> None:
        while True:
            obtained = await self._queue.get()
            logfields.about(source=obtained.entry.source, host=obtained.entry.host, url=obtained.entry.url)
            handed_on = False
            try:
                reading = await self.pages.read(obtained, self.name, self.tally)
                if reading is not None and reading.parts:
                    # Its site may want seconds between two requests: no processor waits for that.
                    group.create_task(self._complete(obtained, reading))
                    handed_on = True
                elif reading is not None:
                    await self._keep(obtained, reading)
            except FATAL:
                raise
            except Exception as error:
                log.exception("%s", obtained.entry.url)
                await self.pages.fail(obtained.entry, self.name, error, self.tally)
            finally:
                if not handed_on:
                    self._done()

    async def _complete(self, obtained: Obtained, first: Reading) -> None:
        try:
            await self._keep(obtained, await self.pages.complete(obtained, first, self.tally))
        except FATAL:
            raise
        except Exception as error:
            log.exception("%s", obtained.entry.url)
            await self.pages.fail(obtained.entry, self.name, error, self.tally)
        finally:
            self._done()

    async def _keep(self, obtained: Obtained, reading: Reading) -> None:
        article_id = await self.pages.keep(obtained, reading, self.name, self.tally)
        if article_id is not None:
            await self.decider.decide(article_id, "article stored")

    async def _decide(self) -> None:
        while not self.stop.is_set():
            mark = self._stored
            self._begin()
            learns = self._under_way == 1 or self.clock.monotonic() >= self._learns_at
            try:
                decided = await self.decider.catch_up()
                learned = learns and await self.decider.learn()
            finally:
                self._end()
            if learns and not learned:
                self._learns_at = self.clock.monotonic() + LEARN_SECONDS
            if decided or learned:
                continue
            if learns:
                await self._note_decided(mark)
            await self._tasks_ear.hear(self._idle_seconds())
            await self._pause(DECIDE_PAUSE)

    async def _note_decided(self, mark: int) -> None:
        """Nothing was left to do when `mark` entries were stored."""
        if self._decided == mark != self._forgotten:  # for a second time: nothing was stored in between
            # Not sooner: an original stored a moment after such a page could not be told from it any more.
            await self.store.forget_unindexed()
            self._forgotten = mark
        self._decided = mark
        self._pages_ear.ring()  # the end of one pass may have come

    # --- leases and shutdown -----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._under_way += 1
        self._idle.clear()

    def _end(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
            self._pages_ear.ring()

    def _done(self) -> None:
        """An entry is processed, to whatever end; its site may have something to learn now."""
        self._stored += 1
        self._tasks_ear.ring()
        self._end()

    async def _keep_leases(self) -> None:
        while True:
            metrics.HEARTBEAT.beat()
            await self.store.heartbeat(self.name)
            ahead = self._ahead()
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._ahead() < ahead - SET_BACK_SECONDS and (mended := await self.store.mend_times()):
                log.info("the clock was set back: %d waits are over", mended)
            await self.hosts.keep()
            await self.store.forget_hosts()

    def _ahead(self) -> float:
        """By how much the wall clock is ahead of the one that nobody can set."""
        return self.clock.now().timestamp() - self.clock.monotonic()

    async def _tend_hosts(self) -> None:
        while True:
            await asyncio.sleep(TEND_SECONDS)
            await self.hosts.tend(lambda: {*self._fetching, *self._polling.values()})

    async def _pass_on_stop(self) -> None:
        await self.stop.wait()
        for ear in (self._pages_ear, self._tasks_ear, self._sources_ear):
            ear.ring()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)


def one_less(counts: Counter[str], host: str) -> None:
    """A host of which nothing is left is not among the counts any more."""
    counts[host] -= 1
    if not counts[host]:
        del counts[host]


def seconds_until_due(record: SourceRecord, now: datetime) -> float:
    """Until a source is to be polled; one that was polled in a time to come was polled before the clock was set
    back, and nothing is known of how long ago that is."""
    if record.next_poll is None or (record.last_polled is not None and record.last_polled > now + SKEW):
        return 0.0
    return (record.next_poll - now).total_seconds()


def is_to_be_polled(record: SourceRecord, began: datetime | None, now: datetime) -> bool:
    """Whether no other worker was faster: in one pass that `began` then, or at its due time."""
    if not record.source.enabled:
        return False
    if began is None:
        return seconds_until_due(record, now) <= 0
    return record.last_polled is None or not began <= record.last_polled <= now + SKEW
