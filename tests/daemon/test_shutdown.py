"""Stopping and dying: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from crawler import settings
from crawler.clock import SystemClock
from crawler.store import Store
from tests.stories import feed, page_html, story
from tests.web import Seen, Web, response

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]

ARTICLES = ("ferry-spun", "pump-spun", "central-spun", "port-severe", "dam-severe", "dc-spun")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    return tmp_path / "wiretrace.toml"


@pytest.fixture
async def site(configuration: Path) -> Any:
    """Six articles; each page takes a while, so that a signal falls between them."""
    async with Web("127.0.0.4") as web:

        def slowly(body: str) -> Callable[[Seen, asyncio.StreamWriter], Awaitable[bool]]:
            async def answer(_: Seen, writer: asyncio.StreamWriter) -> bool:
                await asyncio.sleep(0.4)
                writer.write(response(body))
                await writer.drain()
                return True

            return answer

        for name in ARTICLES:
            web.handler(f"/{name}", slowly(page_html(story(name))))
        items = [(web.url(f"/{name}"), story(name)) for name in ARTICLES]
        web.page("/feed", feed(items), media="application/rss+xml")
        configuration.write_text(
            f'[database]\nurl = "sqlite+aiosqlite:///{configuration.parent / "wire.db"}"\n'
            '[fetch]\nallow_private = ["127.0.0.0/8"]\ndelay = 0.0\nmax_age_days = 0\nper_host = 1\n'
            "[run]\nprocesses = 1\n"
            f'[[sources]]\nname = "site"\nurl = "{web.url("/feed")}"\nrole = "aggregator"\n',
            encoding="utf-8",
        )
        yield web


@pytest.fixture
async def start(configuration: Path) -> Any:
    """Starts `wiretrace ARGUMENTS` as a process; what still runs at the end of the test is ended."""
    started: list[asyncio.subprocess.Process] = []

    async def one(*arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crawler", "--config", str(configuration), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")},
        )  # fmt: skip
        started.append(process)
        return process

    yield one
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def seen(site: Web, pages: int) -> None:
    """Until the site was asked for so many articles."""
    async with asyncio.timeout(60):
        while sum(path.strip("/") in ARTICLES for path in site.paths()) < pages:
            await asyncio.sleep(0.02)


async def stored(configuration: Path) -> list[dict[str, Any]]:
    async with await Store.open(settings.load(configuration).database, SystemClock()) as store:
        return [dict(row) async for row in store.export_articles()]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.full)]
)
async def test_a_signal_ends_the_daemon_cleanly_and_what_it_had_is_stored(
    site: Web, start: Start, configuration: Path, number: int, code: int
) -> None:
    process = await start("run")
    await seen(site, 2)
    # Its workers stand by now: to start them alone can take longer than a stop may on a busy machine.
    async with asyncio.timeout(60):
        while not await stored(configuration):
            await asyncio.sleep(0.05)
    process.send_signal(number)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == code, err.decode()
    assert b"sources=1" in out
    assert b"Traceback" not in err
    asked = {path.strip("/") for path in site.paths()} & set(ARTICLES)
    assert {row["title"] for row in await stored(configuration)} == {story(name).title for name in asked}


@pytest.mark.full
async def test_a_killed_run_is_taken_up_by_the_next(site: Web, start: Start, configuration: Path) -> None:
    process = await start("run", "--once")
    await seen(site, 3)
    process.kill()
    await process.communicate()
    again = await start("run", "--once")
    _, err = await again.communicate()
    assert again.returncode == 0, err.decode()
    rows = await stored(configuration)
    assert sorted(row["title"] for row in rows) == sorted(story(name).title for name in ARTICLES)


@pytest.mark.full
async def test_a_second_daemon_on_one_file_is_refused(site: Web, start: Start) -> None:
    first = await start("run")
    await seen(site, 1)
    second = await start("run")
    _, err = await second.communicate()
    assert second.returncode == 1
    assert b"another `wiretrace run`" in err
    scheduled = await start("run", "--once")
    _, err = await scheduled.communicate()
    assert scheduled.returncode == 0
    assert err.count(b"\n") == 1
    assert first.returncode is None


@pytest.mark.full
async def test_a_daemon_whose_fetches_hang_ends_within_ten_seconds_and_gives_back_what_it_had(
    site: Web, start: Start, configuration: Path
) -> None:
    async def never(_: Seen, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
        await writer.drain()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)
        return False

    for name in ARTICLES:
        site.handler(f"/{name}", never)
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace("[run]\n", "[run]\ndrain_timeout = 5.0\n"), encoding="utf-8")
    process = await start("run")
    await seen(site, 1)
    began = asyncio.get_running_loop().time()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        await process.wait()
        took = asyncio.get_running_loop().time() - began
        _, err = await process.communicate()
    assert took < 10.0
    assert process.returncode == 143, err.decode()
    async with await Store.open(settings.load(configuration).database, SystemClock()) as store:
        counts = await store.frontier_counts()
        assert (counts.leased, counts.due) == (0, len(ARTICLES))
        assert await store.workers() == []
