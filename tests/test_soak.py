"""The long crawl's judge: bounds that are broken are told, and the invented sites are what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from invented_server import story
from soak import Look, Watched, judged, quantile

METRICS = """\
# TYPE wiretrace_loop_lag_seconds histogram
wiretrace_loop_lag_seconds_bucket{le="0.01"} 90
wiretrace_loop_lag_seconds_bucket{le="0.05"} 99
wiretrace_loop_lag_seconds_bucket{le="0.25"} 100
wiretrace_loop_lag_seconds_bucket{le="+Inf"} 100
wiretrace_loop_lag_seconds_count 100
wiretrace_loop_lag_seconds_sum 1
# TYPE wiretrace_loop_lag_greatest_seconds gauge
wiretrace_loop_lag_greatest_seconds 0.2
"""


def watched(
    *, growth: float = 0.0, main: float = 150.0, pool: float = 120.0, files: int = 40, leak: int = 0
) -> Watched:
    """A hundred looks at a crawl of a thousand pages; memory grows by a share, open files by a number."""
    looks = [Look(10.0 * n, main * (1 + growth * n / 100), pool, files + leak * n // 100) for n in range(101)]
    return Watched(looks, METRICS)


def broken(seen: Watched) -> list[str]:
    return [line for well, line in judged(seen, 1_000) if not well]


def test_a_crawl_that_stays_flat_breaks_no_bound() -> None:
    assert broken(watched(growth=0.05)) == []


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (watched(growth=0.5), "memory of the main process"),
        (watched(main=320.0), "most in the main process: 320 MB of 300"),
        (watched(pool=210.0), "most in a pool process: 210 MB of 200"),
        (watched(leak=30), "open files"),
    ],
)
def test_a_broken_bound_is_told(seen: Watched, told: str) -> None:
    (line,) = broken(seen)
    assert line.startswith(told)


def test_a_late_event_loop_is_told() -> None:
    late = watched()
    late.metrics = METRICS.replace('le="0.05"} 99', 'le="0.05"} 95')
    assert broken(late) == ["event loop late by at most 250 ms in 99 of 100 looks; greatest 200 ms"]


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    assert quantile(METRICS, "wiretrace_loop_lag_seconds", 0.5) == 0.01
    assert quantile(METRICS, "wiretrace_loop_lag_seconds", 0.99) == 0.05


def test_too_few_looks_are_no_verdict() -> None:
    assert broken(Watched([], METRICS)) == ["too few looks to judge: take more pages"]


def test_the_same_numbers_give_the_same_page_and_others_another() -> None:
    assert story(3, 4) == story(3, 4)
    assert story(3, 4) != story(3, 5)
