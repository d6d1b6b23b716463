from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crawler.lookups import MOST_ENTRIES, most_counted, worth_reading
from crawler.model import Side

SIDES = st.sampled_from(Side)


@given(SIDES)
def test_the_rarest_keys_are_read_as_long_as_they_fit(side: Side) -> None:
    fitting = MOST_ENTRIES // most_counted(side) - 1
    common = [(key, most_counted(side)) for key in range(1, fitting + 3)]
    assert worth_reading([*common, (100, 5), (101, 1)], side) == [101, 100, *range(1, fitting + 1)]


@given(SIDES)
def test_keys_that_nobody_or_too_many_have_are_passed_over(side: Side) -> None:
    most = most_counted(side)
    assert worth_reading([(1, 0), (2, most + 1), (3, most)], side) == [3]


@given(st.dictionaries(st.integers(), st.integers(0, 3_000), max_size=80), SIDES)
def test_no_search_reads_more_than_its_share_in_whatever_order_keys_come(counts: dict[int, int], side: Side) -> None:
    chosen = worth_reading(counts.items(), side)
    assert sum(counts[key] for key in chosen) <= MOST_ENTRIES
    assert chosen == worth_reading(reversed(counts.items()), side)
