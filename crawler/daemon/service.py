"""`wiretrace run`: the parts put together, signals, one summary line at the end."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler import logfields
from crawler.clock import Clock, SystemClock
from crawler.daemon.crew import Crew
from crawler.daemon.deciding import LEASE_SECONDS, Decider
from crawler.daemon.webhooks import LAST_ROUND, delivering
from crawler.errors import NotFound, SettingsError, StoreInUse, WiretraceError
from crawler.fetch import Fetcher
from crawler.fetch.archive import Archive
from crawler.pipeline.cpu import CpuPool, default_processes
from crawler.pipeline.hosts import HostDesk
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.pages import PageDesk
from crawler.pipeline.polling import Poller
from crawler.pipeline.sites import SiteDesk, SiteVerdicts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import Store

log = logging.getLogger(__name__)

# Seconds that a database which went away in the middle of a run is waited for, as long as a restart or a failover
# takes; what is then left is taken up by the next run, which whoever started this one will start.
OUTAGE, OUTAGE_ONCE = 300.0, 60.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """`signal` is the signal that ended the run, None where it ended by itself; `skipped` says why none was made."""

    tally: Tally
    signal: int | None = None
    skipped: str | None = None

    @property
    def every_source_failed(self) -> bool:
        """Not where the time ran out: the others were not asked."""
        return (
            not self.tally.stopped
            and self.tally.sources > 0
            and self.tally.source_failures.total() == self.tally.sources
        )


async def run(
    settings: Settings,
    *,
    once: bool,
    due_only: bool = False,
    only: Sequence[str] = (),
    max_seconds: float | None = None,
    clock: Clock | None = None,
    watch: Callable[[Tally], None] | None = None,
) -> RunResult:
    """The daemon, or with `once` the scheduled job.

    After `max_seconds` no more is begun, what is under way ends as on a signal, and the tally tells what was left.
    `watch` is called about twice a second with the counts so far. Raises StoreInUse where another daemon works
    on the same SQLite store (with `once` that is no fault: nothing is done), NotFound for an unknown source.
    """
    clock = clock or SystemClock()
    tally = Tally()
    started = clock.monotonic()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await Store.open(settings.database, clock))
        store.outage = OUTAGE if not once else OUTAGE_ONCE
        try:
            stack.enter_context(store.exclusive_run())
        except StoreInUse as busy:
            if once:
                return RunResult(tally, skipped=str(busy))
            raise
        processes = settings.run.processes or default_processes()
        cpu = await stack.enter_async_context(CpuPool(settings.link, settings.rights_list(), processes=processes))
        if reclaimed := await store.reclaim(settings.fetch.delay):
            log.info("taking up %d pages that a run had in hand when it was cut off", reclaimed)
        await reconcile(store, settings)
        await _require_sources(store, only)
        _conceal_secrets(settings)
        records = await store.sources()
        ports = {port for record in records if (port := urlsplit(record.source.url).port)}
        hosts = HostDesk(store, worker_name(), clock, LEASE_SECONDS)
        fetcher = await stack.enter_async_context(Fetcher(settings.fetch, clock, source_ports=ports, shared=hosts))
        hosts.gate = fetcher.gate
        archive = None
        if settings.archive.warc_dir:
            archive = await stack.enter_async_context(Archive(settings.archive, settings.fetch.user_agent))
        stop = asyncio.Event()
        verdicts = SiteVerdicts(store, clock)
        crew = Crew(
            store=store,
            settings=settings,
            clock=clock,
            poller=Poller(store, fetcher, settings, clock),
            pages=PageDesk(store, fetcher, cpu, settings, clock, verdicts, archive),
            decider=Decider(store, LinkingDesk(store, cpu), SiteDesk(store, cpu, verdicts), hosts.worker, tally),
            cpu=cpu,
            hosts=hosts,
            name=hosts.worker,
            tally=tally,
            stop=stop,
            processors=2 * processes + 2,  # so that the pool has the next piece while one is stored
            only=frozenset(only),
        )
        if settings.metrics.listen:
            await _open_port(stack, settings.metrics.listen, crew, cpu, once=once)
        telling = await stack.enter_async_context(delivering(store, settings, clock, crew.name))
        run_id = await store.start_run(crew.name, "once" if once else "daemon")
        with (
            signals(stop, 0.9 * settings.run.drain_timeout) as caught,
            _time_limit(max_seconds, stop, tally),
        ):
            work = crew.work(once=once, due_only=due_only)
            await see_through(work, crew.leave, tally, stop, settings.run.drain_timeout, watch)
            if once and telling is not None and not caught:
                await telling.finish(LAST_ROUND if not tally.stopped else settings.run.drain_timeout)
        if tally.stopped:
            tally.left = (await store.frontier_counts()).due
        tally.seconds = clock.monotonic() - started
        await store.finish_run(run_id, tally.as_json())
    return RunResult(tally, signal=caught[0] if caught else None)


async def _open_port(stack: AsyncExitStack, listen: str, crew: Crew, cpu: CpuPool, *, once: bool) -> None:
    """The port for metrics and health. A scheduled job does without it where another has it."""
    from crawler.daemon.exposition import Standing  # with the port alone: it brings a web server
    from crawler.daemon.health import HealthPort

    standing = Standing(crew.tally, lambda: crew.load)
    port = HealthPort(listen, crew.store, lambda: standing, pool_is_up=lambda: cpu.is_up, stopping=crew.stop.is_set)
    try:
        await stack.enter_async_context(port)
    except SettingsError as error:
        if not once:
            raise
        log.warning("no metrics of this job: %s", error)


@contextmanager
def _time_limit(seconds: float | None, stop: asyncio.Event, tally: Tally) -> Iterator[None]:
    """Sets `stop` after `seconds`, and has the tally tell that it was this."""
    if seconds is None:
        yield
        return

    def at_limit() -> None:
        if not stop.is_set():
            tally.stopped = "max-time"
            log.info("stopping after %g seconds: finishing what is under way", seconds)
            stop.set()

    timer = asyncio.get_running_loop().call_later(seconds, at_limit)
    try:
        yield
    finally:
        timer.cancel()


async def reconcile(store: Store, settings: Settings) -> None:
    """The configuration's sources and the store's brought together, each change logged."""
    done = await store.reconcile(settings.source_list())
    for verb, names in (("added", done.added), ("changed", done.changed), ("disabled", done.disabled)):
        for name in names:
            log.info("source %s: %s", name, verb)


def _conceal_secrets(settings: Settings) -> None:
    """What no log may show, whoever sends it back to us: passwords and the values of credential headers."""
    variables = {name for source in settings.sources for name in source.headers_env.values()}
    secrets = [os.environ.get(name, "") for name in variables]
    secrets += [urlsplit(settings.fetch.proxy).password or ""] if settings.fetch.proxy else []
    for secret in secrets:
        logfields.conceal(secret)


def worker_name() -> str:
    """No two processes have the same, not even two lives of one container: what a worker holds is told by it."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def see_through(
    work: Coroutine[None, None, None],
    leave: Callable[[], Awaitable[None]],
    tally: Tally,
    stop: asyncio.Event,
    drain: float,
    watch: Callable[[Tally], None] | None,
) -> None:
    """A crew's work to its end, or till `stop` is set and most of the `drain` seconds are over: then `leave` gives
    back what it holds. Raises of its errors the one that a user can act on."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    shown = asyncio.create_task(_watching(tally, watch)) if watch else None
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            # Stopped: what is in hand may end, within its time; the rest stays leased and is given back.
            done, _ = await asyncio.wait({working}, timeout=drain * 0.7)
            if not done:
                working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            await leave()
        except BaseExceptionGroup as group:
            raise _first_cause(group) from None
    finally:
        stopping.cancel()
        if shown is not None:
            shown.cancel()


def _first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of a task group's errors the one that a user can act on, else the first."""
    ours = group.subgroup(WiretraceError)
    error: BaseException = ours or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _watching(tally: Tally, watch: Callable[[Tally], None]) -> None:
    while True:
        watch(tally)
        await asyncio.sleep(0.5)


@contextmanager
def signals(stop: asyncio.Event, patience: float = 9.0) -> Iterator[list[int]]:
    """SIGTERM and SIGINT set `stop`; a second one ends the process at once, as people expect of Ctrl-C twice.

    So do `patience` seconds after the first: whoever sent it ends us anyway soon after (Docker in ten seconds), and
    what is left then, a pool that still starts or a database that does not answer, is taken up by the next run.
    """
    caught: list[int] = []
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if caught:
            os._exit(128 + number)
        caught.append(number)
        log.info("stopping: finishing what is under way")
        stop.set()
        last = threading.Timer(patience, os._exit, (128 + number,))
        last.daemon = True
        last.start()

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
