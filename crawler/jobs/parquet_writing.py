"""Exports as Parquet: the same names and nesting as the JSON, with times, numbers and lists as types of their own.

Rows are written a group at a time; what is held in memory is one group, however large the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, BinaryIO

from crawler.errors import MissingExtra
from crawler.interchange import ARTICLE_FIELDS, Json, time_from_json, whole_characters

GROUP_ROWS = 5_000
GROUP_SIZE = 8_000_000  # characters of the texts of one group, about
_LISTS = frozenset({"byline", "captions"})
_TIMES = frozenset({"published", "modified", "first_seen", "fetched"})

Convert = Callable[[Any], Any]


class ParquetRows:
    """A file of rows of one kind, as a context manager: closing it writes the last group and the footer."""

    def __init__(self, kind: str, out: BinaryIO) -> None:
        """`kind`: articles, links, stories, changes or reviews. Raises MissingExtra."""
        try:
            import pyarrow as arrow
            from pyarrow import parquet
        except ImportError:
            raise MissingExtra("--format parquet", "parquet") from None
        self._arrow, self._schema = arrow, schema_of(kind)
        self._convert = {column.name: _converter(column.type) for column in self._schema}
        self._writer = parquet.ParquetWriter(arrow.PythonFile(_Sink(out), mode="w"), self._schema, compression="zstd")
        self._rows: list[Json] = []
        self._size = 0

    def __enter__(self) -> ParquetRows:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, row: Mapping[str, Any]) -> None:
        self._rows.append({name: convert(row.get(name)) for name, convert in self._convert.items()})
        self._size += _size(row)
        if len(self._rows) >= GROUP_ROWS or self._size >= GROUP_SIZE:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._size = [], 0


class _Sink:
    """What the writer takes for a file: standard output may be a pipe, which knows no position and stays open."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._written = out, 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._out.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> None:
        self._out.flush()
        self.closed = True


def _size(row: Mapping[str, Any]) -> int:
    """Characters of a row, about: of its text, and some for each thing that it lists."""
    size = len(row.get("text") or "")
    for name in ("evidence", "members", "state"):
        if listed := row.get(name):
            size += 200 * len(listed) + len(listed.get("text") or "" if isinstance(listed, Mapping) else "")
    return size


@cache
def schema_of(kind: str) -> Any:
    """The columns of one kind of rows. Objects that have one form are structs; a change's state, which has that of its
    subject, is JSON text."""
    import pyarrow as arrow

    text, number, count, time = arrow.string(), arrow.float64(), arrow.int64(), arrow.timestamp("us", tz="UTC")
    texts, span = arrow.list_(text), arrow.list_(count)
    brief = {"id": text, "url": text, "title": text, "publisher": text, "published": time}
    evidence = arrow.list_(
        arrow.struct({"kind": text, "text": text, "rewrite": span, "original": span, "similarity": number})
    )
    record = arrow.struct({"file": text, "offset": count, "record_id": text})
    look = arrow.struct({"at": time, "outcome": text, "reason": text, "text_hash": text, "archive": record})
    facts = {
        "relation": text,
        "score": number,
        "coverage": arrow.struct({"rewrite": number, "original": number}),
        "evidence": evidence,
        "precedence": text,
        "standing": text,
        "decided": time,
        "linker": text,
    }
    teaser = arrow.struct({**brief, "score": number})
    member = dict.fromkeys(("id", "url", "title", "publisher", "relation", "via", "link"), text) | {"score": number}
    judged = arrow.struct({"id": text, "version": count, "hash": text})
    columns: dict[str, dict[str, Any]] = {
        "articles": {
            **{name: texts if name in _LISTS else time if name in _TIMES else text for name in ARTICLE_FIELDS},
            "backfill": arrow.bool_(),
            "attribution": arrow.struct({"publisher": text, "evidence": evidence, "teaser": teaser}),
            "text_hash": text,
        },
        "links": {
            "id": text,
            "state": text,
            "archive": record,
            "rewrite": arrow.struct(brief),
            "original": arrow.struct(brief),
            **facts,
            "looks": arrow.list_(look),
        },
        "stories": {**brief, "aliases": texts, "size": count, "members": arrow.list_(arrow.struct(member))},
        "changes": {
            "seq": count,
            "at": time,
            "subject": text,
            "action": text,
            "id": text,
            "reason": text,
            "state": text,
        },
        "reviews": {
            "no": count,
            "link": text,
            "at": time,
            "verdict": text,
            "before": text,
            "undoes": count,
            "reviewer": text,
            "note": text,
            "rewrite": judged,
            "original": judged,
            **facts,
            "text_gone": time,
        },
    }
    return arrow.schema(list(columns[kind].items()))


def _converter(kind: Any) -> Convert:
    """What makes a value of the JSON one of an Arrow type; null stays null."""
    import pyarrow as arrow

    if arrow.types.is_timestamp(kind):
        return _orelse(time_from_json)
    if arrow.types.is_string(kind):
        return _orelse(_text)
    if arrow.types.is_list(kind):
        each = _converter(kind.value_type)
        return _orelse(lambda values: [each(value) for value in values])
    if arrow.types.is_struct(kind):
        inner = {kind.field(place).name: _converter(kind.field(place).type) for place in range(kind.num_fields)}
        return _orelse(lambda values: {name: convert(values.get(name)) for name, convert in inner.items()})
    return lambda value: value


def _orelse(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return whole_characters(text)
