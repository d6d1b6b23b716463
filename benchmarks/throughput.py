"""Pages a second of the whole pipeline, and where each millisecond goes, beside the usual tools put together.

    python benchmarks/throughput.py PAGES_DIR POOL.jsonl.gz [--originals 10000] [--hosts 128] [--port 8095]
        [--no-peer] [--postgres] [--rounds 1]

PAGES_DIR as for page_server.py: its pages are served on loopback addresses by another process, without delays. The
store holds the synthetic originals of link_speed.py, made of the pool's texts. A run fetches, reads, links and stores
all pages, pinned to one core; the server has the other. A run of a few of the pages is measured as well and taken off
(start, tables read, statements compiled): a daemon does that once.

The peer (peer_crawler.py) is Scrapy with trafilatura and datasketch's MinHash LSH over as many originals, storing into
SQLite, pinned to the same core, in an environment of its own that is made where --peer-env says; neither its start nor
the making of its index is counted.

Pages a second are those of one core's CPU time, which other work on the machine changes least; wall clock stands beside
it. --postgres: one worker pinned to a core, then two with a core each, on one PostgreSQL. That and the page server have
no core of their own: they take what they need of both. The start of the workers is taken off as well.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from crawl_pages import page_server
from link_speed import Signed, filled, postgres, synthetic

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawler.clock import SystemClock
from crawler.corpus import read_rows
from crawler.interchange import article_from_json
from crawler.link import Linker
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from crawler.store.tables import tasks
from crawler.store.transaction import Transaction

HERE = Path(__file__).parent
FIRST_CORE = 0
FEW = 4  # sources of the run that is taken off
PEER = ("scrapy", "trafilatura", "datasketch", "lxml_html_clean")  # the last one: trafilatura asks for it
_SUBREAPER = 36  # prctl: grandchildren that outlive their parent are ours to wait for


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of wall clock, CPU seconds of all its processes, and what the run says of itself."""

    wall: float
    cpu: float
    told: dict[str, Any]

    @property
    def pages(self) -> int:
        return int(self.told["tally"]["fetched"])


# --- what is crawled ---------------------------------------------------------------------------------------


def signed_pool(pool: Path) -> list[Signed]:
    linker = Linker(LinkSettings())
    rows = [article_from_json({"role": "origin", **row}) for _, row in read_rows(pool)]
    return [Signed(one, linker.fingerprint(one)) for one in rows]


def prepare_store(url: str, base: Sequence[Signed], count: int) -> None:
    async def work() -> None:
        async with await Store.open(DatabaseSettings(url=url), SystemClock()) as store:
            await filled(store, list(synthetic(base, count)))
            # They are no news to anybody: a daemon has decided on them long ago.
            await store._db.write(_forget_tasks)

    asyncio.run(work())


def _forget_tasks(tx: Transaction) -> None:
    tx.run(sa.delete(tasks))


