from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.discover.dates import read_date

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 05 Jan 2026 08:00:00 GMT",
        "Mon, 05 Jan 2026 08:00:00 +0000",
        "Sun, 05 Jan 2026 08:00:00 GMT",  # a wrong weekday
        "Mon, 5 Jan 26 08:00 UT",
        "05 Jan 2026 03:00:00 EST",
        "Mon, 05 Jan 2026 03:00:00 -0500 (EST)",
        "Mon, 05 Jan 2026 09:00:00 CET",
        "Mon, 05 Jan 2026 09:00:00 BST",
        "Mon, 05 Jan 2026 13:30:00 IST",
        "Mon, 05 Jan 2026 08:00:00",
        "Mon, 05 Jan 2026 08:00:00 XYZ",
        "Mon, 05 January 2026 08:00:00 Z",
        "Mo, 05 Januar 2026 09:00:00 +0100",
        "lun., 05 janv. 2026 09:00:00 +0100",
        "Monday, January 5, 2026 at 3:00 AM EST",
        "Jan 5, 2026, 8:00 a.m.",
        "January 5th, 2026 8:00",
        "Mon Jan  5 08:00:00 2026",
        "Mon Jan 5 03:00:00 EST 2026",
        "2026-01-05T08:00:00Z",
        "2026-01-05T08:00Z",
        "2026-01-05T09:00:00.000+01:00",
        "2026-01-05T09:00:00+0100",
        "2026-01-05T09:00:00+01",
        "2026-01-05 08:00:00",
        "2026-01-05 08:00:00 UTC",
        "2026/01/05 08:00:00",
        "2026-1-5 8:00",
        "20260105T080000Z",
        "2026-01-04T24:00:00-08:00",
        "Mon, 05 Jan 2026 09:00:00 GMT+1",
        "  Mon,\n 05 Jan 2026\t08:00:00 GMT ",
        "1767600000",
        "1767600000000",
    ],
)
def test_eight_in_the_morning_is_read_in_every_spelling(text: str) -> None:
    assert read_date(text) == EIGHT


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("5 Jan 1999", datetime(1999, 1, 5, tzinfo=UTC)),
        ("5 Jan 99", datetime(1999, 1, 5, tzinfo=UTC)),
        ("Fri, 31 Dec 2049 23:59:60 GMT", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2999-01-01T00:00:00Z", datetime(2999, 1, 1, tzinfo=UTC)),  # kept as said
        ("2026-01-05T08:00:00.1234567Z", datetime(2026, 1, 5, 8, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_dates_are_read(text: str, time: datetime) -> None:
    assert read_date(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "", "today", "05/01/2026", "2026", "31 Feb 2026", "2026-13-01", "0001-01-01T00:00:00", "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00", "0000-00-00 00:00:00", "Mon, 05 Foo 2026 08:00:00 GMT", "x" * 100_000,
        "5 Jan ²²²²", "2026-01-05T08:00:00+99:99",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001
    st.integers(-12 * 60, 14 * 60),
)
def test_rfc_822_and_iso_come_back_as_they_were_written(time: datetime, minutes: int) -> None:
    aware = time.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert read_date(aware.isoformat()) == aware
    assert read_date(format_datetime(aware)) == aware


@given(st.text(max_size=100))
def test_no_text_breaks_the_reader(text: str) -> None:
    time = read_date(text)
    assert time is None or time.tzinfo is UTC
