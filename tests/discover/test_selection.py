from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crawler.discover import select
from crawler.discover.selection import newest
from crawler.model import Reference

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def aged(days: float, modified: float | None = None) -> Reference:
    return Reference(
        url=f"https://post.example/{days}",
        published=NOW - timedelta(days=days),
        modified=None if modified is None else NOW - timedelta(days=modified),
    )


def test_older_entries_are_counted_and_left_out() -> None:
    chosen = select([aged(1), aged(8), aged(6.9), aged(400)], now=NOW, max_age_days=7)
    assert [one.url for one in chosen.kept] == ["https://post.example/1", "https://post.example/6.9"]
    assert chosen.too_old == 2


def test_an_old_entry_that_was_modified_lately_is_kept() -> None:
    assert select([aged(30, modified=1)], now=NOW, max_age_days=7).too_old == 0


def test_undated_entries_are_kept_and_counted() -> None:
    chosen = select([Reference(url="https://post.example/a")], now=NOW, max_age_days=7)
    assert (len(chosen.kept), chosen.undated) == (1, 1)


def test_entries_of_the_far_future_are_kept() -> None:
    assert len(select([aged(-3), aged(-4_000)], now=NOW, max_age_days=7).kept) == 2


@given(st.lists(st.floats(-1e4, 1e4)), st.floats(0, 1e4))
def test_each_reference_is_kept_or_counted(ages: list[float], most: float) -> None:
    chosen = select([aged(age) for age in ages], now=NOW, max_age_days=most)
    assert len(chosen.kept) + chosen.too_old == len(ages)
    if most == 0:
        assert chosen.too_old == 0


def test_the_newest_are_taken_in_the_order_of_the_document() -> None:
    given = [aged(3), aged(1), aged(9, modified=2), aged(4)]
    taken, left = newest(given, 2)
    assert taken == (given[1], given[2])
    assert left == (given[0], given[3])


def test_of_undated_entries_the_first_of_the_document_are_taken_and_dated_ones_before_them() -> None:
    undated = [Reference(url=f"https://post.example/{number}") for number in range(4)]
    assert newest(undated, 2)[0] == (undated[0], undated[1])
    assert newest([*undated, aged(300)], 2)[0] == (undated[0], aged(300))


@given(st.lists(st.floats(-1e4, 1e4)), st.integers(0, 30))
def test_what_is_not_taken_is_left(ages: list[float], most: int) -> None:
    given_ = [aged(age) for age in ages]
    taken, left = newest(given_, most)
    assert len(taken) == min(most, len(given_))
    assert len(taken) + len(left) == len(given_)
