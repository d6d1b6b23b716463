"""The pages as a browser asks for them, over a real store and a real server on loopback."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from selectolax.lexbor import LexborHTMLParser

from crawler.interchange import link_id
from crawler.model import Article, Considered
from crawler.pipeline.cpu import CpuPool
from crawler.settings import DatabaseSettings, LinkSettings
from crawler.store import Store
from crawler.web.app import create_app
from crawler.web.guard import Guard, everybody_is
from tests.databases import *  # noqa: F403 - fixtures
from tests.pages.api import Program
from tests.store.pieces import StillClock, fingerprint, linked, original, page

FERRY = (
    "The ferry line will reopen in May.\n\nTwo boats were refitted over the winter, said Ruan Teviot of Ferry House."
)
REWORDED = (
    "In May the line of ferries opens again.\n\nOver winter two boats got refitted, said Ruan Teviot of Ferry House."
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def html(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.text)

    def texts(self, selector: str) -> list[str]:
        return [" ".join(node.text().split()) for node in self.html.css(selector)]


@dataclass
class Browser:
    """Asks as a browser does: forms with their hidden fields, from the server's own origin."""

    session: aiohttp.ClientSession
    root: str
    store: Store
    clock: StillClock
    tokens: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        async with self.session.get(self.root + path, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.text())

    async def post(self, path: str, values: Mapping[str, str], **headers: str) -> Answer:
        headers = {"Origin": self.root, **headers}
        async with self.session.post(self.root + path, data=values, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.text())

    async def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', (await self.get("/")).text)
        assert found is not None
        return found[1]

    async def judge(self, link: str, verdict: str, **more: str) -> Answer:
        form = {"token": await self.token(), "verdict": verdict, **more}
        return await self.post(f"/links/{link}/review", form)

    async def undo(self) -> Answer:
        return await self.post("/undo", {"token": await self.token()})


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def store(sqlite_url: str, clock: StillClock) -> AsyncIterator[Store]:
    async with await Store.open(DatabaseSettings(url=sqlite_url), clock) as opened:
        yield opened


@pytest.fixture
async def browser(store: Store, clock: StillClock) -> AsyncIterator[Browser]:
    async with (
        CpuPool(LinkSettings(), (), processes=0) as cpu,
        TestServer(create_app(store, cpu, Guard(everybody_is("Morna")))) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Browser(session, str(server.make_url("")).rstrip("/"), store, clock)


async def put_link(store: Store, name: str, *, wire: Article | None = None, **other: object) -> str:
    """A page linked to an original; the link's id."""
    values = {"text": REWORDED, "title": f"Line of ferries: {name}", **other}
    of = wire or original(text=FERRY)
    copy = page(name, **values)
    await store.store_article(of, fingerprint(1))
    await store.store_article(copy, fingerprint(2))
    decision = linked(copy, of)
    await store.record_decision(
        replace(decision, considered=(Considered(of.id, decision.score, True, "taken"),)), worker=None, reason="new"
    )
    return link_id(copy.id, of.id)


@pytest.fixture
def program(browser: Browser) -> Program:
    return Program(browser.session, browser.root, browser.store)
