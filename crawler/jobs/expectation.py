"""What a batch will take: memory, disk and time, from the sizes of its files and a look at the first rows of some.

The first rows of a file stand for the rest of it; figures are right by a factor of one and a half or so, which is what
the question needs whether a machine holds the job.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from crawler.errors import InputError, UsageError
from crawler.interchange import article_to_json
from crawler.jobs.dumps import Columns, read_rows
from crawler.link import Linker
from crawler.model import Article, Role
from crawler.originals.opening import unpacked_head

_FILES, _ROWS = 12, 60  # that are looked at, rows of each
_HEAD = 1 << 19  # bytes of a file
_MOST_UNPACKED = 1 << 25
_TIMED, _WARMING = 40, 60  # texts; the first meet most words for the first time, which takes longer
_BASE = 190_000_000  # bytes: the program with its tables and words
# Of an original in memory: an entry with room for sorting, then its id and its place, in three tables.
_ENTRY, _ID = 20, 600
_UNSETTLED = 250_000_000  # of an index on disk: what is gathered before it is written
_SEEN = 24  # of an article: the hash of its id, with room for sorting
_PACKED = 0.55  # of a text's size, in a spool or an index
_ROW_OUT = 700  # bytes a row with short evidence
_LOOKED_UP = 1.4  # originals that a page is compared with on average
_KEPT_ID = 900  # of a row with --self: id, digest, place and verdict
_READ = 0.00012  # seconds a row, each time that it is read


@dataclass(frozen=True, slots=True)
class Expected:
    """Rows, bytes and seconds."""

    originals: int
    articles: int
    memory: int
    disk: int
    seconds: float

    def said(self) -> str:
        rows = f"{self.articles:,} articles" + (f" and {self.originals:,} originals" if self.originals else "")
        return (
            f"about {rows}: expects {size_text(self.memory)} of memory, {size_text(self.disk)} of disk, "
            f"{time_text(self.seconds)}"
        )


@dataclass(slots=True)
class _Sampled:
    """What was seen of some files."""

    bytes: int = 0
    rows: float = 0.0
    texts: list[Article] = field(default_factory=list)

    def rows_of(self, size: int) -> int:
        return round(size * self.rows / self.bytes) if self.bytes else 0


def expect(
    linker: Linker,
    articles: Sequence[Path],
    originals: Sequence[Path],
    columns: Columns,
    *,
    itself: bool = False,
    on_disk: bool = False,
    held: int = 0,
) -> Expected:
    """What linking takes; `held` originals are in the index already. Raises as reading the files does."""
    pages, wire = _sample(articles, columns, None), _sample(originals, columns, Role.ORIGIN)
    page_rows, wire_rows = pages.rows_of(_size(articles)), wire.rows_of(_size(originals))
    among = sum(one.role is not Role.AGGREGATOR for one in pages.texts) / max(1, len(pages.texts))
    if itself:
        among = 0.0
    elif among:
        wire_rows += round(page_rows * among)
    linked = round(page_rows * (1 - among))
    texts = [*wire.texts[: _TIMED + _WARMING], *pages.texts[: _TIMED + _WARMING]]
    keys, signing, comparing = _timed(linker, texts, worth=page_rows + wire_rows > _ROWS)
    text_size = sum(len(one.text) for one in texts) / max(1, len(texts)) + 300
    indexed = linked if itself else wire_rows + held
    memory: float = _BASE + linked * _SEEN
    if itself:
        memory += indexed * (keys * _ENTRY + _KEPT_ID)
    elif on_disk:
        memory += min(_UNSETTLED, wire_rows * (keys * _ENTRY + _ID))
    else:
        memory += indexed * (keys * _ENTRY + _ID)
    disk = (linked if itself else wire_rows) * text_size * _PACKED + 2 * linked * _ROW_OUT
    if on_disk:
        disk += wire_rows * (2 * keys * 8 + 60)
    seconds = wire_rows * signing + linked * (signing + _LOOKED_UP * (signing + comparing))
    seconds += _READ * (wire_rows + 2 * page_rows) * text_size / 1_500
    return Expected(wire_rows, linked, round(memory), round(disk), seconds)


def parse_size(text: str) -> int:
    """`4G`, `512M`, `2GB` → bytes. Raises UsageError."""
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    factor = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(plain[-1:], 1.0)
    try:
        size = float(plain.rstrip("KMGT")) * factor
        if not 0 < size < 1e18:
            raise ValueError
    except ValueError:
        raise UsageError(f"--memory: expected a size such as 4G or 512M, got {text!r:.40}") from None
    return int(size)


def size_text(size: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{max(1, round(size / 1e6))} MB"


def time_text(seconds: float) -> str:
    for unit, factor in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:.0f} {unit}"
    return f"{max(1, round(seconds))} s"


def _size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _sample(paths: Sequence[Path], columns: Columns, role: Role | None) -> _Sampled:
    found = _Sampled()
    regular = [path for path in paths if path.is_file()]
    step = max(1, -(-len(regular) // _FILES))
    for path in regular[::step]:
        items = islice(read_rows(path, columns, role), _ROWS)
        rows = [item.article for item in items if not isinstance(item, InputError)]
        size = path.stat().st_size
        found.texts += rows
        found.bytes += size
        found.rows += _rows(path, size, rows)
    return found


def _rows(path: Path, size: int, rows: Sequence[Article]) -> float:
    """How many rows a file has, about."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PAR1"):
        return float(_parquet_rows(path))
    unpacked = unpacked_head(head, _MOST_UNPACKED)
    if not unpacked:
        return 0.0
    whole = size * len(unpacked) / max(1, len(head))
    if unpacked.lstrip()[:1] == b"[":
        lengths = [len(json.dumps(article_to_json(row)).encode()) for row in rows]
        return whole * len(lengths) / max(1, sum(lengths))
    if size <= _HEAD:
        return float(sum(1 for line in unpacked.splitlines() if line.strip()))
    return whole * max(1, unpacked.count(b"\n")) / len(unpacked)


def _parquet_rows(path: Path) -> int:
    from pyarrow import parquet  # reading the first rows has told where it is missing

    with parquet.ParquetFile(path) as file:
        rows: int = file.metadata.num_rows
    return rows


def _timed(linker: Linker, texts: Sequence[Article], *, worth: bool) -> tuple[float, float, float]:
    """Index keys a text, and the seconds of signing one and of comparing two; usual figures for a few rows."""
    if not worth or len(texts) < 2:
        return 80.0, 0.003, 0.001
    warming, timed = texts[: -_TIMED or None], texts[-_TIMED:]
    for text in warming:
        linker.fingerprint(text)
    start = time.perf_counter()
    keys = [len(linker.fingerprint(text).keys) for text in timed]
    signing = (time.perf_counter() - start) / len(timed)
    start = time.perf_counter()
    for one, other in _pairs(timed):
        linker.decide(one, [other])
    return sum(keys) / len(keys), signing, (time.perf_counter() - start) / len(timed)


def _pairs(texts: Sequence[Article]) -> Iterator[tuple[Article, Article]]:
    return zip(texts, [*texts[1:], texts[0]], strict=True)
