"""How many requests the polls cost and how long news waits for them, against a poller that knows all.

    python benchmarks/frugality.py [--seed 1] [--feeds 500] [--days 15]

Five hundred feeds of known habits are polled for fifteen days of simulated time by the scheduling code of the crawler
itself (`crawler.habits`, `crawler.schedule`), which knows nothing of them at the start but what their first document
tells. A feed holds its last 20 entries, a fifth of the feeds without dates; it answers a conditional request with 304
where nothing was added since, else with its whole body.

- wires: 0.7 to 6 stories an hour around the clock, half as many at night;
- papers: 5 to 40 stories a working day, most from 8 to 18 o'clock of their own time zone, a fifth of that at weekends;
- blogs: one to three posts a week, each around its own weekday and hour, give or take two hours;
- bursts: two to five times a week, by day, four to twelve stories within an hour, and one or two a day besides;
- dead: silent for months; every fifth dies on one of the first ten days.

Stories come as a Poisson process of those rates (bursts: Poisson clusters). The last day is measured: the requests, and
of each story of that day the delay until the first poll after it. "allowed" is a tenth of the feed's true mean time
between stories, not less than a minute and not more than a day; a group's median of delay/allowed has to be at most 1.

The other poller, "oracle", knows the true rate of every hour of the week of every feed, from the first day on, and
that a feed is dead; what it can't know is when exactly a story or a burst comes. It is not bound to our rule: with a
rate r it may lay polls at a density min(1, (r/r0)**a)/D for any a of 0 (evenly), 0.5 (least mean delay), 1, 1.5, 3 and
infinity, the last of which is the optimum for the median: half of all news is covered by the hours with most of it, and
the others get no polls beyond one a day. For each a its D is set, on the very stories that were measured, so that the
median of delay/allowed of the group is the one that ours had; the a that then takes the fewest requests is the oracle
that we are compared with. Both keep to at least a minute and at most a day between two polls.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from crawler.habits import HOURS, Habits
from crawler.rhythm import Seen, learn
from crawler.schedule import LEAST, MOST, next_poll

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = 86_400.0
BEFORE = 60  # days of news before the first poll
ROOM = 20  # entries that a feed holds
SHARES = {"wires": 0.2, "papers": 0.3, "blogs": 0.2, "bursts": 0.15, "dead": 0.15}
DRAWS = (0.0, 0.5, 1.0, 1.5, 3.0, float("inf"))
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Feed:
    """`rates`: true news a second in each hour of the week; `stories`: their times, in seconds from START."""

    habit: str
    rates: Floats
    stories: list[float]
    dated: bool
    dies: float = float("inf")

    @property
    def gap(self) -> float:
        return 1.0 / float(self.rates.mean())

    @property
    def allowed(self) -> float:
        return min(max(self.gap / 10.0, LEAST), MOST)


@dataclass
class Polled:
    """What a poller did: the times of its polls and the bodies that came although nothing was new."""

    polls: list[float]
    unchanged_bodies: int = 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Requests and delays of adaptive polling.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--days", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    begun = time.perf_counter()
    feeds = make_feeds(asked.feeds, asked.days, np.random.default_rng(asked.seed))
    done = [poll_feed(feed, asked.days) for feed in feeds]
    rows = figures(feeds, done, asked.days)
    if asked.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows, time.perf_counter() - begun)
    total = rows["all"]
    good = total["ratio"] <= 1.2 and total["unchanged_bodies"] == 0
    return 0 if good and all(row["median"] is None or row["median"] <= 1.0 for row in rows.values()) else 1


# --- the feeds ---------------------------------------------------------------------------------------------


def make_feeds(count: int, days: int, random: np.random.Generator) -> list[Feed]:
    makers: dict[str, Callable[[int, np.random.Generator], tuple[Floats, list[float]]]] = {
        "wires": _wire, "papers": _paper, "blogs": _blog, "bursts": _bursts, "dead": _paper,
    }  # fmt: skip
    feeds = []
    for habit, share in SHARES.items():
        for number in range(round(count * share)):
            rates, stories = makers[habit](days + 2, random)
            dated = number % 5 != 0
            dies = float("inf")
            if habit == "dead":
                dies = random.uniform(0, 10) * DAY if number % 5 == 1 else -random.uniform(30, 50) * DAY
                stories = [one for one in stories if one < dies]
            feeds.append(Feed(habit, rates, stories, dated, dies))
    return feeds


def _wire(days: int, random: np.random.Generator) -> tuple[Floats, list[float]]:
    base, zone = np.exp(random.uniform(np.log(0.7), np.log(6))), random.integers(24)
    hours = np.array([0.5 if (hour + zone) % 24 < 7 else 1.0 for hour in range(HOURS)])
    rates = hours / hours.mean() * base / 3600
    return rates, _poisson(rates, days, random)


def _paper(days: int, random: np.random.Generator) -> tuple[Floats, list[float]]:
    a_day, zone = np.exp(random.uniform(np.log(5), np.log(40))), int(random.integers(24))
    open_, close = 8 + random.integers(-1, 2), 18 + random.integers(-1, 3)
    shape = np.empty(HOURS)
    for hour in range(HOURS):
        local = (hour + zone) % HOURS
        clock = local % 24
        busy = 1.0 if open_ <= clock < close else 0.25 if close <= clock < 23 else 0.02
        shape[hour] = busy * (1.0 if local // 24 < 5 else 0.2)
    rates = shape / shape.sum() * 5.4 * a_day / 3600
    return rates, _poisson(rates, days, random)


def _blog(days: int, random: np.random.Generator) -> tuple[Floats, list[float]]:
    shape = np.full(HOURS, 0.0005)
    hours = np.arange(HOURS) + 0.5
    for _ in range(random.integers(1, 4)):
        away = np.abs(hours - random.uniform(0, HOURS))
        shape += np.exp(-0.5 * (np.minimum(away, HOURS - away) / 2.0) ** 2) / 5.0
    rates = shape / 3600
    return rates, _poisson(rates, days, random)


def _bursts(days: int, random: np.random.Generator) -> tuple[Floats, list[float]]:
    zone = random.integers(24)
    by_day = np.array([1.0 if 7 <= (hour + zone) % 24 < 22 else 0.1 for hour in range(HOURS)])
    onsets = by_day / by_day.sum() * random.uniform(2, 5) / 3600  # a week
    calm = by_day / by_day.sum() * random.uniform(7, 14) / 3600
    size = random.integers(4, 13)
    stories = _poisson(calm, days, random)
    for onset in _poisson(onsets, days, random):
        stories += [onset + one for one in random.uniform(0, 3600, random.poisson(size))]
    # A burst's stories come in its hour and in the next, in equal parts.
    rates = calm + size * (onsets + np.roll(onsets, 1)) / 2
    return rates, sorted(stories)


def _poisson(rates: Floats, days: int, random: np.random.Generator) -> list[float]:
    times: list[float] = []
    for hour in range(-BEFORE * 24, days * 24):
        mean = rates[hour % HOURS] * 3600  # START is a Monday's midnight, and so is every week's first hour
        times += [hour * 3600 + part for part in random.uniform(0, 3600, random.poisson(mean))]
    return sorted(times)


# --- the two pollers ---------------------------------------------------------------------------------------


def poll_feed(feed: Feed, days: int) -> Polled:
    """Ours: from the first poll to the end of the day after the last, by the code of the crawler."""
    now, known, validator, last = 0.0, 0, -1, -1.0
    habits, done = Habits(), Polled([])
    while now < (days + 1) * DAY:
        done.polls.append(now)
        held = bisect_right(feed.stories, now)
        at = START + timedelta(seconds=now)
        if held == validator:
            seen = Seen(at)  # 304: no body
        else:
            entries = feed.stories[max(held - ROOM, 0) : held]
            fresh = feed.stories[max(known, held - ROOM) : held] if last >= 0 else []
            done.unchanged_bodies += bool(last >= 0 and not fresh)
            seen = Seen(
                at,
                news=tuple(_clock(one if feed.dated else (last + now) / 2) for one in fresh),
                dated=tuple(map(_clock, entries)) if feed.dated else (),
                entries=len(entries),
                missed=last >= 0 and held - known >= ROOM,
            )
        habits = learn(habits, seen)
        validator, known, last = held, held, now
        now = (next_poll(habits, at) - START).total_seconds()
    return done


def oracle_polls(feed: Feed, drawn: float, delay: float, day: int) -> list[float]:
    """The oracle's polls from the day before `day` to the day after it; `delay` is its D."""
    now, end, polls = (day - 1) * DAY, (day + 2) * DAY, []
    density = _oracle_density(feed.rates, drawn) / max(delay, LEAST)
    while now < end:
        polls.append(now)
        due, at, most = 1.0, now, now + MOST
        while at < most:
            hour_end = (at // 3600 + 1) * 3600
            here = density[int(at // 3600) % HOURS] if at < feed.dies else 0.0
            if here * (hour_end - at) >= due:
                at += due / here
                break
            due -= here * (hour_end - at)
            at = hour_end
        now = max(min(at, most), now + LEAST)
    return polls


def _oracle_density(rates: Floats, drawn: float) -> Floats:
    """min(1, (r/r0)**drawn) with half of the news covered; for an infinite `drawn` the hours of most news only."""
    total = rates.sum()
    if drawn == float("inf"):
        order = np.argsort(-rates, kind="stable")
        before = np.concatenate(([0.0], np.cumsum(rates[order])[:-1]))
        found = np.zeros(HOURS)
        found[order] = np.clip((total / 2 - before) / np.maximum(rates[order], 1e-30), 0, 1)
        return found
    if drawn == 0.0:
        return np.full(HOURS, 0.5)
    low, high = 1e-12, float(rates.max()) * 4
    for _ in range(60):
        middle = (low * high) ** 0.5
        covered = float((rates * np.minimum(1.0, (rates / middle) ** drawn)).sum())
        low, high = (middle, high) if covered > total / 2 else (low, middle)
    return np.minimum(1.0, (rates / low) ** drawn)


# --- the figures -------------------------------------------------------------------------------------------


def figures(feeds: Sequence[Feed], done: Sequence[Polled], days: int) -> dict[str, dict[str, float | None]]:
    """By group of habits: requests of the last day, the oracle's for the same median, and medians of delay."""
    day = days - 1
    groups: dict[str, list[int]] = defaultdict(list)
    for number, feed in enumerate(feeds):
        groups[feed.habit].append(number)
    rows: dict[str, dict[str, float | None]] = {}
    for habit, numbers in groups.items():
        mine = [feeds[number] for number in numbers]
        ours = [done[number].polls for number in numbers]
        median = _median_delay(mine, ours, day)
        requests = sum(_requests(polls, day) for polls in ours)
        best, drawn = _oracle(mine, median, day)
        rows[habit] = {
            "feeds": len(mine), "stories": sum(len(_of_day(feed, day)) for feed in mine), "requests": requests,
            "oracle": best, "oracle_drawn": drawn, "ratio": round(requests / best, 3),
            "median": None if median is None else round(median, 3),
            "median_seconds": _median_seconds(mine, ours, day),
            "unchanged_bodies": sum(done[number].unchanged_bodies for number in numbers),
        }  # fmt: skip
    summed = {name: sum(int(row[name] or 0) for row in rows.values()) for name in
              ("feeds", "stories", "requests", "oracle", "unchanged_bodies")}  # fmt: skip
    polls = [one.polls for one in done]
    median = _median_delay(feeds, polls, day)
    rows["all"] = {
        **summed, "ratio": round(summed["requests"] / summed["oracle"], 3), "oracle_drawn": None,
        "median": None if median is None else round(median, 3), "median_seconds": _median_seconds(feeds, polls, day),
    }  # fmt: skip
    return rows


def _oracle(feeds: Sequence[Feed], median: float | None, day: int) -> tuple[int, float]:
    """The fewest requests with which the oracle has `median` (without stories: any), and the a that needs them."""
    found = []
    for drawn in DRAWS:
        low, high = 0.02, 50.0  # of what is allowed
        polls: list[list[float]] = []
        for _ in range(1 if median is None else 14):
            middle = (low * high) ** 0.5
            polls = [oracle_polls(feed, drawn, middle * feed.allowed, day) for feed in feeds]
            reached = _median_delay(feeds, polls, day)
            if median is not None and reached is not None:
                low, high = (middle, high) if reached <= median else (low, middle)
        found.append((sum(_requests(one, day) for one in polls), drawn))
    return min(found)


def _of_day(feed: Feed, day: int) -> list[float]:
    return feed.stories[bisect_left(feed.stories, day * DAY) : bisect_left(feed.stories, (day + 1) * DAY)]


def _requests(polls: Sequence[float], day: int) -> int:
    return bisect_left(polls, (day + 1) * DAY) - bisect_left(polls, day * DAY)


def _delays(feed: Feed, polls: Sequence[float], day: int) -> list[float]:
    last = (day + 2) * DAY
    return [next(iter(polls[bisect_left(polls, one) :][:1]), last) - one for one in _of_day(feed, day)]


def _median_delay(feeds: Sequence[Feed], polls: Sequence[Sequence[float]], day: int) -> float | None:
    """Of delay/allowed, over all stories of the day."""
    shares = [delay / feed.allowed for feed, own in zip(feeds, polls, strict=True) for delay in _delays(feed, own, day)]
    return float(np.median(shares)) if shares else None


def _median_seconds(feeds: Sequence[Feed], polls: Sequence[Sequence[float]], day: int) -> float | None:
    delays = [delay for feed, own in zip(feeds, polls, strict=True) for delay in _delays(feed, own, day)]
    return round(float(np.median(delays)), 1) if delays else None


def _clock(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def show(rows: dict[str, dict[str, float | None]], seconds: float) -> None:
    print(
        f"{'habit':8}{'feeds':>7}{'stories':>9}{'requests':>10}{'oracle':>8}{'ratio':>7}{'median delay':>14}{'of allowed':>12}"
    )
    for habit, row in rows.items():
        delay = "–" if row["median_seconds"] is None else f"{row['median_seconds']:.0f} s"
        median = "–" if row["median"] is None else f"{row['median']:.2f}"
        print(
            f"{habit:8}{row['feeds']:7}{row['stories']:9}{row['requests']:10}{row['oracle']:8}{row['ratio']:7.2f}"
            f"{delay:>14}{median:>12}"
        )
    print(
        f"bodies downloaded although nothing was new: {rows['all']['unchanged_bodies']}; {seconds:.0f} s",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
