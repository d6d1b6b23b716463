"""From a file to what it delivers, item by item, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

from crawler.errors import InputError, UsageError
from crawler.interchange import article_from_json
from crawler.model import Article, Removal, Role
from crawler.originals import avro, factiva
from crawler.originals.items import Fault, Format, Item, Unreadable
from crawler.originals.jsonvalues import Json, objects
from crawler.originals.newsml import read_newsml
from crawler.originals.nitf import read_nitf
from crawler.originals.opening import beginning_of
from crawler.originals.parts import Part, file_part, is_archive, members
from crawler.originals.plainfiles import read_html, read_text
from crawler.originals.telling import told

Reader = Callable[[BufferedReader, bytes], Iterator[Item]]


def read(path: Path, format: Format = Format.AUTO, *, publisher: str = "") -> Iterator[Item]:
    """What the file delivers, in its order: articles, removals, raw originals, and a Fault for each bad item.

    gzip, zstd and ZIP are unpacked, told by content as the format is with `auto`; of a ZIP archive every file is read,
    and one that can't be is a Fault. `publisher` stands in where an item names none. Raises InputError, one line, at
    once where the file can't be opened or is of none of the formats, and UsageError for a text file without publisher.
    """
    if is_archive(path):
        return _of_archive(members(path), format, publisher)
    return _read(file_part(path), format, publisher)


def _of_archive(parts: Iterator[Part | Fault], format: Format, publisher: str) -> Iterator[Item]:
    for part in parts:
        if isinstance(part, Fault):
            yield part
            continue
        try:
            yield from _read(part, format, publisher)
        except (InputError, UsageError, Unreadable) as error:
            reason = error.expected if isinstance(error, InputError) else str(error).removeprefix(f"{part.path}: ")
            yield Fault(part.path, None, reason)


def _read(part: Part, format: Format, publisher: str) -> Iterator[Item]:
    with part.open() as stream:
        beginning = beginning_of(stream)
    found = told(part.path, part.name, beginning) if format is Format.AUTO else format
    if found is Format.TEXT and not (publisher or part.details.publisher):
        raise UsageError(f"{part.path}: a text file doesn't say whose it is, expected --publisher NAME or a sidecar")
    return _items(part, found, beginning, publisher)


def _items(part: Part, found: Format, beginning: bytes, publisher: str) -> Iterator[Item]:
    try:
        with part.open() as stream:
            yield from _readers(part, publisher)[found](stream, beginning)
    except Unreadable as error:
        yield Fault(part.path, error.item, str(error))


def _readers(part: Part, publisher: str) -> dict[Format, Reader]:
    return {
        Format.FACTIVA: lambda stream, beginning: _factiva(stream, beginning, part, publisher),
        Format.JSONL: lambda stream, beginning: _rows(
            objects(stream, beginning), part, lambda row: _row_article(row, publisher)
        ),
        Format.NEWSML: lambda stream, _: read_newsml(stream, part, publisher),
        Format.NITF: lambda stream, _: read_nitf(stream, part, publisher),
        Format.HTML: lambda stream, _: iter([read_html(stream, part, publisher)]),
        Format.TEXT: lambda stream, _: iter([read_text(stream, part, publisher)]),
    }


def _factiva(stream: BufferedReader, beginning: bytes, part: Part, publisher: str) -> Iterator[Item]:
    text = beginning.decode("utf-8", "replace").lstrip()
    if beginning.startswith(avro.MAGIC):
        rows = avro.avro_rows(stream)
    elif not text.startswith(("{", "[")) and (delimiter := factiva.csv_delimiter(text)):
        rows = factiva.csv_rows(stream, delimiter)
    else:
        rows = objects(stream, beginning)
    return _rows(rows, part, lambda row: factiva.delivery(row, publisher, part.received))


def _rows(
    rows: Iterator[tuple[int, Json | str]], part: Part, delivered: Callable[[Json], Article | Removal]
) -> Iterator[Item]:
    for number, row in rows:
        if isinstance(row, str):
            yield Fault(part.path, number, row)
            continue
        try:
            yield delivered(row)
        except ValueError as error:
            yield Fault(part.path, number, str(error))


def _row_article(row: Json, publisher: str) -> Article:
    article = article_from_json(row, role=Role.ORIGIN, publisher=publisher)
    if not article.text:
        raise ValueError("text: expected a text")
    # Whatever a dump calls it, what is imported as an original is one.
    return article if article.role is Role.RELEASE else replace(article, role=Role.ORIGIN)
