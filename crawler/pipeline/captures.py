"""One page of an archive, from its record to a stored article whose decision is pending. No request is ever made."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from crawler import urls
from crawler.clock import Clock
from crawler.errors import FetchError
from crawler.fetch.captures import Capture
from crawler.model import ArchiveRecord, Reference, Role, SiteVerdict, Source, Verdict
from crawler.pipeline.cpu import CpuPool, WorkCrashed
from crawler.pipeline.pages import worth_storing
from crawler.pipeline.reading import Announcement, Reading, read_page
from crawler.pipeline.sites import SiteVerdicts
from crawler.pipeline.tally import Tally
from crawler.store import Store, StoreOutcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a capture can't be read; `reason` is the short code under which it is counted."""

    reason: str
    detail: str


def source_of(name: str) -> Source:
    """The source that an archive of this name is: a page's publisher is its own site."""
    return Source(name=f"archive:{name}", url="", role=Role.AGGREGATOR, publisher="", declared="store")


@dataclass(frozen=True, slots=True)
class CaptureDesk:
    """Takes captures through extraction and storing; a decision on what was stored is then pending."""

    store: Store
    cpu: CpuPool
    clock: Clock
    verdicts: SiteVerdicts
    limit: int  # bytes of a body with its encodings undone
    robot: str = ""  # the name by which a site may call us

    async def take(
        self, capture: Capture, place: ArchiveRecord, source: Source, worker: str, tally: Tally
    ) -> str | None:
        """Stores what the capture holds; the article's id where `worker` is to decide on it now."""
        tally.fetched += 1
        reading = await self._read(capture, source)
        if isinstance(reading, Unread):
            tally.failed[reason := reading.reason] += 1
            log.warning("%s (%s)", reading.detail, reason)
            return None
        if reading.part_of is not None or not worth_storing(reading):
            verdict = reading.article.verdict.value if reading.article.verdict is not Verdict.ARTICLE else "empty"
            tally.not_articles["part" if reading.part_of is not None else verdict] += 1
            return None
        stored = await self.store.store_article(
            replace(
                reading.article,
                captured=min(capture.at, self.clock.now()),
                archive=None if reading.noarchive else place,
            ),
            reading.fingerprint,
            worker=worker,
            extra_urls=reading.urls,
            page=reading.page,
        )
        tally.new += stored.outcome is StoreOutcome.CREATED
        tally.changed += stored.outcome is StoreOutcome.CHANGED
        tally.unchanged += stored.outcome in {StoreOutcome.UNCHANGED, StoreOutcome.STALE}
        return stored.id if stored.outcome in {StoreOutcome.CREATED, StoreOutcome.CHANGED} else None

    async def _read(self, capture: Capture, source: Source) -> Reading | Unread:
        at = min(capture.at, self.clock.now())  # no archive has a page of tomorrow
        announced = Announcement(source, Reference(url=capture.url), at)
        known = await self.verdicts.of(urls.host_of(capture.url))
        try:
            return await self.cpu.run(read_capture, capture, announced, known, self.limit, self.robot)
        except WorkCrashed as error:
            return Unread("crashed", f"{capture.url}: {error}")


def read_capture(
    capture: Capture, announced: Announcement, known: SiteVerdict, limit: int, robot: str
) -> Reading | Unread:
    """A capture's article. Runs in the CPU pool, its decompression as well."""
    try:
        return read_page(capture.document(limit, robot), announced, known)
    except FetchError as error:
        return Unread(error.reason, str(error))
