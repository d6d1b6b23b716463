"""Dumps of articles as files: JSON lines or Parquet, plain or compressed, with the columns of whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from crawler.errors import InputError, MissingExtra, UsageError
from crawler.interchange import ARTICLE_FIELDS, Json, article_from_json
from crawler.model import Article, Role
from crawler.originals.items import Unreadable
from crawler.originals.jsonvalues import objects
from crawler.originals.opening import MAX_ITEM, head, lines, opened

_ROWS = frozenset((".jsonl", ".json", ".ndjson"))
_PACKED = frozenset((".gz", ".zst"))
_PARQUET = ".parquet"
_BATCH = 500  # rows of a Parquet file that are held at once
_HEAD = 4_096  # bytes by which a file's kind is told
_EXPECTED = "expected JSON lines or Parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """An article and where it stands."""

    article: Article
    path: Path
    number: int  # line or row, from 1

    def refused(self, reason: str) -> InputError:
        return InputError(self.path, reason, self.number)


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of another name: our field → theirs. `met` gathers those that some row had."""

    theirs: Mapping[str, str] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    @property
    def unmet(self) -> list[str]:
        """The dump's columns that no row had: a misspelt one is told by nothing else."""
        return sorted(set(self.theirs.values()) - self.met)

    def renamed(self, row: Json) -> Json:
        # A dump of originals may have our names while that of the pages has others.
        found = {ours: theirs for ours, theirs in self.theirs.items() if theirs in row}
        if not found:
            return row
        self.met.update(found.values())
        return row | {ours: row[theirs] for ours, theirs in found.items()}


def parse_columns(text: str) -> Columns:
    """`text=content,id=doc_id` → the columns. Raises UsageError."""
    columns: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        if not equals or not ours or not theirs:
            raise UsageError(f"--map: expected FIELD=COLUMN,…, got {pair!r}")
        if ours not in ARTICLE_FIELDS:
            raise UsageError(f"--map: expected one of {', '.join(ARTICLE_FIELDS)} before the =, got {ours!r:.40}")
        columns[ours] = theirs
    return Columns(columns)


def expand(patterns: Sequence[str]) -> list[Path]:
    """Files, globs and folders (their JSONL and Parquet files) as files, in order, each once. Raises InputError."""
    found: dict[Path, Path] = {}
    for pattern in patterns:
        given = Path(pattern)
        if given.is_dir():
            matches = sorted(one for one in given.rglob("*") if is_dump(one.name) and one.is_file())
        elif given.exists():
            matches = [given]
        else:
            matches = [one for one in sorted(_glob(given)) if one.is_file()]
        if not matches:
            raise InputError(pattern, "expected a JSONL file, a Parquet file, a folder of them, or a glob")
        for path in matches:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def is_dump(name: str) -> bool:
    """Whether a file in a folder is read, by its name: part-0.jsonl, part-0.json.zst, part-0.gz, part-0.parquet."""
    if name.startswith((".", "_")):  # half-written by whoever makes the dump
        return False
    path = Path(name)
    if path.suffix in _PACKED:
        return Path(path.stem).suffix in _ROWS | {""}
    return path.suffix in _ROWS or path.suffix == _PARQUET


@lru_cache(maxsize=1_024)
def same_file(one: Path, other: Path) -> bool:
    return one.samefile(other)


def read_rows(path: Path, columns: Columns, role: Role | None = None) -> Iterator[Row | InputError]:
    """The rows of one file; one that can't be read comes as the error that names file and line.

    gzip, zstd and Parquet are told by content. `role` is forced where given. A row without id gets one of its file,
    as it was given, and its line. Raises InputError where the file can't be opened, MissingExtra for Parquet
    without pyarrow.
    """
    for number, found in _numbered(path, columns):
        if isinstance(found, str) or number is None:
            yield InputError(path, str(found), number)
            continue
        try:
            yield Row(article_of(columns.renamed(found), f"{path}:{number}", role), path, number)
        except ValueError as error:
            yield InputError(path, str(error), number)


