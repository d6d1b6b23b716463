"""Pages that were given up: told with their reason, and brought back when somebody asks."""

from __future__ import annotations

from crawler.model import Reference
from crawler.store import Store
from tests.store.pieces import HOUR, NOON, StillClock, source


async def give_up(store: Store, reasons: dict[str, str], *, of: str = "Harbour Post") -> None:
    """One page a key, given up for its reason."""
    await store.announce(of, [Reference(f"https://a.example/{path}") for path in reasons], now=NOON)
    for entry in await store.lease("w", 99, per_host=99, seconds=60):
        reason = reasons[entry.url.rsplit("/", 1)[1]]
        await store.give_up(entry.key, "w", reason, f"because of {reason}")


async def test_the_last_that_failed_are_told_first_with_url_reason_and_tries(store: Store, clock: StillClock) -> None:
    await store.add_source(source())
    await give_up(store, {"old": "dns"})
    clock.pass_by(60)
    await give_up(store, {"new": "status-404"})
    letters = await store.dead_letters(5)
    assert [(one.url, one.reason, one.attempts) for one in letters] == [
        ("https://a.example/new", "status-404", 1),
        ("https://a.example/old", "dns", 1),
    ]
    assert [one.url for one in await store.dead_letters(1)] == ["https://a.example/new"]
    (told, _) = (await store.status())["dead_letters"]
    assert (told["url"], told["reason"], told["attempts"]) == ("https://a.example/new", "status-404", 1)


async def test_pages_that_hold_no_article_are_no_dead_letters_and_stay_unless_asked_for(store: Store) -> None:
    await store.add_source(source())
    await give_up(store, {"about": "empty", "gone": "status-404"})
    assert [one.reason for one in await store.dead_letters(5)] == ["status-404"]
    assert await store.revive() == 1
    assert await store.revive(reason="empty") == 1


async def test_only_what_failed_of_the_reason_and_of_the_source_is_revived_with_all_its_tries(store: Store) -> None:
    await store.add_source(source())
    await store.add_source(source("Quay Times"))
    await give_up(store, {"a": "timeout", "b": "dns"})
    await give_up(store, {"c": "timeout"}, of="Quay Times")
    assert await store.revive(reason="timeout", only=["Quay Times"]) == 1
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    assert (entry.url, entry.attempts) == ("https://a.example/c", 0)
    assert await store.revive() == 2
    assert await store.dead_letters(5) == []


async def test_pages_of_a_source_that_is_gone_are_not_revived(store: Store) -> None:
    await store.add_source(source())
    await give_up(store, {"a": "timeout"})
    await store.remove_source("Harbour Post")
    assert await store.revive() == 0


async def test_many_are_revived_in_several_steps(store: Store, monkeypatch: object) -> None:
    from crawler.store import deadletters

    monkeypatch.setattr(deadletters, "REVIVED_AT_ONCE", 2)  # type: ignore[attr-defined]
    await store.add_source(source())
    await give_up(store, {str(number): "timeout" for number in range(5)})
    assert await store.revive() == 5
    assert (await store.frontier_counts()).due == 5


async def test_what_waits_for_a_time_before_the_clock_was_set_back_is_due_again(
    store: Store, clock: StillClock
) -> None:
    await store.announce("s", [Reference("https://a.example/1"), Reference("https://a.example/2")], now=NOON)
    (failed,) = await store.lease("w", 1, per_host=1, seconds=60)
    await store.retry_later(failed.key, "w", "timeout", "", NOON + HOUR)
    clock.pass_by(-3600)
    assert await store.lease("w", 9, per_host=9, seconds=60) == []
    assert await store.mend_times() == 1
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    assert entry.key != failed.key  # a page that failed keeps its wait


async def test_a_lease_from_before_the_clock_was_set_back_does_not_last(store: Store, clock: StillClock) -> None:
    await store.announce("s", [Reference("https://a.example/1")], now=NOON)
    await store.lease("dead", 1, per_host=1, seconds=60)
    clock.pass_by(-3600)
    await store.mend_times()
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    assert entry.losses == 1
