"""One poll of a source: its document fetched, read, and what it announces put into the frontier."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawler import discover, logfields, metrics
from crawler.clock import Clock
from crawler.discover.selection import select
from crawler.errors import DiscoverError, FetchError, SettingsError, StoreError
from crawler.fetch import ACCEPT_FEED, Fetcher
from crawler.model import Discovery, Reference, Source, SourceKind
from crawler.pipeline.sieve import Sieve
from crawler.pipeline.tally import Tally
from crawler.settings import Settings
from crawler.store import PollOutcome, PollResult, SourceRecord, Store

log = logging.getLogger(__name__)

MAX_CHILDREN = 20  # documents read for one poll of a sitemap index; news sites list months of old ones


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls sources; holds what a poll needs."""

    store: Store
    fetcher: Fetcher
    settings: Settings
    clock: Clock
    sieve: Sieve = field(default_factory=Sieve)

    async def poll(self, record: SourceRecord, tally: Tally) -> None:
        """One poll. A failure is recorded with the source and counted, never raised."""
        source = record.source
        tally.sources += 1
        logfields.about(source=source.name)
        try:
            outcome = await self._poll(record, tally)
        except StoreError:
            raise
        except Exception as error:
            # Nothing that a source sends may end the run, not even by a fault of ours.
            reason = _failure_reason(error)
            tally.source_failures[reason] += 1
            log.warning("source %s: %s", source.name, error, exc_info=reason == "internal")
            outcome = PollOutcome(
                result=PollResult.FAILURE,
                at=self.clock.now(),
                next_poll=self._next_poll(source, getattr(error, "retry_after", None)),
                reason=str(error),
            )
        metrics.POLLS.add(outcome.result.value)
        await self.store.record_poll(source.name, outcome)

    async def _poll(self, record: SourceRecord, tally: Tally) -> PollOutcome:
        source = record.source
        response = await self.fetcher.get(
            source.url, validators=record.validators, headers=credentials(source), accept=ACCEPT_FEED
        )
        if response.not_modified:
            tally.unchanged += 1
            return PollOutcome(result=PollResult.UNCHANGED, at=response.fetched, next_poll=self._next_poll(source))
        discovery = discover.read(response.document(), source.kind)
        if discovery.kind is SourceKind.LISTING and not source.fetch_pages:
            raise DiscoverError(f"{source.url}: expected a feed, got an HTML page; its links alone give no text")
        for fault in discovery.faults:
            log.info("source %s: %s", source.name, fault)
        references = [*discovery.references, *await self._read_children(source, discovery)]
        now = self.clock.now()
        selected = select(references, now=now, max_age_days=self.settings.fetch.max_age_days)
        tally.too_old += selected.too_old
        kept = await self.sieve.kept(source.name, selected.kept, tally, now)
        announced = await self.store.announce(source.name, kept, now=now)
        self.sieve.took(source.name, announced.new, now)
        return PollOutcome(
            result=PollResult.SUCCESS,
            at=response.fetched,
            next_poll=self._next_poll(source),
            reason="the document breaks off: read up to there" if discovery.truncated else "",
            validators=response.validators,
            kind=discovery.kind,
            seen=len(references),
            new=announced.new,
        )

    async def _read_children(self, source: Source, discovery: Discovery) -> list[Reference]:
        """The references of a sitemap index's own sitemaps; one that fails is logged and left out."""
        found: list[Reference] = []
        waiting = list(discovery.children[:MAX_CHILDREN])
        read = 0
        while waiting and read < MAX_CHILDREN:
            url = waiting.pop(0)
            read += 1
            try:
                response = await self.fetcher.get(
                    url, headers=credentials(source), headers_for=source.url, accept=ACCEPT_FEED
                )
                child = discover.read(response.document(), SourceKind.SITEMAP)
            except (FetchError, DiscoverError) as error:
                log.warning("source %s: %s", source.name, error)
                continue
            found += child.references
            waiting += child.children
        return found

    def _next_poll(self, source: Source, retry_after: float | None = None) -> datetime:
        seconds = source.interval or self.settings.run.poll_interval
        return self.clock.now() + timedelta(seconds=max(seconds, retry_after or 0.0))


def _failure_reason(error: Exception) -> str:
    if isinstance(error, FetchError):
        return error.reason
    if isinstance(error, DiscoverError):
        return "not-a-source"
    return "settings" if isinstance(error, SettingsError) else "internal"


def credentials(source: Source, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The headers that `headers_env` names, with their values from the environment.

    Raises SettingsError where a variable is not set; the value itself is in no message.
    """
    headers = {}
    for header, variable in source.headers_env.items():
        if variable not in environ:
            raise SettingsError(
                "environment", variable, f"expected the value of header {header} for source {source.name}, is not set"
            )
        headers[header] = environ[variable]
    return headers