def read_fields(path: Path, columns: Columns, fields: Collection[str]) -> Iterator[tuple[int | None, Json | str]]:
    """Rows as they are, with their numbers; in place of one that can't be read what was expected. For those who do
    without the texts: of Parquet only `fields` are read. Raises as `read_rows`."""
    for number, found in _numbered(path, columns, fields):
        yield number, found if isinstance(found, str) else columns.renamed(found)


def article_of(row: Json, standing_in: str, role: Role | None) -> Article:
    """The article of a row; `standing_in` is its id where it has none. Raises ValueError with what was expected."""
    if row.get("id") in (None, ""):
        row = row | {"id": standing_in}
    if role is not None:
        row = row | {"role": role.value}
    text = row.get("text")
    if not isinstance(text, str):
        raise ValueError("text: expected the article's text")
    if len(text) > MAX_ITEM:
        raise ValueError(f"text: expected at most {MAX_ITEM:,} characters")
    return article_from_json(row)


def _numbered(
    path: Path, columns: Columns, fields: Collection[str] = ARTICLE_FIELDS
) -> Iterator[tuple[int | None, Json | str]]:
    """Rows with their numbers from 1; in place of one that is none, what was expected."""
    beginning = head(path, _HEAD)
    if beginning.startswith(b"PAR1"):
        yield from _parquet_rows(path, columns, fields)
        return
    if b"\x00" in beginning:
        yield None, f"{_EXPECTED}, got binary data"
        return
    try:
        with opened(path) as stream:
            first, _, _ = beginning.lstrip().partition(b"\n")
            if first.startswith(b"[") or first.strip() == b"{":
                yield from objects(stream, beginning)
                return
            for number, line in lines(stream):
                if line is None:
                    yield number, f"expected a line of at most {MAX_ITEM // 1_000_000} MB"
                elif line.strip():
                    yield number, parsed_line(line)
    except Unreadable as error:
        yield error.item, str(error)


def parsed_line(line: bytes) -> Json | str:
    """The object of a line, or what was expected."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "expected a JSON object a line"
    if not isinstance(row, dict):
        return f"expected a JSON object, got {type(row).__name__}"
    if b"\\ud" in line or b"\\uD" in line:
        return {name: _without_halves(value) for name, value in row.items()}
    return row


def _without_halves(value: object) -> object:
    """Halves of surrogate pairs, which JSON can spell and no output can hold, as the sign for what is unknown."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _parquet_rows(path: Path, columns: Columns, fields: Collection[str]) -> Iterator[tuple[int | None, Json | str]]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(f"{path}: reading Parquet", "parquet") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            wanted = {*fields, *(theirs for ours, theirs in columns.theirs.items() if ours in fields)}
            names = [name for name in file.schema_arrow.names if name in wanted]
            for batch in file.iter_batches(batch_size=_BATCH, columns=names):
                for row in _plain_times(arrow, batch).to_pylist():
                    number += 1
                    yield number, _plain_values(row)
    except (arrow.ArrowException, OSError) as error:
        yield number + 1, f"expected more rows, the file is damaged ({_one_line(error)})"


def _plain_times(arrow: Any, batch: Any) -> Any:
    """The batch with times as epoch milliseconds: Python has no nanoseconds, and no years of five digits."""
    columns = [
        column.cast(arrow.timestamp("ms"), safe=False).cast(arrow.int64())
        if arrow.types.is_timestamp(column.type) or arrow.types.is_date(column.type)
        else column
        for column in batch.columns
    ]
    return arrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain_values(row: Json) -> Json | str:
    """As JSON would have them: as text also the bytes of writers that don't mark text as such."""
    plain = dict(row)
    for name, value in row.items():
        if isinstance(value, bytes):
            try:
                plain[name] = value.decode("utf-8")
            except UnicodeDecodeError:
                return f"{name}: expected UTF-8"
    return plain


def _glob(pattern: Path) -> Iterator[Path]:
    try:
        return Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    except (ValueError, NotImplementedError):
        raise InputError(str(pattern), "expected a file, a folder or a glob") from None


def _one_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
