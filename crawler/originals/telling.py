"""Which format a file has, told by how it begins."""

from __future__ import annotations

import re

from crawler.errors import InputError
from crawler.originals import avro, factiva
from crawler.originals.items import Format

_ROOT = re.compile(r"<(?![?!])(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_NEWSML_ROOTS = frozenset({"newsmessage", "newsitem", "packageitem", "conceptitem", "knowledgeitem", "planningitem"})
_FOREIGN = (
    (b"%PDF-", "a PDF file"),
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a ZIP archive in another"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_JSON_NAME = re.compile(r"\.(?:jsonl?|ndjson)(?:\.(?:gz|gzip|zst|zstd))?$", re.IGNORECASE)
MOST_LINES = 1_000  # of a file that are looked at to tell its format
_EXPECTED = "expected JSON lines, Factiva JSON, CSV or Avro, NewsML-G2, NITF, HTML or text in UTF-8"


def told(path: str, name: str, beginning: bytes) -> Format:
    """The format of what begins so; `path` is how a fault calls it. Raises InputError where it is none of ours."""
    if beginning.startswith(avro.MAGIC):
        return Format.FACTIVA
    for magic, what in _FOREIGN:
        if beginning.startswith(magic):
            raise InputError(path, f"{_EXPECTED}, got {what}")
    if beginning.startswith(_UTF_16):
        return _told_utf_16(path, beginning)
    if b"\x00" in beginning:
        raise InputError(path, f"{_EXPECTED}, got binary data")
    text = beginning.decode("utf-8", "replace").lstrip()
    if not text:
        raise InputError(path, f"{_EXPECTED}, the file is empty")
    if text.startswith(("{", "[")) or _is_mostly_json(text, named=_JSON_NAME.search(name) is not None):
        return Format.FACTIVA if factiva.is_factiva(text) else Format.JSONL
    if text.startswith("<"):
        return _told_markup(path, text)
    return Format.FACTIVA if factiva.csv_delimiter(text) else Format.TEXT


def _told_utf_16(path: str, beginning: bytes) -> Format:
    """XML in UTF-16 says so itself and its parser reads it; all else is UTF-8 by its vendors' own word."""
    text = beginning[: len(beginning) // 2 * 2].decode("utf-16", "replace").lstrip()
    if text.startswith("<?xml"):
        return _told_markup(path, text)
    raise InputError(path, f"{_EXPECTED}, got UTF-16")


def _is_mostly_json(text: str, *, named: bool) -> bool:
    """Whether these are lines of JSON though the first is none: most begin as an object, or the name says so."""
    lines = [line.lstrip() for line in text.splitlines()[:MOST_LINES] if line.strip()]
    found = sum(line.startswith(("{", "[{")) for line in lines)
    if named:
        return found > 0 or not (text.startswith("<") or factiva.csv_delimiter(text))
    return 2 * found > len(lines)


def _told_markup(path: str, text: str) -> Format:
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
