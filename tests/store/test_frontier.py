from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler.model import Reference, Role, Validators
from crawler.store import Announced, FrontierEntry, Store
from tests.store.pieces import HOUR, NOON, StillClock, fingerprint, page, source


def reference(path: str = "1", host: str = "a.example", **other: object) -> Reference:
    return Reference(f"https://{host}/{path}", **other)  # type: ignore[arg-type]


async def lease(store: Store, worker: str = "w", limit: int = 10, per_host: int = 10) -> list[FrontierEntry]:
    return await store.lease(worker, limit, per_host=per_host, seconds=60)


async def test_a_page_is_queued_once_whatever_twin_of_its_url_is_announced(store: Store) -> None:
    twins = [
        Reference("https://www.a.example/story?utm_source=x"),
        Reference("http://a.example/story/"),
        Reference("https://m.a.example/story#top"),
    ]
    assert await store.announce("s", twins, now=NOON) == Announced(new=1)
    assert await store.announce("s", twins[1:], now=NOON) == Announced(known=1)
    assert len(await lease(store)) == 1


async def test_a_url_that_cannot_be_fetched_is_left_out(store: Store) -> None:
    given = [Reference("javascript:alert(1)"), Reference("https://user:pw@a.example/"), Reference("")]
    assert await store.announce("s", given, now=NOON) == Announced()


async def test_a_leased_page_carries_its_reference_as_announced(store: Store) -> None:
    given = Reference(
        "https://a.example/1",
        title="Tide \ud800 table",
        published=NOON - HOUR,
        modified=NOON,
        byline=("Ada Quill",),
        teaser="Short.",
        content_html="<p>Long.</p>\x00",
        language="en",
    )
    await store.announce("s", [given], now=NOON)
    (entry,) = await lease(store)
    assert entry.reference == given
    assert (entry.url, entry.host, entry.source, entry.attempts) == ("https://a.example/1", "a.example", "s", 0)


async def test_a_known_page_is_due_again_only_for_a_newer_modification(store: Store) -> None:
    await store.announce("s", [reference(modified=NOON)], now=NOON)
    (entry,) = await lease(store)
    await store.store_article(page("1"), None, frontier_key=entry.key, worker="w")
    assert await store.announce("s", [reference(modified=NOON)], now=NOON) == Announced(known=1)
    assert await store.announce("s", [reference()], now=NOON) == Announced(known=1)
    assert await store.announce("s", [reference(published=NOON - HOUR)], now=NOON) == Announced(known=1)
    assert await lease(store) == []
    assert await store.announce("s", [reference(modified=NOON + HOUR)], now=NOON) == Announced(changed=1)
    (again,) = await lease(store)
    assert again.article_id == page("1").id


async def test_a_page_met_without_a_date_is_not_fetched_again_for_a_date_before_its_fetch(store: Store) -> None:
    await store.announce("s", [reference()], now=NOON)
    (entry,) = await lease(store)
    await store.unchanged(entry.key, "w")
    assert (await store.announce("s", [reference(published=NOON - HOUR)], now=NOON)).changed == 0
    assert (await store.announce("s", [reference(published=NOON + HOUR)], now=NOON)).changed == 1


async def test_a_newer_version_announced_during_the_fetch_is_fetched_next(store: Store) -> None:
    await store.announce("s", [reference(modified=NOON)], now=NOON)
    (entry,) = await lease(store)
    assert (await store.announce("s", [reference(modified=NOON + HOUR)], now=NOON)).changed == 1
    assert await lease(store, "other") == []
    await store.store_article(page("1"), None, frontier_key=entry.key, worker="w")
    (again,) = await lease(store)
    assert again.reference.modified == NOON + HOUR


async def test_a_lease_takes_the_oldest_first_and_not_more_of_a_host_than_allowed(
    store: Store, clock: StillClock
) -> None:
    for place, host in enumerate(["b.example", "a.example", "a.example", "a.example", "c.example"]):
        await store.announce("s", [reference(str(place), host)], now=NOON)
        await store.announce("s", [], now=NOON)
        clock.pass_by(1)
    taken = await lease(store, limit=3, per_host=2)
    assert [entry.host for entry in taken].count("a.example") <= 2
    assert len(taken) == 3
    excluded = await store.lease("w", 9, per_host=9, seconds=60, exclude_hosts=["a.example"])
    assert all(entry.host != "a.example" for entry in excluded)


async def test_the_oldest_pages_come_first(store: Store, clock: StillClock) -> None:
    for place in (3, 1, 2):
        clock.pass_by(1)
        await store.announce("s", [reference(str(place), f"{place}.example")], now=clock.now())
    assert [entry.host[0] for entry in await lease(store)] == ["3", "1", "2"]


async def test_a_lease_can_be_kept_to_some_sources(store: Store) -> None:
    await store.announce("one", [reference("1")], now=NOON)
    await store.announce("two", [reference("2")], now=NOON)
    taken = await store.lease("w", 9, per_host=9, seconds=60, sources=["two"])
    assert [entry.source for entry in taken] == ["two"]


