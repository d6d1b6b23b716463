from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from crawler.pipeline.cpu import CpuPool
from crawler.settings import LinkSettings
from crawler.store import Store
from crawler.store.tokens import Right
from crawler.web.app import create_app
from crawler.web.serving import guard_for
from tests.pages.api import Program
from tests.pages.conftest import put_link


@pytest.fixture
async def public(store: Store) -> AsyncIterator[Program]:
    """A server as one that is bound to an address which others reach; the program has no token yet."""
    await store.create_token("first")
    async for one in served(store, "192.0.2.1"):
        yield one


@pytest.fixture
async def at_home(store: Store) -> AsyncIterator[Program]:
    async for one in served(store, "127.0.0.1"):
        yield one


async def served(store: Store, host: str) -> AsyncIterator[Program]:
    async with (
        CpuPool(LinkSettings(), (), processes=0) as cpu,
        TestServer(create_app(store, cpu, await guard_for(store, host, "Morna"))) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Program(session, str(server.make_url("")).rstrip("/"), store)


async def test_nothing_is_told_without_a_token_where_others_ask(public: Program) -> None:
    for path in ("/links", "/articles", "/changes", "/changes/events", "/links/events", "/openapi.json", "/status"):
        told = await public.get(path)
        assert told.status == 401, path
        assert told.headers["WWW-Authenticate"] == "Bearer"
    assert (await public.post("/trace", "text", "text/plain")).status == 401


async def test_a_token_opens_the_api(public: Program) -> None:
    public.secret = await public.store.create_token("dashboard")
    assert (await public.get("/links")).status == 200
    assert (await public.get("/caller")).body == {"name": "dashboard", "rights": "read"}


async def test_a_revoked_token_opens_nothing(public: Program) -> None:
    public.secret = await public.store.create_token("dashboard")
    await public.store.revoke_token("dashboard")
    assert (await public.get("/links")).status == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic", "Basic !!", "Basic OnA=", "Digest x"])
async def test_what_is_no_token_opens_nothing(public: Program, header: str) -> None:
    assert (await public.get("/links", Authorization=header)).status == 401


async def test_only_a_token_that_may_write_judges_and_in_its_own_name(public: Program) -> None:
    link = await put_link(public.store, "one")
    public.secret = await public.store.create_token("dashboard")
    assert (await public.post(f"/links/{link}/reviews", {"verdict": "confirmed"})).status == 403
    assert (await public.get("/reviews")).body["data"] == []
    public.secret = await public.store.create_token("desk", Right.WRITE)
    assert (await public.post(f"/links/{link}/reviews", {"verdict": "confirmed"})).body["reviewer"] == "desk"


async def test_a_browser_signs_in_with_the_token_as_its_password(public: Program) -> None:
    link = await put_link(public.store, "one")
    secret = await public.store.create_token("dashboard")
    async with public.session.get(f"{public.root}/") as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Basic ")
    sent = {"Authorization": "Basic " + base64.b64encode(f"anyone:{secret}".encode()).decode()}
    async with public.session.get(f"{public.root}/", headers=sent) as response:
        assert response.status == 200
        page = await response.text()
    form = {"token": page.split('name="token" value="')[1].split('"')[0], "verdict": "confirm"}
    sent |= {"Origin": public.root}
    async with public.session.post(f"{public.root}/links/{link}/review", headers=sent, data=form) as response:
        assert response.status == 403
        assert "read only" in await response.text()


async def test_who_is_at_this_machine_needs_no_token(at_home: Program) -> None:
    assert (await at_home.get("/caller")).body == {"name": "Morna", "rights": "write"}


async def test_a_token_that_is_brought_counts_at_home_too(at_home: Program) -> None:
    at_home.secret = await at_home.store.create_token("dashboard")
    assert (await at_home.get("/caller")).body == {"name": "dashboard", "rights": "read"}
    await at_home.store.revoke_token("dashboard")
    assert (await at_home.get("/caller")).status == 401


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
async def test_who_comes_by_a_proxy_is_not_at_this_machine(at_home: Program, name: str) -> None:
    assert (await at_home.get("/caller", **{name: "192.0.2.7"})).status == 401
    at_home.secret = await at_home.store.create_token("dashboard")
    assert (await at_home.get("/caller", **{name: "192.0.2.7"})).status == 200
