"""A crawl of real pages over HTTP, measured: seconds, memory, what was stored, and what a second pass requests.

    python benchmarks/crawl_pages.py PAGES_DIR [--hosts 16] [--port 8099] [--keep DIR]

PAGES_DIR as for page_server.py; its truth.jsonl holds `url`, `title` and `text` of each page. A page counts as
stored when its article has a title and holds at least half of the words of the reviewed text; pages that ask not
to be indexed are left out of the count.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page_server import place

from crawler import urls

ENOUGH = 0.5  # share of the reviewed text's words that a stored text must hold
POLL = 0.02  # seconds between two looks at the crawler's memory
NOINDEX = re.compile(rb"<meta[^>]+name=[\"']?robots[\"']?[^>]*noindex", re.IGNORECASE)
WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Run:
    """One `run --once`: seconds of wall clock and of all cores, peak MB of the main process, its last line."""

    seconds: float
    cpu: float
    peak: float
    summary: str


@contextlib.contextmanager
def page_server(pages: Path, hosts: int, port: int, log: Path) -> Iterator[dict[str, Any]]:
    """The server as a process of its own; gives what it says when ready."""
    command = [sys.executable, str(Path(__file__).with_name("page_server.py")), str(pages)]
    command += ["--hosts", str(hosts), "--port", str(port), "--log", str(log)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            sys.exit("the page server did not start")
        yield json.loads(line)
    finally:
        server.terminate()
        server.wait(timeout=10)


def write_settings(path: Path, sources: list[dict[str, str]], port: int) -> None:
    tables = "\n".join(
        f'[[sources]]\nname = "{source["name"]}"\nurl = "{source["url"]}"\nrole = "aggregator"\n' for source in sources
    )
    path.write_text(
        f'[database]\nurl = "sqlite+aiosqlite:///{path.parent}/wiretrace.db"\n\n'
        f'[fetch]\ndelay = 0.0\nallow_private = ["127.0.0.0/8"]\nallow_ports = [{port}]\n\n{tables}',
        encoding="utf-8",
    )


def crawl(settings: Path) -> Run:
    """One pass as a user's scheduled job makes it, in a process of its own."""
    command = [sys.executable, "-m", "crawler", "--config", str(settings), "run", "--once"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    peak = 0.0
    with (settings.parent / "run.log").open("w+", encoding="utf-8") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while child.poll() is None:
            peak = _peak_megabytes(child.pid) or peak
            time.sleep(POLL)
        seconds = time.perf_counter() - start
        output.seek(0)
        lines = output.read().splitlines()
    if child.returncode != 0:
        sys.exit("\n".join([*lines[-20:], f"run --once ended with {child.returncode}"]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu, peak, lines[-1] if lines else "")


def stored(settings: Path) -> dict[str, dict[str, Any]]:
    """Identity of the fetched URL → row, as `export articles` gives them.

    Not by id: a page whose canonical link is relative names another path of the address that serves it here.
    """
    out = settings.parent / "articles.jsonl"
    command = [sys.executable, "-m", "crawler", "--config", str(settings), "export", "articles", "-o", str(out)]
    subprocess.run(command, check=True)
    with out.open(encoding="utf-8") as lines:
        return {urls.identity(row["url"]): row for row in map(json.loads, lines)}


def _peak_megabytes(process: int) -> float | None:
    """VmHWM: the most memory that the process itself, without its children, ever held."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else None


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join(WORD.findall(plain))


def share_of_words(truth: str, text: str) -> float:
    """Share of the words of `truth` (with their counts) that `text` holds."""
    wanted, got = Counter(folded(truth).split()), Counter(folded(text).split())
    return (wanted & got).total() / max(1, wanted.total())


def compare(pages: Path, articles: dict[str, dict[str, Any]], hosts: int, port: int) -> list[str]:
    """The report's lines on what of the truth was stored."""
    counted = whole = exact = noindex = 0
    missed: list[str] = []
    with (pages / "truth.jsonl").open(encoding="utf-8") as lines:
        for truth in map(json.loads, lines):
            if NOINDEX.search(gzip.decompress((pages / truth["file"]).read_bytes())):
                noindex += 1
                continue
            counted += 1
            row = articles.get(urls.identity(place(truth["url"], hosts, port)))
            words = share_of_words(truth["text"], row["text"] or "") if row else 0.0
            exact += bool(row) and folded(row["title"] or "") == folded(truth["title"] or "")
            if row and row["title"] and words >= ENOUGH:
                whole += 1
            else:
                what = "not stored" if row is None else f"title {row['title']!r:.40}, {words:.0%} of the words"
                missed.append(f"  {truth['file']} {truth['url']:.90}: {what}")
    return [
        f"stored with title and text: {whole} of {counted} ({whole / counted:.1%}); noindex left out: {noindex}",
        f"title equal after folding: {exact} of {counted} ({exact / counted:.1%})",
        *missed,
    ]


def requests(log: Path) -> Counter[str]:
    """Requests by kind and status, e.g. `page 200`."""
    names = {"/robots.txt": "robots", "/sitemap.xml": "sitemap"}
    with log.open(encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        return Counter(f"{names.get(row['path'], 'page')} {row['status']}" for row in rows)


def measure(pages: Path, hosts: int, port: int, folder: Path) -> None:
    log = folder / "requests.jsonl"
    with page_server(pages, hosts, port, log) as ready:
        settings = folder / "wiretrace.toml"
        write_settings(settings, ready["sources"], port)
        first = crawl(settings)
        seen = requests(log)
        print(f"{ready['pages']} pages on {len(ready['sources'])} addresses")
        print(f"first pass: {first.seconds:.1f} s, {first.cpu:.1f} s of CPU, peak {first.peak:.0f} MB (main process)")
        print(f"  {first.summary}")
        print(f"  requests: {dict(sorted(seen.items()))}")
        print("\n".join(compare(pages, stored(settings), hosts, port)))
        second = crawl(settings)
        again = requests(log)
        again.subtract(seen)
        print(f"second pass: {second.seconds:.1f} s, {second.cpu:.1f} s of CPU, peak {second.peak:.0f} MB")
        print(f"  requests: {dict(sorted((+again).items()))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a crawl of real pages over loopback HTTP.")
    parser.add_argument("pages_dir", type=Path)
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--keep", type=Path, help="folder for the store and logs; else a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crawl-pages-") as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measure(given.pages_dir, given.hosts, given.port, folder)


if __name__ == "__main__":
    main()
