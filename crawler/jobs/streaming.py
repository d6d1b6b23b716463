"""`wiretrace import --stream factiva`: originals as the vendor publishes them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from crawler.clock import Clock
from crawler.errors import FetchError, InputError
from crawler.fetch.factiva import ACK_SECONDS, Message, StreamAccess, Subscription
from crawler.jobs.importing import Importer, ImportReport, OnFault, importer, tell
from crawler.originals import Fault, Item
from crawler.originals.messages import read_factiva_message
from crawler.pipeline.cpu import default_processes
from crawler.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 100  # messages pulled and stored together
EMPTY_PULLS = 2  # in a row, after which the subscription counts as empty: one may be empty by chance
PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before another try, doubled each time
OUTAGE = 300.0  # seconds that a database which went away is waited for


async def stream_factiva(
    settings: Settings,
    access: StreamAccess,
    *,
    clock: Clock,
    report: ImportReport,
    publisher: str = "",
    on_fault: OnFault = tell,
    once: bool = False,
    rejects: Path | None = None,
    processes: int | None = None,
) -> None:
    """Takes messages into the store until it is cancelled; `once`: until the subscription is empty.

    A message is acknowledged when all that it says is committed, so that one lost on the way comes again, and what
    comes again changes nothing. One that can't be read is told, kept in the file `rejects` where that is given, and
    acknowledged: it would come for ever. Raises FetchError where the vendor refuses, or with `once` where it can't be
    reached; else tries again, longer and longer apart. Raises StoreError where the store can't be written.
    """
    if processes is None:
        processes = settings.run.processes or default_processes()
    async with importer(
        settings, clock=clock, processes=processes, report=report, on_fault=on_fault, outage=OUTAGE
    ) as taking:
        await taking.settle()
        pause = PAUSE
        while True:
            try:
                async with _opened(access, settings) as subscription:
                    pause = PAUSE
                    await _drain(subscription, taking, publisher, rejects, once=once)
                    return
            except FetchError as error:
                if once or not error.retry:
                    raise
                log.warning("%s; trying again in %.0f s", error, pause)
            await clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


@asynccontextmanager
async def _opened(access: StreamAccess, settings: Settings) -> AsyncIterator[Subscription]:
    subscription = await Subscription.open(access, settings.fetch)
    try:
        yield subscription
    finally:
        await subscription.close()


async def _drain(
    subscription: Subscription, taking: Importer, publisher: str, rejects: Path | None, *, once: bool
) -> None:
    empty = 0
    while not once or empty < EMPTY_PULLS:
        messages = await subscription.pull(AT_ONCE)
        empty = 0 if messages else empty + 1
        if not messages:
            continue
        async with _kept(subscription, messages):
            bad: set[str] = set()
            await taking.take(_items(messages, publisher, bad))
            if rejects is not None and bad:
                await asyncio.to_thread(_keep_rejected, rejects, [one for one in messages if one.id in bad])
        await subscription.acknowledge(messages)
        await taking.settle()


def _items(messages: Sequence[Message], publisher: str, bad: set[str]) -> Iterator[tuple[Path, Item]]:
    for message in messages:
        name = f"factiva/{message.id}"
        for item in read_factiva_message(message.data, name, message.published, publisher):
            if isinstance(item, Fault):
                bad.add(message.id)
            yield Path(name), item


@asynccontextmanager
async def _kept(subscription: Subscription, messages: Sequence[Message]) -> AsyncIterator[None]:
    """Keeps the messages ours for as long as the block lasts, be it a database that has to be waited for."""

    async def prolong() -> None:
        while True:
            await asyncio.sleep(ACK_SECONDS / 3)
            with suppress(FetchError):  # then they come again, which changes nothing
                await subscription.prolong(messages)

    task = asyncio.create_task(prolong())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _keep_rejected(path: Path, messages: Sequence[Message]) -> None:
    """Appends the messages, one line each, and waits until the disk has them. Raises InputError."""
    try:
        with path.open("a", encoding="utf-8") as out:
            for message in messages:
                row = {"message": message.id, "data": message.data.decode("utf-8", "backslashreplace")}
                out.write(json.dumps(row) + "\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise InputError(path, f"can't be written: {error.strerror or error}") from None
