"""Decisions that are pending and sites that have something to learn: what every crew does beside its pages."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from crawler.errors import LinkerMismatch, StoreError
from crawler.fetch.archive import ArchiveError
from crawler.pipeline.cpu import NoWorkers
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.sites import SiteDesk
from crawler.pipeline.tally import Tally
from crawler.store import Store

log = logging.getLogger(__name__)

LEASE_SECONDS = 120.0  # work of a process that died is free again after this
# What no page is to blame for: the run ends, its leases are given back, and nothing is given up.
FATAL = (StoreError, LinkerMismatch, ArchiveError, NoWorkers)
DECISIONS_AT_ONCE = 8
PUT_OFF_SECONDS = 600.0  # for which a decision that failed waits


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides on what is stored, as one worker of that `name`."""

    store: Store
    linking: LinkingDesk
    sites: SiteDesk
    name: str
    tally: Tally

    async def catch_up(self) -> bool:
        """Makes some of the decisions that are pending in the store, also those of a run that was cut off; False where
        there were none."""
        pending = await self.store.pending(self.name, DECISIONS_AT_ONCE, LEASE_SECONDS)
        await asyncio.gather(*(self.decide(one.article_id, one.reason) for one in pending))
        return bool(pending)

    async def decide(self, article_id: str, reason: str) -> None:
        try:
            await self.linking.decide(article_id, self.tally, worker=self.name, reason=reason)
        except FATAL:
            raise
        except Exception:
            # Nothing is lost by a fault of ours: the decision is due again later.
            log.exception("decision on %s", article_id)
            self.tally.failed["decision"] += 1
            await self.store.put_off(article_id, self.name, PUT_OFF_SECONDS)

    async def learn(self) -> bool:
        """Learns some sites' furniture, which may call for decisions; False where there was nothing to do."""
        try:
            return await self.sites.step(self.name)
        except FATAL:
            raise
        except Exception:
            # The site stays leased, so that it is not tried again at once; its pages are as they were read.
            log.exception("learning a site's furniture")
            self.tally.failed["site"] += 1
            return False
