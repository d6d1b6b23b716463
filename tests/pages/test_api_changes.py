from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from crawler.jobs.exporting import Subject as Exported
from crawler.jobs.exporting import _rows
from crawler.model import LinkState
from crawler.pipeline.cpu import CpuPool
from crawler.settings import LinkSettings
from crawler.store import Store
from crawler.web.api import changes
from crawler.web.app import create_app
from crawler.web.guard import Guard, everybody_is
from tests.pages.api import Program
from tests.pages.conftest import put_link
from tests.pages.test_api_tokens import served


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LOOKED", 0.02)


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    name: str
    data: dict[str, object]


@asynccontextmanager
async def listening(program: Program, path: str, **headers: str) -> AsyncIterator[AsyncIterator[Event]]:
    async with program.session.get(f"{program.root}/api/v1{path}", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        yield events(response)


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if not line and "data" in fields:
            yield Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
        if not line:
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


async def take(stream: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


async def log(program: Program) -> list[dict[str, object]]:
    passing = await program.store.redistribution()
    return [json.loads(json.dumps(row)) async for row in _rows(program.store, Exported.CHANGES, None, None, passing)]


async def test_the_log_is_read_in_order_and_nothing_is_missed(program: Program) -> None:
    await put_link(program.store, "one")
    seen: list[dict[str, object]] = []
    after = "0"
    for _ in range(100):
        told = (await program.get(f"/changes?after={after}&limit=2")).body
        if not told["data"]:
            break
        seen += told["data"]
        after = told["next"]
    assert seen == await log(program)
    assert (await program.get(f"/changes?after={after}")).body == {"data": [], "next": after}
    await put_link(program.store, "two")
    later = (await program.get(f"/changes?after={after}")).body["data"]
    assert seen + later == await log(program)


async def test_the_log_can_be_read_for_one_kind_of_thing(program: Program) -> None:
    await put_link(program.store, "one")
    told = (await program.get("/changes?subject=link")).body
    assert [row["subject"] for row in told["data"]] == ["link"]
    assert told["next"] == str(len(await log(program)))


async def test_a_stream_tells_what_was_and_what_comes(program: Program) -> None:
    await put_link(program.store, "one")
    before = await log(program)
    async with listening(program, "/changes/events?after=0") as stream:
        assert [one.data for one in await take(stream, len(before))] == before
        await put_link(program.store, "two")
        new = (await log(program))[len(before) :]
        heard = await take(stream, len(new))
        assert [one.data for one in heard] == new
        assert [one.id for one in heard] == [row["seq"] for row in new]
        assert {one.name for one in heard} == {"change"}


async def test_a_client_that_was_cut_off_goes_on_behind_the_last_event_that_came(program: Program) -> None:
    await put_link(program.store, "one")
    await put_link(program.store, "two")
    whole = await log(program)
    async with listening(program, "/changes/events?after=0") as stream:
        first = await take(stream, 3)
    async with listening(program, "/changes/events?after=0", **{"Last-Event-ID": str(first[-1].id)}) as stream:
        rest = await take(stream, len(whole) - 3)
    assert [one.data for one in first + rest] == whole


async def test_new_links_are_told_as_they_are_made_and_judged_ones_are_not(program: Program) -> None:
    first = await put_link(program.store, "one")
    async with listening(program, "/links/events") as stream:
        await program.store.review(first, LinkState.CONFIRMED, reviewer="Morna")
        second = await put_link(program.store, "two")
        (heard,) = await take(stream, 1)
        assert heard.name == "link"
        assert heard.data == (await program.get(f"/links/{second}")).body
    async with listening(program, "/links/events?after=0") as stream:
        assert [one.data["id"] for one in await take(stream, 2)] == [first, second]


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30])
async def test_a_last_event_that_is_none_is_refused(program: Program, last: str) -> None:
    assert (await program.get("/changes/events", **{"Last-Event-ID": last})).status == 400


async def test_there_are_only_so_many_streams(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_STREAMS", 1)
    async with listening(program, "/changes/events"):
        told = await program.get("/changes/events")
        assert told.status == 429
        assert int(told.headers["Retry-After"]) > 0
    await put_link(program.store, "one")
    for _ in range(100):  # its place is free once the server has seen that the client is gone
        async with program.session.get(f"{program.root}/api/v1/changes/events?after=0") as response:
            if response.status == 200:
                return
        await asyncio.sleep(0.05)
    pytest.fail("the place of a client that went is never free")


async def test_a_stream_ends_when_its_token_is_revoked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BEAT", 0.05)
    secret = await store.create_token("dashboard")
    async for program in served(store, "192.0.2.1"):
        async with listening(program, "/changes/events", Authorization=f"Bearer {secret}") as stream:
            await store.revoke_token("dashboard")
            async with asyncio.timeout(10):
                assert [one async for one in stream] == []


async def test_a_server_that_ends_ends_its_streams(store: Store) -> None:
    async with CpuPool(LinkSettings(), (), processes=0) as cpu, aiohttp.ClientSession() as session:
        server = TestServer(create_app(store, cpu, Guard(everybody_is("Morna"))))
        await server.start_server()
        async with session.get(server.make_url("/api/v1/changes/events")) as response:
            async with asyncio.timeout(3):
                await server.close()
                assert (await response.read()).startswith(b"retry:")
