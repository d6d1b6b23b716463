from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from crawler.clock import SystemClock
from crawler.errors import FetchError, SettingsError, StoreError
from crawler.fetch import factiva
from crawler.fetch.factiva import StreamAccess, StreamRefused
from crawler.jobs.importing import ImportReport, import_originals
from crawler.jobs.streaming import stream_factiva
from crawler.settings import DatabaseSettings, Settings
from crawler.store import Store
from tests.jobs.pubsub import KEY, SUBSCRIPTION, FakeSubscription, VendorApi, served
from tests.originals.test_factiva import MORNING_MS, message, row


class Quick(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/wiretrace.db"))


@pytest.fixture(scope="module")
def made_api() -> VendorApi:
    return VendorApi()


@pytest.fixture
def api(made_api: VendorApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VendorApi, StreamAccess]]:
    """The vendor's API as it was made, and access to it."""
    api = VendorApi.__new__(VendorApi)
    api.__dict__.update({**made_api.__dict__, "asked": []})
    with api.served() as url:
        yield api, StreamAccess(SUBSCRIPTION, {"user-key": KEY}, url)


@contextlib.contextmanager
def subscribed(subscription: FakeSubscription, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with served(subscription) as place:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", place)
        yield


async def taken(settings: Settings, access: StreamAccess, **options: Any) -> ImportReport:
    report = ImportReport()
    await stream_factiva(settings, access, clock=Quick(), report=report, once=True, processes=0, **options)
    return report


async def stored(settings: Settings) -> dict[str, str]:
    async with await Store.open(settings.database, SystemClock()) as store:
        return {str(one["url"]): f"{one['title']} {one['text']}" async for one in store.export_articles()}


def events(count: int) -> list[dict[str, Any]]:
    """Stories with new versions and deletions, and a source that goes."""
    found: list[dict[str, Any]] = []
    for number in range(count):
        known = {"an": f"A{number}", "source_code": f"S{number % 3}", "action": "add"}
        first = row(**known, title=f"Quay {number} closes", modification_datetime=MORNING_MS + number)
        found.append(first)
        if number % 2:
            found.append(
                {**first, "action": "rep", "title": f"Quay {number} opens", "modification_datetime": MORNING_MS + 9_000}
            )
        if number % 5 == 0:
            found.append({"an": f"A{number}", "action": "del", "modification_datetime": MORNING_MS + 9_500})
    found.append({"event_type": "source_delete", "source_code": "S2", "modification_datetime": MORNING_MS + 9_900})
    return found


async def test_messages_that_come_twice_and_in_any_order_give_the_store_that_one_file_gives(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = events(24)
    subscription = FakeSubscription(seed=7, lost=0.4)
    shuffled = [*told]
    random.Random(3).shuffle(shuffled)
    while shuffled:  # every element of a message counts
        part, shuffled = shuffled[:3], shuffled[3:]
        subscription.publish(message(*part))
    with subscribed(subscription, monkeypatch):
        report = await taken(settings, api[1])
    assert subscription.waiting == 0
    assert subscription.handed_out > len(subscription.acknowledged)
    assert report.faults == 0
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in told))
    beside = Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/beside.db"))
    await import_originals(beside, [lines], clock=Quick(), processes=0)
    expected = await stored(beside)
    assert 5 < len(expected) < 24
    assert await stored(settings) == expected


