"""One page, from the frontier to a stored article whose decision is pending."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from crawler import urls
from crawler.clock import Clock
from crawler.errors import FetchError, HostHeldBack, SettingsError
from crawler.extract.parts import FIRST_FURTHER, numbered
from crawler.fetch import Fetcher, Response
from crawler.fetch.archive import Archive, Entered
from crawler.model import ArchiveRecord, LookOutcome, Role, SiteVerdict, Source, Verdict
from crawler.pipeline.cpu import CpuPool, WorkCrashed
from crawler.pipeline.looks import LookDesk, absence, is_gone, led_away
from crawler.pipeline.parts import PartsDesk
from crawler.pipeline.polling import credentials
from crawler.pipeline.reading import Announcement, Reading, holds_article, read_entry, read_page
from crawler.pipeline.sites import SiteVerdicts
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import FrontierEntry, Store, StoreOutcome

log = logging.getLogger(__name__)

MAX_RETRY_DELAY = 86_400.0  # seconds between two tries of a page, however often it failed


@dataclass(frozen=True, slots=True)
class Obtained:
    """A frontier entry whose bytes are here; `response` is None where the feed's entry is the article."""

    entry: FrontierEntry
    announced: Announcement
    response: Response | None = None


@dataclass(frozen=True, slots=True)
class PageDesk:
    """Takes entries through fetch, extraction and storing; a decision on what was stored is then pending."""

    store: Store
    fetcher: Fetcher
    cpu: CpuPool
    settings: Settings
    clock: Clock
    verdicts: SiteVerdicts
    archive: Archive | None = None
    chance: Callable[[], float] = random.random

    async def obtain(self, entry: FrontierEntry, source: Source, worker: str, tally: Tally) -> Obtained | None:
        """The entry's bytes; None where there is nothing to read (unchanged, failed: recorded and counted)."""
        if holds_article(entry.reference, source):
            announced = Announcement(source, entry.reference, self.clock.now())
            return Obtained(entry, announced)
        whole = await self._article_of_part(entry.url)
        if whole is not None:
            await self._leave_to(whole, entry, worker, tally)
            return None
        try:
            response = await self.fetcher.get(
                entry.url, validators=entry.validators, headers=credentials(source), headers_for=source.url
            )
        except (FetchError, SettingsError) as error:
            await self.fail(entry, worker, error, tally)
            return None
        tally.fetched += 1
        if response.not_modified:
            tally.unchanged += 1
            earlier = await self._archived_before(entry)
            record = None
            if self.archive is not None and earlier is not None:
                record = await self.archive.confirm(response, earlier)
            await self.store.unchanged(entry.key, worker)
            if entry.look:
                await self._looks.unmodified(entry, response.fetched, record, worker, tally)
            return None
        return Obtained(entry, Announcement(source, entry.reference, response.fetched), response)

    async def read(self, obtained: Obtained, worker: str, tally: Tally) -> Reading | None:
        """What was obtained, read; None where that can't be done (recorded and counted)."""
        try:
            return await self._read(obtained)
        except WorkCrashed as error:
            await self.fail(obtained.entry, worker, error, tally)
            return None

    async def complete(self, obtained: Obtained, first: Reading, tally: Tally) -> Reading:
        """An article in parts with all of them that can be had; takes as long as its site wants between requests."""
        assert obtained.response is not None
        desk = PartsDesk(self.fetcher, self.cpu, None if first.noarchive else self.archive)
        known = await self._known(obtained, obtained.response.final_url)
        return await desk.complete(obtained.response.document(), obtained.announced, first, known, tally)

    async def keep(self, obtained: Obtained, reading: Reading, worker: str, tally: Tally) -> str | None:
        """Stores what was read; the article's id where `worker` is to decide on it now."""
        entry, response = obtained.entry, obtained.response
        if entry.look and response is not None and await self._is_absent(entry, response, reading, worker, tally):
            return None
        if reading.part_of is not None:
            await self._leave_to(reading.part_of, entry, worker, tally)
            return None
        if not worth_storing(reading):
            verdict = reading.article.verdict.value if reading.article.verdict is not Verdict.ARTICLE else "empty"
            tally.not_articles[verdict] += 1
            log.info("%s: not stored, it is no article (%s)", entry.url, verdict)
            await self.store.give_up(entry.key, worker, verdict, "the page holds no article")
            return None
        entered = await self._archived(obtained, reading)
        article = reading.article if entered is None else replace(reading.article, archive=entered.named)
        stored = await self.store.store_article(
            article,
            reading.fingerprint,
            frontier_key=entry.key,
            worker=worker,
            validators=response.validators if response else None,
            extra_urls=(entry.url, *reading.urls),
            page=reading.page,
        )
        tally.new += stored.outcome is StoreOutcome.CREATED
        tally.changed += stored.outcome is StoreOutcome.CHANGED
        if entry.look:
            record = entered.written if entered is not None else None
            await self._looks.stored(entry, reading, stored.outcome, stored.id, record, worker, tally)
        return stored.id if stored.outcome in {StoreOutcome.CREATED, StoreOutcome.CHANGED} else None

    @property
    def _looks(self) -> LookDesk:
        return LookDesk(self.store, self.settings.fetch, self.clock, self.archive)

    async def _is_absent(
        self, entry: FrontierEntry, response: Response, reading: Reading, worker: str, tally: Tally
    ) -> bool:
        """Whether a second look found no article at the page's address (recorded and counted)."""
        if led_away(entry.url, response.final_url):
            found = LookOutcome.GONE, "front-page"
        elif reading.part_of is not None or not worth_storing(reading):
            found = absence(reading)
        else:
            return False
        await self._looks.absent(entry, *found, response, reading.noarchive, worker, tally)
        return True

    async def _article_of_part(self, url: str) -> str | None:
        """The address of the stored article that has the page at `url` as a part, None where it is none."""
        one = numbered(url)
        if one is None or one.number < FIRST_FURTHER:
            return None
        known = await self.store.known_urls([url, one.stem])
        return one.stem if url in known and known.get(one.stem) == known[url] else None

    async def _leave_to(self, whole: str, entry: FrontierEntry, worker: str, tally: Tally) -> None:
        """A later part of an article is none itself: its first page is queued where it is not known, or is older."""
        tally.not_articles["part"] += 1
        log.info("%s: not stored, it is a part of %s", entry.url, whole)
        await self.store.announce(entry.source, [replace(entry.reference, url=whole)], now=self.clock.now())
        await self.store.give_up(entry.key, worker, "part", f"a later page of {whole}")

    async def fail(self, entry: FrontierEntry, worker: str, error: Exception, tally: Tally) -> None:
        """Counts a failure and decides whether the page is tried again."""
        reason = failure_reason(error)
        log.warning("%s", error)
        rules = self.settings.run
        delay = retry_delay(error, entry.attempts + 1, rules.retries, rules.retry_delay, self.chance())
        if not (entry.look and is_gone(error)):
            tally.failed[reason] += 1
        if delay is None and entry.look:
            await self._looks.failed(entry, error, reason, worker, tally)
        elif delay is None:
            await self.store.give_up(entry.key, worker, reason, str(error))
        else:
            at = self.clock.now() + timedelta(seconds=delay)
            await self.store.retry_later(entry.key, worker, reason, str(error), at, counts=is_a_try(error))

    async def _read(self, obtained: Obtained) -> Reading:
        if obtained.response is None:
            known = await self._known(obtained, obtained.announced.reference.url)
            return await self.cpu.run(read_entry, obtained.announced, known)
        document = obtained.response.document()
        return await self.cpu.run(read_page, document, obtained.announced, await self._known(obtained, document.url))

    async def _known(self, obtained: Obtained, url: str) -> SiteVerdict:
        """What is known to be furniture where the page stands; nothing is ever left out of an original."""
        if obtained.announced.source.role is not Role.AGGREGATOR:
            return SiteVerdict()
        return await self.verdicts.of(urls.host_of(url))

    async def _archived(self, obtained: Obtained, reading: Reading) -> Entered | None:
        """The page's records in the archive, where there is one and the page does not forbid it."""
        if self.archive is None or obtained.response is None or reading.noarchive:
            return None
        return await self.archive.enter(obtained.response, await self._archived_before(obtained.entry))

    async def _archived_before(self, entry: FrontierEntry) -> ArchiveRecord | None:
        """The record of the page as the store has it."""
        if self.archive is None or entry.article_id is None:
            return None
        held = await self.store.article(entry.article_id)
        return held.archive if held is not None else None


