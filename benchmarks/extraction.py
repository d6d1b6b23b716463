"""Measures the extractor, and where they are installed its peers, on reviewed article pages.

    python benchmarks/extraction.py PAGES_DIR [--peers] [--part all|tuning|held-out] [--json FILE]

PAGES_DIR holds `truth.jsonl` (a row a page: file, url, title, authors, published, text, with, without) and the
pages, gzipped. Body: precision, recall and F1 as the public article-extraction-benchmark counts them (Scrapinghub,
https://github.com/scrapinghub/article-extraction-benchmark, evaluate.py): overlap of 4-token shingles, averaged
over pages. Title: equal after white space is folded. Date: the same day, over pages
whose review tells one. Authors: F1 of names a page, over pages
that have any; names are compared without case, punctuation, academic and professional letters. Snippets: share of
those that must (not) be in the text, compared as runs of words. 40 % of the pages, by a hash of their names, are
held out: nothing was tuned on them. Times are CPU time of this one process, without decompression
and imports.

Peers are read in their best mode: `pip install trafilatura lxml_html_clean resiliparse newspaper4k`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

SHINGLE = 4  # tokens
DAY = len("2026-01-31")
HELD_OUT = 40  # per cent
_WARM_UP = (
    b"<!DOCTYPE html><title>A page</title><article><h1>A page</h1><p>A text, so that imports and tables are there.</p>"
)
_TOKEN = re.compile(r"\w+")
_LETTERS_AFTER_NAME = re.compile(
    r",?\s+(?:ph\.?d|m\.?d|mba|rn|rd|rdn|cfa|cpa|esq|jr|sr|ms|ma|ba|bsn|dvm|vmd|dacvb|mph|foma|dabom|lvt|vts)\b\.?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Reading:
    """What one extractor read off one page. `day` is YYYY-MM-DD."""

    text: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    day: str = ""
    verdict: str = ""


@dataclass(slots=True)
class Sums:
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    title: list[bool] = field(default_factory=list)
    date: list[bool] = field(default_factory=list)
    authors: list[float] = field(default_factory=list)
    present: list[bool] = field(default_factory=list)
    absent: list[bool] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, Any]:
        precision, recall = share(self.precision), share(self.recall)
        times = sorted(self.milliseconds)
        return {
            "pages": len(self.title),
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
            "title": share(self.title),
            "date": share(self.date),
            "authors_f1": share(self.authors),
            "with_present": share(self.present),
            "without_absent": share(self.absent),
            "ms_mean": statistics.fmean(times),
            "ms_p99": times[min(int(len(times) * 0.99), len(times) - 1)],
            "verdicts": dict(self.verdicts),
        }


def share(values: list[float] | list[bool]) -> float:
    return statistics.fmean(values) if values else 0.0


def held_out(name: str) -> bool:
    """Whether a page belongs to the part that is never looked at while tuning."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < HELD_OUT


def shingles(text: str) -> Counter[tuple[str, ...]]:
    tokens = _TOKEN.findall(text)
    return Counter(tuple(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1)) if tokens)


def overlap(truth: str, text: str) -> tuple[float, float]:
    """Precision and recall of a page's shingles."""
    wanted, given = shingles(truth), shingles(text)
    shared = sum((wanted & given).values())
    if not given:
        return 0.0, 0.0
    return shared / given.total(), shared / wanted.total() if wanted else 0.0


def names(authors: Iterable[str]) -> set[str]:
    parts: set[str] = set()
    for author in authors:
        for part in re.split(r"\s*(?:,|;|&|\band\b)\s*", _LETTERS_AFTER_NAME.sub("", author)):
            key = " ".join(_TOKEN.findall(part.lower()))
            if key:
                parts.add(key)
    return parts


def run_of_words(text: str) -> str:
    return " " + " ".join(_TOKEN.findall(text.lower())) + " "


def measure(rows: list[dict[str, Any]], read: Callable[[bytes, str], Reading], folder: Path) -> dict[str, Any]:
    """Figures of one extractor: for all pages, and apart for those tuned on and those held out."""
    parts = {"all": Sums(), "tuning": Sums(), "held-out": Sums()}
    read(_WARM_UP, "https://news.example/warm-up")
    for row in rows:
        body = gzip.decompress((folder / row["file"]).read_bytes())
        start = time.process_time()
        try:
            reading = read(body, row["url"])
        except Exception as error:  # noqa: BLE001  a peer's crash is a page it can't read
            print(f"{row['file']}: {error!r:.120}", file=sys.stderr)
            reading = Reading()
        spent = (time.process_time() - start) * 1000
        for name in ("all", "held-out" if held_out(row["file"]) else "tuning"):
            add(parts[name], row, reading, spent)
    return {name: sums.figures() for name, sums in parts.items() if sums.title}


