"""When a source is polled next: a function of its habits, of what it asks for, and of the time.

A poll costs a request, and every piece of news waits for the next one. The polls are laid where news is likely:
half of it is to be had within a tenth of the usual time between two pieces, with as few requests as that takes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from crawler.habits import HOURS, Habits
from crawler.model import Wishes
from crawler.rhythm import Floats, hour_of_week, rates

LEAST = 60.0  # seconds between two polls
MOST = 86_400.0  # seconds
HELD_OFF = 3_600.0  # seconds, at least, for which a site that turned us away is left alone
# Of the usual time between two pieces of news, the delay aimed at: a little less than a tenth, for what is not known.
TARGET = 0.08
UNSURE = 0.1  # by how much less is aimed at for each piece of news that comes with another: see Habits.clustered
# How much more polls are drawn to the hours with much news than the news itself is: 0 spreads them evenly, and at
# infinity the quiet hours go without. Few requests ask for a large one, news of quiet hours for a small one.
DRAWN = 1.5


def next_poll(habits: Habits, now: datetime, *, fresh_for: float = 0.0) -> datetime:
    """The time of the next poll, a minute to a day from `now`; later only for the hours and days to skip.

    `fresh_for` are the seconds for which the server calls its last answer fresh.
    """
    wait = _until_one(density(habits), now)
    wait = min(max(wait, habits.wishes.ttl, fresh_for, LEAST), MOST)
    return _outside((now + timedelta(seconds=wait)).astimezone(UTC), habits.wishes)


def after_failure(usual: datetime, now: datetime, failures: int, *, refused: bool = False) -> datetime:
    """The next try after `failures` in a row: at the usual time at first, then ever later, at last once a day.

    `refused`: the site turned us away; it is left alone for an hour at least.
    """
    wait = max((usual - now).total_seconds(), HELD_OFF if refused else LEAST)
    return now + timedelta(seconds=max(min(wait * 2.0 ** min(max(failures - 1, 0), 20), MOST), min(wait, MOST)))


@lru_cache(maxsize=64)
def density(habits: Habits) -> tuple[float, ...]:
    """Polls a second in each hour of the week.

    With news at the rate r of an hour and polls at the density p, a piece of news comes to hand within the time D with
    probability min(1, D p). Half of all news does with the fewest polls where the hours with most news get p = 1/D and
    the others none; p = min(1, (r / r0) ** DRAWN) / D gives that up for a few polls in the others, r0 being such
    that half of the news is in time.
    """
    rate = rates(habits)
    # When the next burst comes is less sure than what is learned of the last ones would have it.
    target = TARGET / (1.0 + UNSURE * habits.clustered)
    delay = max(target / float(rate.mean()), LEAST)
    drawn = _drawn(rate) / delay
    # What the document can't hold is lost: it never may fill by more than half between two polls.
    if habits.room:
        drawn = np.maximum(drawn, 2.0 * rate / habits.room)
    return tuple((drawn * habits.tightness).tolist())


def _drawn(rate: Floats) -> Floats:
    """min(1, (rate / r0) ** DRAWN), r0 such that its mean weighted by the rate is a half."""
    falling = np.sort(rate)[::-1]
    powers = falling ** (1.0 + DRAWN)
    above = np.concatenate(([0.0], np.cumsum(falling)[:-1]))  # news of the hours that are full, for each number of them
    below = np.cumsum(powers[::-1])[::-1]
    wanted = falling.sum() / 2.0 - above
    fits = wanted > 0
    limits = np.where(fits, (below / np.where(fits, wanted, 1.0)) ** (1.0 / DRAWN), np.inf)
    # The first number of full hours at which no other hour would be overfull.
    full = int(np.argmax(falling <= limits))
    found: Floats = np.minimum(1.0, (rate / limits[full]) ** DRAWN)
    return found


def _until_one(polls: tuple[float, ...], now: datetime) -> float:
    """Seconds until the density adds up to one poll; MOST where it does not before."""
    hour, left = hour_of_week(now), 3600.0 - now.minute * 60 - now.second - now.microsecond / 1e6
    due, waited = 1.0, 0.0
    while waited < MOST:
        here = polls[hour] * left
        if here >= due:
            return waited + due / polls[hour]
        due -= here
        waited += left
        hour, left = (hour + 1) % HOURS, 3600.0
    return MOST


def _outside(moment: datetime, wishes: Wishes) -> datetime:
    """The first moment that is in no hour and on no day to skip; a source that would skip all is not believed."""
    due = moment
    for _ in range(HOURS):
        if due.hour not in wishes.skip_hours and due.weekday() not in wishes.skip_days:
            return due
        due = due.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return moment
