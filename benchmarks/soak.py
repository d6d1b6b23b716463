"""A long crawl at full speed: does memory stay flat, do files stay few, does the event loop stay free?

    python benchmarks/soak.py [--sites 500] [--pages 40] [--port 8098] [--keep DIR]

Crawls the invented sites of invented_server.py, 20,000 pages unless told otherwise, without delays, by `wiretrace run
--once` as a user starts it, and watches its processes from outside: resident memory and open files twice a second, the
rest from its own metrics. Exit code 1 where a bound is broken:

- memory after the first tenth of the pages stays within 10 % (medians of the second and of the last tenth)
- at most 300 MB in the main process, 200 MB in each pool process
- no growth of open files between the second and the last tenth
- the event loop is late by at most 50 ms in 99 of 100 looks
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

LOOK_EVERY = 0.5  # seconds
MAIN_MB, POOL_MB = 300, 200
FLAT = 0.10
LATE = 0.050  # seconds, at the 99th percentile


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment: pages done, MB of the main process and of the largest of the pool, open files."""

    pages: float
    main: float
    pool: float
    files: int


@dataclass(slots=True)
class Watched:
    looks: list[Look] = field(default_factory=list)
    metrics: str = ""  # the last answer of the port


@contextmanager
def invented_sites(sites: int, pages: int, port: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(Path(__file__).with_name("invented_server.py"))]
    command += ["--sites", str(sites), "--pages", str(pages), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.wait(timeout=10)


def write_settings(path: Path, sources: list[dict[str, str]], port: int) -> None:
    tables = "\n".join(
        f'[[sources]]\nname = "{one["name"]}"\nurl = "{one["url"]}"\nrole = "{one["role"]}"\nfetch_pages = true\n'
        for one in sources
    )
    path.write_text(
        f'[database]\nurl = "sqlite+aiosqlite:///{path.parent}/wiretrace.db"\n\n'
        f'[metrics]\nlisten = "127.0.0.1:{port + 1}"\n\n'
        f'[fetch]\ndelay = 0.0\nallow_private = ["127.0.0.0/8"]\nallow_ports = [{port}]\n\n{tables}',
        encoding="utf-8",
    )


def crawl(settings: Path, port: int, pages: int) -> tuple[Watched, float, str]:
    """The run, watched to its end; its seconds and its last line."""
    command = [sys.executable, "-m", "crawler", "--config", str(settings), "-q", "run", "--once"]
    watched, begun, told = Watched(), time.monotonic(), 0
    with (settings.parent / "run.log").open("w+", encoding="utf-8") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            while child.poll() is None:
                time.sleep(LOOK_EVERY)
                _look(watched, child.pid, port)
                tenth = int(10 * watched.looks[-1].pages / pages) if watched.looks else 0
                if tenth > told:
                    told, last = tenth, watched.looks[-1]
                    print(
                        f"  {tenth * 10:3d} % after {time.monotonic() - begun:5.0f} s: main {last.main:.0f} MB, "
                        f"largest of the pool {last.pool:.0f} MB, {last.files} files",
                        flush=True,
                    )
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait(timeout=30)
        output.seek(0)
        lines = output.read().splitlines()
    if child.returncode != 0:
        sys.exit("\n".join([*lines[-20:], f"run --once ended with {child.returncode}"]))
    return watched, time.monotonic() - begun, lines[-1] if lines else ""


def _look(watched: Watched, process: int, port: int) -> None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/metrics", timeout=5) as answer:
            watched.metrics = answer.read().decode()
        main, files = _megabytes(process), len(list(Path(f"/proc/{process}/fd").iterdir()))
    except OSError:
        return  # not open yet, or gone
    pages = values(watched.metrics, "wiretrace_pages_fetched_total").get("", 0.0)
    watched.looks.append(Look(pages, main, max(map(_megabytes, _pool(process)), default=0.0), files))


def _pool(process: int) -> list[int]:
    """Processes below the main one that read pages: those below the server that forks them."""
    children = _children(process)
    return [below for child in children for below in _children(child)]


def _children(process: int) -> list[int]:
    try:
        return [
            int(one)
            for thread in Path(f"/proc/{process}/task").iterdir()
            for one in (thread / "children").read_text(encoding="ascii").split()
        ]
    except OSError:
        return []


def _megabytes(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * 4_096 / 1e6
    except OSError:
        return 0.0


def values(text: str, name: str) -> dict[str, float]:
    """Values of one series by its label."""
    return {
        " ".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def quantile(text: str, family: str, share: float) -> float:
    """The upper bound of the bucket in which the quantile lies."""
    buckets = sorted((float(bound), count) for bound, count in values(text, f"{family}_bucket").items())
    return next(bound for bound, count in buckets if count >= share * buckets[-1][1])


def judged(watched: Watched, pages: int) -> list[tuple[bool, str]]:
    early = [look for look in watched.looks if 0.1 * pages <= look.pages < 0.2 * pages]
    late = [look for look in watched.looks if look.pages >= 0.9 * pages]
    if not early or not late:
        return [(False, "too few looks to judge: take more pages")]
    median = {
        name: (
            statistics.median(getattr(one, name) for one in early),
            statistics.median(getattr(one, name) for one in late),
        )
        for name in ("main", "pool", "files")
    }
    before, after = median["main"]
    most, most_pool = max(one.main for one in watched.looks), max(one.pool for one in watched.looks)
    lag = quantile(watched.metrics, "wiretrace_loop_lag_seconds", 0.99)
    greatest = values(watched.metrics, "wiretrace_loop_lag_greatest_seconds")[""]
    return [
        (
            abs(after / before - 1) <= FLAT,
            f"memory of the main process: {before:.0f} MB in the second tenth, {after:.0f} MB in the last ({after / before - 1:+.1%})",
        ),
        (
            abs(median["pool"][1] / median["pool"][0] - 1) <= FLAT,
            f"memory of a pool process: {median['pool'][0]:.0f} MB, then {median['pool'][1]:.0f} MB",
        ),
        (most <= MAIN_MB, f"most in the main process: {most:.0f} MB of {MAIN_MB}"),
        (most_pool <= POOL_MB, f"most in a pool process: {most_pool:.0f} MB of {POOL_MB}"),
        (
            median["files"][1] <= median["files"][0] + 8,
            f"open files: {median['files'][0]:.0f}, then {median['files'][1]:.0f}",
        ),
        (
            lag <= LATE,
            f"event loop late by at most {1_000 * lag:.0f} ms in 99 of 100 looks; greatest {1_000 * greatest:.0f} ms",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--pages", type=int, default=40, help="of each site")
    parser.add_argument("--port", type=int, default=8098, help="of the sites; the next one is for metrics")
    parser.add_argument("--keep", type=Path, help="folder for the store and the log; else a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with invented_sites(given.sites, given.pages, given.port) as ready:
            write_settings(folder / "wiretrace.toml", ready["sources"], given.port)
            print(f"{ready['pages']} pages of {len(ready['sources'])} sources", flush=True)
            watched, seconds, summary = crawl(folder / "wiretrace.toml", given.port, ready["pages"])
    print(f"{seconds:.0f} s, {ready['pages'] / seconds:.0f} pages a second\n  {summary}")
    results = judged(watched, ready["pages"])
    for well, line in results:
        print(f"{'ok    ' if well else 'BROKEN'} {line}")
    sys.exit(not all(well for well, _ in results))


if __name__ == "__main__":
    main()
