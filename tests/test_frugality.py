"""The benchmark of adaptive polling, small: what it promises holds, and its oracle is no straw man."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import frugality


@pytest.mark.full
def test_polls_cost_little_more_than_those_of_who_knows_all() -> None:
    feeds = frugality.make_feeds(60, 15, np.random.default_rng(3))
    done = [frugality.poll_feed(feed, 15) for feed in feeds]
    rows = frugality.figures(feeds, done, 15)["all"]
    assert rows["ratio"] <= 1.2
    assert rows["median"] <= 1.0
    assert rows["unchanged_bodies"] == 0


def test_the_oracle_needs_fewer_polls_than_even_ones_for_the_same_delay() -> None:
    feed = next(one for one in frugality.make_feeds(10, 2, np.random.default_rng(5)) if one.habit == "papers")
    even = sum(frugality._oracle_density(feed.rates, 0.0))
    best = sum(frugality._oracle_density(feed.rates, float("inf")))
    covered = (feed.rates * frugality._oracle_density(feed.rates, float("inf"))).sum() / feed.rates.sum()
    assert best < 0.7 * even
    assert covered == pytest.approx(0.5)
