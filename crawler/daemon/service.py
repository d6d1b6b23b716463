"""`wiretrace run`: the parts put together, signals, one summary line at the end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler.clock import Clock, SystemClock
from crawler.daemon.crew import Crew
from crawler.errors import NotFound, StoreInUse, WiretraceError
from crawler.fetch import Fetcher
from crawler.fetch.archive import Archive
from crawler.pipeline.cpu import CpuPool, default_processes
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.pages import PageDesk
from crawler.pipeline.polling import Poller
from crawler.pipeline.sites import SiteDesk
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunResult:
    """`signal` is the signal that ended the run, None where it ended by itself; `skipped` says why none was made."""

    tally: Tally
    signal: int | None = None
    skipped: str | None = None

    @property
    def every_source_failed(self) -> bool:
        return self.tally.sources > 0 and self.tally.source_failures.total() == self.tally.sources


async def run(
    settings: Settings,
    *,
    once: bool,
    due_only: bool = False,
    only: Sequence[str] = (),
    clock: Clock | None = None,
    watch: Callable[[Tally], None] | None = None,
) -> RunResult:
    """The daemon, or with `once` the scheduled job.

    `watch` is called about twice a second with the counts so far. Raises StoreInUse where another daemon works
    on the same SQLite store (with `once` that is no fault: nothing is done), NotFound for an unknown source.
    """
    clock = clock or SystemClock()
    tally = Tally()
    started = clock.monotonic()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(settings.database, clock))
        try:
            stack.enter_context(store.exclusive_run())
        except StoreInUse as busy:
            if once:
                return RunResult(tally, skipped=str(busy))
            raise
        processes = settings.run.processes or default_processes()
        cpu = await stack.enter_async_context(CpuPool(settings.link, settings.rights_list(), processes=processes))
        if reclaimed := await store.reclaim():
            log.info("taking up %d pages that a run had in hand when it was cut off", reclaimed)
        await reconcile(store, settings)
        await _require_sources(store, only)
        records = await store.sources()
        ports = {port for record in records if (port := urlsplit(record.source.url).port)}
        fetcher = await stack.enter_async_context(Fetcher(settings.fetch, clock, source_ports=ports))
        archive = None
        if settings.archive.warc_dir:
            archive = await stack.enter_async_context(Archive(settings.archive, settings.fetch.user_agent))
        linking = LinkingDesk(store, cpu)
        stop = asyncio.Event()
        crew = Crew(
            store=store,
            settings=settings,
            clock=clock,
            poller=Poller(store, fetcher, settings, clock),
            pages=PageDesk(store, fetcher, cpu, settings, clock, archive),
            linking=linking,
            sites=SiteDesk(store, cpu),
            name=worker_name(),
            tally=tally,
            stop=stop,
            processors=2 * processes + 2,  # so that the pool has the next piece while one is stored
            only=frozenset(only),
        )
        run_id = await store.start_run(crew.name, "once" if once else "daemon")
        with _signals(stop) as caught:
            await _work(crew, settings, once=once, due_only=due_only, stop=stop, watch=watch)
        tally.seconds = clock.monotonic() - started
        await store.finish_run(run_id, tally.as_json())
    return RunResult(tally, signal=caught[0] if caught else None)


async def reconcile(store: Store, settings: Settings) -> None:
    """The configuration's sources and the store's brought together, each change logged."""
    done = await store.reconcile(settings.source_list())
    for verb, names in (("added", done.added), ("changed", done.changed), ("disabled", done.disabled)):
        for name in names:
            log.info("source %s: %s", name, verb)


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


async def _work(
    crew: Crew,
    settings: Settings,
    *,
    once: bool,
    due_only: bool,
    stop: asyncio.Event,
    watch: Callable[[Tally], None] | None,
) -> None:
    working = asyncio.create_task(crew.work(once=once, due_only=due_only))
    stopping = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(_watch(crew.tally, watch)) if watch else None
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            # Stopped: what is in hand may end, within its time; the rest stays leased and is given back.
            done, _ = await asyncio.wait({working}, timeout=settings.run.drain_timeout * 0.7)
            if not done:
                working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            await crew.store.release(crew.name)
        except BaseExceptionGroup as group:
            raise _first_cause(group) from None
    finally:
        stopping.cancel()
        if watching is not None:
            watching.cancel()


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of a task group's errors the one that a user can act on, else the first."""
    ours = group.subgroup(WiretraceError)
    error: BaseException = ours or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _watch(tally: Tally, watch: Callable[[Tally], None]) -> None:
    while True:
        watch(tally)
        await asyncio.sleep(0.5)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[list[int]]:
    """SIGTERM and SIGINT set `stop`; a second one ends the process at once, as people expect of Ctrl-C twice."""
    caught: list[int] = []
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if caught:
            os._exit(128 + number)
        caught.append(number)
        log.info("stopping: finishing what is under way")
        stop.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield caught
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _require_sources(store: Store, names: Sequence[str]) -> None:
    known = {record.source.name for record in await store.sources()}
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise NotFound(f"source {name!r}: not known; the sources are: {listed}")
