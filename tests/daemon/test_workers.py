"""Several workers on one store: a host hears of them as of one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from sqlalchemy.engine import make_url

from crawler import daemon, urls
from crawler.clock import SystemClock
from crawler.model import Reference, Role
from crawler.pipeline.hosts import HostDesk
from crawler.settings import DatabaseSettings, Settings
from crawler.store import HostNote, PollOutcome, SourceRecord, Store
from tests.daemon.conftest import Configure
from tests.stories import feed, page_html, story
from tests.web import Web

PAGES = ("ferry-spun", "pump-spun", "central-spun", "port-severe", "dam-severe", "dc-spun")
DELAY = 1.0


@pytest.fixture
async def sites() -> AsyncIterator[Sequence[Web]]:
    """Two hosts, each with a feed of six pages."""
    async with Web("127.0.0.5") as one, Web("127.0.0.6") as other:
        for web in (one, other):
            for name in PAGES:
                web.page(f"/{name}", page_html(story(name)))
            items = [(web.url(f"/{name}"), story(name)) for name in PAGES]
            web.page("/feed", feed(items), media="application/rss+xml")
        yield one, other


def politely(settings: Settings, delay: float) -> Settings:
    return settings.model_copy(update={"fetch": settings.fetch.model_copy(update={"delay": delay})})


@pytest.mark.full
async def test_delays_of_two_hosts_hold_over_four_workers(
    sites: Sequence[Web], configure: Configure, postgres_url: str
) -> None:
    sources = {f"site{number}": (web.url("/feed"), Role.AGGREGATOR) for number, web in enumerate(sites)}
    settings = politely(configure(database=postgres_url, **sources), DELAY)
    results = await asyncio.gather(*(daemon.run(settings, once=True) for _ in range(4)))
    for web in sites:
        times = sorted(seen.at for seen in web.requests)
        # The gate spaces the starts; what the web sees of a single one is late by as much as this machine is busy.
        assert times[-1] - times[0] > DELAY * (len(times) - 1) - 0.5
        assert min(later - earlier for earlier, later in pairwise(times)) > DELAY / 4
        assert sorted(path for path in web.paths() if path.strip("/") in PAGES) == sorted(f"/{name}" for name in PAGES)
        assert web.count("/feed") == 1
    assert sum(result.tally.new for result in results) == 12


async def test_one_pass_waits_for_pages_whose_host_another_worker_is_about_to_leave(
    sites: Sequence[Web], configure: Configure, postgres_url: str
) -> None:
    announcing, holding = sites
    items = [(holding.url(f"/{name}"), story(name)) for name in PAGES[:2]]
    announcing.page("/elsewhere", feed(items), media="application/rss+xml")
    settings = configure(database=postgres_url, site=(announcing.url("/elsewhere"), Role.AGGREGATOR))
    host = urls.host_of(holding.url("/"))
    async with await Store.open(settings.database, SystemClock()) as store:
        assert await store.claim_host("another", host, 60.0) is not None
        running = asyncio.create_task(daemon.run(settings, once=True))
        while not announcing.count("/elsewhere"):
            await asyncio.sleep(0.05)
        await asyncio.sleep(2.0)
        assert not running.done()
        await store.let_hosts_go("another", {host: HostNote()})
        assert (await running).tally.new == 2


async def test_a_host_is_kept_until_what_its_source_told_is_written_down(
    site: Web, configure: Configure, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.daemon.crew.TEND_SECONDS", 0.02)
    monkeypatch.setattr("crawler.pipeline.hosts.LINGER", 0.05)
    site.page("/feed", feed([]), media="application/rss+xml")
    settings = configure(database=sqlite_url, site=(site.url("/feed"), Role.AGGREGATOR))
    plain, given = Store.record_poll, []

    async def slow(store: Store, name: str, outcome: PollOutcome) -> SourceRecord | None:
        await asyncio.sleep(0.5)
        # Another worker that had the host now would find the source not polled, and poll it once more.
        given.append(await store.claim_host("another", urls.host_of(site.url("/")), 60.0))
        return await plain(store, name, outcome)

    monkeypatch.setattr(Store, "record_poll", slow)
    await daemon.run(settings, once=True)
    assert given == [None]


async def test_a_hold_is_kept_by_the_next_run(site: Web, configure: Configure, store_url: str) -> None:
    site.page("/spun", status=429, headers={"Retry-After": "900"})
    site.page("/feed", feed([(site.url("/spun"), story("ferry-spun"))]), media="application/rss+xml")
    settings = configure(database=store_url, site=(site.url("/feed"), Role.AGGREGATOR))
    first = await daemon.run(settings, once=True)
    assert first.tally.failed == {"status-429": 1}
    asked = len(site.requests)
    second = await daemon.run(settings, once=True)
    assert second.tally.source_failures == {"host-held-back": 1}
    assert len(site.requests) == asked


async def test_a_crawl_delay_is_kept_by_the_next_run(site: Web, configure: Configure, sqlite_url: str) -> None:
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: 2\n", media="text/plain")
    site.page("/feed", feed([]), media="application/rss+xml")
    settings = configure(database=sqlite_url, site=(site.url("/feed"), Role.AGGREGATOR))
    await daemon.run(settings, once=True)
    await daemon.run(settings, once=True)
    polls = [seen.at for seen in site.requests if seen.path == "/feed"]
    assert polls[1] - polls[0] >= 1.9


async def test_work_that_another_process_puts_into_the_store_is_taken_up_without_a_look(
    site: Web, configure: Configure, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.daemon.crew.UNHEARD_SECONDS", 60.0)
    monkeypatch.setattr("crawler.daemon.crew.IDLE_SECONDS", 60.0)
    settings = configure(database=postgres_url, site=(site.url("/nothing"), Role.AGGREGATOR))
    running = asyncio.create_task(daemon.run(settings, once=False))
    async with await Store.open(settings.database, SystemClock()) as store, asyncio.timeout(20):
        while not site.count("/nothing"):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.5)  # the feed's host is let go, and all workers wait for a bell
        await store.announce("site", [Reference(site.url("/spun"))], now=SystemClock().now())
        while not site.count("/spun"):
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_share_of_the_hosts_is_left_to_the_others(store_url: str) -> None:
    clock = SystemClock()
    async with await Store.open(DatabaseSettings(url=store_url), clock) as store:
        pages = [Reference(f"https://{host}.example/{page}") for host in range(10) for page in range(3)]
        await store.announce("s", pages, now=clock.now())
        desks = [HostDesk(store, name, clock, 60.0) for name in ("one", "two")]
        for desk in desks:
            await store.heartbeat(desk.worker)
            desk._most = await store.hosts_for_each()
        assert desks[1]._most == 5
        desks[0]._most = None
        got = [await desk.lease(99, per_host=1, exclude_hosts=(), sources=None) for desk in desks]
        assert [len(entries) for entries in got] == [10, 0]  # the first was alone
        desks[0]._most = 5
        again = await desks[0].lease(99, per_host=9, exclude_hosts=(), sources=None)
        assert {entry.host for entry in again} == {f"{host}.example" for host in range(5)}


async def test_a_page_that_was_in_hand_whenever_workers_died_is_given_up(
    site: Web, configure: Configure, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.daemon.crew.MOST_LOSSES", 2)
    settings = configure(database=sqlite_url, site=(site.url("/feed"), Role.AGGREGATOR))
    async with await Store.open(settings.database, SystemClock()) as store:
        await store.announce("site", [Reference(site.url("/spun"))], now=SystemClock().now())
        for _ in range(2):
            await store.lease("dead", 1, per_host=1, seconds=60)
            await store.reclaim()
    result = await daemon.run(settings, once=True)
    assert result.tally.failed == {"worker-lost": 1}
    assert site.count("/spun") == 0
    assert site.count("/other") == 1


class Relay:
    """The way to a PostgreSQL server, which can be cut."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._socket = f"{self._url.query['host']}/.s.PGSQL.5432"
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return self._url.set(host="127.0.0.1", port=self.port, query={}).render_as_string(hide_password=False)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, here}
        await asyncio.gather(self._pass(reader, here), self._pass(there, writer))

    @staticmethod
    async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        sink.close()


@pytest.mark.full
async def test_a_database_that_is_away_for_a_while_ends_no_run(
    site: Web, configure: Configure, postgres_url: str
) -> None:
    relay = Relay(postgres_url)
    await relay.open()
    settings = configure(database=relay.url, site=(site.url("/nothing"), Role.AGGREGATOR))
    running = asyncio.create_task(daemon.run(settings, once=False))
    async with asyncio.timeout(60):
        while not site.count("/nothing"):
            await asyncio.sleep(0.05)
        await relay.cut()
        await asyncio.sleep(4)
        assert not running.done()
        await relay.open()
        async with await Store.open(DatabaseSettings(url=postgres_url), SystemClock()) as store:
            await store.announce("site", [Reference(site.url("/spun"))], now=SystemClock().now())
        while not site.count("/spun"):
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await relay.cut()
