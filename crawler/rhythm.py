"""When a source brings news, learned from its polls: rates by hour of the week that old weeks fade out of.

Pure: `learn` is a function of what is known, what a poll gave and the time of it. The hours are of UTC; what moves
with the seasons (summer time) is learned anew within the few weeks that count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from crawler.habits import HOURS, Habits

HALF_LIFE = timedelta(days=21)  # after which a piece of news counts half
HISTORY = timedelta(days=60)  # how far back the dates of a first document are believed
_HALF_LIFE_HOURS = HALF_LIFE / timedelta(hours=1)
STEP = timedelta(hours=1)  # silence is written down no oftener
PRIOR_NEWS = 1.0  # for how many pieces of news that guess counts
_BY_HOUR = 1.5  # pieces of news that the rate of the whole counts for in the rate of one hour of the day
_BY_WEEKDAY = 4.0  # and that of the hour of the day in the rate of one hour of the week
_APART = 2.0  # how much less a burst counts than its news does, for each piece that comes with another
_USUAL_LULL = 5.0  # pieces of news that may fail to come before anything is made of it
_LULL_FADES = 0.97  # a piece of news
TIGHTEST = 4.0  # a source whose entries are never known twice gets no more polls than this many times its usual ones
_LOOSENS = 0.8  # a poll with news and without a gap

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one poll saw. `news` are the times at which what is new appeared, as far as that is known.

    `dated` are the dates of all entries of the document, by which a first look tells what came before it, `entries`
    how many it has (None: unchanged). `missed`: nothing in it was known before.
    """

    at: datetime
    news: tuple[datetime, ...] = ()
    dated: tuple[datetime, ...] = field(default=(), repr=False)
    entries: int | None = None
    missed: bool = False


def learn(habits: Habits, seen: Seen) -> Habits:
    """The habits after a poll. Silence of less than an hour changes nothing."""
    before = habits.as_of
    if before is None:
        return _first_look(habits, seen)
    times = _moments(seen.news)
    habits = _of_document(habits, seen)
    if times:
        waited = habits.silence + _expected(habits, before, seen.at)
        lull = max(habits.lull * _LULL_FADES ** len(times), waited)
        habits = replace(_with_news(_faded(habits, seen.at), times), silence=0.0, lull=lull)
    elif seen.at - before >= STEP:
        waited = habits.silence + _expected(habits, before, seen.at)
        habits = replace(_faded(habits, seen.at), silence=waited)
    return dated_by(habits, seen.dated, seen.at)


def dated_by(habits: Habits, dates: Iterable[datetime], now: datetime) -> Habits:
    """The habits with the newest of a document's dates as the last news, where it is later than the last known.

    What another source announced first is no news to the crawler, and yet a sign of life.
    """
    newest = max((date for date in dates if date <= now), default=None)
    if newest is None or (habits.last_news is not None and newest <= habits.last_news):
        return habits
    return replace(habits, last_news=newest)


def news_a_day(habits: Habits) -> float:
    """Over the whole week."""
    return float(rates(habits).mean()) * 86_400.0


def hour_of_week(moment: datetime) -> int:
    moment = moment.astimezone(UTC)
    return moment.weekday() * 24 + moment.hour


def hours_between(start: datetime, end: datetime) -> Iterator[tuple[int, float]]:
    """Each hour of the week from `start` to `end` with the part of it, in hours, that lies between."""
    hour, into = hour_of_week(start), (start.minute * 60 + start.second) / 3600
    left = (end - start).total_seconds() / 3600
    while left > 0:
        part = min(1.0 - into, left)
        yield hour, part
        left -= part
        hour, into = (hour + 1) % HOURS, 0.0


@lru_cache(maxsize=64)
def rates(habits: Habits) -> Floats:
    """News a second to be expected in each hour of the week.

    An hour of which little was seen is taken to be like the same hour of other days (working days apart from the
    weekend), and that one like the whole week, each by as much as its own news does not yet speak against it: the
    mean of a gamma-distributed rate. A silence longer than any before says that the rate has dropped.
    """
    news, watched = np.asarray(habits.news), np.asarray(habits.watched) * 3600.0
    # News in bursts says less of its hour: one burst is one witness, however much it brings.
    apart = 1.0 + _APART * habits.clustered
    by_hour, by_weekday = _BY_HOUR * apart, _BY_WEEKDAY * apart
    whole = (PRIOR_NEWS + news.sum()) / (PRIOR_NEWS / habits.guess + watched.sum())
    parts = []
    for days in (slice(0, 5), slice(5, 7)):
        own, seen = news.reshape(7, 24)[days], watched.reshape(7, 24)[days]
        # The rate of a kind of day stands between that of the week and that of its hours.
        kind = (by_hour + own.sum()) / (by_hour / whole + seen.sum())
        daily = (by_hour + own.sum(axis=0)) / (by_hour / kind + seen.sum(axis=0))
        parts.append((by_weekday + own) / (by_weekday / daily + seen))
    found: Floats = np.concatenate(parts).reshape(HOURS)
    allowed = max(_USUAL_LULL, 2.0 * habits.lull)
    return found * (allowed / habits.silence) ** 2 if habits.silence > allowed else found


