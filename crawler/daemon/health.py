"""The daemon's port: `/metrics` for Prometheus, `/healthz` and `/readyz` for who keeps it running.

- healthz, 200 or 503: the event loop answers and the workers gave a sign of life lately. A database that is away
  makes no process unhealthy: a new one would not find it either.
- readyz, 200 or 503 with the reasons: the store answers with the schema of this program, the pool stands, and no
  stop was asked for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from crawler import metrics
from crawler.daemon.exposition import CONTENT_TYPE, Standing, exposition
from crawler.errors import SettingsError, StoreError
from crawler.store import Store

log = logging.getLogger(__name__)

PULSE_LASTS = 90.0  # seconds; three times the heartbeat's interval
READY_LASTS = 2.0  # seconds for which an answer of /readyz holds: a flood of questions does not reach the store
STORE_ANSWERS = 5.0  # seconds
SAMPLE_EVERY = 15.0  # seconds between two looks at the store's figures, at least
SAMPLE_SHARE = 0.02  # of the time goes into such looks, at most: over many millions of pages one takes seconds


class HealthPort:
    """Serves while its context lasts. `address` is where, once it is open.

    `standing` gives what the run has done and has in hand, `pool_is_up` whether work can be done, `stopping` whether
    it is asked to end.
    """

    def __init__(
        self,
        listen: str,
        store: Store,
        standing: Callable[[], Standing],
        *,
        pool_is_up: Callable[[], bool],
        stopping: Callable[[], bool],
    ) -> None:
        self.address = listen
        self._store, self._standing = store, standing
        self._pool_is_up, self._stopping = pool_is_up, stopping
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1.0)
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: tuple[float, dict[str, str]] = (float("-inf"), {})
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Raises SettingsError where the address can't be listened on."""
        metrics.HEARTBEAT.beat()
        host, _, port = self.address.rpartition(":")
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host.strip("[]"), int(port), backlog=64).start()
        except OSError as error:
            await self._runner.cleanup()
            expected = f"expected a free address to listen on, got {self.address}: {error.strerror or error}"
            raise SettingsError("configuration", "metrics.listen", expected) from None
        self.address = f"{host}:{self._runner.addresses[0][1]}"
        self._tasks = [asyncio.create_task(self._watch_store())]
        log.info("metrics and health on http://%s/", self.address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        if request.path == "/metrics":
            return web.Response(body=exposition(self._standing()), headers={"Content-Type": CONTENT_TYPE})
        if request.path == "/healthz":
            return _told(self._health())
        if request.path == "/readyz":
            return _told(await self._readiness())
        return web.Response(status=404, text="/metrics, /healthz, /readyz\n")

    def _health(self) -> dict[str, str]:
        age = metrics.HEARTBEAT.age()
        return {"workers": "ok" if age < PULSE_LASTS else f"no sign of life for {age:.0f} seconds"}

    async def _readiness(self) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        async with self._asking:
            at, known = self._ready
            if loop.time() - at > READY_LASTS:
                known = {"store": await self._store_answers()}
                self._ready = (loop.time(), known)
        return {
            **known,
            "pool": "ok" if self._pool_is_up() else "no worker process stands yet",
            "run": "is stopping" if self._stopping() else "ok",
        }

    async def _store_answers(self) -> str:
        try:
            async with asyncio.timeout(STORE_ANSWERS):
                found = await self._store.current_revision()
        except TimeoutError:
            return f"no answer within {STORE_ANSWERS:.0f} seconds"
        except StoreError as error:
            return str(error)
        known = self._store.known_revision()
        return "ok" if found == known else f"has schema {found}, this program knows {known}"

    async def _watch_store(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            with suppress(StoreError):  # the workers meet the same fault and tell it
                gauges = await self._store.gauges()
                self._standing().sampled(gauges, datetime.now(UTC))
            took = loop.time() - begun
            await asyncio.sleep(max(SAMPLE_EVERY, took / SAMPLE_SHARE))


def _told(checks: dict[str, str]) -> web.Response:
    well = all(said == "ok" for said in checks.values())
    return web.Response(
        status=200 if well else 503,
        body=json.dumps({"status": "ok" if well else "failing", **checks}).encode() + b"\n",
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
