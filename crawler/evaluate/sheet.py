"""The review sheet as CSV: written for spreadsheets, read back as whichever program has saved it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from crawler.errors import InputError
from crawler.evaluate.sampling import Row, Sample
from crawler.interchange import formula_safe, time_to_json
from crawler.model import Article

MOST_PASSAGES = 3
MAX_BYTES = 50_000_000
_ARTICLE = ("title", "publisher", "published", "url", "id")
COLUMNS = (
    "verdict", *(f"page_{name}" for name in _ARTICLE), *(f"original_{name}" for name in _ARTICLE),
    "score", "linked", "relation",
    *(f"{side}_passage_{place}" for place in range(1, MOST_PASSAGES + 1) for side in ("page", "original")),
    "stratum", "stratum_share", "weight", "scored", "pages",
)  # fmt: skip
_NEEDED = ("verdict", "linked", "stratum", "stratum_share", "scored", "pages")
_WORDS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One row as it came back. `verdict` is None where the reviewer left it empty."""

    verdict: bool | None
    linked: bool
    stratum: str
    share: float


@dataclass(frozen=True, slots=True)
class Review:
    rows: tuple[Reviewed, ...]
    scored: int
    pages: int


def write_sheet(drawn: Sample, out: TextIO) -> None:
    """RFC 4180, one row a page; no cell is a formula. The column `verdict` is for `yes` or `no`."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in drawn.rows:
        writer.writerow([formula_safe(" ".join(value.split())) for value in _values(row, drawn)])


def _values(row: Row, drawn: Sample) -> list[str]:
    shown = [text for one in row.passages[:MOST_PASSAGES] for text in (one.page, one.original)]
    return [
        "",
        *_article(row.page),
        *_article(row.original),
        f"{row.score:.6f}",
        "yes" if row.linked else "no",
        row.relation.value if row.relation else "",
        *shown,
        *[""] * (2 * MOST_PASSAGES - len(shown)),
        row.stratum,
        f"{row.share:.8f}",
        f"{row.weight:.4f}",
        str(drawn.scored),
        str(drawn.pages),
    ]


def _article(article: Article | None) -> list[str]:
    if article is None:
        return [""] * len(_ARTICLE)
    return [article.title, article.publisher, time_to_json(article.published) or "", article.url, article.id]


def read_sheet(path: Path) -> Review:
    """The sheet with the reviewer's words. Raises InputError with file and line."""
    rows, scored, pages = [], 0, 0
    for line, row in _lines(path):
        word = row["verdict"].strip().lower()
        if word and word not in _WORDS:
            raise InputError(path, f"verdict: expected yes, no or nothing, got {word!r:.40}", line)
        share = _number(path, line, row, "stratum_share")
        scored, pages = int(_number(path, line, row, "scored")), int(_number(path, line, row, "pages"))
        linked = row["linked"].strip().lower() == "yes"
        rows.append(Reviewed(_WORDS[word] if word else None, linked, row["stratum"].strip(), share))
    return Review(tuple(rows), scored, pages)


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows by column; a spreadsheet may have put semicolons for commas."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise InputError(path, f"expected a readable file ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(path, "expected a sheet in UTF-8") from None
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", restval="")
    try:
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(path, f"expected a sheet of `evaluate --sample`, it lacks the column {missing[0]}", 1)
        for row in reader:
            if any(row[name] for name in _NEEDED):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(path, f"expected CSV: {error}", reader.line_num) from None


def _number(path: Path, line: int, row: Mapping[str, str], name: str) -> float:
    try:
        value = float(row[name].strip().replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(path, f"{name}: expected the number that was written there, got {row[name]!r:.40}", line)
    return value
