from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.errors import NotFound, UsageError
from crawler.habits import Habits
from crawler.model import Reference, SourceKind, Validators
from crawler.store import PollOutcome, PollResult, Store
from tests.store.pieces import HOUR, NOON, StillClock, page, source


async def names(store: Store) -> dict[str, str]:
    return {record.name: record.state for record in await store.sources()}


async def test_sources_of_the_file_are_added_changed_disabled_and_come_back(store: Store) -> None:
    post, dale = source("Post"), source("Dale")
    assert (await store.reconcile([post, dale])).added == ("Dale", "Post")
    assert (await store.reconcile([post, dale])).unchanged == ("Dale", "Post")
    changed = await store.reconcile([replace(post, publisher="The Post")])
    assert (changed.changed, changed.disabled) == (("Post",), ("Dale",))
    assert await names(store) == {"Dale": "disabled", "Post": "new"}
    assert [record.name for record in await store.sources(enabled_only=True)] == ["Post"]
    assert (await store.reconcile([post, dale])).changed == ("Dale", "Post")
    assert await names(store) == {"Dale": "new", "Post": "new"}


async def test_reconciling_leaves_sources_of_the_store_alone(store: Store) -> None:
    await store.add_source(source("Mine"))
    await store.reconcile([source("Post")])
    assert (await store.reconcile([])).disabled == ("Post",)
    record = await store.source("Mine")
    assert (record.source.declared, record.source.enabled) == ("store", True)


async def test_a_source_comes_back_as_it_was_given(store: Store) -> None:
    given = source(
        "Odd \u202e name",
        kind=SourceKind.SITEMAP,
        interval=90.5,
        fetch_pages=False,
        redistribute=True,
        headers_env={"Authorization": "POST_TOKEN"},
    )
    await store.add_source(given)
    (record,) = await store.sources()
    assert record.source == replace(given, declared="store")


async def test_one_name_in_the_file_and_in_the_store_is_a_usage_error_that_names_it(store: Store) -> None:
    await store.add_source(source("Post"))
    with pytest.raises(UsageError, match="'Post' is in the configuration file and was made by"):
        await store.reconcile([source("Post")])
    with pytest.raises(UsageError, match="'Post' is there already"):
        await store.add_source(source("Post"))


async def test_a_declared_source_is_not_removed_but_told_where_it_is_written(store: Store) -> None:
    await store.reconcile([source("Post")])
    with pytest.raises(UsageError, match=r"'Post' is written in /etc/wiretrace\.toml"):
        await store.remove_source("Post", file="/etc/wiretrace.toml")


async def test_an_unknown_source_gets_a_suggestion(store: Store) -> None:
    await store.add_source(source("Harbour Post"))
    with pytest.raises(NotFound, match="did you mean 'Harbour Post'"):
        await store.remove_source("Habour Post")


async def test_a_removed_source_takes_its_queue_with_it(store: Store) -> None:
    await store.add_source(source("Post"))
    await store.announce("Post", [Reference("https://a.example/1")], now=NOON)
    await store.remove_source("Post")
    assert await store.sources() == []
    assert await store.lease("w", 5, per_host=5, seconds=60) == []


async def test_the_queue_of_a_disabled_source_waits_for_it(store: Store) -> None:
    await store.reconcile([source("Post")])
    await store.announce("Post", [Reference("https://a.example/1")], now=NOON)
    await store.reconcile([])
    assert await store.lease("w", 5, per_host=5, seconds=60) == []
    assert (await store.frontier_counts()).parked == 1
    await store.reconcile([source("Post")])
    assert len(await store.lease("w", 5, per_host=5, seconds=60)) == 1


async def test_polls_make_a_sources_health(store: Store, clock: StillClock) -> None:
    await store.add_source(source("Post"))
    good = PollOutcome(
        PollResult.SUCCESS, NOON, NOON + HOUR, validators=Validators("e1", None), kind=SourceKind.FEED, seen=20, new=3
    )
    await store.record_poll("Post", good)
    bad = PollOutcome(PollResult.FAILURE, NOON + HOUR, NOON + 2 * HOUR, reason="answered 500")
    await store.record_poll("Post", bad)
    await store.record_poll("Post", bad)
    record = await store.source("Post")
    assert (record.state, record.reason, record.consecutive_failures) == ("failing", "answered 500", 2)
    assert (record.last_success, record.last_polled, record.next_poll) == (NOON, NOON + HOUR, NOON + 2 * HOUR)
    assert (record.validators, record.kind) == (Validators("e1", None), SourceKind.FEED)
    assert (record.seen, record.articles, record.last_new, record.polls) == (20, 3, NOON, 3)
    later = NOON + timedelta(hours=3)
    await store.record_poll("Post", PollOutcome(PollResult.UNCHANGED, later, later + HOUR))
    record = await store.source("Post")
    assert (record.state, record.consecutive_failures, record.seen) == ("ok", 0, 20)


