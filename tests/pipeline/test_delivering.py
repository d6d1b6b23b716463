"""Webhooks told over HTTP, from a real store to a real receiver on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from crawler.errors import FetchError, SettingsError
from crawler.fetch import Fetcher
from crawler.interchange import link_id
from crawler.model import LinkState, Standing
from crawler.pipeline.delivering import Courier, sender, try_webhook, webhooks_of
from crawler.settings import DatabaseSettings, FetchSettings, Settings, WebhookSettings
from crawler.store import Store
from crawler.store.webhooks import Hold
from crawler.webhooks import Event, Webhook
from tests.databases import *  # noqa: F403 - fixtures
from tests.receiver import Receiver
from tests.store.pieces import StillClock, fingerprint, linked, original, page, unlinked
from tests.test_webhooks import SECRET

FETCH = FetchSettings(allow_private=("127.0.0.0/8",), timeout=1.0)
MakeCourier = Callable[..., Awaitable[Courier]]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def sqlite_store(sqlite_url: str, clock: StillClock) -> AsyncIterator[Store]:
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as opened:
        yield opened


@pytest.fixture
async def both_stores(store_url: str, clock: StillClock) -> AsyncIterator[Store]:
    async with await Store.open(DatabaseSettings(url=store_url), clock) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest.fixture
async def fetcher(receiver: Receiver, clock: StillClock) -> AsyncIterator[Fetcher]:
    async with sender([desk(receiver)], FETCH, clock) as one:
        yield one


def desk(receiver: Receiver, **other: Any) -> Webhook:
    return Webhook(name="desk", url=other.pop("url", receiver.url()), secret=SECRET.encode(), **other)


async def courier(store: Store, fetcher: Fetcher, hook: Webhook, clock: StillClock, name: str = "w1") -> Courier:
    made = Courier(store, fetcher, [hook], clock, name, FETCH.timeout)
    await made.begin()
    return made


async def put_link(store: Store, name: str, score: float = 0.93, backfill: bool = False, **other: Any) -> str:
    wire, copy = original(), page(name, backfill=backfill)
    await store.store_article(wire, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    await store.record_decision(linked(copy, wire, score=score, **other), worker=None, reason="new")
    return link_id(copy.id, wire.id)


async def test_changes_come_signed_in_order_and_once(
    both_stores: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    await put_link(both_stores, "before the webhook was there")
    post = await courier(both_stores, fetcher, desk(receiver), clock)
    first, second = await put_link(both_stores, "a"), await put_link(both_stores, "b")
    await both_stores.judge_link(first, LinkState.CONFIRMED, "a person's word")
    await post.tell_all()
    await post.tell_all()
    assert [(one.told["event"], one.told["id"]) for one in receiver.got] == [
        ("link.new", first),
        ("link.new", second),
        ("link.confirmed", first),
    ]
    (row,) = [one for one in [one async for one in both_stores.changes()] if one.seq == receiver.got[0].told["seq"]]
    told = receiver.got[0].told
    assert (told["state"], told["reason"]) == (row.state, row.reason)
    assert told["delivery"] == receiver.got[0].id
    assert len({one.id for one in receiver.got}) == 3
    (record,) = await both_stores.webhooks()
    assert (record.delivered, record.pending, record.reason) == (3, 0, "")


async def test_after_503_all_wait_as_long_as_the_receiver_asks_and_come_in_order(
    both_stores: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(both_stores, fetcher, desk(receiver), clock)
    await put_link(both_stores, "a")
    await put_link(both_stores, "b")
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "120"})]
    await post.tell_all()
    clock.pass_by(119)
    await post.tell_all()
    assert len(receiver.got) == 1
    (record,) = await both_stores.webhooks()
    assert (record.attempts, record.reason) == (1, "answered 503")
    clock.pass_by(2)
    await post.tell_all()
    assert [one.id for one in receiver.got] == [receiver.got[0].id, receiver.got[0].id, receiver.got[2].id]
    assert receiver.events[1:] == sorted(receiver.events[1:])
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.got]
    assert stamps[1] - stamps[0] == 121  # each try is signed anew: a receiver refuses what is old


async def test_after_its_last_try_a_delivery_is_given_up_with_its_reason_and_can_be_revived(
    both_stores: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(both_stores, fetcher, desk(receiver, retries=2), clock)
    await put_link(both_stores, "a")
    await put_link(both_stores, "b")
    receiver.answers = [500, 500, 500]
    for _ in range(4):
        await post.tell_all()
        clock.pass_by(60)
    lost, arrived = receiver.got[0], receiver.got[3]
    assert [one.id for one in receiver.got] == [lost.id, lost.id, lost.id, arrived.id]
    status = await both_stores.status()
    (letter,) = status["undelivered"]
    assert (letter["webhook"], letter["event"], letter["reason"], letter["attempts"]) == (
        *("desk", "link.new", "answered 500", 3),
    )
    assert status["webhooks"][0]["dead"] == 1
    assert await both_stores.revive_letters("desk") == 1
    receiver.answers = [500]
    await post.tell_all()
    assert receiver.got[-1].id == lost.id
    assert await both_stores.revive_letters("desk") == 0  # it is on its way still
    clock.pass_by(60)
    await post.tell_all()
    assert [one.id for one in receiver.got[4:]] == [lost.id, lost.id]
    assert await both_stores.webhook_letters(9) == []


@pytest.mark.parametrize("status", [400, 410])
async def test_a_delivery_that_is_refused_for_what_it_is_holds_up_no_other(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock, status: int
) -> None:
    post = await courier(sqlite_store, fetcher, desk(receiver), clock)
    await put_link(sqlite_store, "a")
    await put_link(sqlite_store, "b")
    receiver.answers = [status]
    await post.tell_all()
    assert len(receiver.got) == 2
    assert [one.reason for one in await sqlite_store.webhook_letters(9)] == [f"answered {status}"]


async def test_a_worker_cut_off_before_it_notes_a_delivery_has_it_sent_again_under_the_same_id(
    both_stores: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    arrived = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(60)
        return web.Response()

    post = await courier(both_stores, fetcher, desk(receiver), clock)
    await put_link(both_stores, "a")
    receiver.answers = [never]
    cut_off = asyncio.create_task(post.tell_all())
    await arrived.wait()
    cut_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    await (await courier(both_stores, fetcher, desk(receiver), clock, "w2")).tell_all()
    assert [one.id for one in receiver.got] == [receiver.got[0].id] * 2
    assert (await both_stores.webhooks())[0].delivered == 1


async def test_one_worker_at_a_time_tells_a_webhook_and_another_takes_over_from_one_that_died(
    postgres_url: str, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    async with await Store.open(DatabaseSettings(url=postgres_url), clock) as store:
        first = await courier(store, fetcher, desk(receiver), clock)
        second = await courier(store, fetcher, desk(receiver), clock, "w2")
        names = [await put_link(store, str(number)) for number in range(4)]
        await asyncio.gather(first.tell_all(), second.tell_all())
        assert [one.told["id"] for one in receiver.got] == names
        assert await store.hold_webhook(Hold("desk", "one that dies", 60)) is not None
        await put_link(store, "later")
        await second.tell_all()
        assert len(receiver.got) == 4
        clock.pass_by(61)
        await second.tell_all()
        assert len(receiver.got) == 5


async def test_an_endless_answer_and_one_that_never_comes_cost_no_more_than_their_time(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 65_536)

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    post = await courier(sqlite_store, fetcher, desk(receiver), clock)
    await put_link(sqlite_store, "a")
    await put_link(sqlite_store, "b")
    receiver.answers = [endless, silent]
    began = time.monotonic()
    await post.tell_all()
    assert time.monotonic() - began < 5
    (record,) = await sqlite_store.webhooks()
    assert (record.delivered, record.attempts) == (1, 1)
    assert record.reason == "no whole answer in the time allowed"


async def test_a_redirect_is_not_followed(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(sqlite_store, fetcher, desk(receiver), clock)
    await put_link(sqlite_store, "a")
    receiver.answers = [web.Response(status=307, headers={"Location": receiver.url("/inside")})]
    await post.tell_all()
    assert [one.path for one in receiver.got] == ["/hook"]
    (letter,) = await sqlite_store.webhook_letters(9)
    assert letter.reason == "answered 307; redirects are not followed"


async def test_a_private_address_is_not_asked_unless_it_is_listed(
    sqlite_store: Store, receiver: Receiver, clock: StillClock
) -> None:
    hook = desk(receiver)
    async with sender([hook], FetchSettings(), clock) as strict:
        post = await courier(sqlite_store, strict, hook, clock)
        await put_link(sqlite_store, "a")
        await post.tell_all()
    assert receiver.got == []
    (letter,) = await sqlite_store.webhook_letters(9)
    assert "not a public address" in letter.reason


async def test_what_stood_in_a_first_document_is_told_only_once_a_person_has_judged_it(
    both_stores: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(both_stores, fetcher, desk(receiver, events=frozenset(Event)), clock)
    link = await put_link(both_stores, "old", backfill=True)
    await post.tell_all()
    # The original was delivered after that: it alone is news.
    assert [one.told["event"] for one in receiver.got] == ["article.created"]
    await both_stores.review(link, LinkState.CONFIRMED, reviewer="Morna")
    await post.tell_all()
    assert [one.told["event"] for one in receiver.got][1:] == ["link.confirmed"]
    await put_link(both_stores, "new")
    await post.tell_all()
    assert {one.told["event"] for one in receiver.got[2:]} == {"article.created", "link.new", "story.changed"}


async def test_score_standing_and_publisher_filter_what_is_retracted_as_well(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    hook = desk(receiver, min_score=0.9, standings=frozenset({Standing.OURS}), publishers=frozenset({"Tidewater Wire"}))
    post = await courier(sqlite_store, fetcher, hook, clock)
    good = await put_link(sqlite_store, "good")
    await put_link(sqlite_store, "weak", score=0.85)
    await put_link(sqlite_store, "licensed", standing=Standing.LICENSED)
    for name in ("good", "weak", "licensed"):
        await sqlite_store.record_decision(unlinked(page(name)), worker=None, reason="not any more")
    await post.tell_all()
    assert [(one.told["event"], one.told["id"]) for one in receiver.got] == [
        ("link.new", good),
        ("link.retracted", good),
    ]


async def test_a_licensed_text_leaves_only_where_its_source_allows(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(sqlite_store, fetcher, desk(receiver, events=frozenset({Event.ARTICLE_CREATED})), clock)
    await put_link(sqlite_store, "a")
    await post.tell_all()
    told = {one.told["state"]["role"]: one.told["state"] for one in receiver.got}
    assert told["origin"]["text"] == ""
    assert told["origin"]["text_hash"]
    assert told["aggregator"]["text"] == page().text


async def test_what_a_person_skips_is_never_told(
    sqlite_store: Store, receiver: Receiver, fetcher: Fetcher, clock: StillClock
) -> None:
    post = await courier(sqlite_store, fetcher, desk(receiver), clock)
    await put_link(sqlite_store, "a")
    assert await sqlite_store.skip_webhook("desk") > 0
    later = await put_link(sqlite_store, "b")
    await post.tell_all()
    assert [one.told["id"] for one in receiver.got] == [later]


async def test_a_trial_is_sent_signed_and_its_failure_hides_the_address(
    receiver: Receiver, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_SECRET", SECRET)
    table = WebhookSettings(name="desk", url=receiver.url("/hush-hush"), secret_env="DESK_SECRET")
    settings = Settings(fetch=FETCH, webhooks=(table,))
    delivery = await try_webhook(settings, "desk", clock)
    assert (receiver.got[0].id, receiver.got[0].told["event"]) == (delivery, "webhook.test")
    receiver.answers = [403]
    with pytest.raises(FetchError, match="webhook desk: answered 403") as refused:
        await try_webhook(settings, "desk", clock)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({}, "at least 20 characters in DESK_SECRET"),
        ({"DESK_SECRET": "short"}, "at least 20 characters in DESK_SECRET"),
        ({"DESK_SECRET": SECRET, "DESK_SECRET_FILE": "/nowhere"}, "got both"),
        ({"DESK_SECRET_FILE": "/nowhere"}, "a readable file in DESK_SECRET_FILE"),
        ({"DESK_SECRET": "whsec_?????????????????"}, "base64 behind whsec_"),
    ],
)
def test_a_secret_that_is_missing_or_none_is_told_without_it(environment: dict[str, str], fault: str) -> None:
    table = WebhookSettings(name="desk", url="https://desk.example/", secret_env="DESK_SECRET")
    with pytest.raises(SettingsError, match=fault) as told:
        webhooks_of(Settings(webhooks=(table,)), environment)
    assert "?????" not in str(told.value)
    assert webhooks_of(Settings(webhooks=(table.model_copy(update={"enabled": False}),)), environment) == []
