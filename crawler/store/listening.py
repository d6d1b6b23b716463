"""The one connection over which a process hears what the others of a PostgreSQL store have put to do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from crawler.store.bell import TOPICS, Bell
from crawler.store.dialect import CHANNEL

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a lost connection is made again
CHECKED = 30.0  # seconds between two looks whether it still stands: a router may have dropped it without a word
ANSWER = 10.0  # seconds


async def listen(connect: Callable[[], AsyncEngine], bell: Bell) -> None:
    """Rings `bell` for what others tell, for ever; without a connection it is made anew, ever more slowly."""
    pause = FIRST_PAUSE
    while True:
        engine = connect()
        try:
            async with engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                pause = FIRST_PAUSE
                await _hear(driver, bell)
        except (exc.SQLAlchemyError, OSError, TimeoutError) as error:
            log.info("the store is not heard, it is looked at instead: %s", str(error).split("\n")[0])
        finally:
            bell.far = False
            with contextlib.suppress(Exception):  # it is gone already
                await engine.dispose()
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _hear(driver: Any, bell: Bell) -> None:
    """Until the connection ends."""
    gone = asyncio.Event()

    def told(_connection: object, _process: int, _channel: str, topic: str) -> None:
        bell.ring({topic})

    driver.add_termination_listener(lambda _connection: gone.set())
    await _answered(driver.add_listener(CHANNEL, told))
    bell.far = True
    bell.ring(TOPICS)  # of what came while nobody listened
    while not gone.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECKED):
                await gone.wait()
        if not gone.is_set():
            await _answered(driver.execute("SELECT 1"))


async def _answered(question: Awaitable[Any]) -> None:
    """Raises ConnectionError for whatever the driver raises: its errors are none of SQLAlchemy's here."""
    try:
        async with asyncio.timeout(ANSWER):
            await question
    except (OSError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - asyncpg's own, which may not be installed
        raise ConnectionError(str(error)) from None
