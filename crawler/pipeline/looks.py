"""A second look at a confirmed page: what an answer, or the lack of one, says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from crawler.clock import Clock
from crawler.directives import of_headers
from crawler.errors import BadStatus
from crawler.fetch import Response
from crawler.fetch.archive import Archive
from crawler.fetch.robots import product_token
from crawler.model import ArchiveRecord, Look, LookOutcome, Role, Source, Verdict
from crawler.pipeline.reading import Reading
from crawler.pipeline.tally import Tally
from crawler.redistribution import text_hash
from crawler.settings import FetchSettings
from crawler.store import FrontierEntry, Store, StoreOutcome
from crawler.store.columns import storable

# 451, unavailable for legal reasons, is what a letter may bring about.
GONE_STATUSES = frozenset({404, 410, 451})
# What stands before an article without saying anything of it.
_HIDDEN = frozenset({Verdict.PAYWALL, Verdict.CONSENT})
_FRONT_PAGES = frozenset({"", "/", "/index.html", "/index.htm", "/index.php"})


def stranger(entry: FrontierEntry) -> Source:
    """The source of a page that no source announces: one from an archive, or of a source that was removed since."""
    return Source(name=entry.source, url=entry.url, role=Role.AGGREGATOR, publisher="", declared="store")


def led_away(asked: str, final: str) -> bool:
    """Whether a request for a page below the front page ended on a front page."""
    return urlsplit(final).path in _FRONT_PAGES and urlsplit(asked).path not in _FRONT_PAGES


def is_gone(error: Exception) -> bool:
    return isinstance(error, BadStatus) and error.status in GONE_STATUSES


def absence(reading: Reading) -> tuple[LookOutcome, str]:
    """What it means that an answer holds no article, and the short code of it."""
    verdict = reading.article.verdict
    if reading.part_of is not None:
        return LookOutcome.GONE, "part"
    if verdict is Verdict.ARTICLE:
        return LookOutcome.GONE, "empty"
    return (LookOutcome.UNREACHABLE if verdict in _HIDDEN else LookOutcome.GONE), verdict.value


@dataclass(frozen=True, slots=True)
class LookDesk:
    """Ends the looks that the frontier's pages are, each with its record in the archive where there is one."""

    store: Store
    settings: FetchSettings
    clock: Clock
    archive: Archive | None

    async def unmodified(
        self, entry: FrontierEntry, at: datetime, record: ArchiveRecord | None, worker: str, tally: Tally
    ) -> None:
        """The server said that the page is as it was (304)."""
        await self._end(entry, Look(at, LookOutcome.LIVE, archive=record), worker, tally, entry.article_id)

    async def stored(
        self, entry: FrontierEntry, reading: Reading, outcome: StoreOutcome, article_id: str,
        record: ArchiveRecord | None, worker: str, tally: Tally,
    ) -> None:  # fmt: skip
        """The page was read and stored as `article_id`."""
        text = text_hash(storable(reading.article.text))
        at = reading.article.fetched or self.clock.now()
        seen = LookOutcome.CHANGED if outcome is StoreOutcome.CHANGED else LookOutcome.LIVE
        await self._end(entry, Look(at, seen, "", text, record), worker, tally, article_id)

    async def absent(
        self, entry: FrontierEntry, outcome: LookOutcome, reason: str, response: Response | None, noarchive: bool,
        worker: str, tally: Tally,
    ) -> None:  # fmt: skip
        """There was an answer, and no article in it."""
        at, record = self.clock.now(), None
        if response is not None:
            at = response.fetched
            if self.archive is not None and not noarchive:
                record = await self.archive.write(response)
        await self._end(entry, Look(at, outcome, reason, archive=record), worker, tally)

    async def failed(self, entry: FrontierEntry, error: Exception, reason: str, worker: str, tally: Tally) -> None:
        """The page could not be had, and is not tried again for now."""
        outcome = LookOutcome.GONE if is_gone(error) else LookOutcome.UNREACHABLE
        record = await self._refusal(error) if isinstance(error, BadStatus) else None
        await self._end(entry, Look(self.clock.now(), outcome, reason, archive=record), worker, tally)

    async def _refusal(self, error: BadStatus) -> ArchiveRecord | None:
        if self.archive is None or not error.answers:
            return None
        headers = error.answers[-1].headers.getall("X-Robots-Tag", ())
        if of_headers(headers, product_token(self.settings.user_agent)).noarchive:
            return None
        return await self.archive.refuse(error.answers, {"User-Agent": self.settings.user_agent})

    async def _end(
        self, entry: FrontierEntry, look: Look, worker: str, tally: Tally, article_id: str | None = None
    ) -> None:
        told = await self.store.looked(entry.key, worker, look, article_id)
        if told is not None:
            tally.looks[told.outcome.value] += 1
