"""When a source is polled next: of habits made in a test, without a network and without waiting."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.habits import HOURS, Habits
from crawler.model import Wishes
from crawler.rhythm import TIGHTEST, Seen, hour_of_week, learn, news_a_day, rates
from crawler.schedule import MOST, TARGET, after_failure, density, next_poll

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def wait(habits: Habits, at: datetime = MONDAY, fresh_for: float = 0.0) -> float:
    return (next_poll(habits, at, fresh_for=fresh_for) - at).total_seconds()


def looked_at(*ages: timedelta, at: datetime = MONDAY) -> Habits:
    """After a first look at a document with entries of these ages."""
    return learn(Habits(), Seen(at, dated=tuple(at - age for age in ages), entries=len(ages)))


def watched(news_of: dict[int, int], days: int, start: datetime = MONDAY) -> Habits:
    """After days of hourly polls; `news_of` has the news of each hour of a day, working days only."""
    habits = learn(Habits(), Seen(start, entries=20))
    for hour in range(1, days * 24 + 1):
        at = start + hour * HOUR
        before = at - HOUR
        count = news_of.get(before.hour, 0) if before.weekday() < 5 else 0
        news = tuple(before + HOUR * (place + 1) / (count + 1) for place in range(count))
        habits = learn(habits, Seen(at, news=news, entries=20 if news else None))
    return habits


def test_a_source_of_which_nothing_is_known_is_polled_at_the_guess() -> None:
    assert wait(learn(Habits(guess=2 * TARGET / 600), Seen(MONDAY, entries=5))) == pytest.approx(600, rel=0.05)


def test_the_dates_of_a_first_document_tell_how_often_to_poll() -> None:
    wire = looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21)))
    weekly = looked_at(*(timedelta(days=7 * n) for n in range(1, 9)))
    assert wait(wire) < 300
    assert wait(weekly) > 43_200


def test_an_entry_pinned_to_the_top_years_ago_says_nothing_of_the_rate() -> None:
    recent = [timedelta(hours=n) for n in range(1, 20)]
    assert news_a_day(looked_at(*recent, timedelta(days=900))) == pytest.approx(news_a_day(looked_at(*recent)), rel=0.2)


def test_polls_go_where_news_is_likely() -> None:
    paper = watched(dict.fromkeys(range(8, 18), 2), days=21)
    found = density(paper)
    assert found[10] > 20 * found[3]  # Monday, 10 o'clock and 3 o'clock
    assert found[10] > 20 * found[5 * 24 + 10]  # and Saturday


def test_a_poll_at_night_waits_for_the_morning_but_never_longer_than_a_day() -> None:
    paper = watched(dict.fromkeys(range(8, 18), 2), days=21)
    night = MONDAY + 21 * DAY + 20 * HOUR
    due = next_poll(paper, night)
    assert due - night <= DAY
    assert 8 <= due.hour < 10


def test_a_source_that_falls_silent_is_polled_less_and_less() -> None:
    wire = looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21)))
    waits = [wait(wire)]
    for hour in range(1, 7 * 24):
        wire = learn(wire, Seen(MONDAY + hour * HOUR))
        waits.append(wait(wire, MONDAY + hour * HOUR))
    assert waits[0] < 300 < waits[6]
    assert waits[-1] == MOST


def test_a_source_that_wakes_up_is_polled_as_before_the_silence() -> None:
    wire = watched(dict.fromkeys(range(24), 4), days=14)
    begins, back = MONDAY + 14 * DAY, MONDAY + 16 * DAY
    before = wait(wire, begins)
    for hour in range(1, 48):
        wire = learn(wire, Seen(begins + hour * HOUR))
    silent = wait(wire, back)
    awake = wait(learn(wire, Seen(back, news=(back,), entries=20)), back)
    assert silent > 10 * before
    assert awake < 2 * before


def test_news_in_bursts_is_no_proof_of_its_hour() -> None:
    """Thirty stories of one hour of one day say less of that hour than one on each of thirty days."""
    burst, steady = learn(Habits(), Seen(MONDAY, entries=40)), learn(Habits(), Seen(MONDAY, entries=40))
    for hour in range(1, 30 * 24 + 1):
        at = MONDAY + hour * HOUR
        crowd = tuple(at - timedelta(minutes=n) for n in range(30)) if hour == 15 * 24 + 12 else ()
        burst = learn(burst, Seen(at, news=crowd))
        steady = learn(steady, Seen(at, news=(at,) if at.hour == 12 else ()))
    there = hour_of_week(MONDAY + 15 * DAY + 11 * HOUR)
    assert rates(burst)[there] / rates(burst).mean() < rates(steady)[12] / rates(steady).mean()


def test_the_document_never_fills_up_between_two_polls() -> None:
    wire = replace(looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21))), room=1)
    assert wait(wire) <= 300 + 1


def test_a_gap_brings_the_next_poll_forward_and_quiet_polls_take_that_back() -> None:
    calm = looked_at(*(timedelta(hours=n) for n in range(1, 21)))
    at = MONDAY + 2 * HOUR
    after = learn(calm, Seen(at, news=(at,), entries=20, missed=True))
    plain = learn(calm, Seen(at, news=(at,), entries=20))
    assert wait(after, at) < 0.7 * wait(plain, at)
    for _ in range(20):
        after = learn(after, Seen(at, news=(at,), entries=20, missed=True))
    assert after.tightness == TIGHTEST
    for _ in range(20):
        after = learn(after, Seen(at, news=(at,), entries=20))
    assert after.tightness == 1.0


def test_what_the_source_asks_for_is_kept() -> None:
    wire = looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21)))
    assert wait(replace(wire, wishes=Wishes(ttl=3_600.0))) == 3_600.0
    assert wait(wire, fresh_for=1_800.0) == 1_800.0
    assert wait(replace(wire, wishes=Wishes(ttl=1e9)), fresh_for=1e9) == MOST


def test_hours_and_days_to_skip_are_skipped() -> None:
    wire = looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21)))
    hours = replace(wire, wishes=Wishes(skip_hours=frozenset(range(6))))
    assert next_poll(hours, MONDAY) == MONDAY + 6 * HOUR
    weekend = replace(wire, wishes=Wishes(skip_days=frozenset({5, 6})))
    assert next_poll(weekend, MONDAY + 5 * DAY + HOUR) == MONDAY + 7 * DAY


def test_a_source_that_would_have_every_hour_skipped_is_not_believed() -> None:
    wire = looked_at(*(timedelta(minutes=10 * n) for n in range(1, 21)))
    never = replace(wire, wishes=Wishes(skip_hours=frozenset(range(24))))
    assert MONDAY < next_poll(never, MONDAY) <= MONDAY + DAY


def test_failures_make_the_next_try_wait_ever_longer_up_to_a_day() -> None:
    usual = MONDAY + timedelta(seconds=600)
    waits = [(after_failure(usual, MONDAY, n) - MONDAY).total_seconds() for n in (1, 2, 3, 10, 10_000)]
    assert waits == [600, 1_200, 2_400, MOST, MOST]


def test_a_site_that_turned_us_away_is_left_alone_for_an_hour_at_least() -> None:
    assert after_failure(MONDAY + timedelta(seconds=60), MONDAY, 1, refused=True) == MONDAY + HOUR


def test_habits_come_back_from_the_store_as_they_were_and_stay_small() -> None:
    habits = replace(
        watched({9: 3, 14: 1}, days=10),
        wishes=Wishes(60.0, frozenset({1}), frozenset({6})),
        readable=0.75,
        judged_at=MONDAY,
        unreadable=True,
    )
    stored = habits.encode()
    back = Habits.decode(stored)
    assert len(stored) < 2_000
    assert back.encode() == stored
    assert rates(back) == pytest.approx(rates(habits), rel=1e-4)
    assert (back.wishes, back.readable, back.judged_at) == (habits.wishes, 0.75, MONDAY)


@pytest.mark.parametrize("stored", [None, b"", b"2{}\n", b"1{", b"1{}\nabc", b"\xff\xfe"])
def test_habits_that_cannot_be_read_are_none(stored: bytes | None) -> None:
    assert Habits.decode(stored) == Habits()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 86_400 * 3), st.floats(0, 1e7))
def test_whatever_was_seen_the_next_poll_is_a_minute_to_a_day_away(seed: int, step: float, ttl: float) -> None:
    dice = random.Random(seed)
    habits, at = Habits(), MONDAY
    for _ in range(20):
        news = tuple(at + timedelta(seconds=dice.uniform(-1e6, 1e6)) for _ in range(dice.choice((0, 0, 1, 5))))
        dated = tuple(at - timedelta(seconds=dice.uniform(-1e5, 1e8)) for _ in range(dice.choice((0, 3))))
        entries = dice.choice((None, 0, 1, 50))
        habits = learn(habits, Seen(at, news=news, dated=dated, entries=entries, missed=dice.random() < 0.2))
        habits = replace(habits, wishes=Wishes(ttl))
        assert 60 <= wait(habits, at) <= MOST
        assert len(habits.news) == HOURS
        assert all(0 <= count < 1e6 for count in (*habits.news, *habits.watched))
        at += timedelta(seconds=step * dice.random())
