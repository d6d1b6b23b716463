from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crawler.lookups import MOST_COUNTED, MOST_ENTRIES, worth_reading


def test_the_rarest_keys_are_read_as_long_as_they_fit() -> None:
    fitting = MOST_ENTRIES // MOST_COUNTED - 1
    common = [(key, MOST_COUNTED) for key in range(1, fitting + 3)]
    assert worth_reading([*common, (100, 5), (101, 1)]) == [101, 100, *range(1, fitting + 1)]


def test_keys_that_nobody_or_too_many_have_are_passed_over() -> None:
    assert worth_reading([(1, 0), (2, MOST_COUNTED + 1), (3, MOST_COUNTED)]) == [3]


@given(st.dictionaries(st.integers(), st.integers(0, 3_000), max_size=80))
def test_no_search_reads_more_than_its_share_in_whatever_order_keys_come(counts: dict[int, int]) -> None:
    chosen = worth_reading(counts.items())
    assert sum(counts[key] for key in chosen) <= MOST_ENTRIES
    assert chosen == worth_reading(reversed(counts.items()))
