"""Turns at a host: how many, how far apart, in what order, and when not at all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import BadStatus, HostHeldBack, TimedOut
from crawler.fetch.pace import Pace, hold
from crawler.fetch.politeness import HostGate
from tests.fetch.conftest import HeldClock
from tests.web import Seen, Web, response


async def test_requests_to_one_host_start_a_delay_apart(web, make, clock):
    starts: list[float] = []

    async def note(_: Seen, writer: asyncio.StreamWriter) -> bool:
        starts.append(clock.monotonic())
        writer.write(response("x"))
        return True

    web.handler("*", note)
    # One at a time: with two under way the held clock would move on between a start and its arrival.
    fetcher = await make(delay=3.0, per_host=1)
    await asyncio.gather(*(fetcher.get(web.url(f"/{number}")) for number in range(5)))
    assert len(starts) == 6  # robots.txt is a request like others
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(starts))


async def test_the_delay_counts_from_when_a_request_goes_out_not_from_when_it_begins_to_connect(
    web, make, clock, monkeypatch
):
    plain = aiohttp.TCPConnector.connect

    async def slowly(*args, **kwargs):
        clock.seconds += 0.2
        return await plain(*args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slowly)
    fetcher = await make(delay=3.0, per_host=1)
    for number in range(2):
        await fetcher.get(web.page(f"/{number}", "x"), robots=False)
    assert clock.slept == [3.0]


async def test_hosts_do_not_wait_for_each_other(web, other, make, clock):
    fetcher = await make(delay=100.0)
    await fetcher.get(web.page("/", "x"), robots=False)
    await fetcher.get(other.page("/", "x"), robots=False)
    assert clock.slept == []


async def test_a_redirect_waits_its_turn_like_any_request(web, make, clock):
    fetcher = await make(delay=2.0)
    web.page("/end", "x")
    await fetcher.get(web.redirect("/", "/end"), robots=False)
    assert clock.slept == [2.0]


async def test_no_more_than_per_host_are_under_way_at_one_host(web, make):
    running = most = 0

    async def count(_: Seen, writer: asyncio.StreamWriter) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        writer.write(response("x"))
        return True

    web.handler("*", count)
    fetcher = await make(per_host=2)
    await asyncio.gather(*(fetcher.get(web.url(f"/{number}"), robots=False) for number in range(12)))
    assert most == 2
    assert web.connections == 2


async def test_turns_are_given_in_the_order_of_arrival(clock):
    gate = HostGate(2, 1.0, 64, clock)
    order: list[int] = []

    async def one(number: int) -> None:
        async with gate.turn("a.example", "http://a.example/"):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert order == list(range(20))


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_the_host_back(web, make, clock, status):
    web.page("/busy", "later", status=status, headers={"Retry-After": "120"})
    fetcher = await make()
    with pytest.raises(BadStatus) as caught:
        await fetcher.get(web.url("/busy"), robots=False)
    assert (caught.value.retry_after, caught.value.retry) == (120.0, True)
    web.page("/page", "x")
    with pytest.raises(HostHeldBack) as held:
        await fetcher.get(web.url("/page"), robots=False)
    assert held.value.retry_after == 120.0
    assert web.count("/page") == 0
    clock.seconds += 121
    assert (await fetcher.get(web.url("/page"), robots=False)).body == b"x"


async def test_a_short_hold_is_waited_out(web, make, clock):
    web.page("/busy", status=503, headers={"Retry-After": "5"})
    fetcher = await make()
    with pytest.raises(BadStatus):
        await fetcher.get(web.url("/busy"), robots=False)
    await fetcher.get(web.page("/page", "x"), robots=False)
    assert clock.slept == [5.0]


async def test_a_hold_of_years_is_a_day(clock):
    gate = HostGate(1, 0.0, 1, clock)
    gate.refused("a.example", 1e9)
    with pytest.raises(HostHeldBack) as caught:
        async with gate.turn("a.example", "http://a.example/"):
            pass
    assert caught.value.retry_after == 86_400.0


async def test_refusals_that_name_no_time_hold_longer_each_time_until_one_succeeds(clock):
    gate = HostGate(1, 1.0, 1, clock)

    def hold() -> float:
        gate.refused("a.example", None)
        held = gate._state("a.example").held_until - clock.monotonic()
        clock.seconds += held
        return held

    assert [hold() for _ in range(4)] == [2.0, 4.0, 8.0, 16.0]
    gate.answered("a.example")
    assert hold() == 2.0
    assert max(hold() for _ in range(30)) == 600.0


async def test_a_retry_after_that_is_a_date_is_understood(web, make, clock):
    web.page("/busy", status=503, headers={"Retry-After": "Mon, 02 Mar 2026 08:20:00 GMT"})
    fetcher = await make()
    with pytest.raises(BadStatus) as caught:
        await fetcher.get(web.url("/busy"), robots=False)
    assert caught.value.retry_after == 200.0  # the held clock stands at 08:16:40


async def test_what_is_remembered_of_hosts_is_bounded(clock):
    gate = HostGate(1, 1.0, 64, clock, kept_hosts=50)
    for number in range(500):
        async with gate.turn(f"{number}.example", "http://x.example/"):
            pass
        clock.seconds += 2
    assert len(gate._hosts) == 50


async def test_a_host_whose_delay_runs_is_not_forgotten(clock):
    gate = HostGate(1, 30.0, 64, clock, kept_hosts=1)
    for host in ("a.example", "b.example", "a.example"):
        async with gate.turn(host, "http://x.example/"):
            pass
    assert clock.slept == [30.0]


async def test_waiting_for_a_turn_does_not_use_up_the_time_of_the_request(web):
    from crawler.clock import SystemClock
    from crawler.fetch import Fetcher
    from tests.fetch.conftest import settings

    web.page("/", "x")
    async with Fetcher(settings(delay=0.25, timeout=0.2), SystemClock()) as fetcher:
        await fetcher.get(web.url("/"), robots=False)
        assert (await fetcher.get(web.url("/"), robots=False)).body == b"x"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=30),
    st.floats(0, 10),
    st.integers(1, 3),
)
def test_no_order_of_requests_breaks_a_delay(requests: list[tuple[str, float]], delay: float, per_host: int):
    async def run() -> None:
        clock = HeldClock()
        gate = HostGate(per_host, delay, 4, clock)
        starts: dict[str, list[float]] = {}

        async def one(host: str, lasts: float) -> None:
            async with gate.turn(host, f"http://{host}.example/"):
                starts.setdefault(host, []).append(clock.monotonic())
                await clock.sleep(lasts)

        await asyncio.gather(*(one(host, lasts) for host, lasts in requests))
        for times in starts.values():
            assert all(later - earlier >= delay - 1e-6 for earlier, later in pairwise(times))

    asyncio.run(run())


async def test_a_full_server_is_left_alone_by_all_who_wait(web, make):
    """One 503 with a long Retry-After, and the forty requests in the queue go nowhere."""
    async with Web("127.0.0.4") as server:
        server.page("*", status=503, headers={"Retry-After": "600"})
        fetcher = await make(per_host=1)
        urls = [server.url(f"/{number}") for number in range(40)]
        answers = await asyncio.gather(*(fetcher.get(url, robots=False) for url in urls), return_exceptions=True)
        assert [type(answer) for answer in answers] == [BadStatus] + [HostHeldBack] * 39
        assert len(server.requests) == 1


async def test_the_slower_a_host_answers_the_more_seldom_it_is_asked(web, make, clock):
    starts: list[float] = []

    async def slowly(seen: Seen, writer: asyncio.StreamWriter) -> bool:
        starts.append(clock.monotonic())
        clock.seconds += float(seen.path[1:])
        writer.write(response("x"))
        return True

    web.handler("*", slowly)
    fetcher = await make(delay=1.0, per_host=1)
    for seconds in ("0.1", "2", "2", "2", "0.1", "0.1", "60", "0"):
        await fetcher.get(web.url(f"/{seconds}"), robots=False)
    gaps = [round(later - earlier, 2) for earlier, later in pairwise(starts)]
    assert gaps[0] == 1.0
    assert 2.0 < gaps[1] < gaps[2] < gaps[3] < 10.0
    assert gaps[5] < gaps[4] == gaps[3]
    assert gaps[6] == 60.0  # the answer itself took longer than the longest pause


def test_without_a_delay_only_what_robots_asks_for_counts():
    assert Pace(0.0).after(8.0).gap == 0.0
    assert Pace(0.0).asking(3.0).after(8.0).gap == 3.0


async def test_a_host_that_times_out_is_slow(web):
    from crawler.clock import SystemClock
    from crawler.fetch import Fetcher
    from tests.fetch.conftest import settings

    async def silent(_: Seen, __: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(60)
        return False

    web.handler("/", silent)
    async with Fetcher(settings(timeout=0.3, delay=0.01), SystemClock()) as fetcher:
        with pytest.raises(TimedOut):
            await fetcher.get(web.url("/"), robots=False)
        wait = fetcher.gate.not_before(urls.host_of(web.url("/"))) - SystemClock().now()
        assert 0.8 < wait.total_seconds() < 1.6


@given(st.lists(st.floats(0, 1e6), max_size=20), st.floats(0, 10), st.none() | st.floats(0, 1e9))
def test_a_pace_is_never_faster_than_asked_for_and_never_slower_than_its_bound(
    answers: list[float], delay: float, crawl_delay: float | None
):
    pace = Pace(delay).asking(crawl_delay)
    for seconds in answers:
        pace = pace.after(seconds)
    assert max(delay, min(crawl_delay or 0.0, 60.0)) <= pace.gap <= max(delay, 60.0)


@pytest.mark.parametrize(
    ("refusals", "retry_after", "seconds"),
    [(1, None, 2.0), (3, None, 8.0), (40, None, 600.0), (1, 0.0, 0.0), (2, 0.0, 4.0), (5, 3.0, 32.0),
     (3, 3_600.0, 3_600.0), (1, 1e9, 86_400.0)],
)  # fmt: skip
def test_a_host_that_goes_on_refusing_is_left_alone_for_longer_whatever_it_says(refusals, retry_after, seconds):
    assert hold(refusals, 1.0, retry_after) == seconds


async def test_refusals_of_requests_under_way_together_count_once(clock):
    gate = HostGate(4, 1.0, 4, clock)
    for _ in range(4):
        gate.refused("a.example", None)
    assert gate.not_before("a.example") == clock.now() + timedelta(seconds=2)
    gate.answered("a.example")  # one that was under way, too
    clock.seconds += 2
    gate.refused("a.example", None)
    assert gate.not_before("a.example") == clock.now() + timedelta(seconds=4)


async def test_the_next_start_is_told_as_wall_clock_time(clock):
    gate = HostGate(1, 30.0, 1, clock)
    assert gate.not_before("a.example") == clock.now()
    async with gate.turn("a.example", "http://a.example/"):
        pass
    assert gate.not_before("a.example") == clock.now() + timedelta(seconds=30)
    gate.refused("a.example", 300.0)
    assert gate.not_before("a.example") == clock.now() + timedelta(seconds=300)


async def test_a_start_set_by_another_process_is_waited_for_and_never_brought_forward(clock):
    gate = HostGate(1, 1.0, 1, clock)
    soon, later = clock.now() + timedelta(seconds=40), clock.now() + timedelta(seconds=10)
    gate.keep_away("a.example", soon)
    gate.keep_away("a.example", later)
    gate.keep_away("b.example", clock.now() - timedelta(days=1))
    assert gate.not_before("a.example") == soon
    async with gate.turn("a.example", "http://a.example/"):
        assert clock.now() == soon
    async with gate.turn("b.example", "http://b.example/"):
        pass
    assert clock.slept == [40.0]


async def test_the_pace_at_a_host_and_whether_it_is_asked_just_now_are_told(clock):
    gate = HostGate(1, 1.0, 1, clock)
    assert (gate.pace("a.example"), gate.is_idle("a.example")) == (1.0, True)
    async with gate.turn("a.example", "http://a.example/"):
        assert not gate.is_idle("a.example")
    gate.crawl_delay("a.example", 7.0)
    assert (gate.pace("a.example"), gate.is_idle("a.example")) == (7.0, True)


async def test_a_long_hold_set_by_another_process_is_a_hold_here_and_a_day_at_most(clock):
    gate = HostGate(1, 1.0, 1, clock)
    gate.keep_away("a.example", clock.now() + timedelta(days=400))
    with pytest.raises(HostHeldBack) as caught:
        async with gate.turn("a.example", "http://a.example/"):
            pass
    assert caught.value.retry_after == 86_400.0