def add(sums: Sums, row: dict[str, Any], reading: Reading, spent: float) -> None:
    precision, recall = overlap(row["text"], reading.text)
    sums.milliseconds.append(spent)
    if reading.text.strip():  # the benchmark leaves pages without output out of precision
        sums.precision.append(precision)
    sums.recall.append(recall)
    sums.title.append(" ".join(reading.title.split()) == " ".join(row["title"].split()))
    sums.verdicts[reading.verdict] += 1
    if len(row["published"] or "") >= DAY:
        sums.date.append(reading.day == row["published"][:10])
    if row["authors"]:
        wanted, given = names(row["authors"]), names(reading.authors)
        sums.authors.append(2 * len(wanted & given) / (len(wanted) + len(given)))
    text = run_of_words(reading.text)
    sums.present.extend(run_of_words(snippet).strip() in text for snippet in row["with"])
    sums.absent.extend(run_of_words(snippet) not in text for snippet in row["without"])


def extractors(peers: bool) -> Iterator[tuple[str, Callable[[bytes, str], Reading]]]:
    yield "wiretrace", _wiretrace
    yield "lexbor", _bare_parse
    if peers:
        for name, make in (("trafilatura", _trafilatura), ("resiliparse", _resiliparse), ("newspaper4k", _newspaper)):
            try:
                yield name, make()
            except ImportError as error:
                print(f"{name}: not installed ({error})", file=sys.stderr)


def _wiretrace(body: bytes, url: str) -> Reading:
    from crawler.extract import extract
    from crawler.model import RawDocument

    found = extract(RawDocument(url, body, "text/html"))
    day = found.published.date().isoformat() if found.published else ""
    return Reading(found.text, found.title, found.byline, day, found.verdict.value)


def _bare_parse(body: bytes, _: str) -> Reading:
    from selectolax.lexbor import LexborHTMLParser

    LexborHTMLParser(body)
    return Reading()


def _trafilatura() -> Callable[[bytes, str], Reading]:
    import trafilatura

    def read(body: bytes, url: str) -> Reading:
        found = trafilatura.bare_extraction(
            body, url=url, with_metadata=True, include_comments=False, include_tables=True, favor_precision=False
        )
        if found is None:
            return Reading()
        authors = tuple(part for part in (found.author or "").split("; ") if part)
        return Reading(found.text or "", found.title or "", authors, (found.date or "")[:10])

    return read


def _resiliparse() -> Callable[[bytes, str], Reading]:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding
    from resiliparse.parse.html import HTMLTree

    def read(body: bytes, _: str) -> Reading:
        tree = HTMLTree.parse(bytes_to_str(body, detect_encoding(body)))
        return Reading(extract_plain_text(tree, main_content=True, alt_texts=False), tree.title or "")

    return read


def _newspaper() -> Callable[[bytes, str], Reading]:
    import newspaper

    def read(body: bytes, url: str) -> Reading:
        article = newspaper.Article(url, fetch_images=False)
        article.download(input_html=body.decode("utf-8", "replace"))
        article.parse()
        day = article.publish_date.date().isoformat() if article.publish_date else ""
        return Reading(article.text or "", article.title or "", tuple(article.authors), day)

    return read


def show(name: str, figures: dict[str, Any]) -> None:
    print(f"{name}   (peak memory of the run so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB)")
    for part, row in figures.items():
        print(
            f"  {part:9} {row['pages']:4} pages   P {row['precision']:.3f}  R {row['recall']:.3f}  F1 {row['f1']:.3f}"
            f"   title {row['title']:.3f}  date {row['date']:.3f}  authors {row['authors_f1']:.3f}"
            f"   with {row['with_present']:.3f}  without {row['without_absent']:.3f}"
            f"   {row['ms_mean']:.1f} ms  p99 {row['ms_p99']:.0f} ms   {row['verdicts']}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("--peers", action="store_true", help="measure the peers that are installed as well")
    parser.add_argument("--part", choices=("all", "tuning", "held-out"), default="all")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    lines = (options.pages / "truth.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    if options.part != "all":
        rows = [row for row in rows if held_out(row["file"]) == (options.part == "held-out")]
    report: dict[str, Any] = {}
    bare = 0.0
    for name, read in extractors(options.peers):
        if name == "lexbor":
            measured = measure(rows, read, options.pages)
            bare = measured["all"]["ms_mean"]
            print(f"bare Lexbor parse: {bare:.2f} ms")
            continue
        report[name] = measure(rows, read, options.pages)
        show(name, report[name])
    own = report["wiretrace"]["all"]["ms_mean"]
    print(f"wiretrace takes {own / bare:.1f} times a bare parse")
    for name, figures in report.items():
        if name != "wiretrace":
            print(f"{name} takes {figures['all']['ms_mean'] / own:.1f} times as long as wiretrace")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
