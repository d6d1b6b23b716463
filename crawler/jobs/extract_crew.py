"""Many files through the extractor, in worker processes: whatever one file does to its worker costs that file alone.

Each worker has a pipe of its own and one file at a time, so that it is known which file a worker died of; a pool of
the standard library only says that something did. What is handed out before the oldest result is there is bounded, and
so is what the parent holds.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from crawler.errors import WiretraceError
from crawler.jobs.extracting import extracted_line
from crawler.jobs.tracing import read_file
from crawler.model import RawDocument

FILE_TIMEOUT = 60.0  # seconds; honest pages take milliseconds
TRIES = 2  # of a file whose worker died: the system may have killed it for what its neighbour used
AHEAD = 8  # files a worker that may be handed out before the oldest one is done

_START = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Extracted:
    """What became of one file: a line of JSON, or in one line why there is none."""

    target: str
    line: str | None
    fault: str = ""


@dataclass(slots=True)
class _Job:
    place: int
    target: str
    document: RawDocument | None = None
    tries: int = 0


class _Worker:
    """A process that reads files one after the other, and the job that it has in hand."""

    def __init__(self, limit: int) -> None:
        self.pipe, theirs = _START.Pipe()
        self.process: BaseProcess = _START.Process(target=_work, args=(theirs, limit), daemon=True)
        self.process.start()
        theirs.close()
        self.job: _Job | None = None
        self.until = 0.0

    def give(self, job: _Job) -> None:
        """Raises OSError where the process is gone."""
        self.job, self.until = job, time.monotonic() + FILE_TIMEOUT
        job.tries += 1
        self.pipe.send((job.target, job.document))

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def extract_all(
    targets: Iterable[str],
    *,
    workers: int,
    limit: int,
    load: Callable[[str], RawDocument | None],
) -> Iterator[Extracted]:
    """One result for each target, in their order; at most `workers * AHEAD` of them are held at once.

    `load` gives the bytes of what is no file (a URL, standard input) and None for a file, which its worker reads, at
    most `limit` bytes of it. Raises OSError where no process can be started.
    """
    _START.set_forkserver_preload([__name__])
    crew = _Crew(iter(targets), workers, limit, load)
    try:
        yield from crew.results()
    finally:
        for worker in crew.workers:
            worker.end()


@dataclass(slots=True)
class _Crew:
    targets: Iterator[str]
    most: int
    limit: int
    load: Callable[[str], RawDocument | None]
    workers: list[_Worker] = field(default_factory=list)
    done: dict[int, Extracted] = field(default_factory=dict)
    again: list[_Job] = field(default_factory=list)
    given: int = 0
    told: int = 0
    ended: bool = False  # there are no more targets

    def results(self) -> Iterator[Extracted]:
        while True:
            self._hand_out()
            while self.told in self.done:
                yield self.done.pop(self.told)
                self.told += 1
            if any(worker.job for worker in self.workers):
                self._collect()
            elif self.ended and not self.again:
                return

    def _hand_out(self) -> None:
        while sum(worker.job is not None for worker in self.workers) < self.most:
            job = self.again.pop() if self.again else self._next()
            if job is None:
                return
            worker = self._idle()
            try:
                worker.give(job)
            except OSError:
                self._died(worker)

    def _idle(self) -> _Worker:
        for worker in self.workers:
            if worker.job is None:
                return worker
        self.workers.append(_Worker(self.limit))
        return self.workers[-1]

    def _may_go_on(self) -> bool:
        return self.given - self.told < self.most * AHEAD

    def _next(self) -> _Job | None:
        """The next job; what can't be loaded is done with."""
        while self._may_go_on():
            target = next(self.targets, None)
            if target is None:
                self.ended = True
                return None
            job = _Job(self.given, target)
            self.given += 1
            try:
                job.document = self.load(target)
            except WiretraceError as error:
                self._finish(job, Extracted(target, None, str(error)))
                continue
            return job
        return None

    def _collect(self) -> None:
        """Waits for the next worker that is ready, has died or is out of time."""
        busy = [worker for worker in self.workers if worker.job is not None]
        left = min(worker.until for worker in busy) - time.monotonic()
        ready = wait([worker.pipe for worker in busy], timeout=max(0.0, left))
        for worker in busy:
            job = worker.job
            assert job is not None
            if worker.pipe in ready:
                try:
                    line, fault = worker.pipe.recv()
                except (EOFError, OSError):
                    self._died(worker)
                    continue
                worker.job = None
                self._finish(job, Extracted(job.target, line, fault))
            elif worker.until <= time.monotonic():
                self._drop(worker)
                self._finish(job, Extracted(job.target, None, f"{job.target}: took more than {FILE_TIMEOUT:g} seconds"))

    def _died(self, worker: _Worker) -> None:
        job = worker.job
        assert job is not None
        worker.process.join(1.0)  # so that its own exit code is told, not that of our kill
        self._drop(worker)
        if job.tries < TRIES:
            self.again.append(job)
            return
        code = worker.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._finish(job, Extracted(job.target, None, f"{job.target}: ended its worker process ({how})"))

    def _drop(self, worker: _Worker) -> None:
        worker.end()
        self.workers.remove(worker)

    def _finish(self, job: _Job, result: Extracted) -> None:
        self.done[job.place] = result


def _work(pipe: Connection, limit: int) -> None:
    """A worker's life: until its parent closes the pipe, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C goes to the whole group; the parent ends us
    with suppress(EOFError, OSError):
        while True:
            target, document = pipe.recv()
            pipe.send(_read(target, document, limit))


def _read(target: str, document: RawDocument | None, limit: int) -> tuple[str | None, str]:
    """A line, or a fault in words; no file's content may end the worker."""
    try:
        return extracted_line(document or read_file(Path(target), limit), target), ""
    except WiretraceError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this file's
        return None, f"{target}: a fault of wiretrace: {type(error).__name__}: {error}"
