"""Hosts, each asked by one worker at a time, over workers and their deaths."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from crawler.model import Reference
from crawler.store import HostNote, Store
from tests.store.pieces import NOON, StillClock


async def announce(store: Store, *urls: str) -> None:
    await store.announce("s", [Reference(f"https://{url}") for url in urls], now=NOON)


async def lease(store: Store, worker: str, *, per_host: int = 1) -> list[str]:
    return [entry.url for entry in await store.lease(worker, 9, per_host=per_host, seconds=60)]


async def test_pages_of_a_host_go_to_the_worker_that_has_it(store: Store) -> None:
    await announce(store, "a.example/1", "a.example/2", "b.example/1")
    assert await store.claim_host("one", "b.example", 60) == HostNote()
    assert await lease(store, "two") == ["https://a.example/1"]
    assert await lease(store, "one", per_host=9) == ["https://b.example/1"]
    assert await lease(store, "two") == ["https://a.example/2"]


async def test_the_next_owner_learns_when_the_host_may_be_asked_and_at_what_pace(store: Store) -> None:
    await announce(store, "a.example/1", "a.example/2")
    await lease(store, "one")
    assert await store.claim_host("two", "a.example", 60) is None
    at = NOON + timedelta(seconds=9)
    await store.let_hosts_go("one", {"a.example": HostNote(at, 10.0)})
    (entry,) = await store.lease("two", 1, per_host=1, seconds=60)
    assert entry.not_before == at
    assert await store.claim_host("two", "a.example", 60) == HostNote(at, 10.0)


async def test_no_page_is_handed_out_of_a_host_that_sends_everybody_away(store: Store, clock: StillClock) -> None:
    await announce(store, "a.example/1", "a.example/2")
    await lease(store, "one")
    await store.note_hosts("one", {"a.example": HostNote(NOON + timedelta(seconds=600))})
    assert await lease(store, "one") == []
    clock.pass_by(30)
    await store.let_hosts_go("one", {"a.example": HostNote(NOON + timedelta(seconds=600))})
    assert await lease(store, "two") == []
    clock.pass_by(560)
    assert await lease(store, "two") == ["https://a.example/2"]


async def test_a_host_is_free_when_its_owner_has_not_been_heard_of(store: Store, clock: StillClock) -> None:
    await store.claim_host("one", "a.example", 60)
    clock.pass_by(30)
    assert await store.extend_leases("one", 60) == {"a.example"}
    clock.pass_by(45)
    assert await store.claim_host("two", "a.example", 60) is None
    clock.pass_by(20)
    assert await store.claim_host("two", "a.example", 60) == HostNote()
    assert await store.extend_leases("one", 60) == frozenset()


async def test_who_ends_leaves_its_hosts_alone_for_their_pace_or_the_delay(store: Store) -> None:
    await store.claim_host("one", "slow.example", 60)
    await store.claim_host("one", "quick.example", 60)
    await store.note_hosts("one", {"slow.example": HostNote(None, 20.0)})
    await store.release("one", 2.0)
    assert await store.claim_host("two", "slow.example", 60) == HostNote(NOON + timedelta(seconds=20), 20.0)
    assert await store.claim_host("two", "quick.example", 60) == HostNote(NOON + timedelta(seconds=2), 0.0)


async def test_a_clock_set_back_holds_a_host_no_longer_than_it_was_held(store: Store, clock: StillClock) -> None:
    await store.claim_host("one", "a.example", 60)
    await store.let_hosts_go("one", {"a.example": HostNote(NOON + timedelta(seconds=5), 5.0)})
    clock.pass_by(-3600)
    note = await store.claim_host("two", "a.example", 60)
    assert note == HostNote(clock.now() + timedelta(seconds=5), 5.0)
    clock.pass_by(-3600)
    assert await store.claim_host("three", "a.example", 60) is not None


async def test_workers_that_claim_at_once_never_share_a_host(store: Store) -> None:
    names = [f"{number}.example" for number in range(40)]
    await announce(store, *(f"{name}/{page}" for name in names for page in range(2)))

    async def work(worker: str) -> set[str]:
        mine: set[str] = set()
        while taken := await store.lease(worker, 7, per_host=1, seconds=60):
            mine |= {entry.host for entry in taken}
        return mine

    shares = await asyncio.gather(*(work(f"w{number}") for number in range(4)))
    assert sum(map(len, shares)) == len(set().union(*shares)) == 40


async def test_hosts_that_nobody_asks_are_forgotten_after_a_day(store: Store, clock: StillClock) -> None:
    await store.claim_host("one", "a.example", 60)
    await store.let_hosts_go("one", {"a.example": HostNote(NOON, 1.0)})
    assert await store.forget_hosts() == 0
    clock.pass_by(90_000)
    assert await store.forget_hosts() == 1
