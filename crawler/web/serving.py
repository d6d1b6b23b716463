"""The server: bound to one address, until it is cancelled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from aiohttp import web

from crawler.clock import Clock
from crawler.errors import AddressTaken, UsageError
from crawler.pipeline.cpu import CpuPool
from crawler.settings import Settings
from crawler.store import Store
from crawler.web.app import create_app
from crawler.web.callers import by_token
from crawler.web.guard import LOOPBACK, Guard, is_loopback

SHUTDOWN = 5.0  # seconds that answers under way get


async def guard_for(store: Store, host: str, reviewer: str) -> Guard:
    """Who may see the pages of a server bound to `host`.

    On loopback: whoever is at this machine, as `reviewer`, and who has an access token. Elsewhere only the latter:
    without any token such an address is refused. Raises UsageError.
    """
    if is_loopback(host):
        return Guard(by_token(store, at_home=reviewer), LOOPBACK | {host.strip("[]").lower()})
    if not host:
        raise UsageError("--host: expected an address such as 127.0.0.1")
    if not await store.has_tokens():
        raise UsageError(
            f"--host: {host!r:.60} is reached by others: expected a loopback address such as 127.0.0.1, or an access"
            " token (`wiretrace token create NAME`)"
        )
    return Guard(by_token(store, at_home=None), None)


async def serve(
    settings: Settings, reviewer: str, host: str, port: int, *, clock: Clock, ready: Callable[[str], None]
) -> None:
    """Serves the store till it is cancelled; `ready` is called with the address once it answers.

    Port 0: one that is free. Raises AddressTaken, StoreError, UsageError as `guard_for`.
    """
    async with (
        await Store.open(settings.database, clock) as store,
        # A process: strangers' pages come to be traced, and one that hangs must be ended.
        CpuPool(settings.link, settings.rights_list(), processes=1) as cpu,
    ):
        guard = await guard_for(store, host, reviewer)
        app = create_app(store, cpu, guard, fetch=settings.fetch, clock=clock, base_rate=settings.link.base_rate)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host.strip("[]"), port)
            try:
                await site.start()
            except OSError as error:
                raise AddressTaken(
                    f"{host} port {port}: {os.strerror(error.errno or 0)}; --port 0 finds a free one"
                ) from None
            ready(_address(runner))
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
