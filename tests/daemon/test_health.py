"""The daemon's port: what Prometheus reads and what keeps a container running, asked over HTTP while a run works."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from crawler import daemon, metrics
from crawler.clock import SystemClock
from crawler.daemon.exposition import Standing, exposition
from crawler.daemon.health import HealthPort
from crawler.errors import SettingsError
from crawler.pipeline.tally import Tally
from crawler.settings import DatabaseSettings, MetricsSettings, Settings
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.web import Web

UP = {"pool_is_up": lambda: True, "stopping": lambda: False}


def series(text: str) -> dict[tuple[str, str], float]:
    """Name and label value → value."""
    return {
        (sample.name, " ".join(value for name, value in sample.labels.items() if name != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("le") in {None, "+Inf"}
    }


async def ask(port: HealthPort, path: str, method: str = "GET") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{port.address}{path}") as response,
    ):
        return response.status, await response.text()


@asynccontextmanager
async def opened(url: str, **more: object) -> AsyncIterator[HealthPort]:
    standing = Standing(Tally(), lambda: (3, 1))
    async with (
        await Store.open(DatabaseSettings(url=url), SystemClock()) as store,
        HealthPort("127.0.0.1:0", store, lambda: standing, **{**UP, **more}) as port,  # type: ignore[arg-type]
    ):
        yield port


async def test_a_process_that_can_work_is_healthy_and_ready(store_url: str) -> None:
    async with opened(store_url) as port:
        health, _ = await ask(port, "/healthz")
        ready, said = await ask(port, "/readyz")
    assert (health, ready) == (200, 200)
    assert json.loads(said) == {"status": "ok", "store": "ok", "pool": "ok", "run": "ok"}


async def test_a_process_without_a_pool_or_about_to_stop_is_not_ready_but_healthy(sqlite_url: str) -> None:
    async with opened(sqlite_url, pool_is_up=lambda: False, stopping=lambda: True) as port:
        health, _ = await ask(port, "/healthz")
        ready, said = await ask(port, "/readyz")
    assert (health, ready) == (200, 503)
    assert json.loads(said)["pool"] == "no worker process stands yet"
    assert json.loads(said)["run"] == "is stopping"


async def test_a_store_of_another_schema_is_told_by_readyz(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(sqlite_url) as port:
        monkeypatch.setattr(Store, "known_revision", staticmethod(lambda: "9999"))
        ready, said = await ask(port, "/readyz")
    assert ready == 503
    assert "this program knows 9999" in json.loads(said)["store"]


async def test_workers_without_a_sign_of_life_are_unhealthy(sqlite_url: str) -> None:
    async with opened(sqlite_url) as port:
        metrics.HEARTBEAT.at = time.monotonic() - 1_000
        health, said = await ask(port, "/healthz")
        metrics.HEARTBEAT.beat()
        again, _ = await ask(port, "/healthz")
    assert (health, again) == (503, 200)
    assert "no sign of life for 1000 seconds" in said


async def test_only_reading_is_answered_and_only_three_paths(sqlite_url: str) -> None:
    async with opened(sqlite_url) as port:
        answers = [await ask(port, "/metrics", "POST"), await ask(port, "/"), await ask(port, "/readyz", "HEAD")]
    assert [status for status, _ in answers] == [405, 404, 200]


async def test_the_store_is_asked_by_readyz_at_most_once_in_two_seconds(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    answer = Store.current_revision

    async def counted(store: Store) -> str | None:
        nonlocal asked
        asked += 1
        return await answer(store)

    monkeypatch.setattr(Store, "current_revision", counted)
    async with opened(sqlite_url) as port:
        await asyncio.gather(*(ask(port, "/readyz") for _ in range(10)))
    assert asked == 1


async def test_an_address_in_use_is_told_as_a_fault_of_the_setting(sqlite_url: str) -> None:
    async with opened(sqlite_url) as port, await Store.open(DatabaseSettings(url=sqlite_url), SystemClock()) as store:
        second = HealthPort(port.address, store, lambda: Standing(Tally(), lambda: (0, 0)), **UP)  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match=r"metrics\.listen: expected a free address"):
            async with second:
                pass


async def test_a_run_tells_what_it_did(origin: Web, site: Web, configure: Configure) -> None:
    settings = configure(wire=(origin.url("/feed"), "origin"), site=(site.url("/feed"), "aggregator"))
    before = series(exposition(Standing(Tally(), lambda: (0, 0))).decode())
    result = await daemon.run(settings, once=True)
    after = series(exposition(Standing(result.tally, lambda: (0, 0))).decode())

    def grown(name: str, label: str = "") -> float:
        return after.get((name, label), 0.0) - before.get((name, label), 0.0)

    assert grown("wiretrace_pages_stored_total", "new") == 3
    assert grown("wiretrace_polls_total", "success") == 2
    assert grown("wiretrace_links_total", "rewrite") == 1
    assert grown("wiretrace_decisions_total", "linked") >= 1
    assert grown("wiretrace_requests_total", "2xx") >= 4
    assert grown("wiretrace_fetch_seconds_count") == grown("wiretrace_requests_total", "2xx") + grown(
        "wiretrace_requests_total", "4xx"
    )
    assert grown("wiretrace_received_bytes_total") > 1_000
    assert grown("wiretrace_pool_seconds_count", "read_page") == 2
    assert grown("wiretrace_pool_seconds_sum", "read_page") > 0
    assert grown("wiretrace_store_seconds_count", "write") > 3


async def test_a_daemon_answers_on_its_port_while_it_works(
    origin: Web, configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    settings = configure(wire=(origin.url("/feed"), "origin"))
    settings = settings.model_copy(update={"metrics": MetricsSettings(listen="0")})
    caplog.set_level("INFO", "crawler")
    running = asyncio.create_task(daemon.run(settings, once=False))
    try:
        text, found = "", {}
        async with asyncio.timeout(15), aiohttp.ClientSession() as session:
            while found.get(("wiretrace_frontier_pages", "done"), found.get(("wiretrace_workers", ""))) is None:
                await asyncio.sleep(0.05)
                told = [one.getMessage() for one in caplog.records if "metrics and health on" in one.getMessage()]
                if told:
                    async with session.get(told[0].split()[-1] + "metrics") as response:
                        text = await response.text()
                    found = series(text)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert ("process_resident_memory_bytes", "") in found
    assert set(metrics.FAMILIES) <= {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")} | {
        # counters are named with their ending in this format
        line.split()[2].removesuffix("_total")
        for line in text.splitlines()
        if line.startswith("# HELP")
    }


async def test_a_scheduled_job_does_without_a_port_that_is_taken(
    origin: Web, configure: Configure, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings: Settings = configure(wire=(origin.url("/feed"), "origin"))
    async with opened(sqlite_url) as port:
        settings = settings.model_copy(update={"metrics": MetricsSettings(listen=port.address)})
        result = await daemon.run(settings, once=True)
        assert result.tally.new == 1
        assert "no metrics of this job" in caplog.text
        with pytest.raises(SettingsError):
            await daemon.run(settings, once=False)


def test_values_of_a_label_are_bounded_whatever_comes() -> None:
    family = metrics.Family("wiretrace_test", metrics.Kind.COUNTER, "of a test", "word")
    counted = metrics.Counted(family)
    for number in range(1_000):
        counted.add(f"word {number}")
    assert len(counted.values) == metrics.MOST_LABELS + 1
    assert counted.values[metrics.OTHER] == 1_000 - metrics.MOST_LABELS


def test_a_histogram_counts_each_time_below_its_bound() -> None:
    family = metrics.Family("wiretrace_test_seconds", metrics.Kind.HISTOGRAM, "of a test")
    timed = metrics.Timed(family, (0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        timed.observe(seconds)
    assert timed.spreads[""].counts == [2, 1, 1]
    assert timed.greatest == 7.0