async def test_a_lease_that_ran_out_is_taken_by_another_and_its_first_holder_changes_nothing(
    store: Store, clock: StillClock
) -> None:
    await store.announce("s", [reference()], now=NOON)
    (entry,) = await lease(store, "one")
    assert await lease(store, "two") == []
    clock.pass_by(61)
    (again,) = await lease(store, "two")
    assert (again.key, again.attempts, again.losses) == (entry.key, 0, 1)
    await store.give_up(entry.key, "one", "gone", "too late")
    assert (await store.frontier_counts()).failed == 0


async def test_extended_leases_hold_longer_and_released_ones_are_free_at_once(store: Store, clock: StillClock) -> None:
    await store.announce("s", [reference()], now=NOON)
    await lease(store, "one")
    clock.pass_by(50)
    await store.extend_leases("one", 60)
    clock.pass_by(50)
    assert await lease(store, "two") == []
    await store.release("one")
    (entry,) = await lease(store, "two")
    assert entry.attempts == 0


async def test_a_retry_comes_when_it_is_due(store: Store, clock: StillClock) -> None:
    await store.announce("s", [reference()], now=NOON)
    (entry,) = await lease(store)
    await store.retry_later(entry.key, "w", "timeout", "no answer in 20 s", NOON + HOUR)
    assert await lease(store) == []
    assert await store.next_due() == NOON + HOUR
    assert (await store.frontier_counts()).waiting == 1
    clock.pass_by(3600)
    (again,) = await lease(store)
    assert again.attempts == 1


async def test_a_page_given_up_keeps_its_reason_and_is_revived_by_a_newer_version(store: Store) -> None:
    await store.announce("s", [reference(published=NOON)], now=NOON)
    (entry,) = await lease(store)
    await store.give_up(entry.key, "w", "status-404", "answered 404")
    counts = await store.frontier_counts()
    assert (counts.failed, counts.failed_by_reason) == (1, (("status-404", 1),))
    assert await store.next_due() is None
    await store.announce("s", [reference(published=NOON + HOUR)], now=NOON)
    (again,) = await lease(store)
    assert again.attempts == 0


async def test_validators_are_kept_for_the_next_fetch(store: Store) -> None:
    await store.announce("s", [reference(modified=NOON)], now=NOON)
    (entry,) = await lease(store)
    kept = Validators("e1", "Mon, 02 Mar 2026 11:00:00 GMT")
    await store.store_article(page("1"), fingerprint(1), frontier_key=entry.key, worker="w", validators=kept)
    await store.announce("s", [reference(modified=NOON + HOUR)], now=NOON)
    (again,) = await lease(store)
    assert again.validators == kept
    assert (await store.frontier_counts()).leased == 1


async def test_dates_out_of_the_calendar_are_unknown_dates(store: Store) -> None:
    from datetime import timedelta, timezone

    strange = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
    assert (await store.announce("s", [reference(published=strange)], now=NOON)).new == 1
    (entry,) = await lease(store)
    assert entry.reference.published is None
    assert datetime(9999, 12, 31, tzinfo=UTC) > NOON


@pytest.mark.parametrize("workers", [4])
async def test_workers_that_lease_at_once_never_get_the_same_page(store: Store, workers: int) -> None:
    await store.announce("s", [reference(str(n), f"{n % 7}.example") for n in range(60)], now=NOON)

    async def work(name: str) -> list[str]:
        got: list[str] = []
        while taken := await lease(store, name, limit=5, per_host=2):
            got += [entry.key for entry in taken]
        return got

    shares = await asyncio.gather(*(work(f"w{number}") for number in range(workers)))
    keys = [key for share in shares for key in share]
    assert len(keys) == len(set(keys))
    assert len(keys) + len(await lease(store, "last", limit=99, per_host=99)) == 60


async def test_a_story_that_a_public_feed_has_queued_is_queued_with_its_text(store: Store) -> None:
    for name, role in (("public", Role.ORIGIN), ("wire", Role.ORIGIN), ("copier", Role.AGGREGATOR)):
        await store.add_source(source(name, role=role, url=f"https://{name}.example/feed"))
    named = Reference("https://wire.example/1", teaser="Boats.")
    whole = replace(named, content_html="<p>Boats sail.</p>")
    await store.announce("public", [named], now=NOON)
    assert (await store.announce("copier", [whole], now=NOON)).changed == 0
    assert (await store.announce("wire", [whole], now=NOON)).changed == 1
    assert (await store.announce("public", [named], now=NOON)).changed == 0
    (entry,) = await store.lease("w", 1, per_host=1, seconds=60)
    assert (entry.source, entry.reference.content_html) == ("wire", whole.content_html)
    assert (await store.announce("wire", [whole], now=NOON)).changed == 0
