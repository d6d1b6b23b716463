"""`wiretrace webhooks`: how each stands, what was given up, and its way back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from crawler.clock import SystemClock
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.store.webhooks import Hold, Letter
from tests.cli.conftest import Wiretrace
from tests.store.pieces import NOON, original

TABLES = """[[webhooks]]
name = "desk"
url = "http://127.0.0.1:1/hush-hush"
secret_env = "DESK_SECRET"

[[webhooks]]
name = "quiet"
url = "https://quiet.example/"
secret_env = "QUIET_SECRET"
enabled = false
"""


@pytest.fixture
def given_up(tmp_path: Path) -> None:
    """One delivery that was given up, and one row of the log behind it."""
    (tmp_path / "wiretrace.toml").write_text(TABLES, encoding="utf-8")

    async def work() -> None:
        settings = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wiretrace.db'}")
        async with await Store.open(settings, SystemClock()) as store:
            await store.know_webhooks(["desk"])
            await store.store_article(original("a"), None)
            await store.store_article(original("b"), None)
            hold = Hold("desk", "w", 60)
            await store.hold_webhook(hold)
            letter = Letter("desk", 1, "article.created", "ab" * 16, NOON, 13, "answered 503")
            await store.note_webhook(hold, 1, reason="answered 503", letter=letter)

    asyncio.run(work())


@pytest.mark.usefixtures("given_up")
def test_status_and_list_tell_how_each_webhook_stands_and_why_what_failed_without_its_address(
    wiretrace: Wiretrace,
) -> None:
    status = json.loads(wiretrace("status", "--json").out)
    listed = json.loads(wiretrace("webhooks", "list", "--json").out)
    for told in (status, listed):
        assert (told["webhooks"][0]["name"], told["webhooks"][0]["dead"], told["webhooks"][0]["pending"]) == (
            *("desk", 1, 1),
        )
        assert [one["reason"] for one in told["undelivered"]] == ["answered 503"]
    assert [(one["name"], one["state"]) for one in listed["webhooks"]] == [("desk", "enabled"), ("quiet", "disabled")]
    for shown in (wiretrace("status").out, wiretrace("webhooks", "list").out):
        assert "answered 503" in shown
        assert "hush" not in shown


@pytest.mark.usefixtures("given_up")
def test_retry_revives_what_was_given_up_once(wiretrace: Wiretrace) -> None:
    assert "1 deliveries" in wiretrace("webhooks", "retry", "desk").err
    assert "0 deliveries" in wiretrace("webhooks", "retry").err
    assert json.loads(wiretrace("webhooks", "list", "--json").out)["webhooks"][0]["revived"] == 1
    ran = wiretrace("webhooks", "retry", "nobody")
    assert ran.code == 1
    assert "'nobody': not known" in ran.err


@pytest.mark.usefixtures("given_up")
def test_skip_leaves_out_what_was_not_told(wiretrace: Wiretrace) -> None:
    assert "1 rows of the change log are left out of desk" in wiretrace("webhooks", "skip", "desk").err
    assert json.loads(wiretrace("status", "--json").out)["webhooks"][0]["pending"] == 0


@pytest.mark.usefixtures("given_up")
def test_a_trial_that_fails_ends_with_its_reason(wiretrace: Wiretrace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "DESK_SECRET" in (unset := wiretrace("webhooks", "test", "desk")).err
    assert unset.code == 2
    monkeypatch.setenv("DESK_SECRET", "a secret that is long enough")
    ran = wiretrace("webhooks", "test", "desk")
    assert ran.code == 1
    assert "webhook desk: " in ran.err
    assert "not a public address" in ran.err
    assert "hush" not in ran.err


def test_without_webhooks_the_list_says_where_they_are_named(wiretrace: Wiretrace) -> None:
    assert "[[webhooks]]" in wiretrace("webhooks", "list").err
