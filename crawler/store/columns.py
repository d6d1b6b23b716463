"""Column types that both engines hold alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from crawler.interchange import whole_characters

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# SQLite gives a row number only to a column declared INTEGER.
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A point in time: TIMESTAMPTZ in PostgreSQL, microseconds since 1970 in SQLite, aware and UTC in Python."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        moment = in_utc(value)
        if moment is None or dialect.name == "postgresql":
            return moment
        return (moment - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return _EPOCH + int(value) * _MICROSECOND


class WebText(TypeDecorator[str]):
    """Text that may come from anywhere: NUL, which PostgreSQL refuses, and lone surrogates, which no encoding
    takes, become U+FFFD, one for one, so that character offsets hold."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """`text` as it can be stored, of the same length."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return whole_characters(text)


def in_utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC; None where it falls out of the calendar (a page's date of the year 1)."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