async def test_a_message_is_acknowledged_only_when_what_it_says_is_committed(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = FakeSubscription()
    subscription.publish(message(row()))

    async def full(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full")

    with subscribed(subscription, monkeypatch):
        with monkeypatch.context() as broken:
            broken.setattr(Store, "store_deliveries", full)
            with pytest.raises(StoreError, match="the disk is full"):
                await taken(settings, api[1])
        assert (subscription.handed_out > 0, subscription.acknowledged) == (True, [])
        report = await taken(settings, api[1])
    assert report.as_json()["created"] == 1
    assert subscription.acknowledged == ["m0"]


async def test_a_bad_element_is_one_line_and_the_rest_of_its_message_goes_in(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subscription = FakeSubscription()
    subscription.publish(message(row(an="A1"), row(an=""), row(an="A3")))
    subscription.publish(b'{"data": [')
    subscription.publish(b"\xff")
    said: list[str] = []
    with subscribed(subscription, monkeypatch):
        report = await taken(settings, api[1], on_fault=lambda fault: said.append(str(fault)), rejects=tmp_path / "bad")
    assert (report.as_json()["created"], subscription.waiting) == (2, 0)
    assert set(said) == {
        "factiva/m0:2: an: expected an accession number",
        "factiva/m1:1: expected a JSON object, expecting value at character 11",
        "factiva/m2:1: expected UTF-8, got the byte 0xff at place 1",
    }
    kept = [json.loads(one) for one in (tmp_path / "bad").read_text().splitlines()]
    assert {one["message"] for one in kept} == {"m0", "m1", "m2"}
    assert {"message": "m1", "data": '{"data": ['} in kept


async def test_an_order_to_delete_without_a_time_has_that_of_its_message(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = FakeSubscription()
    subscription.publish(message({"an": "A1", "action": "del"}))  # published an hour after the story was
    subscription.publish(message(row(an="A1")))
    with subscribed(subscription, monkeypatch):
        await taken(settings, api[1])
    assert await stored(settings) == {}


async def test_a_subscription_that_is_down_at_times_is_tried_again(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = FakeSubscription(down=0.5)
    for number in range(10):
        subscription.publish(message(row(an=f"A{number}")))
    report = ImportReport()
    with subscribed(subscription, monkeypatch):
        work = asyncio.create_task(stream_factiva(settings, api[1], clock=Quick(), report=report, processes=0))
        while subscription.waiting and not work.done():
            await asyncio.sleep(0.01)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    assert subscription.waiting == 0
    assert report.as_json()["created"] == 10


async def test_once_a_subscription_that_is_down_is_the_end(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch
) -> None:
    with subscribed(FakeSubscription(down=1.0), monkeypatch), pytest.raises(FetchError, match="ServiceUnavailable"):
        await taken(settings, api[1])


@pytest.mark.parametrize("status", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED])
async def test_a_subscription_that_is_refused_is_one_line(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch, status: grpc.StatusCode
) -> None:
    subscription = FakeSubscription()
    subscription.refusal = status
    with subscribed(subscription, monkeypatch), pytest.raises(StreamRefused, match="the subscription is refused"):
        await stream_factiva(settings, api[1], clock=Quick(), report=ImportReport(), processes=0)


async def test_the_key_is_sent_to_the_api_alone(
    settings: Settings, api: tuple[VendorApi, StreamAccess], monkeypatch: pytest.MonkeyPatch
) -> None:
    with subscribed(FakeSubscription(), monkeypatch):
        await taken(settings, api[1])
    asked = api[0].asked[0]
    assert (asked["path"], asked["user-key"]) == ("/sns-accounts/streaming-credentials", KEY)
    assert KEY not in repr(api[1])


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"", "the key is refused"),
        (302, b"", "answered 302"),
        (503, b"", "answered 503"),
        (200, b"{", "expected streaming credentials"),
        (200, b'{"data": null}', "expected streaming credentials"),
        (200, b"[" * 90_000, "expected streaming credentials"),
        (200, b" " * 3_000_000, "expected streaming credentials"),
        (200, json.dumps({"data": {"attributes": {"streaming_credentials": "{}"}}}).encode(), "name no project"),
        (
            200,
            json.dumps({"data": {"attributes": {"streaming_credentials": '{"project_id": "p"}'}}}).encode(),
            "are no service account",
        ),
    ],
)
async def test_an_api_that_gives_no_credentials_is_one_line_without_the_key(
    settings: Settings, api: tuple[VendorApi, StreamAccess], status: int, body: bytes, reason: str
) -> None:
    api[0].status, api[0].body, api[0].location = status, body, "http://127.0.0.1:1/elsewhere"
    with pytest.raises(FetchError) as caught:
        await taken(settings, api[1])
    assert reason in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(api[0].asked) == 1  # a redirect is not followed


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "FACTIVA_STREAM_SUBSCRIPTION_ID: expected the id of the subscription, is not set"),
        ({factiva.SUBSCRIPTION: "s"}, "FACTIVA_USERKEY: expected the account's key"),
        ({factiva.SUBSCRIPTION: "s", "FACTIVA_USERKEY_FILE": "gone"}, "FACTIVA_USERKEY_FILE: expected a readable file"),
        ({factiva.SUBSCRIPTION: "s", factiva.USER_KEY: "a\nb"}, "FACTIVA_USERKEY: expected one line of ASCII"),
        (
            {factiva.SUBSCRIPTION: "s", factiva.USER_KEY: "k", "FACTIVA_USERKEY_FILE": "f"},
            "FACTIVA_USERKEY: expected the value or the file that holds it, got both",
        ),
        (
            {factiva.SUBSCRIPTION: "s", factiva.USER_KEY: "k", factiva.HOST: "http://api.example"},
            "FACTIVA_API: expected https://HOST",
        ),
    ],
)
def test_a_variable_that_is_wrong_is_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        StreamAccess.of(environment)
    assert said in str(caught.value)


def test_a_key_may_come_from_a_file_and_a_token_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    environment = {"FACTIVA_USERKEY_FILE": str(tmp_path / "key")}
    assert StreamAccess.of(environment, "s").headers == {"user-key": KEY}
    assert StreamAccess.of({**environment, factiva.TOKEN: "t"}, "s").headers == {"Authorization": "Bearer t"}