def _first_look(habits: Habits, seen: Seen) -> Habits:
    """The dates of the entries tell a rhythm before anything was waited for."""
    times = _moments(time for time in seen.dated if time <= seen.at)
    if len(times) > 3 and times[1] - times[0] > (times[-1] - times[0]) / 2:
        times = times[1:]  # an entry that somebody pinned to the top, of long ago
    since = max(seen.at - HISTORY, times[0]) if times else seen.at
    begun = replace(habits, as_of=since, room=seen.entries or 0)
    known = _with_news(_faded(begun, seen.at), [time for time in times if time > since], until=seen.at)
    gap = None
    if len(times) > 1:
        gap = (times[-1] - times[0]).total_seconds() / (len(times) - 1)
    if not times:
        return known
    known = replace(known, last_news=times[-1], usual_gap=gap)
    return replace(known, silence=_expected(known, max(since, times[-1]), seen.at))


def _of_document(habits: Habits, seen: Seen) -> Habits:
    if seen.entries:
        habits = replace(habits, room=min(habits.room, seen.entries) if habits.room else seen.entries)
    if seen.missed:
        return replace(habits, tightness=min(TIGHTEST, habits.tightness * 2.0))
    if seen.news and habits.tightness > 1.0:
        return replace(habits, tightness=max(1.0, habits.tightness * _LOOSENS))
    return habits


def _faded(habits: Habits, now: datetime) -> Habits:
    """All counts as they weigh at `now`, the time since `as_of` added to the hours watched."""
    assert habits.as_of is not None
    if now <= habits.as_of:
        return habits
    weight = 0.5 ** ((now - habits.as_of) / HALF_LIFE)
    watched = [hours * weight for hours in habits.watched]
    start = max(habits.as_of, now - HISTORY)
    left = (now - start) / timedelta(hours=1)
    for hour, part in hours_between(start, now):
        watched[hour] += part * 0.5 ** (left / _HALF_LIFE_HOURS)
        left -= part
    return replace(habits, as_of=now, news=tuple(count * weight for count in habits.news), watched=tuple(watched))


def _with_news(habits: Habits, times: Sequence[datetime], until: datetime | None = None) -> Habits:
    news, expected = list(habits.news), rates(habits) * 3600.0
    last, gap, echo, clustered = habits.last_news, habits.usual_gap, habits.echo, habits.clustered
    for time in times:
        news[hour_of_week(time)] += 0.5 ** ((until - time) / HALF_LIFE) if until else 1.0
        if last is not None and time > last:
            passed = (time - last).total_seconds()
            gap = passed if gap is None else gap + (passed - gap) * 0.1
            echo = (echo + 1.0) * math.exp(-passed / 3600.0)
            clustered = max(0.0, clustered + (echo - float(expected[hour_of_week(time)]) - clustered) * 0.05)
        last = time if last is None else max(last, time)
    return replace(habits, news=tuple(news), last_news=last, usual_gap=gap, echo=echo, clustered=clustered)


def _expected(habits: Habits, start: datetime, end: datetime) -> float:
    """News to be expected between two times."""
    found = rates(habits)
    weeks, rest = divmod(max(end - start, timedelta()), timedelta(hours=HOURS))
    counted = weeks * found.sum() + sum(found[hour] * part for hour, part in hours_between(end - rest, end))
    return float(counted) * 3600.0


def _moments(times: Iterable[datetime]) -> list[datetime]:
    """In order, those of one minute once: what is put out together is one piece of news."""
    return [datetime.fromtimestamp(minute * 60, UTC) for minute in sorted({_minute(time) for time in times})]


def _minute(time: datetime) -> int:
    return math.floor(time.timestamp() / 60)
