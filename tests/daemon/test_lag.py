"""The event loop's lateness, measured while it works."""

from __future__ import annotations

import asyncio
import time

import pytest

from crawler.daemon.lag import BOUNDS, LoopLag


async def test_a_loop_that_is_held_up_shows_it() -> None:
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.01)
    time.sleep(0.3)
    await asyncio.sleep(0.1)
    watching.cancel()
    assert lag.max >= 0.2
    assert lag.measured >= 1


def test_the_99th_percentile_is_told_by_its_class_and_never_above_the_greatest() -> None:
    lag = LoopLag()
    for _ in range(990):
        lag.add(0.0015)
    for _ in range(10):
        lag.add(0.3)
    assert lag.p99 == 0.002
    assert lag.quantile(1.0) == lag.max == 0.3
    assert lag.total == pytest.approx(990 * 0.0015 + 3.0)


def test_what_is_later_than_all_classes_is_counted_and_early_wakes_are_none() -> None:
    lag = LoopLag()
    lag.add(BOUNDS[-1] * 2)
    lag.add(-0.1)
    assert (lag.p99, lag.last, lag.measured) == (10.0, 0.0, 2)


def test_nothing_measured_is_no_lag() -> None:
    assert LoopLag().p99 == 0.0
