from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from crawler.cli.tables import status_tables
from crawler.model import Reference
from crawler.store import RunRecord, Store, WorkerRecord
from crawler.store.attendance import Attendant
from tests.store.pieces import HOUR, NOON, StillClock, fingerprint, linked, original, page


async def test_runs_are_kept_with_their_summary(store: Store, clock: StillClock) -> None:
    first = await store.start_run("w1", "once")
    second = await store.start_run("w2", "daemon")
    clock.pass_by(3600)
    await store.finish_run(first, {"fetched": 12, "failed": {"dns": 1}})
    assert await store.last_runs(5) == [
        RunRecord(second, "w2", "daemon", NOON, None, {}),
        RunRecord(first, "w1", "once", NOON, NOON + HOUR, {"fetched": 12, "failed": {"dns": 1}}),
    ]
    assert [run.id for run in await store.last_runs(1)] == [second]


async def test_workers_show_their_heartbeat_until_they_sign_off(store: Store, clock: StillClock) -> None:
    await store.heartbeat("w1")
    clock.pass_by(3600)
    await store.heartbeat("w1")
    assert await store.workers() == [WorkerRecord("w1", NOON, NOON + HOUR)]
    await store.sign_off("w1")
    assert await store.workers() == []


async def test_the_status_counts_what_there_is_and_is_json(store: Store) -> None:
    await store.store_article(original(), fingerprint(1))
    await store.store_article(page(), fingerprint(1))
    await store.record_decision(linked(page(), original()), reason="decided")
    await store.start_run("w", "once")
    status = await store.status()
    assert json.loads(json.dumps(status)) == status
    assert status["articles"] == {"aggregator": {"full": 1}, "origin": {"full": 1}}
    assert (status["links"], status["pending_decisions"], status["linker"]) == ({"new": 1}, 1, "1")
    assert (status["schema"], status["changes"]) == (Store.known_revision(), 4)


async def test_the_status_tells_of_each_worker_where_it_runs_and_what_it_has_in_hand(
    store: Store, clock: StillClock
) -> None:
    await store.heartbeat("old.example:7:aaaaaa")
    await store.start_run("old.example:7:aaaaaa", "daemon")
    clock.pass_by(90)
    await store.announce("s", [Reference(f"https://{host}.example/1") for host in "abc"], now=clock.now())
    await store.store_article(page(), fingerprint(1))
    await store.heartbeat("fe80::1:41:bbbbbb")
    await store.start_run("fe80::1:41:bbbbbb", "once")
    await store.lease("fe80::1:41:bbbbbb", 2, per_host=1, seconds=60)
    await store.pending("fe80::1:41:bbbbbb", 5, 60)
    one, other = (await store.status())["workers"]
    assert (one["host"], one["pid"], one["kind"], one["stale"]) == ("fe80::1", 41, "once", False)
    assert (one["hosts"], one["pages"], one["decisions"], one["sites"]) == (2, 2, 1, 0)
    assert (other["host"], other["pid"], other["kind"]) == ("old.example", 7, "daemon")
    assert (other["stale"], other["silent"], other["pages"]) == (True, 90.0, 0)
    assert other["started"] == other["heartbeat"] == "2026-03-02T12:00:00Z"


async def test_sites_whose_lease_has_ended_are_nobodys(store: Store, clock: StillClock) -> None:
    await store.heartbeat("w")
    await store.announce("s", [Reference("https://a.example/1")], now=clock.now())
    await store.lease("w", 1, per_host=1, seconds=60)
    clock.pass_by(61)
    (worker,) = (await store.status())["workers"]
    assert (worker["host"], worker["pid"], worker["kind"], worker["hosts"]) == ("w", None, None, 0)


def test_workers_are_shown_one_a_line_and_stale_ones_marked() -> None:
    alive = Attendant("m:1:a", "m", 1, "daemon", NOON, NOON, timedelta(seconds=9), 3, 12, 0, 1)
    dead = replace(alive, name="m:2:b", pid=2, silent=timedelta(hours=1), pages=0, sites=0)
    (table,) = status_tables({"workers": [alive.as_json(), dead.as_json()]})
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    lines = [re.split(r"\s{2,}", line.strip()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[1] == ["m", "1", "daemon", "2026-03-02 12:00", "9 s ago", "3", "12 pages, 1 sites"]
    assert lines[2] == ["m", "2", "daemon", "2026-03-02 12:00", "3600 s ago (stale)", "3", "nothing"]


async def test_workers_that_are_started_together_make_one_pass(store: Store, clock: StillClock) -> None:
    async def starts(worker: str, kind: str = "once") -> int:
        await store.heartbeat(worker)
        return await store.start_run(worker, kind)

    shared = store._db.file is None  # on SQLite no other run can be under way
    await starts("the daemon", "daemon")
    clock.pass_by(10)
    first = await starts("one")
    began = clock.now()
    clock.pass_by(10)
    await starts("two")
    assert await store.pass_began() == (began if shared else clock.now())
    await store.finish_run(first, {})
    assert await store.pass_began() == clock.now()  # that of the second
    clock.pass_by(30)
    assert await store.pass_began() == clock.now() - timedelta(seconds=30 if shared else 0)
    await store.sign_off("two")  # it left without a word of its run
    assert await store.pass_began() == clock.now()
    await starts("three")
    clock.pass_by(70)
    assert await store.pass_began() == clock.now()  # who comes so much later makes a pass of its own
