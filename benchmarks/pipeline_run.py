"""One `run --once` in a process of its own, measured from within; throughput.py and soak.py start it.

    python benchmarks/pipeline_run.py SETTINGS.toml [--stages] [--profile FILE]

Prints one line of JSON: the run's counts, seconds of wall clock and of the event loop's thread, and what
crawler/metrics.py timed. With --stages all CPU work runs in a thread of this one process, and each step is timed by
the CPU of its thread; what such a run needs less than a real one is the way between processes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crawler import daemon, metrics, settings
from crawler.daemon import service
from crawler.link import Linker
from crawler.pipeline import linking, reading
from crawler.store.database import Database


class Stopwatch:
    """CPU seconds and calls by step. Steps within steps are taken off the outer one."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._open = threading.local()

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            inner, self._open.inner = getattr(self._open, "inner", 0.0), 0.0
            begun = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                took = time.thread_time() - begun
                self.seconds[name] += took - self._open.inner
                self.calls[name] += 1
                self._open.inner = inner + took

        timed.__name__ = getattr(call, "__name__", name)
        return timed


def watch_steps(watch: Stopwatch) -> None:
    """Puts the stopwatch around what a page goes through."""
    service.default_processes = lambda: 0  # a thread in place of processes
    reading.extract = watch.around("extract", reading.extract)
    for name in ("to_leave_out", "blocks_of", "markers", "further_parts", "part_of"):
        setattr(reading, name, watch.around("furniture, markers and parts", getattr(reading, name)))
    Linker.fingerprint = watch.around("features and fingerprint", Linker.fingerprint)
    Linker.decide = watch.around("alignment and decision", Linker.decide)
    linking.place_page = watch.around("comparison with other pages", linking.place_page)
    for way in ("read", "write"):
        plain = getattr(Database, way)

        async def timed(self: Any, body: Any, *args: Any, plain: Any = plain, way: str = way, **kwargs: Any) -> Any:
            name = f"store: {way} {body.__module__.rpartition('.')[2]}.{body.__name__.strip('_')}"
            return await plain(self, watch.around(name, body), *args, **kwargs)

        setattr(Database, way, timed)


async def crawl(config: settings.Settings) -> dict[str, Any]:
    begun, cpu = time.perf_counter(), time.thread_time()
    result = await daemon.run(config, once=True)
    return {
        "tally": result.tally.as_json(),
        "seconds": time.perf_counter() - begun,
        "loop": time.thread_time() - cpu,
        "timed": {
            timed.family.name: {
                label or "all": {"sum": spread.sum, "count": sum(spread.counts)}
                for label, spread in timed.spreads.items()
            }
            for timed in metrics.TIMED
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", type=Path)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--profile", type=Path, help="of the event loop's thread, for pstats")
    given = parser.parse_args()
    watch = Stopwatch()
    if given.stages:
        watch_steps(watch)
    config = settings.load(given.settings)
    profile = cProfile.Profile()
    if given.profile:
        profile.enable()
    told = asyncio.run(crawl(config))
    if given.profile:
        profile.disable()
        profile.dump_stats(given.profile)
    told["steps"] = {name: [seconds, watch.calls[name]] for name, seconds in watch.seconds.most_common()}
    told["process"] = time.process_time()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
