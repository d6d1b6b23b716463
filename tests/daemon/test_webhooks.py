"""Webhooks of a run: told by the daemon's own way, from feed to receiver."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crawler import daemon
from crawler.errors import SettingsError
from crawler.model import Role
from crawler.settings import Settings, WebhookSettings
from tests.daemon.conftest import Configure
from tests.receiver import Receiver
from tests.stories import feed, page_html, story
from tests.test_webhooks import SECRET, shown_check
from tests.web import Web


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setenv("DESK_SECRET", SECRET)
    async with Receiver() as one:
        yield one


def told(settings: Settings, receiver: Receiver, **other: Any) -> Settings:
    table = WebhookSettings(name="desk", url=receiver.url(), secret_env="DESK_SECRET", **other)
    return settings.model_copy(update={"webhooks": (table,)})


def publish(site: Web, *names: str) -> None:
    for name in names:
        site.page(f"/{name}", page_html(story(name)))
    site.page("/feed", feed([(site.url(f"/{name}"), story(name)) for name in names]), media="application/rss+xml")


async def test_a_first_pass_is_silent_and_the_next_one_tells_what_came_before_it_ends(
    origin: Web, site: Web, configure: Configure, receiver: Receiver
) -> None:
    publish(site, "port-independent")
    sources = {"wire": (origin.url("/feed"), Role.ORIGIN), "site": (site.url("/feed"), Role.AGGREGATOR)}
    settings = told(configure(**sources), receiver)
    await daemon.run(settings, once=True)
    assert receiver.got == []
    publish(site, "port-independent", "ferry-spun")
    await daemon.run(settings, once=True)
    (one,) = receiver.got
    assert one.told["event"] == "link.new"
    assert one.told["state"]["rewrite"]["url"] == site.url("/ferry-spun")
    assert shown_check()(SECRET, one.headers, one.body)


async def test_a_run_without_the_secret_ends_before_it_asks_anyone(
    site: Web, configure: Configure, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_SECRET")
    settings = told(configure(site=(site.url("/feed"), Role.AGGREGATOR)), receiver)
    with pytest.raises(SettingsError, match="webhooks: desk: secret_env"):
        await daemon.run(settings, once=True)
    assert site.requests == []


@pytest.mark.full
async def test_a_run_that_is_killed_between_sending_and_noting_is_followed_by_one_that_sends_the_same(
    origin: Web, site: Web, receiver: Receiver, tmp_path: Path
) -> None:
    file = tmp_path / "wiretrace.toml"
    sources = (("wire", origin, "origin"), ("site", site, "aggregator"))
    file.write_text(
        f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path / "wire.db"}"\n'
        '[fetch]\nallow_private = ["127.0.0.0/8"]\ndelay = 0.0\nmax_age_days = 0\n[run]\nprocesses = 1\n'
        f"[[webhooks]]\nname = 'desk'\nurl = '{receiver.url()}'\nsecret_env = 'DESK_SECRET'\n"
        + "".join(
            f"[[sources]]\nname = '{name}'\nurl = '{at.url('/feed')}'\nrole = '{role}'\n" for name, at, role in sources
        ),
        encoding="utf-8",
    )
    killed: list[int] = []

    async def run() -> int:
        root = str(Path(__file__).parent.parent.parent)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crawler", "--config", str(file), "run", "--once"),
            env={**os.environ, "PYTHONPATH": root},
            stdout=asyncio.subprocess.DEVNULL,
        )
        killed[:] = [process.pid]
        return await process.wait()

    async def kill(_: web.Request) -> web.StreamResponse:
        os.kill(killed[0], signal.SIGKILL)
        return web.Response()

    publish(site, "port-independent")
    assert await run() == 0
    publish(site, "port-independent", "ferry-spun")
    receiver.answers = [kill]
    assert await run() == -signal.SIGKILL
    assert await run() == 0
    assert len(receiver.got) == 2
    assert receiver.got[0].id == receiver.got[1].id
    assert json.loads(receiver.got[1].body)["state"] == json.loads(receiver.got[0].body)["state"]
