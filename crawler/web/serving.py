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
from crawler.web.guard import LOOPBACK, Guard, everybody_is, is_loopback

SHUTDOWN = 5.0  # seconds that answers under way get


def guard_for(host: str, reviewer: str) -> Guard:
    """Who may see the pages of a server bound to `host`.

    On loopback: whoever is at this machine, as `reviewer`. Any other address is refused, for nothing would keep
    strangers out. Raises UsageError.
    """
    if not is_loopback(host):
        raise UsageError(
            f"--host: expected a loopback address such as 127.0.0.1, got {host!r:.60}: others need access tokens"
        )
    return Guard(everybody_is(reviewer), LOOPBACK | {host.strip("[]").lower()})


async def serve(
    settings: Settings, guard: Guard, host: str, port: int, *, clock: Clock, ready: Callable[[str], None]
) -> None:
    """Serves the store till it is cancelled; `ready` is called with the address once it answers.

    Port 0: one that is free. Raises AddressTaken, StoreError.
    """
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=0) as cpu,
    ):
        runner = web.AppRunner(create_app(store, cpu, guard), access_log=None, shutdown_timeout=SHUTDOWN)
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
