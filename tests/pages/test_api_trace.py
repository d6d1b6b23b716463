from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from crawler.clock import SystemClock
from crawler.jobs.importing import import_originals
from crawler.jobs.tracing import trace
from crawler.model import RawDocument
from crawler.pipeline.cpu import CpuPool
from crawler.settings import DatabaseSettings, FetchSettings, LinkSettings, RunSettings, Settings
from crawler.store import Store
from crawler.web.api import tracing
from crawler.web.api.rate import Rate
from crawler.web.app import create_app
from crawler.web.guard import Guard, everybody_is
from tests.pages.api import Program
from tests.stories import page_html, story
from tests.web import Web

HERE = "127.0.0.2"
PAGE = "https://mirror.example/ferry"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store with the original of the ferry's story. No test writes into it."""
    folder = tmp_path_factory.mktemp("traced")
    delivery = folder / "wire.txt"
    delivery.write_text(f"{story('ferry-original').title}\n\n{story('ferry-original').text}\n")
    settings = Settings(
        database=DatabaseSettings(url=f"sqlite+aiosqlite:///{folder / 'wire.db'}"), run=RunSettings(processes=1)
    )
    work = import_originals(settings, [delivery], clock=SystemClock(), publisher="The Wall Street Journal")
    asyncio.run(work)
    return settings


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with Web(HERE) as made:
        yield made


@pytest.fixture
async def tracer(held: Settings, web: Web) -> AsyncIterator[Program]:
    rules = FetchSettings(allow_private=(HERE,), allow_ports=(web.port,), delay=0.0, timeout=5.0)
    async with (
        await Store.open(held.database, SystemClock()) as store,
        CpuPool(LinkSettings(), (), processes=0) as cpu,
        TestServer(create_app(store, cpu, Guard(everybody_is("Morna")), fetch=rules)) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Program(session, str(server.make_url("")).rstrip("/"), store)


async def test_html_is_traced_as_the_command_traces_it(tracer: Program, held: Settings) -> None:
    html = page_html(story("ferry-spun"))
    told = (await tracer.post(f"/trace?url={PAGE}", html, "text/html; charset=utf-8")).body
    document = RawDocument(url=PAGE, body=html.encode(), media_type="text/html", charset="utf-8")
    expected = json.loads(json.dumps((await trace(held, document, clock=SystemClock())).as_json()))
    assert told["link"]["original"]["title"] == story("ferry-original").title
    for name in ("fetched", "first_seen"):
        del told[name], expected[name]
    del told["link"]["decided"], expected["link"]["decided"]
    assert told == expected


async def test_plain_text_is_traced_without_an_address(tracer: Program) -> None:
    text = f"{story('ferry-spun').title}\n\n{story('ferry-spun').text}"
    told = (await tracer.post("/trace", text, "text/plain; charset=utf-8")).body
    assert told["link"]["relation"] in {"rewrite", "copy"}


async def test_what_is_traced_is_not_stored(tracer: Program) -> None:
    before = await tracer.all("/articles")
    await tracer.post("/trace", page_html(story("ferry-spun")), "text/html")
    assert await tracer.all("/articles") == before


async def test_a_url_is_fetched_and_traced(tracer: Program, web: Web) -> None:
    url = web.page("/ferry", page_html(story("ferry-spun")))
    told = (await tracer.post("/trace", {"url": url})).body
    assert told["url"] == url
    assert told["link"] is not None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/", "address-refused"),
        ("http://[::1]/", "address-refused"),
        ("http://169.254.169.254/latest/meta-data/", "address-refused"),
        ("http://10.0.0.1:8000/", "address-refused"),
        ("file:///etc/passwd", "url-refused"),
        ("/etc/passwd", "url-refused"),
        ("http://user:secret@wire.example/", "url-refused"),
    ],
)
async def test_a_url_that_no_fetch_may_ask_for_is_refused(tracer: Program, url: str, reason: str) -> None:
    told = await tracer.post("/trace", {"url": url})
    assert told.status == 422
    assert told.body["reason"] == reason


async def test_a_page_that_leads_to_this_machine_is_not_followed(tracer: Program, web: Web) -> None:
    url = web.page("/away", "", status=302, headers={"Location": "http://127.0.0.1:8080/"})
    assert (await tracer.post("/trace", {"url": url})).body["reason"] == "address-refused"


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        ("", "text/html", 400),
        ("  \n", "text/plain", 400),
        ("{", "application/json", 400),
        ("{}", "application/json", 400),
        ('{"url": 1}', "application/json", 400),
        ('{"url": "https://a.example/", "file": "x"}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("text", "application/octet-stream", 415),
        ("text", "multipart/form-data; boundary=x", 415),
        ("<html><title>Nothing</title></html>", "text/html", 422),
        (b"\x00\xff\xfe" * 100, "text/html; charset=odd", 422),
    ],
)
async def test_what_is_no_article_is_told_so(tracer: Program, body: str | bytes, media: str, status: int) -> None:
    assert (await tracer.post("/trace", body, media)).status == status


async def test_a_body_of_megabytes_is_refused_before_it_is_read(
    tracer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MOST_BODY", 100_000)
    assert (await tracer.post("/trace", "x" * 100_001, "text/plain")).status == 413


async def test_a_small_body_that_unpacks_to_a_giant_is_refused(
    tracer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "MOST_BODY", 100_000)
    packed = zlib.compress(b"x" * 3_000_000)
    assert len(packed) < 10_000
    told = await tracer.post("/trace", packed, "text/plain", **{"Content-Encoding": "deflate"})
    assert told.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_body_that_is_not_packed_as_it_says_is_told_so(tracer: Program, encoding: str) -> None:
    told = await tracer.post("/trace", b"plainly not packed", "text/plain", **{"Content-Encoding": encoding})
    assert told.status == 400


async def test_who_asks_too_often_is_told_when_to_come_again(tracer: Program) -> None:
    statuses = [(await tracer.post("/trace", "", "text/plain")).status for _ in range(25)]
    assert statuses[:20] == [400] * 20
    assert 429 in statuses
    told = await tracer.post("/trace", "", "text/plain")
    assert 1 <= int(told.headers["Retry-After"]) <= 60


def test_a_name_may_ask_in_a_burst_and_then_at_its_rate() -> None:
    now = 0.0
    rate = Rate(per_minute=60, burst=2, now=lambda: now)
    assert [rate.take("desk") for _ in range(3)] == [0, 0, pytest.approx(1)]
    assert rate.take("other") == 0
    now = 0.5
    assert rate.take("desk") == pytest.approx(0.5)
    now = 1.0
    assert rate.take("desk") == 0
    now = 1_000.0
    assert [rate.take("desk") > 0 for _ in range(3)] == [False, False, True]


def test_names_that_asked_long_ago_are_forgotten() -> None:
    rate = Rate(per_minute=1, burst=1, now=lambda: 0.0)
    for number in range(3_000):
        rate.take(f"name-{number}")
    assert len(rate._left) == 1_000
    assert rate.take("name-2999") > 0