async def test_another_url_makes_a_sources_validators_void(store: Store) -> None:
    await store.reconcile([source("Post")])
    outcome = PollOutcome(PollResult.SUCCESS, NOON, NOON + HOUR, validators=Validators("e1", "yesterday"))
    await store.record_poll("Post", outcome)
    await store.reconcile([source("Post", url="https://harbour.example/new-feed")])
    record = await store.source("Post")
    assert (record.validators, record.next_poll, record.state) == (Validators(), None, "new")


async def test_a_poll_may_name_a_state_of_its_own(store: Store) -> None:
    await store.add_source(source("Post"))
    outcome = PollOutcome(PollResult.SUCCESS, NOON, NOON + HOUR, state="stale", reason="nothing new for a year")
    await store.record_poll("Post", outcome)
    status = await store.status()
    assert status["sources_in_trouble"] == [
        {"name": "Post", "state": "stale", "reason": "nothing new for a year", "failures": 0}
    ]


async def test_sources_are_claimed_with_their_hosts_as_they_are_then(store: Store) -> None:
    urls = {"Post": "a.example", "Mail": "a.example", "Wire": "b.example", "Sun": "c.example"}
    await store.add_sources([source(name, url=f"https://{host}/{name}") for name, host in urls.items()])
    await store.claim_host("other", "b.example", 60)
    polled = PollOutcome(PollResult.SUCCESS, NOON, NOON + HOUR, habits=Habits(as_of=NOON))
    await store.record_poll("Mail", polled)
    await store.remove_source("Sun")
    claimed = await store.claim_sources("w", urls, 60)
    assert claimed.notes.keys() == {"a.example", "c.example"}
    assert claimed.records.keys() == {"Post", "Mail", "Wire"}
    assert claimed.records["Mail"].last_polled == NOON
    assert claimed.habits == {"Post": Habits(), "Mail": Habits(as_of=NOON)}
    assert (await store.claim_sources("w", urls, 60)).notes.keys() == {"a.example", "c.example"}
    assert (await store.claim_sources("other", urls, 60)).notes.keys() == {"b.example"}


async def test_habits_and_what_is_noted_beside_them_come_back(store: Store) -> None:
    await store.add_source(source("Post", backfill=7))
    assert await store.habits("Post") == Habits()
    learned = Habits(as_of=NOON, last_news=NOON, usual_gap=60.0, room=20)
    outcome = PollOutcome(
        PollResult.SUCCESS, NOON, NOON + HOUR, habits=learned, news_a_day=24.5, hub="https://hub.example/", gap=True,
        advice="look again",
    )  # fmt: skip
    await store.record_poll("Post", outcome)
    await store.record_poll("Post", PollOutcome(PollResult.UNCHANGED, NOON, NOON + HOUR))
    record = await store.source("Post")
    assert (record.news_a_day, record.hub, record.gaps, record.advice) == (24.5, "https://hub.example/", 1, "")
    assert record.source.backfill == 7
    assert await store.habits("Post") == learned


async def test_another_url_makes_a_sources_habits_void(store: Store) -> None:
    await store.reconcile([source("Post")])
    learned = PollOutcome(PollResult.SUCCESS, NOON, NOON + HOUR, habits=Habits(as_of=NOON), news_a_day=1.0)
    await store.record_poll("Post", learned)
    await store.reconcile([source("Post", url="https://harbour.example/new-feed")])
    record = await store.source("Post")
    assert (record.last_success, record.news_a_day) == (None, None)
    assert await store.habits("Post") == Habits()


async def test_an_article_of_a_first_document_is_told_as_no_news(store: Store) -> None:
    stored = await store.store_article(page(backfill=True), None)
    await store.store_article(page("other"), None)
    told = {change.id: change.state async for change in store.changes()}
    assert told[stored.id]["backfill"] is True  # type: ignore[index]
    assert [("backfill" in (state or {})) for state in told.values()].count(True) == 1
