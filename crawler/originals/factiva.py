"""Articles of Factiva Streams and Snapshots: JSON objects, stream messages, and the rows of a Snapshot's CSV or Avro.

Field names as the vendor's documentation of Streams and Snapshots has them: `an` is the accession number, `snippet`
the lead and `body` what follows it; times are milliseconds of Unix time or ISO text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BufferedReader
from typing import Any

from crawler import urls
from crawler.interchange import time_from_json
from crawler.model import Article, Removal, Role
from crawler.originals.opening import MAX_ITEM, lines
from crawler.originals.prose import joined, line, names, not_utf_8, paragraphs

_TIMES = ("modification_datetime", "ingestion_datetime", "publication_datetime")
_KNOWN = re.compile(r'"(?:an|publication_datetime|modification_datetime|source_code|event_type)"\s*:', re.IGNORECASE)
_CSV_COLUMNS = frozenset({"title", "body", "snippet", "publication_datetime", "source_code"})
_DELIMITERS = ",;\t|"

# A bare "Online" is a part of many a name; of these titles it is an edition.
_EDITION = re.compile(
    r"\s*\((?:online|print|online and print|print and online)(?: edition)?\)$|"
    r"(?:(?<=Street Journal)|(?<=Barron['’]s)) Online$",
    re.IGNORECASE,
)

Row = Mapping[str, Any]


def is_factiva(beginning: str) -> bool:
    """Whether JSON that begins so has Factiva's fields."""
    return _KNOWN.search(beginning) is not None


def csv_delimiter(beginning: str) -> str:
    """The delimiter of a Snapshot's CSV, told by its header; "" where it is none."""
    header = beginning.partition("\n")[0].strip().lower()
    for delimiter in _DELIMITERS:
        columns = {column.strip(' "\t') for column in header.split(delimiter)}
        if "an" in columns and columns & _CSV_COLUMNS:
            return delimiter
    return ""


def delivery(row: Row, publisher: str, received: datetime) -> Article | Removal:
    """What one object says: an article (`action` add, rep or none), or that articles go (`del`, `source_delete`).

    An article's publisher is its title (`source_name`); the house behind it (`publisher_name`) is kept as its `site`.
    `publisher` stands in where the object names no title, `received` where an order to remove has no time. Raises
    ValueError that names the field and what was expected.
    """
    attributes = row.get("attributes")
    if isinstance(attributes, Mapping):  # an element of a message as it comes over the wire
        row = attributes
    event = _text(row, "event_type").lower()
    if event == "source_delete":
        code = _text(row, "source_code")
        if not code:
            raise ValueError("source_code: expected the code of the source to delete")
        return Removal(vendor_id=None, vendor_source=code, at=_latest(row) or received)
    if event:
        raise ValueError(f"event_type: expected source_delete, got {event[:40]!r}")
    accession_number = _text(row, "an")
    if not accession_number:
        raise ValueError("an: expected an accession number")
    action = _text(row, "action").lower()
    if action == "del":
        at = _latest(row) or received
        return Removal(vendor_id=accession_number, vendor_source=_text(row, "source_code") or None, at=at)
    if action not in {"", "add", "rep"}:
        raise ValueError(f"action: expected add, rep or del, got {action[:40]!r}")
    return _article(row, accession_number, publisher)


def csv_rows(stream: BufferedReader, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The rows of a CSV with the number of the line on which each ends, or in words why a row can't be read."""
    csv.field_size_limit(MAX_ITEM)
    too_long: list[int] = []
    reader = csv.reader(_text_lines(stream, too_long), delimiter=delimiter)
    columns: list[str] = []
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, f"expected a row of CSV, {error}"
            continue
        yield from ((number, f"expected a line of at most {MAX_ITEM // 1_000_000} MB") for number in too_long)
        too_long.clear()
        if cells is None:
            return
        if not columns:
            columns = [name.strip().lower() for name in cells]
        elif any(cells):
            fits = len(cells) == len(columns)
            row = (
                dict(zip(columns, cells, strict=True)) if fits else f"expected {len(columns)} columns, got {len(cells)}"
            )
            yield reader.line_num, not_utf_8(cells) or row


def _text_lines(stream: BufferedReader, too_long: list[int]) -> Iterator[str]:
    for number, raw in lines(stream):
        if raw is None:
            too_long.append(number)
        # A broken byte inside a quoted field must not end the field: the rows after it have to stay in step.
        yield (raw or b"").decode("utf-8", "surrogateescape") + "\n"


def _article(row: Row, accession_number: str, publisher: str) -> Article:
    lead, rest = paragraphs(_text(row, "snippet")), paragraphs(_text(row, "body"))
    if lead and rest[: len(lead)] == lead:  # some exports repeat the lead
        lead = []
    text = joined([*lead, *rest])
    if not text:
        raise ValueError("body: expected a text in snippet or body")
    house = line(_text(row, "publisher_name"))
    # The title, not its house: feeds, rights and standing go by titles.
    owner = _title(line(_text(row, "source_name"))) or publisher or house
    return Article(
        id=urls.vendor_article_id(owner, accession_number),
        url=f"factiva:{accession_number}",
        role=Role.RELEASE if _text(row, "role").lower() == Role.RELEASE else Role.ORIGIN,
        publisher=owner,
        title=line(_text(row, "title")),
        text=text,
        site=house,
        byline=names(_text(row, "byline")),
        published=_time(row, "publication_datetime"),
        modified=_latest(row),
        language=_text(row, "language_code").lower() or None,
        copyright=line(_text(row, "copyright")) or None,
        vendor_id=accession_number,
        vendor_source=_text(row, "source_code") or None,
        credit=line(_text(row, "credit")) or None,
        section=line(_text(row, "section")) or None,
    )


def _title(name: str) -> str:
    """A title without its edition: the feeds of its site and `[[rights]]` don't tell them apart."""
    return _EDITION.sub("", name)


def _latest(row: Row) -> datetime | None:
    """The time that orders versions: of modification, else of ingestion, else of publication."""
    found = [_time(row, name) for name in _TIMES]  # each is read, so that a wrong one is told
    return next((time for time in found if time is not None), None)


def _time(row: Row, name: str) -> datetime | None:
    try:
        return time_from_json(row.get(name))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _text(row: Row, name: str) -> str:
    """A field as text; lists (codes, names) joined by commas, as some exports have them."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name}: expected text, got {type(value).__name__}")
    return str(value).replace("\x00", "").strip()
