"""Between what a source lists and what is queued: traps are left out, counted, and told in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from crawler.discover.allowance import Allowance
from crawler.discover.traps import sift
from crawler.model import Reference
from crawler.pipeline.tally import Tally

log = logging.getLogger(__name__)


class Sieve:
    """What each source may still bring, in this process."""

    def __init__(self) -> None:
        self._allowance = Allowance()

    async def kept(
        self, source: str, references: Sequence[Reference], tally: Tally, now: datetime
    ) -> tuple[Reference, ...]:
        """The references of one poll behind which an article may stand; half a second's work for the largest map."""
        sifted = await asyncio.to_thread(sift, references, self._allowance.left(source, now))
        tally.trapped += sifted.total
        for reason, url in sifted.examples.items():
            count = sifted.refused[reason]
            log.warning("source %s: %d URLs left out as a trap (%s), such as %s", source, count, reason, url)
        return sifted.kept

    def took(self, source: str, new: int, now: datetime) -> None:
        """So many of them were new."""
        self._allowance.took(source, new, now)
