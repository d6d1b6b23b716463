"""The rows of a dump on a cluster, each with its file and line as the local engine numbers them.

A row is read by the same code as there: JSON lines as bytes, and Parquet as the objects that it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.errors import InputError
from crawler.interchange import ARTICLE_FIELDS, Json, article_to_json
from crawler.jobs.dumps import Columns, article_of, parsed_line
from crawler.link.kinship import digest_of
from crawler.model import Role
from crawler.originals.opening import MAX_ITEM, head
from crawler.spark.session import Files, is_url, plain_uri

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_LINE_BITS = 40  # of a place: a file's number above, the line below
ROWS = (
    "place long, turn int, given_as_original boolean, role string, id string, digest string, whole string, "
    "record string, fault string"
)
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was given, and as Spark names it."""

    path: str
    uri: str


def place_of(file: int, line: int) -> int:
    return file << _LINE_BITS | line


def at(place: int) -> tuple[int, int]:
    """File and line of a place."""
    return place >> _LINE_BITS, place & ((1 << _LINE_BITS) - 1)


def checked(path: str, files: Files) -> Source:
    """A file to read. Raises InputError for one that Spark can't."""
    expected = "--engine spark reads JSON lines, plain or .gz, and .parquet"
    if path.endswith((".zst", ".zstd")):
        raise InputError(path, f"{expected}: not zstd")
    if not is_url(path):
        beginning = head(Path(path), 4_096)
        with Path(path).open("rb") as file:
            raw = file.read(4)
        first, _, _ = beginning.lstrip().partition(b"\n")
        if first.startswith(b"[") or first.strip() == b"{":
            raise InputError(path, f"{expected}: not one JSON value over several lines")
        if raw.startswith(b"\x1f\x8b") != path.endswith(".gz") or (raw == b"PAR1") != path.endswith(".parquet"):
            raise InputError(path, f"{expected}, each by its name: this one's content is another")
    return Source(path, files.uri(path if is_url(path) else str(Path(path).absolute())))


def read(
    spark: SparkSession, sources: Sequence[Source], numbers: Sequence[int], columns: Columns, role: Role | None
) -> DataFrame:
    """The rows of some files, as `ROWS` says; `numbers` are those of the files in their places."""
    by_uri = {
        source.uri: (number, turn, source.path)
        for turn, (source, number) in enumerate(zip(sources, numbers, strict=True))
    }
    lines = [source.uri for source in sources if not source.path.endswith(".parquet")]
    tables = [source.uri for source in sources if source.path.endswith(".parquet")]
    parts = []
    if lines:
        parts.append(_json_lines(spark, lines, _Reader(by_uri, columns, role)))
    if tables:
        parts.append(_parquet(spark, tables, _Reader(by_uri, columns, role)))
    if not parts:
        return spark.createDataFrame([], ROWS)
    return parts[0] if len(parts) == 1 else parts[0].unionByName(parts[1])


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes rows of lines and objects, in the workers."""

    by_uri: Mapping[str, tuple[int, int, str]]  # number, turn among those given with it, path
    columns: Columns
    role: Role | None

    def lines(
        self, starts: Mapping[tuple[str, int], int]
    ) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
        """`starts`: of each piece of a file, the lines before it."""

        def rows(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            piece, number = ("", -1), 0
            for batch in batches:
                made = []
                for uri, start, value in zip(batch["uri"], batch["start"], batch["value"], strict=True):
                    if piece != (uri, start):
                        piece, number = (uri, start), starts[uri, start]
                    number += 1
                    line = bytes(value).rstrip(b"\r\n")
                    if number == 1:
                        line = line.removeprefix(_MARK)
                    if len(line) > MAX_ITEM:
                        made.append(self._row(uri, number, f"expected a line of at most {MAX_ITEM // 1_000_000} MB"))
                    elif line.strip():
                        made.append(self._row(uri, number, parsed_line(line)))
                yield _frame(made)

        return rows

    def objects(self, batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            made = []
            for uri, index, value, bad in zip(batch["uri"], batch["at"], batch["value"], batch["bad"], strict=True):
                found: Json | str = json.loads(value) if not bad else f"{bad}: expected UTF-8"
                made.append(self._row(uri, int(index) + 1, found))
            yield _frame(made)

    def _row(self, uri: str, number: int, found: Json | str) -> tuple[Any, ...]:
        file, turn, path = self.by_uri[plain_uri(uri)]
        place, as_original = place_of(file, number), self.role is not None
        if not isinstance(found, str):
            try:
                article = article_of(self.columns.renamed(found), f"{path}:{number}", self.role)
            except ValueError as error:
                found = str(error)
            else:
                record = json.dumps(article_to_json(article), ensure_ascii=False)
                whole = hash_of(article.text)
                digest = digest_of(article.text, article.id).hex()
                return place, turn, as_original, article.role.value, article.id, digest, whole, record, None
        return place, turn, as_original, None, None, None, None, None, found


def hash_of(text: str) -> str:
    """By which two texts are the same to the last space."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _json_lines(spark: SparkSession, uris: Sequence[str], reader: _Reader) -> DataFrame:
    from pyspark.sql import functions as f

    lines = (
        spark.read.option("lineSep", "\n")
        .text(list(uris))
        .select(
            f.col("_metadata.file_path").alias("uri"),
            f.col("_metadata.file_block_start").alias("start"),
            f.col("value").cast("binary").alias("value"),  # as it stands: bytes that are no UTF-8 are told
        )
    )
    # A large file is read in pieces side by side: how many lines each has tells where the next one's numbers begin.
    counted = lines.groupBy("uri", "start").count().collect()
    starts: dict[tuple[str, int], int] = {}
    before, last = 0, ""
    for uri, start, count in sorted((row["uri"], row["start"], row["count"]) for row in counted):
        before = before if uri == last else 0
        starts[uri, start] = before
        before, last = before + count, uri
    return lines.mapInPandas(reader.lines(starts), ROWS)


def _parquet(spark: SparkSession, uris: Sequence[str], reader: _Reader) -> DataFrame:
    from pyspark.sql import functions as f
    from pyspark.sql import types as t

    table = spark.read.option("mergeSchema", "true").parquet(*uris)
    wanted = {*ARTICLE_FIELDS, *reader.columns.theirs.values()}
    values, bad = [], f.lit(None).cast("string")
    for field in table.schema.fields:
        if field.name not in wanted:
            continue
        column = f.col(f"`{field.name}`")
        if isinstance(field.dataType, t.BinaryType):
            text = column.cast("string")
            bad = f.when(column.isNotNull() & ~f.is_valid_utf8(text), f.lit(field.name)).otherwise(bad)
            column = f.try_validate_utf8(text)
        elif isinstance(field.dataType, t.TimestampType | t.TimestampNTZType | t.DateType):
            column = f.unix_millis(column.cast("timestamp"))
        values.append(column.alias(field.name))
    value = f.to_json(f.struct(*values), {"ignoreNullFields": "false"}) if values else f.lit("{}")
    rows = table.select(
        f.col("_metadata.file_path").alias("uri"),
        f.col("_metadata.row_index").alias("at"),
        value.alias("value"),
        bad.alias("bad"),
    )
    return rows.mapInPandas(reader.objects, ROWS)


def _frame(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    names = [column.split()[0] for column in ROWS.split(", ")]
    return pd.DataFrame(list(rows), columns=names).astype(
        {"place": "int64", "turn": "int32", "given_as_original": "bool"}
    )
