"""`wiretrace run --from-warc`: a crawl of archives, without the net.

    archives → reader (a thread) → queue → processors → store
                       pending decisions, sites to learn → decider → store

How far an archive was read is noted in the store every two seconds, never beyond what is stored: a run that was killed
goes on there, and what it does again changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from crawler.clock import Clock, SystemClock
from crawler.daemon.crew import HEARTBEAT_SECONDS
from crawler.daemon.deciding import FATAL, LEASE_SECONDS, Decider
from crawler.daemon.reading import ArchiveReading, Page, archives_of, key_of
from crawler.daemon.service import RunResult, see_through, signals, worker_name
from crawler.errors import InputError
from crawler.fetch.robots import product_token
from crawler.pipeline.captures import CaptureDesk
from crawler.pipeline.cpu import CpuPool, default_processes
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.sites import SiteDesk, SiteVerdicts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.2  # between two looks at a store with no decision due
SAVE_SECONDS = 2.0  # between two notes of how far archives were read


async def run_archives(
    settings: Settings,
    given: Sequence[Path],
    *,
    clock: Clock | None = None,
    watch: Callable[[Tally], None] | None = None,
) -> RunResult:
    """Reads the archives `given` (files, folders, globs) from where they were left off to their ends.

    An archive counts as a source. Raises InputError where a path leads to no file, StoreInUse where a daemon works on
    the same SQLite store.
    """
    clock = clock or SystemClock()
    files = await asyncio.to_thread(archives_of, given)
    tally = Tally()
    started = clock.monotonic()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(settings.database, clock))
        stack.enter_context(store.exclusive_run())
        processes = settings.run.processes or default_processes()
        cpu = await stack.enter_async_context(CpuPool(settings.link, settings.rights_list(), processes=processes))
        await store.reclaim()
        stop = asyncio.Event()
        name = worker_name()
        verdicts = SiteVerdicts(store, clock)
        crew = ArchiveCrew(
            store=store,
            pages=CaptureDesk(
                store, cpu, clock, verdicts, settings.fetch.max_body, product_token(settings.fetch.user_agent)
            ),
            decider=Decider(store, LinkingDesk(store, cpu), SiteDesk(store, cpu, verdicts), name, tally),
            name=name,
            tally=tally,
            stop=stop,
            limit=settings.fetch.max_body,
            processors=2 * processes + 2,
        )
        run_id = await store.start_run(crew.name, "archives")
        with signals(stop) as caught:
            await see_through(crew.work(files), crew.leave, tally, stop, settings.run.drain_timeout, watch)
        tally.seconds = clock.monotonic() - started
        await store.finish_run(run_id, tally.as_json())
    return RunResult(tally, signal=caught[0] if caught else None)


@dataclass(slots=True)
class ArchiveCrew:
    """The workers of one process. `stop` is set from outside to end them."""

    store: Store
    pages: CaptureDesk
    decider: Decider
    name: str
    tally: Tally
    stop: asyncio.Event
    limit: int  # bytes of a body
    processors: int = 4
    _queue: asyncio.Queue[tuple[ArchiveReading, Page]] = field(default_factory=asyncio.Queue)
    _readings: list[ArchiveReading] = field(default_factory=list)  # of which something is to be noted still
    _all_stored: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, files: Sequence[Path]) -> None:
        """Reads the files to their ends, or until `stop` is set. Raises an exception group where the store fails."""
        self._queue = asyncio.Queue(self.processors)
        async with asyncio.TaskGroup() as group:
            ending = [group.create_task(self._keep_leases()), group.create_task(self._keep_progress())]
            ending += [group.create_task(self._process()) for _ in range(self.processors)]
            deciding = group.create_task(self._decide())
            for path in files:
                if self.stop.is_set():
                    break
                await self._read(path)
            await self._queue.join()
            await self._save()
            self._all_stored.set()
            await deciding
            for task in ending:
                task.cancel()
        await self.store.forget_unindexed()
        await self.leave()

    async def leave(self) -> None:
        """Gives back what is held, and signs off."""
        await self.store.release(self.name)
        await self.store.sign_off(self.name)

    # --- reading ---------------------------------------------------------------------------------------

    async def _read(self, path: Path) -> None:
        self.tally.sources += 1
        try:
            key = await asyncio.to_thread(key_of, path)
            reading = ArchiveReading.of(path, await self.store.archive_progress(key), key)
            log.info("%s: reading from byte %d on", path, reading.begun)
            await self._pages(reading)
        except (InputError, OSError) as error:
            self.tally.source_failures["unreadable"] += 1
            log.warning("%s", error)
            return
        self.tally.failed.update(reading.failed)
        if not reading.is_archive:
            self.tally.source_failures["no-archive"] += 1
            log.warning("%s: expected a WARC file", path)

    async def _pages(self, reading: ArchiveReading) -> None:
        self._readings.append(reading)
        batches = reading.batches(self.limit)
        try:
            while not self.stop.is_set():
                batch = await asyncio.to_thread(next, batches, None)
                if batch is None:
                    return
                for page in reading.begin(batch):
                    await self._queue.put((reading, page))
        finally:
            reading.over = True

    async def _process(self) -> None:
        while True:
            reading, page = await self._queue.get()
            try:
                if not self.stop.is_set():  # else the page stays for the next run
                    await self._take(reading, page)
            finally:
                self._queue.task_done()

    async def _take(self, reading: ArchiveReading, page: Page) -> None:
        try:
            stored = await self.pages.take(page.capture, page.place, reading.source, self.name, self.tally)
            if stored is not None:
                await self.decider.decide(stored, "article stored")
        except FATAL:
            raise
        except Exception:
            # A page must never stop the run, not even by a fault of ours.
            log.exception("%s", page.capture.url)
            self.tally.failed["internal"] += 1
        reading.settle(page)

    async def _keep_progress(self) -> None:
        while True:
            await asyncio.sleep(SAVE_SECONDS)
            await self._save()

    async def _save(self) -> None:
        for reading in list(self._readings):
            finished = reading.finished
            if reading.position > reading.saved:
                progress = reading.progress()
                await self.store.note_progress(progress)
                reading.saved = progress.position
            if finished and reading in self._readings:  # the last saving may meet one that was on its way
                self._readings.remove(reading)

    # --- decisions -------------------------------------------------------------------------------------

    async def _decide(self) -> None:
        """Makes the decisions that are pending, those of other runs as well, and learns the sites' furniture, till all
        pages are stored and nothing is left to do."""
        while not self.stop.is_set():
            was_all = self._all_stored.is_set()
            # One after the other: what was learned may call for decisions.
            if await self.decider.catch_up() or await self.decider.learn():
                continue
            if was_all:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_stored.wait(), IDLE_SECONDS)

    async def _keep_leases(self) -> None:
        while True:
            await self.store.heartbeat(self.name)
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.store.extend_leases(self.name, LEASE_SECONDS)
