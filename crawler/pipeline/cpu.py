"""Where CPU work runs: never on the event loop's thread.

Extraction and alignment are pure functions of bytes and articles, so they go to processes; each process builds
its linker once. A page that kills or hangs its process costs that page alone: the pool is made anew and the
other work is done again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from threading import Thread
from typing import ParamSpec, TypeVar

from crawler import metrics
from crawler.errors import WiretraceError
from crawler.link import Linker
from crawler.link.tables import Tables, read_tables
from crawler.model import Rights
from crawler.settings import LinkSettings

P = ParamSpec("P")
T = TypeVar("T")

JOB_TIMEOUT = 60.0  # seconds; honest pages take milliseconds, so this only ends what would never end
_YOUNG = 20_000  # objects that a worker makes between two searches for garbage: several pages' worth

_linker: Linker | None = None


class WorkCrashed(WiretraceError):
    """A piece of CPU work killed its process or ran out of time, twice."""


class NoWorkers(WiretraceError):
    """Not one worker of the pool came up."""


def default_processes() -> int:
    """One less than the cores this process may use; on two cores both, for the event loop mostly waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, max(2, cores - 1))


def linker() -> Linker:
    """The linker of this process. Raises RuntimeError outside a CPU pool's worker."""
    if _linker is None:
        raise RuntimeError("no linker in this process: call from inside CpuPool.run")
    return _linker


def _start_worker(settings: LinkSettings, rights: Sequence[Rights], tables: Tables, *, own_process: bool) -> None:
    global _linker  # noqa: PLW0603 -- a process pool's initializer can only leave things in globals
    if own_process:
        # A Ctrl-C goes to the whole group; the parent drains and ends us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Thread(target=_end_with_parent, daemon=True).start()
    _linker = Linker(settings, rights, tables=tables)


class CpuPool:
    """Runs functions in worker processes, or in one thread where `processes` is 0 (short commands, tests)."""

    def __init__(self, settings: LinkSettings, rights: Sequence[Rights], *, processes: int) -> None:
        """Raises SettingsError for an idf table that can't be read."""
        self._settings, self._rights, self._processes = settings, tuple(rights), processes
        self._tables = read_tables(settings.idf)  # here: a worker's fault would only be seen as its death
        self._executor = self._make()
        self._started: asyncio.Task[None] | None = None
        # More jobs than this are not handed over: they would only wait in the pool's own queue, unbounded.
        self._slots = asyncio.Semaphore(max(1, processes) * 2)

    async def __aenter__(self) -> CpuPool:
        """Workers start in the background: they read their modules while the caller opens what it needs."""
        self._started = asyncio.create_task(self._start())
        return self

    async def _start(self) -> None:
        # A pool starts its processes inside its first `submit`, which would hold up the event loop for a second.
        future = await asyncio.to_thread(self._executor.submit, _is_ready)
        await asyncio.wait_for(asyncio.wrap_future(future), JOB_TIMEOUT)

    async def __aexit__(self, *exc: object) -> None:
        if self._started is not None:
            self._started.cancel()
            await asyncio.gather(self._started, return_exceptions=True)
        self.close()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`function(*args)` off the event loop's thread; it must be a module-level function.

        Raises WorkCrashed where the work kills its process or does not end, NoWorkers, and whatever `function` raises.
        """
        await self._workers()
        async with self._slots:
            for last_try in (False, True):
                executor = self._executor
                try:
                    begun = time.perf_counter()
                    future = executor.submit(_timed, partial(function, *args, **kwargs))
                    result, seconds = await asyncio.wait_for(asyncio.wrap_future(future), JOB_TIMEOUT)
                    metrics.POOL_SECONDS.observe(seconds, function.__name__)
                    metrics.POOL_WAIT_SECONDS.observe(time.perf_counter() - begun - seconds, function.__name__)
                    return result
                except (BrokenProcessPool, TimeoutError) as error:
                    self._replace(executor)
                    if last_try:
                        raise WorkCrashed(f"{function.__name__}: {type(error).__name__}") from None
        raise AssertionError("unreachable")

    async def _workers(self) -> None:
        """Waits until the first worker stands: one that can't start is a fault of the run, not of its first pages."""
        if self._started is None:
            raise RuntimeError("the pool is used outside its context")
        try:
            await asyncio.shield(self._started)
        except (BrokenProcessPool, TimeoutError, OSError) as error:
            raise NoWorkers(f"no worker process could be started: {error or type(error).__name__}") from None

    @property
    def is_up(self) -> bool:
        """Whether the first worker stands."""
        started = self._started
        return started is not None and started.done() and not started.cancelled() and started.exception() is None

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _replace(self, broken: Executor) -> None:
        if broken is not self._executor:
            return  # another job has done it
        for process in list((getattr(broken, "_processes", None) or {}).values()):
            with contextlib.suppress(OSError):
                process.kill()  # a hung worker would never hear of a shutdown
        broken.shutdown(wait=False, cancel_futures=True)
        self._executor = self._make()

    def _make(self) -> Executor:
        if self._processes == 0:
            executor: Executor = ThreadPoolExecutor(1, thread_name_prefix="cpu")
            executor.submit(_start_worker, self._settings, self._rights, self._tables, own_process=False)
            return executor
        # Not fork: threads of the database driver would be copied in mid-step. The server that forks instead has
        # read the modules once, so that a worker is there at once.
        start = multiprocessing.get_context("forkserver")
        start.set_forkserver_preload(["crawler.pipeline.reading", "crawler.pipeline.linking"])
        return ProcessPoolExecutor(
            self._processes,
            mp_context=start,
            initializer=_start_process,
            initargs=(self._settings, self._rights, self._tables),
        )


def _end_with_parent() -> None:
    """A worker waits on a pipe that its siblings hold open too: it would outlive a killed parent for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    """What the call returns, and the seconds it took here."""
    begun = time.perf_counter()
    return call(), time.perf_counter() - begun


def _is_ready() -> bool:
    return bool(linker().id)


def _start_process(settings: LinkSettings, rights: Sequence[Rights], tables: Tables) -> None:
    _start_worker(settings, rights, tables, own_process=True)
    # A page makes a thousand objects and no cycle among them, and what the worker keeps now is kept for ever: both
    # were looked through for garbage, twice a page.
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
