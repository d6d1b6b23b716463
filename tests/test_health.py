from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from crawler.discover.challenge import is_challenge
from crawler.errors import BadStatus, ConnectionFailed, DiscoverError, HostUnresolved, RobotsDenied, RobotsUnreachable
from crawler.habits import Habits
from crawler.health import Answer, is_elsewhere, learn_readable, of_answer, of_failure
from crawler.model import SourceState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://post.example/feed"


def silent(days: float, usual_hours: float | None) -> SourceState:
    usual = None if usual_hours is None else usual_hours * 3_600
    return of_answer(Answer(URL), Habits(last_news=NOW - days * DAY, usual_gap=usual), NOW).state


def test_how_long_a_feed_may_be_silent_follows_its_habit() -> None:
    assert (silent(6, 0.2), silent(8, 0.2)) == (SourceState.OK, SourceState.STALE)
    assert (silent(100, 168), silent(150, 168)) == (SourceState.OK, SourceState.STALE)
    assert (silent(179, 24 * 30), silent(181, 24 * 30)) == (SourceState.OK, SourceState.STALE)
    assert (silent(500, 24 * 90), silent(600, 24 * 90)) == (SourceState.OK, SourceState.STALE)
    assert (silent(50, None), silent(70, None)) == (SourceState.OK, SourceState.STALE)
    assert of_answer(Answer(URL), Habits(), NOW).state is SourceState.OK


def test_a_frozen_feed_that_moved_says_both() -> None:
    habits = Habits(last_news=NOW - 300 * DAY, usual_gap=600.0)
    found = of_answer(Answer(URL, moved_to="https://new.example/feed"), habits, NOW)
    assert found.state is SourceState.MOVED
    assert "https://new.example/feed; brought nothing new since 2025-05-06" in found.reason
    assert "every 10 minutes" in found.reason


@pytest.mark.parametrize(
    "own",
    ["http://post.example/feed", "https://www.post.example/feed/", "https://POST.example/feed", URL + "?format=xml"],
)
def test_careless_spellings_of_the_own_address_are_no_move(own: str) -> None:
    assert not is_elsewhere(own, URL)


@pytest.mark.parametrize("own", ["https://post.example/rss", "https://new.example/feed"])
def test_another_place_is_one(own: str) -> None:
    assert is_elsewhere(own, URL)
    assert is_elsewhere(URL + "?section=1", URL + "?section=2")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (BadStatus(URL, 403), SourceState.BLOCKED),
        (BadStatus(URL, 401), SourceState.BLOCKED),
        (RobotsDenied(URL, "robots.txt forbids it"), SourceState.BLOCKED),
        (RobotsUnreachable(URL, "robots.txt answered 503"), SourceState.FAILING),
        (BadStatus(URL, 404), SourceState.BROKEN),
        (DiscoverError("expected a feed"), SourceState.BROKEN),
        (BadStatus(URL, 500), SourceState.FAILING),
        (ConnectionFailed(URL, "refused"), SourceState.FAILING),
    ],
)
def test_the_third_failure_tells_what_it_is(error: Exception, state: SourceState) -> None:
    found = of_failure(error, 3, timedelta(hours=1))
    assert (found.state, found.reason) == (state, str(error))
    assert found.advice


def test_what_fails_for_days_is_broken_whatever_it_is() -> None:
    assert of_failure(HostUnresolved(URL, "no such name"), 20, 4 * DAY).state is SourceState.BROKEN
    assert of_failure(HostUnresolved(URL, "no such name"), 2, 4 * DAY).state is SourceState.FAILING


def test_what_is_broken_does_not_become_the_habit() -> None:
    habits = learn_readable(Habits(), 18, 20, NOW)
    assert (habits.readable, habits.unreadable) == (0.9, False)
    for _ in range(1_000):
        habits = learn_readable(habits, 2, 20, NOW)
        assert habits.unreadable
    assert not learn_readable(habits, 15, 20, NOW).unreadable


def test_a_site_that_was_never_readable_has_no_habit_to_fall_from() -> None:
    habits = learn_readable(Habits(), 5, 20, NOW)
    assert not learn_readable(habits, 0, 20, NOW).unreadable


def test_few_pages_say_nothing() -> None:
    assert not learn_readable(learn_readable(Habits(), 20, 20, NOW), 0, 9, NOW).unreadable


CHALLENGES = [
    b"<html><head><title>Attention Required! | Some Shield</title></head><body></body></html>",
    b"<!doctype html><body><p>Please complete the CAPTCHA to go on</p></body>",
    b"<html><script>var x = 1</script><h1>Checking your browser before you go on</h1>",
    b"<html><title>x</title><p>Our systems have seen unusual traffic from your network.</p>",
]


@pytest.mark.parametrize("body", CHALLENGES)
def test_pages_that_tell_crawlers_from_people_are_told(body: bytes) -> None:
    assert is_challenge(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"just a moment",
        b"<html><title>Harbour Post</title><script>var captcha = 'captcha below'</script><p>News of the day</p>",
        b"<html><title>Post</title>" + b"<p>Are you a robot? asks the quay's new machine.</p>" * 200,
        b"<html>" + b"verify you are human " * 20_000,
    ],
)
def test_other_pages_are_not(body: bytes) -> None:
    assert not is_challenge(body)


def test_hostile_mark_up_costs_a_challenge_check_no_time() -> None:
    begun = time.perf_counter()
    for piece in (b"<script>", b"<", b"<style><script", b"</script", b"<title"):
        is_challenge(b"<html>" + piece * (190_000 // len(piece)))
    assert time.perf_counter() - begun < 1.0
