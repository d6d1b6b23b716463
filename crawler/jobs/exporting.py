"""`wiretrace export`: what is stored, row by row in constant memory."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from crawler.errors import InputError
from crawler.interchange import ARTICLE_FIELDS, formula_safe, whole_characters
from crawler.model import Source
from crawler.redistribution import Redistribution
from crawler.store import Store
from crawler.store.publishing import change_to_json

Write = Callable[[Mapping[str, Any]], None]


class Subject(StrEnum):
    ARTICLES = "articles"
    LINKS = "links"
    STORIES = "stories"
    CHANGES = "changes"
    REVIEWS = "reviews"


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_COLUMNS = {
    Subject.ARTICLES: (*ARTICLE_FIELDS, "attribution", "text_hash"),
    Subject.LINKS: (
        "id", "state", "relation", "score", "coverage.rewrite", "coverage.original",
        "rewrite.id", "rewrite.url", "rewrite.title", "rewrite.publisher", "rewrite.published",
        "original.id", "original.url", "original.title", "original.publisher", "original.published",
        "precedence", "standing", "decided", "linker", "evidence",
    ),
    Subject.STORIES: ("id", "title", "publisher", "url", "published", "members", "aliases", "size"),
    Subject.CHANGES: ("seq", "at", "subject", "action", "id", "reason", "state"),
    Subject.REVIEWS: (
        "no", "link", "at", "verdict", "before", "undoes", "reviewer", "note",
        "rewrite.id", "rewrite.version", "rewrite.hash", "original.id", "original.version", "original.hash",
        "relation", "score", "coverage.rewrite", "coverage.original", "precedence", "standing", "decided", "linker",
        "text_gone", "evidence",
    ),
}  # fmt: skip


async def export(
    store: Store,
    subject: Subject,
    out: TextIO,
    *,
    kind: Format = Format.JSONL,
    since: datetime | int | None = None,
    as_of: datetime | None = None,
    declared: Sequence[Source] = (),
) -> int:
    """Writes the rows to `out` and returns their number; Parquet, which is no text, to the bytes below it.

    Texts of licensed originals only where their sources say so; of those that a file declares it is `declared`.
    """
    passing = await store.redistribution(declared)
    count = 0
    with _writer(subject, kind, out) as write:
        async for row in _rows(store, subject, since, as_of, passing):
            write(row)
            count += 1
    return count


@contextmanager
def _writer(subject: Subject, kind: Format, out: TextIO) -> Iterator[Write]:
    if kind is not Format.PARQUET:
        yield _csv_writer(subject, out) if kind is Format.CSV else _jsonl_writer(out)
        return
    from crawler.jobs.parquet_writing import ParquetRows  # with the extra alone

    with ParquetRows(subject.value, out.buffer) as rows:
        yield rows.write


@contextmanager
def destination(path: Path | None, standard_output: TextIO) -> Iterator[TextIO]:
    """Standard output, or a file that is there whole or not at all."""
    if path is None:
        yield standard_output
        return
    path = path.resolve()  # through a link to what it means
    if path.is_dir():
        raise InputError(path, "expected a file, it is a folder")
    if path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", text=True)
    except OSError as error:
        raise InputError(path, f"expected a folder that can be written ({error.strerror or error})") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _rows(
    store: Store, subject: Subject, since: datetime | int | None, as_of: datetime | None, passing: Redistribution
) -> AsyncIterator[Mapping[str, Any]]:
    if subject is Subject.ARTICLES:
        return store.export_articles(since=since, as_of=as_of, passing=passing)
    if subject is Subject.LINKS:
        return store.export_links(since=since, as_of=as_of)
    if subject is Subject.STORIES:
        return store.export_stories(since=since, as_of=as_of)
    if subject is Subject.REVIEWS:
        return _reviews(store, since)
    return _changes(store, since, passing)


async def _changes(
    store: Store, since: datetime | int | None, passing: Redistribution
) -> AsyncIterator[Mapping[str, Any]]:
    async for change in store.changes(since, passing=passing):
        yield change_to_json(change)


async def _reviews(store: Store, since: datetime | int | None) -> AsyncIterator[Mapping[str, Any]]:
    after = since if isinstance(since, int) else 0
    async for review in store.export_reviews(after):
        if not isinstance(since, datetime) or review.at >= since:
            yield review.as_json()


def _jsonl_writer(out: TextIO) -> Write:
    def write(row: Mapping[str, Any]) -> None:
        try:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        except UnicodeEncodeError:  # half a pair of surrogates, which a page's title may hold: it stays an escape
            out.write(json.dumps(row) + "\n")

    return write


def _csv_writer(subject: Subject, out: TextIO) -> Write:
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    columns = _COLUMNS[subject]
    writer.writerow(columns)

    def write(row: Mapping[str, Any]) -> None:
        writer.writerow([_cell(_at(row, column)) for column in columns])

    return write


def _at(row: Mapping[str, Any], dotted: str) -> object:
    value: Any = row
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _cell(value: object) -> str | int | float:
    """A cell no spreadsheet takes for a formula. Lists and objects are JSON."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return formula_safe(whole_characters(text))
