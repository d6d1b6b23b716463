"""From a file to what it delivers, item by item, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path

from crawler.errors import InputError, UsageError
from crawler.interchange import article_from_json
from crawler.model import Article, Removal, Role
from crawler.originals import factiva
from crawler.originals.items import Fault, Format, Item, Unreadable
from crawler.originals.jsonvalues import Json, objects
from crawler.originals.newsml import read_newsml
from crawler.originals.nitf import read_nitf
from crawler.originals.opening import head, opened
from crawler.originals.plainfiles import read_html, read_text

_ROOT = re.compile(r"<(?![?!])(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_NEWSML_ROOTS = frozenset({"newsmessage", "newsitem", "packageitem", "conceptitem", "knowledgeitem", "planningitem"})
_FOREIGN = (
    (b"%PDF-", "a PDF file"),
    (b"Obj\x01", "an Avro file"),
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_JSON_NAME = re.compile(r"\.(?:jsonl?|ndjson)(?:\.(?:gz|gzip|zst|zstd))?$", re.IGNORECASE)
MOST_LINES = 1_000  # of a file that are looked at to tell its format
_EXPECTED = "expected JSON lines, Factiva JSON or CSV, NewsML-G2, NITF, HTML or text in UTF-8"

Reader = Callable[[BufferedReader, bytes], Iterator[Item]]


def read(path: Path, format: Format = Format.AUTO, *, publisher: str = "") -> Iterator[Item]:
    """What the file delivers, in its order: articles, removals, raw originals, and a Fault for each bad item.

    gzip and zstd are unpacked, told by content as the format is with `auto`. `publisher` stands in where an item
    names none. Raises InputError, one line, at once where the file can't be opened or is of none of the formats,
    and UsageError for a text file without publisher.
    """
    beginning = head(path)
    found = _told(path, beginning) if format is Format.AUTO else format
    if found is Format.TEXT and not publisher:
        raise UsageError(f"{path}: a text file doesn't say whose it is, expected --publisher NAME")
    return _items(path, found, beginning, publisher)


def _items(path: Path, found: Format, beginning: bytes, publisher: str) -> Iterator[Item]:
    with opened(path) as stream:
        try:
            yield from _readers(path, publisher)[found](stream, beginning)
        except Unreadable as error:
            yield Fault(str(path), error.item, str(error))


def _readers(path: Path, publisher: str) -> dict[Format, Reader]:
    return {
        Format.FACTIVA: lambda stream, beginning: _factiva(stream, beginning, path, publisher),
        Format.JSONL: lambda stream, beginning: _rows(
            objects(stream, beginning), path, lambda row: _row_article(row, publisher)
        ),
        Format.NEWSML: lambda stream, _: read_newsml(stream, path, publisher),
        Format.NITF: lambda stream, _: read_nitf(stream, path, publisher),
        Format.HTML: lambda stream, _: iter([read_html(stream, path, publisher)]),
        Format.TEXT: lambda stream, _: iter([read_text(stream, path, publisher)]),
    }


def _told(path: Path, beginning: bytes) -> Format:
    for magic, what in _FOREIGN:
        if beginning.startswith(magic):
            raise InputError(path, f"{_EXPECTED}, got {what}")
    if b"\x00" in beginning:
        raise InputError(path, f"{_EXPECTED}, got binary data")
    text = beginning.decode("utf-8", "replace").lstrip()
    if not text:
        raise InputError(path, f"{_EXPECTED}, the file is empty")
    if text.startswith(("{", "[")) or _is_mostly_json(text, named=_JSON_NAME.search(path.name) is not None):
        return Format.FACTIVA if factiva.is_factiva(text) else Format.JSONL
    if text.startswith("<"):
        return _told_markup(path, text)
    return Format.FACTIVA if factiva.csv_delimiter(text) else Format.TEXT


def _is_mostly_json(text: str, *, named: bool) -> bool:
    """Whether these are lines of JSON though the first is none: most begin as an object, or the name says so."""
    lines = [line.lstrip() for line in text.splitlines()[:MOST_LINES] if line.strip()]
    found = sum(line.startswith(("{", "[{")) for line in lines)
    if named:
        return found > 0 or not (text.startswith("<") or factiva.csv_delimiter(text))
    return 2 * found > len(lines)


def _told_markup(path: Path, text: str) -> Format:
    if text[:9].lower() == "<!doctype" and text[9:16].strip().lower().startswith("html"):
        return Format.HTML
    root = _ROOT.search(text)
    name = root.group(1).lower() if root else ""
    if name in _NEWSML_ROOTS:
        return Format.NEWSML
    if name == "nitf":
        return Format.NITF
    if name in {"html", "head", "body", "div", "p", "article", "title", "meta"}:
        return Format.HTML
    raise InputError(path, f"{_EXPECTED}, got XML with the root element {name[:40]}")


def _factiva(stream: BufferedReader, beginning: bytes, path: Path, publisher: str) -> Iterator[Item]:
    # Not the time of reading: a file that is read twice must say the same twice.
    received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    text = beginning.decode("utf-8", "replace").lstrip()
    delimiter = "" if text.startswith(("{", "[")) else factiva.csv_delimiter(text)
    rows = factiva.csv_rows(stream, delimiter) if delimiter else objects(stream, beginning)
    return _rows(rows, path, lambda row: factiva.delivery(row, publisher, received))


def _rows(
    rows: Iterator[tuple[int, Json | str]], path: Path, delivered: Callable[[Json], Article | Removal]
) -> Iterator[Item]:
    for number, row in rows:
        if isinstance(row, str):
            yield Fault(str(path), number, row)
            continue
        try:
            yield delivered(row)
        except ValueError as error:
            yield Fault(str(path), number, str(error))


def _row_article(row: Json, publisher: str) -> Article:
    article = article_from_json(row, role=Role.ORIGIN, publisher=publisher)
    if not article.text:
        raise ValueError("text: expected a text")
    # Whatever a dump calls it, what is imported as an original is one.
    return article if article.role is Role.RELEASE else replace(article, role=Role.ORIGIN)
