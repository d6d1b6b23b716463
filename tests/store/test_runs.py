from __future__ import annotations

import json

from crawler.store import RunRecord, Store, WorkerRecord
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
