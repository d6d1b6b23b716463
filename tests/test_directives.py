"""Robots meta elements and X-Robots-Tag headers: what is asked of us, and what of others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.directives import NONE_GIVEN, Directives, of_headers, of_meta, time_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOINDEX, NOARCHIVE = Directives(noindex=True), Directives(noarchive=True)
NONE = Directives(noindex=True, nofollow=True)
GONE = Directives(unavailable_after=datetime(2026, 3, 1, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ([], NONE_GIVEN),
        ([""], NONE_GIVEN),
        (["noindex"], NOINDEX),
        (["NoArchive"], NOARCHIVE),
        (["none"], NONE),
        (["all"], NONE_GIVEN),
        (["noindex, nofollow"], NONE),
        (["noindex nofollow"], NONE),
        (["noindex", "noarchive"], NOINDEX | NOARCHIVE),
        (["wiretrace: noindex"], NOINDEX),
        (["WIRETRACE: noindex , noarchive"], NOINDEX | NOARCHIVE),
        (["otherbot: noindex"], NONE_GIVEN),
        (["otherbot: noindex, nofollow, noarchive"], NONE_GIVEN),
        (["otherbot: none", "noarchive"], NOARCHIVE),
        (["noarchive, otherbot: noindex"], NOARCHIVE),
        (["otherbot: nofollow, wiretrace: noarchive"], NOARCHIVE),
        (["wiretracer: noindex"], NONE_GIVEN),
        (["robots: noindex"], NOINDEX),
        (["noindexed, archive, nofollowing"], NONE_GIVEN),
        (["max-snippet: 20, noarchive"], NOARCHIVE),
        (["max-image-preview:large, noindex"], NOINDEX),
        (["unavailable_after: 01 Mar 2026 15:00:00 GMT"], GONE),
        (["unavailable_after: Sunday, 01-Mar-26 15:00:00 GMT"], GONE),
        (["unavailable_after: Sun, 01 Mar 2026 15:00:00 GMT, noarchive"], GONE | NOARCHIVE),
        (["unavailable_after: 2026-03-01T16:00:00+01:00"], GONE),
        (["otherbot: unavailable_after: 2026-03-01T15:00:00Z"], NONE_GIVEN),
        (["wiretrace: unavailable_after: 2026-03-01T15:00:00Z"], GONE),
        (["unavailable_after: soon"], NONE_GIVEN),
    ],
)
def test_headers_ask_of_us_what_is_said_to_us_or_to_all(headers, asked):
    assert of_headers(headers, "wiretrace") == asked


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        ("noindex,noarchive", NOINDEX | NOARCHIVE),
        ("index, follow, max-image-preview:large", NONE_GIVEN),
        ("none", NONE),
        ("unavailable_after: Sunday, 01-Mar-26 15:00:00 GMT", GONE),
    ],
)
def test_elements_ask_the_same_in_the_same_words(content, asked):
    assert of_meta([content]) == asked


def test_a_page_may_be_indexed_until_its_time_is_over():
    assert not GONE.forbids_index(datetime(2026, 3, 1, 14, tzinfo=UTC))
    assert GONE.forbids_index(NOON)
    assert NOINDEX.forbids_index(NOON)
    assert not NOARCHIVE.forbids_index(NOON)


def test_of_two_times_the_earlier_counts():
    later = Directives(unavailable_after=NOON)
    assert (later | GONE | NONE_GIVEN).unavailable_after == GONE.unavailable_after


def test_a_flood_of_headers_is_read_up_to_a_bound():
    assert of_headers(["all"] * 100_000 + ["noindex"], "wiretrace") == NONE_GIVEN
    assert of_headers(["x," * 1_000_000 + "noindex"], "wiretrace") == NONE_GIVEN


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_value_is_an_error(values: list[str]):
    of_headers(values, "wiretrace")
    of_meta(values)
    for value in values:
        time_of(value)
