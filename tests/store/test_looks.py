"""Second looks at confirmed pages, on both engines: when they are due, and what they leave beside a frozen link."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.errors import NotFound, UsageError
from crawler.interchange import link_id
from crawler.model import LinkState, Look, LookOutcome, Reference, Subject
from crawler.redistribution import text_hash
from crawler.store import Store
from crawler.store.looking import next_due
from tests.store.pieces import NOON, StillClock, fingerprint, linked, original, page, source

DAY = timedelta(days=1)


def test_a_page_is_due_after_one_seven_and_thirty_days_and_then_no_more() -> None:
    days, now = [], NOON
    while (due := next_due(NOON, now, LookOutcome.LIVE)) is not None:
        days.append((due - NOON).days)
        now = due
    assert days == [1, 7, 30]


def test_a_page_that_could_not_be_reached_is_tried_again_the_next_day_but_not_for_ever() -> None:
    assert next_due(NOON, NOON + 2 * DAY, LookOutcome.UNREACHABLE) == NOON + 3 * DAY
    assert next_due(NOON, NOON + 31 * DAY, LookOutcome.UNREACHABLE) == NOON + 32 * DAY
    assert next_due(NOON, NOON + 37 * DAY, LookOutcome.UNREACHABLE) is None


async def confirmed(store: Store, *, announce: bool = True) -> str:
    """A confirmed link whose page came by the frontier, or from elsewhere."""
    wire, copy = original(), page(text="In May the ferries run again.")
    await store.store_article(wire, fingerprint(1))
    key = None
    if announce:
        await store.reconcile([source()])
        await store.announce("Harbour Post", [Reference(url=copy.url)], now=NOON)
        (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
        key = entry.key
    await store.store_article(copy, fingerprint(2), frontier_key=key, worker="w")
    await store.record_decision(linked(copy, wire), reason="new")
    link = link_id(copy.id, wire.id)
    await store.judge_link(link, LinkState.CONFIRMED, "seen")
    return link


async def look(store: Store, clock: StillClock, outcome: LookOutcome, reason: str = "", text: str | None = None) -> str:
    """Takes the one page that is queued and ends the look at it; its URL."""
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    assert entry.look
    hashed = text_hash(text) if text else None
    await store.looked(entry.key, "w", Look(clock.now(), outcome, reason, hashed))
    return entry.url


async def test_a_confirmed_page_comes_back_to_the_queue_a_day_later(store: Store, clock: StillClock) -> None:
    await confirmed(store)
    assert await store.queue_looks() == 0
    clock.pass_by(86_401)
    assert await store.queue_looks() == 1
    assert await store.queue_looks() == 0  # it is under way
    assert await look(store, clock, LookOutcome.LIVE) == page().url
    assert await store.lease("w", 9, per_host=9, seconds=60) == []


async def test_a_look_is_told_with_its_link_and_in_the_change_log(store: Store, clock: StillClock) -> None:
    link = await confirmed(store)
    clock.pass_by(86_401)
    await store.queue_looks()
    await look(store, clock, LookOutcome.GONE, "status-410")
    (told,) = await store.public_links([link])
    assert [(one["outcome"], one["reason"]) for one in told["looks"]] == [("gone", "status-410")]
    *_, last = (await store.log_page(0, subject=Subject.LINK)).changes
    assert last.reason == "looked at again: gone (status-410)"
    assert last.state is not None
    assert last.state["looks"] == told["looks"]
    assert last.state["state"] == "confirmed"
    view = await store.view_link(link)
    assert view.next_look is not None
    assert view.next_look.due == NOON + 7 * DAY


async def test_a_page_with_the_text_that_was_confirmed_is_live_though_its_dates_moved(
    store: Store, clock: StillClock
) -> None:
    link = await confirmed(store)
    for text, outcome in (("In May the ferries run again.", LookOutcome.LIVE), ("Sold.", LookOutcome.CHANGED)):
        await store.ask_look(link)
        await store.queue_looks()
        await store.store_article(page(text=text, modified=clock.now()), fingerprint(2))
        await look(store, clock, LookOutcome.CHANGED, text=text)
        clock.pass_by(60)
        assert (await store.looks_of(link))[-1].outcome is outcome


async def test_a_changed_page_leaves_the_confirmed_link_as_it_was(store: Store, clock: StillClock) -> None:
    link = await confirmed(store)
    before = await store.view_link(link)
    await store.ask_look(link)
    await store.queue_looks()
    changed = page(text="Something else altogether.")
    await store.store_article(changed, fingerprint(3))
    await look(store, clock, LookOutcome.CHANGED, text=changed.text)
    await store.record_decision(replace(linked(changed, original()), link=None), reason="changed")
    after = await store.view_link(link)
    assert after.listed.state is LinkState.CONFIRMED
    assert (after.rewrite.hash, after.listed.score) == (before.rewrite.hash, before.listed.score)


async def test_a_page_that_never_came_by_the_frontier_is_looked_at_as_well(store: Store, clock: StillClock) -> None:
    link = await confirmed(store, announce=False)
    await store.ask_look(link)
    assert await store.queue_looks() == 1
    assert await look(store, clock, LookOutcome.LIVE) == page().url
    (seen,) = await store.looks_of(link)
    assert seen.text_hash == text_hash("In May the ferries run again.")


async def test_the_page_of_a_disabled_source_is_not_fetched_and_the_look_says_why(
    store: Store, clock: StillClock
) -> None:
    link = await confirmed(store)
    await store.reconcile([])  # gone from the file
    await store.ask_look(link)
    await store.queue_looks()
    assert await store.lease("w", 9, per_host=9, seconds=60) == []
    assert [(one.outcome, one.reason) for one in await store.looks_of(link)] == [("unreachable", "source-disabled")]


async def test_a_look_whose_worker_died_before_it_was_told_is_asked_for_again(store: Store, clock: StillClock) -> None:
    link = await confirmed(store)
    await store.ask_look(link)
    await store.queue_looks()
    (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
    await store.unchanged(entry.key, "w")
    clock.pass_by(3_601)
    assert await store.queue_looks() == 1
    await look(store, clock, LookOutcome.LIVE)
    assert len(await store.looks_of(link)) == 1


async def test_only_pages_of_confirmed_links_are_looked_at(store: Store, clock: StillClock) -> None:
    link = await confirmed(store)
    clock.pass_by(86_401)
    await store.judge_link(link, LinkState.REJECTED, "no")
    assert await store.queue_looks() == 0
    with pytest.raises(UsageError, match="is rejected: only the pages of confirmed links"):
        await store.ask_look(link)
    with pytest.raises(NotFound):
        await store.ask_look("0" * 32)


async def test_an_address_that_leads_to_another_article_is_gone_each_time_unless_the_text_moved_there(
    store: Store, clock: StillClock
) -> None:
    link = await confirmed(store)
    other = page("other", text="Another story.")
    await store.store_article(other, fingerprint(4))
    for text, outcome in (("Another story.", "gone"), (None, "gone"), ("In May the ferries run again.", "live")):
        await store.ask_look(link)
        await store.queue_looks()
        (entry,) = await store.lease("w", 9, per_host=9, seconds=60)
        seen = Look(clock.now(), LookOutcome.LIVE, "", text_hash(text) if text else None)
        await store.looked(entry.key, "w", seen, other.id)
        *_, last = await store.looks_of(link)
        assert (last.outcome, last.reason) == (outcome, "redirected" if outcome == "gone" else "")
        clock.pass_by(60)
