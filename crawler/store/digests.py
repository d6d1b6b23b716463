"""What the rows of a table come to, the same on every engine.

Each row is written as a JSON array of its columns in the table's order, without spaces, all but ASCII escaped: whole
numbers as digits, truth values as `true` and `false`, floating-point numbers as the shortest digits that give the same
double (minus zero, which SQLite does not keep, as zero), text as it is (JSON is kept as text, so it is not read), bytes
as hexadecimal digits, times as whole microseconds since 1970 in UTC, what is not there as `null`. The table's checksum
is the sum of the BLAKE2b-128 hashes of these lines modulo 2**128, so that it does not matter in which order an engine
gives the rows: engines sort texts differently. Its names of columns go into each hash as a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crawler.store.columns import UtcTime

Rows = Sequence[tuple[Any, ...]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SIZE = 16  # bytes of a hash
_MODULUS = 1 << (8 * _SIZE)
_line = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class Digest:
    """The rows that were added so far: how many, and their checksum."""

    def __init__(self, table: sa.Table) -> None:
        names = _line([table.name, *(column.name for column in table.columns)])
        self._empty = hashlib.blake2b(
            digest_size=_SIZE, key=hashlib.blake2b(names.encode(), digest_size=_SIZE).digest()
        )
        self._forms = [(place, form) for place, column in enumerate(table.columns) if (form := _form_of(column))]
        self._sum = 0
        self.rows = 0

    def add(self, rows: Rows) -> None:
        for row in rows:
            self._sum += self._hashed(row)
        self._sum %= _MODULUS
        self.rows += len(rows)

    @property
    def checksum(self) -> str:
        """32 hexadecimal digits; zeros of no rows."""
        return f"{self._sum:0{2 * _SIZE}x}"

    def _hashed(self, row: Sequence[Any]) -> int:
        values = list(row)
        for place, form in self._forms:
            if values[place] is not None:
                values[place] = form(values[place])
        one = self._empty.copy()
        one.update(_line(values).encode("ascii"))
        return int.from_bytes(one.digest(), "big")


def _form_of(column: sa.Column[Any]) -> Callable[[Any], object] | None:
    """How a value of the column is put; None where it is put as it is."""
    kind = column.type
    if isinstance(kind, UtcTime):
        return lambda moment: (moment - _EPOCH) // _MICROSECOND
    if isinstance(kind, sa.LargeBinary):
        return lambda data: bytes(data).hex()
    if isinstance(kind, sa.Boolean):
        return bool
    if isinstance(kind, sa.Float):
        return lambda number: float(number) + 0.0
    return None
