from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract.dates import day_in_url, parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-14", datetime(2026, 3, 14, tzinfo=UTC)),
        ("2026-03-14T08:30:05.123Z", datetime(2026, 3, 14, 8, 30, 5, tzinfo=UTC)),
        ("2026-03-14 20:30:00-0500", datetime(2026, 3, 15, 1, 30, tzinfo=UTC)),
        ("Sat, 14 Mar 2026 08:30:00 GMT", datetime(2026, 3, 14, 8, 30, tzinfo=UTC)),
        ("March 14, 2026 8:30 p.m. ET", datetime(2026, 3, 15, 1, 30, tzinfo=UTC)),
        ("Published on Mar. 14th, 2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("14. März 2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("17 December 2025", datetime(2025, 12, 17, tzinfo=UTC)),
        ("14 de marzo de 2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("le 14 août 2025 à 08h30", datetime(2025, 8, 14, 8, 30, tzinfo=UTC)),
        ("2026年3月14日", datetime(2026, 3, 14, tzinfo=UTC)),
        ("14.03.2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("03/14/2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("14/03/2026", datetime(2026, 3, 14, tzinfo=UTC)),
        ("20260314", datetime(2026, 3, 14, tzinfo=UTC)),
        ("1773477000", datetime(2026, 3, 14, 8, 30, tzinfo=UTC)),
        ("1773477000000", datetime(2026, 3, 14, 8, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_spellings_of_the_web(text: str, expected: datetime) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-45", "31 February 2026", "0001-01-01", "12 Monkeys 2026", "99999999999999"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_a_time_keeps_its_zone() -> None:
    time = parse_time("2026-03-14T08:30:00+05:30")
    assert time is not None
    assert time.utcoffset() == timedelta(hours=5, minutes=30)


def test_an_ambiguous_day_follows_the_caller() -> None:
    assert parse_time("03/04/2026") == datetime(2026, 3, 4, tzinfo=UTC)
    assert parse_time("03/04/2026", day_first=True) == datetime(2026, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://news.example/2026/03/14/ferries", 14),
        ("https://news.example/money/2026-03-14-ferries.html", 14),
        ("https://news.example/money/20260314/ferries", 14),
        ("https://news.example/2026/mar/14/ferries", 14),
        ("https://news.example/2026/03/ferries", None),
        ("https://news.example/story-20261399", None),
        ("https://2026-03-14.example/story", None),
    ],
)
def test_the_day_in_an_url_is_read_where_there_is_one(url: str, day: int | None) -> None:
    assert day_in_url(url) == (datetime(2026, 3, day, tzinfo=UTC) if day else None)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)), st.integers(-14 * 4, 14 * 4))  # noqa: DTZ001
def test_every_iso_time_is_read_back(time: datetime, quarters: int) -> None:
    aware = time.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert parse_time(aware.isoformat()) == aware


@given(st.text(max_size=80))
def test_any_text_is_a_time_or_none(text: str) -> None:
    time = parse_time(text)
    assert time is None or time.tzinfo is not None