def peer_originals(path: Path, base: Sequence[Signed], count: int) -> None:
    """As many texts, each of halves of two of the pool's."""
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            halves = [one.article.text.split() for one in rng.sample(base, 2)]
            text = " ".join(word for words in halves for word in words[: len(words) // 2])
            out.write(json.dumps({"id": str(number), "text": text}) + "\n")


def write_settings(path: Path, url: str, sources: Sequence[dict[str, str]], port: int, processes: int = 0) -> None:
    tables = "\n".join(
        f'[[sources]]\nname = "{one["name"]}"\nurl = "{one["url"]}"\nrole = "aggregator"\n' for one in sources
    )
    path.write_text(
        f'[database]\nurl = "{url}"\n\n[run]\nprocesses = {processes}\n\n'
        f'[fetch]\ndelay = 0.0\nallow_private = ["127.0.0.0/8"]\nallow_ports = [{port}]\n\n{tables}',
        encoding="utf-8",
    )


# --- running and measuring -----------------------------------------------------------------------------------


def measured(commands: Sequence[Sequence[str]]) -> tuple[float, float, list[str]]:
    """Runs the commands side by side, each on a core of its own: wall clock, CPU seconds of all that they started, what
    each printed."""
    before = _cpu_of_children()
    begun = time.perf_counter()
    running = [
        subprocess.Popen(["taskset", "--cpu-list", str(core), *one], stdout=subprocess.PIPE, text=True)
        for core, one in enumerate(commands, FIRST_CORE)
    ]
    said = [one.communicate()[0] for one in running]
    wall = time.perf_counter() - begun
    for one in running:
        if one.returncode:
            sys.exit(f"{one.args}: ended with {one.returncode}")
    _await_orphans()
    return wall, _cpu_of_children() - before, said


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _await_orphans() -> None:
    """Only what was waited for is counted, and pool processes end after who started them, one after the other: till
    none has come for a second."""
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # one that has just ended
                state, parent = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[:2]
                if int(parent) != os.getpid():
                    continue
                # One that has ended has no command line any more.
                if state == "Z" or b"multiprocessing" in (stat.parent / "cmdline").read_bytes():
                    os.waitpid(int(stat.parent.name), 0)
                    until = time.monotonic() + 1.0
        time.sleep(0.02)


def run_wiretrace(settings: Path, *flags: str, workers: int = 1) -> list[Run]:
    command = [sys.executable, str(HERE / "pipeline_run.py"), str(settings), *flags]
    wall, cpu, said = measured([command] * workers)
    return [Run(wall, cpu, json.loads(text)) for text in said]


def peer_python(folder: Path) -> str:
    """The peer's interpreter; its environment is made on first use."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER], check=True)
    return str(python)


# --- the report ----------------------------------------------------------------------------------------------


@contextmanager
def store_copy(template: Path, folder: Path) -> Iterator[str]:
    """A store of its own for one run, with the originals."""
    file = folder / "wiretrace.db"
    shutil.copy(template, file)
    yield f"sqlite+aiosqlite:///{file}"
    for one in folder.glob("wiretrace.db*"):
        one.unlink()


def on_one_core(folder: Path, template: Path, sources: Sequence[dict[str, str]], port: int, rounds: int) -> float:
    """Prints a run's figures and its stages; gives CPU milliseconds a page."""
    settings, costs = folder / "wiretrace.toml", []
    for number in range(rounds):
        with store_copy(template, folder) as url:
            write_settings(settings, url, sources[:FEW], port)
            few = run_wiretrace(settings)[0]
        with store_copy(template, folder) as url:
            write_settings(settings, url, sources, port)
            full = run_wiretrace(settings)[0]
        costs.append(1_000 * (full.cpu - few.cpu) / (full.pages - few.pages))
        print(
            f"wiretrace, round {number + 1}: {full.pages} pages, {costs[-1]:.1f} ms of CPU a page, "
            f"{1_000 / costs[-1]:.0f} pages a second of a core (wall {full.wall:.1f} s, start and {few.pages} pages {few.cpu:.1f} s of CPU)"
        )
    with store_copy(template, folder) as url:
        write_settings(settings, url, sources, port)
        stages = run_wiretrace(settings, "--stages")[0]
    print("where it goes, in ms of CPU a page (all in one process, warm-up included):")
    for line in stage_lines(stages, min(costs)):
        print(f"  {line}")
    return min(costs)


def stage_lines(run: Run, cost: float) -> Iterator[str]:
    pages = run.pages
    steps = [(name, 1_000 * seconds / pages, calls) for name, (seconds, calls) in run.told["steps"].items()]
    for name, milliseconds, calls in steps:
        if milliseconds >= 0.05:
            yield f"{milliseconds:6.2f}  {name} ({calls / pages:.2f} times)"
    loop = 1_000 * run.told["loop"] / pages
    process = 1_000 * run.told["process"] / pages
    yield f"{loop:6.2f}  event loop: requests, parsing of answers, tasks"
    rest = process - loop - sum(one for _, one, _ in steps)
    yield f"{rest:6.2f}  begin and commit, handing over between threads, start of the process"
    yield f"{cost:6.2f}  a page in the real run, start taken off, with its way between processes"


def beside_the_peer(folder: Path, python: str, sitemaps: Sequence[str], base: Sequence[Signed], count: int) -> float:
    """Prints the peer's figures; gives its CPU milliseconds a page."""
    peer_originals(folder / "originals.jsonl", base, count)
    (folder / "sitemaps.json").write_text(json.dumps(sitemaps), encoding="utf-8")
    (folder / "peer.db").unlink(missing_ok=True)
    command = [python, str(HERE / "peer_crawler.py")]
    command += [str(folder / name) for name in ("sitemaps.json", "originals.jsonl", "peer.db")]
    _, _, said = measured([command])
    told = json.loads(said[0].splitlines()[-1])
    cost = 1_000 * told["cpu"] / told["pages"]
    print(
        f"scrapy + trafilatura + datasketch: {told['pages']} pages, {cost:.1f} ms of CPU a page, "
        f"{1_000 / cost:.0f} pages a second of a core (wall {told['seconds']:.1f} s)"
    )
    return cost


def on_postgres(folder: Path, base: Sequence[Signed], given: argparse.Namespace, sources: Sequence[Any]) -> None:
    with postgres() as (server, template):
        prepare_store(template, base, given.originals)
        server.psql("VACUUM ANALYZE")  # else the server does that by itself while some run is measured
        costs, rates = [], []
        for workers in (1, 2):
            few, _, few_cost, few_wall = _shared(folder, server, template, given.port, sources[:FEW], workers)
            runs, pages, cost, wall = _shared(folder, server, template, given.port, sources, workers)
            counted = pages - sum(one.pages for one in few)
            costs.append(1_000 * (cost - few_cost) / counted)
            rates.append(counted / (wall - few_wall))
            print(
                f"PostgreSQL, {workers} worker(s) on a core each: {pages} pages ({', '.join(str(one.pages) for one in runs)}), "
                f"{rates[-1]:.1f} pages a second, {costs[-1]:.1f} ms of CPU a page, the server's included "
                f"(start of all: {few_wall:.1f} s, {few_cost:.1f} s of CPU)"
            )
        print(
            f"  two workers: {rates[1] / rates[0]:.2f} times the pages, {costs[1] / costs[0]:.2f} times the CPU a page"
        )


def _shared(
    folder: Path, server: Any, template: str, port: int, sources: Sequence[Any], workers: int
) -> tuple[list[Run], int, float, float]:
    """Workers on one new database: their runs, pages in all, seconds of CPU with the server's, and of wall clock."""
    name = f"bench{workers}_{len(sources)}"
    server.psql(f"CREATE DATABASE {name} TEMPLATE postgres")
    settings = folder / f"{name}.toml"
    write_settings(settings, template.replace("/postgres?", f"/{name}?"), sources, port, processes=1)
    before = _cpu_below(server)
    runs = run_wiretrace(settings, workers=workers)
    of_server = _cpu_below(server) - before
    return runs, sum(one.pages for one in runs), runs[0].cpu + of_server, runs[0].wall


def _cpu_below(server: Any) -> float:
    """CPU seconds of the database server and of all its processes, living and gone."""
    ticks = 0
    postmaster = server.get_pid() if hasattr(server, "get_pid") else server.get_postmaster_info().pid
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))  # its own, and that of its children which have ended
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages_dir", type=Path)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--originals", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=128, help="addresses to spread the pages over")
    parser.add_argument("--port", type=int, default=8095)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peer-env", type=Path, default=Path(tempfile.gettempdir()) / "wiretrace-peer-env")
    parser.add_argument("--store", type=Path, help="file that keeps the store with its originals for the next time")
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    base = signed_pool(given.pool)
    with tempfile.TemporaryDirectory(prefix="throughput-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        template = given.store or folder / "originals.db"
        if not template.exists():
            making = folder / "making.db"
            prepare_store(f"sqlite+aiosqlite:///{making}", base, given.originals)
            shutil.move(making, template)
        with page_server(given.pages_dir, given.hosts, given.port, folder / "requests.jsonl") as ready:
            print(f"{ready['pages']} pages on {len(ready['sources'])} addresses, {given.originals} originals")
            ours = on_one_core(folder, template, ready["sources"], given.port, given.rounds)
            if not given.no_peer:
                sitemaps = [one["url"] for one in ready["sources"]]
                theirs = beside_the_peer(folder, peer_python(given.peer_env), sitemaps, base, given.originals)
                print(f"wiretrace needs {ours / theirs:.2f} of the peer's time: {theirs / ours:.1f} times as fast")
            if given.postgres:
                on_postgres(folder, base, given, ready["sources"])


if __name__ == "__main__":
    main()
