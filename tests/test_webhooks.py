"""Webhooks as data: names of events, filters, signatures, when it is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import AddressRefused, BadStatus, TimedOut
from crawler.model import Action, Change, Standing, Subject
from crawler.webhooks import (
    Event,
    Facts,
    Webhook,
    delivery_id,
    event_of,
    headers,
    is_hopeless,
    is_wanted,
    key_of,
    message,
    wait_before,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "a secret that is long enough"
HOWTO = Path(__file__).parent.parent / "docs" / "how-to" / "webhooks.md"


def change(action: Action = Action.CREATED, state: str | None = "new", subject: Subject = Subject.LINK) -> Change:
    told = {"state": state} if state is not None else None
    return Change(7, NOON, subject, action, "ab" * 16, "decided", told)


def hook(**other: Any) -> Webhook:
    return Webhook(name="desk", url="https://desk.example/", secret=b"key", **other)


@pytest.mark.parametrize(
    ("row", "before", "event"),
    [
        (change(), None, "link.new"),
        (change(Action.CHANGED), "new", "link.changed"),
        (change(Action.CHANGED, "confirmed"), "new", "link.confirmed"),
        (change(Action.CHANGED, "confirmed"), "confirmed", "link.changed"),
        (change(Action.CHANGED, "rejected"), "new", "link.rejected"),
        (change(Action.CHANGED, "new"), "confirmed", "link.changed"),
        (change(Action.CHANGED, None), None, "link.changed"),
        (change(Action.RETRACTED, None), None, "link.retracted"),
        (change(Action.MERGED, None, Subject.ARTICLE), None, "article.merged"),
        (change(Action.CREATED, None, Subject.STORY), None, "story.created"),
        (change(Action.CHANGED, None, Subject.MEMBER), None, "member.changed"),
    ],
)
def test_an_event_says_what_became_of_its_subject(row: Change, before: str | None, event: str) -> None:
    assert event_of(row, before) == Event(event)


@pytest.mark.parametrize(
    ("settings", "facts", "wanted"),
    [
        ({}, Facts(), True),
        ({}, Facts(is_old=True), False),
        ({"events": frozenset({Event.LINK_RETRACTED})}, Facts(), False),
        ({"min_score": 0.9}, Facts(score=0.9), True),
        ({"min_score": 0.9}, Facts(score=0.89), False),
        ({"min_score": 0.9}, Facts(), True),
        ({"standings": frozenset({Standing.OURS})}, Facts(standing="ours"), True),
        ({"standings": frozenset({Standing.OURS})}, Facts(standing="licensed"), False),
        ({"publishers": frozenset({"Tidewater Wire"})}, Facts(publisher="Tidewater Wire"), True),
        ({"publishers": frozenset({"Tidewater Wire"})}, Facts(publisher="Harbour Post"), False),
    ],
)
def test_a_webhook_is_told_what_its_filters_let_through(settings: dict[str, Any], facts: Facts, wanted: bool) -> None:
    assert is_wanted(hook(**settings), change(), facts) is wanted


def test_scores_and_standings_filter_links_alone() -> None:
    choosy = hook(events=frozenset(Event), min_score=0.9, standings=frozenset({Standing.OURS}))
    assert is_wanted(choosy, change(subject=Subject.ARTICLE), Facts(score=0.1, standing="licensed"))


def test_a_delivery_has_one_id_however_often_it_is_sent_and_each_webhook_and_change_its_own() -> None:
    row = change()
    ids = [delivery_id("desk", row), delivery_id("other", row), delivery_id("desk", replace(row, seq=8))]
    assert delivery_id("desk", change()) == ids[0]
    assert len(set(ids)) == 3


def shown_check() -> Any:
    """The function that the manual shows."""
    found = re.search(r"^```python\n(.*?)^```", HOWTO.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found.group(1), names)
    return names["is_ours"]


@pytest.mark.parametrize("secret", [SECRET, "whsec_" + base64.b64encode(bytes(range(32))).decode()])
def test_the_check_that_the_manual_shows_tells_ours_from_others(secret: str) -> None:
    is_ours, now = shown_check(), datetime.fromtimestamp(time.time(), UTC)
    body = message({"seq": 1}, "link.new", "msg_1", now)
    sent = headers(key_of(secret), "msg_1", body, now)
    assert is_ours(secret, sent, body)
    assert not is_ours(secret, sent, body + b" ")
    assert not is_ours(secret, {**sent, "webhook-id": "msg_2"}, body)
    assert not is_ours("another secret, as long as it", sent, body)
    late = headers(key_of(secret), "msg_1", body, datetime.fromtimestamp(time.time() - 600, UTC))
    assert not is_ours(secret, late, body)


def test_one_of_the_signatures_is_over_time_and_body_alone() -> None:
    sent = headers(b"key", "msg_1", b"{}", NOON)
    signed = hmac.new(b"key", b"%d.{}" % int(NOON.timestamp()), hashlib.sha256).digest()
    assert "v1," + base64.b64encode(signed).decode() in sent["webhook-signature"].split()


def test_half_a_character_in_a_title_is_sent_as_an_escape() -> None:
    assert json.loads(message({"title": "\ud83d"}, "link.new", "msg_1", NOON))["title"] == "\ud83d"


def test_a_key_that_is_no_base64_is_told() -> None:
    with pytest.raises(ValueError, match="base64 behind whsec_"):
        key_of("whsec_not base64 at all")


def test_the_wait_doubles_up_to_an_hour_and_is_at_least_what_the_receiver_asks() -> None:
    assert [wait_before(tries, 10, None, 1.0) for tries in (1, 2, 3, 9, 10, 99)] == [10, 20, 40, 2560, 3600, 3600]
    assert wait_before(1, 10, None, 0.0) == 5
    assert wait_before(1, 10, 600, 1.0) == 600
    assert wait_before(9, 10, 5, 1.0) == 2560


@pytest.mark.parametrize("status", [302, 400, 410, 413, 422])
def test_what_another_try_cannot_mend_is_hopeless(status: int) -> None:
    assert is_hopeless(BadStatus("https://desk.example/", status))
    assert is_hopeless(AddressRefused("https://desk.example/", "is private"))


@pytest.mark.parametrize("status", [401, 404, 408, 429, 500, 503])
def test_a_receiver_in_trouble_is_tried_again(status: int) -> None:
    assert not is_hopeless(BadStatus("https://desk.example/", status))
    assert not is_hopeless(TimedOut("https://desk.example/", "late"))
