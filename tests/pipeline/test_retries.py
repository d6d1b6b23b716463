"""When a page that failed is tried again: decided from the error, the tries so far and chance alone."""

from __future__ import annotations

from crawler.errors import BadStatus, HostHeldBack, RobotsDenied, TimedOut
from crawler.pipeline.pages import MAX_RETRY_DELAY, retry_delay

URL = "https://a.example/1"
GONE = TimedOut(URL, "no answer")


def test_waits_double_from_try_to_try() -> None:
    assert [retry_delay(GONE, tries, 4, 60.0, 0.0) for tries in (1, 2, 3, 4)] == [60.0, 120.0, 240.0, 480.0]


def test_chance_spreads_tries_over_half_of_the_wait_again() -> None:
    assert retry_delay(GONE, 1, 4, 60.0, 1.0) == 90.0
    spread = {retry_delay(GONE, 2, 4, 60.0, tenth / 10) for tenth in range(10)}
    assert len(spread) == 10
    assert min(spread) == 120.0


def test_a_page_is_given_up_after_its_tries_or_for_a_fault_that_stays() -> None:
    assert retry_delay(GONE, 5, 4, 60.0, 0.5) is None
    assert retry_delay(RobotsDenied(URL, "no"), 1, 4, 60.0, 0.5) is None
    assert retry_delay(ValueError("ours"), 1, 4, 60.0, 0.5) is None


def test_no_try_comes_before_the_time_that_the_host_named() -> None:
    assert retry_delay(BadStatus(URL, 503, 600.0), 1, 4, 60.0, 0.0) == 600.0
    assert retry_delay(BadStatus(URL, 503, 600.0), 1, 4, 60.0, 1.0) == 630.0


def test_no_wait_is_longer_than_a_day_and_its_chance() -> None:
    assert retry_delay(GONE, 99, 100, 60.0, 1.0) == MAX_RETRY_DELAY * 1.5


def test_a_hold_is_no_try_and_gives_nothing_up() -> None:
    assert retry_delay(HostHeldBack(URL, 30.0), 9, 4, 1.0, 0.0) is not None
