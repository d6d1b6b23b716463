"""A crawl of a web archive, measured: pages a second, memory, what was stored, and what a second run does.

    python benchmarks/crawl_archive.py PAGES_DIR [--times 1] [--peers] [--keep DIR]

PAGES_DIR as for crawl_pages.py. The archive is made of its pages, with `--times` that many copies of each on hosts of
their own, as gzip by the record. `--peers` has the usual tools read the same file: warcio and this reader alone, and
trafilatura (where it is installed) in a plain loop over warcio's records, on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from crawl_pages import Run, _peak_megabytes
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.fetch.captures import capture_of, is_answer
from crawler.fetch.warc import read_records

LIMIT = 10_000_000


def make(pages: Path, times: int, out: Path) -> int:
    """Writes the archive; the number of its pages."""
    count = 0
    with out.open("wb") as file, (pages / "truth.jsonl").open(encoding="utf-8") as lines:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        writer.write_record(writer.create_warcinfo_record(out.name, {"software": "wiretrace's benchmark"}))
        for row in map(json.loads, lines):
            body = gzip.decompress((pages / row["file"]).read_bytes())
            for copy in range(times):
                parts = urlsplit(row["url"])
                url = parts._replace(netloc=f"copy{copy}.{parts.netloc}" if copy else parts.netloc).geturl()
                head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], "HTTP/1.1")
                writer.write_record(
                    writer.create_warc_record(url, "response", payload=BytesIO(body), http_headers=head)
                )
                count += 1
    return count


def crawl(folder: Path, archive: Path) -> Run:
    """`run --from-warc` as a user gives it, in a process of its own."""
    settings = folder / "wiretrace.toml"
    settings.write_text(f'[database]\nurl = "sqlite+aiosqlite:///{folder}/wiretrace.db"\n', encoding="utf-8")
    command = [sys.executable, "-m", "crawler", "-q", "--config", str(settings), "run", "--from-warc", str(archive)]
    start = time.perf_counter()
    peak = 0.0
    used: dict[str, float] = {}
    with (folder / "run.log").open("w+", encoding="utf-8") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        while child.poll() is None:
            peak = _peak_megabytes(child.pid) or peak
            used |= seconds_of_session(child.pid)
            time.sleep(0.1)
        seconds = time.perf_counter() - start
        output.seek(0)
        lines = output.read().splitlines()
    if child.returncode != 0:
        sys.exit("\n".join([*lines[-20:], f"run --from-warc ended with {child.returncode}"]))
    return Run(seconds, sum(used.values()), peak, lines[-1] if lines else "")


def seconds_of_session(session: int) -> dict[str, float]:
    """CPU time so far of each process in a session: that of workers comes to nobody else when they are killed."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="latin-1").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found[path.parent.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def ours(archive: Path) -> Iterator[bytes]:
    with archive.open("rb") as file:
        for record in read_records(file, limit=LIMIT, wants=is_answer):
            capture = capture_of(record) if is_answer(record.headers) else None
            if capture is not None:
                yield capture.document(LIMIT).body


def theirs(archive: Path) -> Iterator[bytes]:
    with archive.open("rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response":
                yield record.content_stream().read()


def timed(name: str, pages: Iterator[bytes], work: Callable[[bytes], object]) -> None:
    count = 0
    start = time.process_time()
    for body in pages:
        work(body)
        count += 1
    seconds = time.process_time() - start
    print(f"{name}: {count} pages, {seconds:.1f} s of CPU, {count / seconds:.0f} pages a second of CPU")


def peers(archive: Path) -> None:
    timed("this reader alone", ours(archive), len)
    timed("warcio alone", theirs(archive), len)
    try:
        import trafilatura
    except ImportError:
        print("trafilatura: not installed")
        return
    timed("warcio and trafilatura", theirs(archive), lambda body: trafilatura.bare_extraction(body, with_metadata=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a crawl of a web archive.")
    parser.add_argument("pages_dir", type=Path)
    parser.add_argument("--times", type=int, default=1, help="copies of each page, on hosts of their own")
    parser.add_argument("--peers", action="store_true", help="have the usual tools read the same file")
    parser.add_argument("--keep", type=Path, help="folder for the archive, the store and logs; else a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crawl-archive-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / "pages.warc.gz"
        count = make(given.pages_dir, given.times, archive)
        print(f"{count} pages, {archive.stat().st_size / 1e6:.1f} MB; {os.cpu_count()} cores")
        for name in ("first run", "second run"):
            run = crawl(folder, archive)
            print(f"{name}: {run.seconds:.1f} s, {run.cpu:.1f} s of CPU, peak {run.peak:.0f} MB (main process)")
            if name == "first run":
                print(f"  {count / run.seconds:.1f} pages a second, {count / run.cpu:.1f} a second of CPU")
            print(f"  {run.summary}")
        if given.peers:
            peers(archive)


if __name__ == "__main__":
    main()