def failure_reason(error: Exception) -> str:
    """The short code under which a failure is counted."""
    if isinstance(error, FetchError):
        return error.reason
    if isinstance(error, WorkCrashed):
        return "crashed"
    return "settings" if isinstance(error, SettingsError) else "internal"


def retry_delay(error: Exception, attempts: int, retries: int, first_delay: float, chance: float) -> float | None:
    """Seconds until a failed page is tried again, None where it is given up. `attempts` counts the one that just
    failed.

    `chance`, from 0 to 1, spreads the tries over half of the delay again: the thousand pages that one outage fails
    must not come back in one second, least of all to the host that has just recovered. A hold is no try.
    """
    if not getattr(error, "retry", False) or (attempts > retries and is_a_try(error)):
        return None
    doubled = min(first_delay * 2.0 ** min(max(0, attempts - 1), 30), MAX_RETRY_DELAY)
    asked = getattr(error, "retry_after", None) or 0.0
    return float(max(asked, doubled) + doubled * chance / 2)


def is_a_try(error: Exception) -> bool:
    """Whether anything was asked of the page's host: a hold keeps us away, and no page is to blame for it."""
    return not isinstance(error, HostHeldBack)


def worth_storing(reading: Reading) -> bool:
    """Whether a page holds an article."""
    article = reading.article
    return article.verdict is Verdict.ARTICLE and bool(article.title or article.text)
