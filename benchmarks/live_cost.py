"""What it costs a crawl that many watch it on the page *Live*.

    python benchmarks/live_cost.py [--listeners 50] [--rounds 3] [--sites 40] [--pages 20] [--port 8097]

`wiretrace serve` shows a new SQLite store on loopback while one `run --once` crawls invented sites into it. Rounds
with nobody watching and with `--listeners` connections to /live/events alternate, after one that is thrown away.
Printed are pages a second and CPU milliseconds a page of the crawl, and CPU seconds of the server; then the medians
and what watching costs. CPU is what other work on the machine changes least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Round:
    """Of one crawl: pages, seconds of wall clock and of CPU; CPU seconds of the server; events that came in all."""

    pages: int
    wall: float
    cpu: float
    server: float
    events: int

    @property
    def rate(self) -> float:
        return self.pages / self.wall

    @property
    def cost(self) -> float:
        return 1_000 * self.cpu / self.pages


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def written(folder: Path, sources: Sequence[dict[str, str]], port: int) -> Path:
    tables = "\n".join(
        f'[[sources]]\nname = "{one["name"]}"\nurl = "{one["url"]}"\nrole = "{one["role"]}"\n' for one in sources
    )
    path = folder / "wiretrace.toml"
    path.write_text(
        f'[database]\nurl = "sqlite+aiosqlite:///{folder}/wiretrace.db"\n\n[run]\nprocesses = 1\n\n[fetch]\n'
        f'delay = 0.0\nmax_age_days = 0\nallow_private = ["127.0.0.0/8"]\nallow_ports = [{port}]\n\n{tables}',
        encoding="utf-8",
    )
    return path


async def listen(address: str, counts: list[int]) -> None:
    """One connection that reads all that comes, as cheaply as can be."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(f"GET /live/events?after=0.0.0 HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        while part := await reader.read(1 << 16):
            counts[0] += part.count(b"event: happening")
    finally:
        writer.close()


async def crawl(settings: Path, address: str, listeners: int) -> tuple[float, float, dict[str, Any], int]:
    counts = [0]
    watching = [asyncio.create_task(listen(address, counts)) for _ in range(listeners)]
    await asyncio.sleep(1.0)
    begun = time.perf_counter()
    told, used = await asyncio.to_thread(ran, settings)
    wall = time.perf_counter() - begun
    await asyncio.sleep(1.5)  # for the last look
    for one in watching:
        if one.done():
            sys.exit("a listener was cut off")
        one.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return wall, used, told, counts[0]


def ran(settings: Path) -> tuple[dict[str, Any], float]:
    """The crawl in a process of its own; what it says, and CPU seconds of it and of its children."""
    command = [sys.executable, str(HERE / "pipeline_run.py"), str(settings)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the crawl failed")
    return json.loads(said.splitlines()[-1]), usage.ru_utime + usage.ru_stime


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def one_round(sources: Sequence[dict[str, str]], port: int, listeners: int) -> Round:
    with tempfile.TemporaryDirectory(prefix="live-cost-") as temporary:
        settings = written(Path(temporary), sources, port)
        serve = [sys.executable, "-m", "crawler", "--config", str(settings), "serve", "--port", "0"]
        with child(serve, cwd=HERE.parent, stderr=subprocess.DEVNULL) as server:
            assert server.stdout is not None
            address = server.stdout.readline().split()[0]
            before = cpu_of(server.pid)
            wall, used, told, events = asyncio.run(crawl(settings, address, listeners))
            pages = int(told["tally"]["fetched"])
            return Round(pages, wall, used, cpu_of(server.pid) - before, events)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sites", type=int, default=40)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--port", type=int, default=8097)
    given = parser.parse_args()
    command = [sys.executable, str(HERE / "invented_server.py"), "--sites", str(given.sites)]
    command += ["--pages", str(given.pages), "--port", str(given.port)]
    with child(command) as web:
        assert web.stdout is not None
        sources = json.loads(web.stdout.readline())["sources"]
        one_round(sources, given.port, 0)
        found: dict[int, list[Round]] = {0: [], given.listeners: []}
        for number in range(given.rounds):
            for listeners in (0, given.listeners) if number % 2 == 0 else (given.listeners, 0):
                one = one_round(sources, given.port, listeners)
                found[listeners].append(one)
                print(
                    f"{listeners:3} listeners: {one.pages} pages, {one.rate:.1f} a second, {one.cost:.1f} ms of CPU a "
                    f"page; server {one.server:.2f} s of CPU, {one.events} events",
                    flush=True,
                )
    rates, costs = (
        [statistics.median(getattr(one, name) for one in rounds) for rounds in found.values()]
        for name in ("rate", "cost")
    )
    print(
        f"medians: {rates[0]:.1f} and {rates[1]:.1f} pages a second ({100 * (1 - rates[1] / rates[0]):+.1f} %), "
        f"{costs[0]:.1f} and {costs[1]:.1f} ms of CPU a page ({100 * (costs[1] / costs[0] - 1):+.1f} %)"
    )


if __name__ == "__main__":
    main()
