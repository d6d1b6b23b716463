"""One poll of a source: its document fetched, read, and what it announces put into the frontier."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crawler import discover, health, logfields, metrics, schedule, urls
from crawler.clock import Clock
from crawler.discover.challenge import is_challenge
from crawler.discover.selection import Selected, newest, select
from crawler.errors import DiscoverError, FetchError, SettingsError, StoreError, TurnedAway, UrlRefused
from crawler.fetch import ACCEPT_FEED, Fetcher, Response
from crawler.habits import Habits
from crawler.health import Answer, Health
from crawler.model import Discovery, Reference, Source, SourceKind, SourceState
from crawler.pipeline import missed
from crawler.pipeline.sieve import Sieve
from crawler.pipeline.tally import Tally
from crawler.rhythm import TIGHTEST, Seen, learn, news_a_day
from crawler.settings import Settings
from crawler.store import Announced, PollOutcome, PollResult, SourceRecord, Store

log = logging.getLogger(__name__)

MAX_CHILDREN = 20  # documents read for one poll of a sitemap index; news sites list months of old ones
LONG_AGO = timedelta(hours=6)  # since the last poll: then a gap is one, however often there were some before
JUDGED_EVERY = timedelta(hours=1)  # how often it is looked at whether a source's pages can be read


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls sources; holds what a poll needs."""

    store: Store
    fetcher: Fetcher
    settings: Settings
    clock: Clock
    sieve: Sieve = field(default_factory=Sieve)

    async def poll(self, record: SourceRecord, habits: Habits, tally: Tally) -> SourceRecord | None:
        """One poll of a source with what is known of its `habits`, and the source after it; None where it was removed
        meanwhile.

        A failure is recorded with the source and counted, never raised.
        """
        tally.sources += 1
        logfields.about(source=record.name)
        # What a source of which nothing is known is taken to bring, so that it is polled every `poll_interval`.
        guess = 2.0 * schedule.TARGET / self.settings.run.poll_interval
        habits = replace(habits, guess=guess)
        try:
            outcome = await self._poll(record, habits, tally)
        except StoreError:
            raise
        except Exception as error:
            # Nothing that a source sends may end the run, not even by a fault of ours.
            reason = _failure_reason(error)
            tally.source_failures[reason] += 1
            log.warning("source %s: %s", record.name, error, exc_info=reason == "internal")
            outcome = self._failed(record, habits, error)
        metrics.POLLS.add(outcome.result.value)
        return await self.store.record_poll(record.name, outcome)

    async def _poll(self, record: SourceRecord, habits: Habits, tally: Tally) -> PollOutcome:
        source = record.source
        response = await self.fetcher.get(
            source.url, validators=record.validators, headers=credentials(source), accept=ACCEPT_FEED
        )
        if response.not_modified:
            tally.unchanged += 1
            return await self._unchanged(record, habits, response)
        discovery = await read_source(source, response)
        for fault in discovery.faults:
            log.info("source %s: %s", source.name, fault)
        references = [*discovery.references, *await self._read_children(source, discovery)]
        now = self.clock.now()
        selected = select(references, now=now, max_age_days=self.settings.fetch.max_age_days)
        tally.too_old += selected.too_old
        selected = replace(selected, kept=await self.sieve.kept(source.name, selected.kept, tally, now))
        announced = await self._announce(record, selected, now)
        gap = _is_gap(record, selected, announced)
        if gap:
            tally.gaps += 1
            announced = await self._fill(record, discovery, announced, habits, tally)
        self.sieve.took(source.name, announced.new, now)
        seen = _seen(record, references, announced, response.fetched, missed=gap)
        habits = replace(habits, wishes=discovery.wishes)
        habits = learn(habits, seen)
        if record.last_success is not None:  # else none of its pages can have been read yet
            habits = await self._judge(source, habits, now)
        answer = Answer(
            source.url,
            moved_to=response.moved_to,
            new_url=discovery.new_url,
            own_url=discovery.own_url,
            remark=_remark(discovery, references),
        )
        found = health.of_answer(answer, habits, now)
        return PollOutcome(
            result=PollResult.SUCCESS,
            at=response.fetched,
            next_poll=self._next_poll(source, habits, response),
            validators=response.validators,
            kind=discovery.kind,
            seen=len(references),
            new=announced.new,
            state=found.state.value,
            reason=found.reason,
            advice=found.advice,
            habits=habits,
            news_a_day=news_a_day(habits),
            hub=discovery.hub,
            gap=gap,
        )

    async def _unchanged(self, record: SourceRecord, habits: Habits, response: Response) -> PollOutcome:
        now = self.clock.now()
        habits = await self._judge(record.source, learn(habits, Seen(now)), now)
        found = health.of_answer(Answer(record.source.url, moved_to=response.moved_to), habits, now)
        if found.state is SourceState.OK and record.state == SourceState.MOVED.value:
            found = Health(SourceState.MOVED, record.reason, record.advice)  # what its document said holds on
        return PollOutcome(
            result=PollResult.UNCHANGED,
            at=response.fetched,
            next_poll=self._next_poll(record.source, habits, response),
            state=found.state.value,
            reason=found.reason,
            advice=found.advice,
            habits=habits,
            news_a_day=news_a_day(habits),
        )

    def _failed(self, record: SourceRecord, habits: Habits, error: Exception) -> PollOutcome:
        """Nothing is learned from a failure; the next try waits ever longer."""
        now = self.clock.now()
        failures = record.consecutive_failures + 1
        silent_for = now - record.last_success if record.last_success is not None else None
        found = health.of_failure(error, failures, silent_for)
        at = self._next_poll(record.source, habits)
        if record.source.interval is None:
            at = schedule.after_failure(at, now, failures, refused=health.turns_away(error))
        asked = getattr(error, "retry_after", None) or 0.0
        return PollOutcome(
            result=PollResult.FAILURE,
            at=now,
            next_poll=max(at, now + timedelta(seconds=asked)),
            state=found.state.value,
            reason=found.reason,
            advice=found.advice,
        )

    async def _announce(self, record: SourceRecord, selected: Selected, now: datetime) -> Announced:
        """What a source's first document holds is no news: its newest entries are marked, the rest is passed over."""
        if record.last_success is not None:
            return await self.store.announce(record.name, selected.kept, now=now)
        taken, left = newest(selected.kept, record.source.backfill)
        if left:
            await self.store.pass_over(record.name, left, now=now)
        return await self.store.announce(record.name, [replace(one, backfill=True) for one in taken], now=now)

    async def _fill(
        self, record: SourceRecord, discovery: Discovery, announced: Announced, habits: Habits, tally: Tally
    ) -> Announced:
        """Something may have come and gone since the last poll: the site's sitemaps are asked for that time."""
        log.info("source %s: no entry was known, something may have been missed", record.name)
        now = self.clock.now()
        if discovery.kind is not SourceKind.FEED or record.last_success is None:
            return announced
        if habits.tightness >= TIGHTEST and now - record.last_success < LONG_AGO:
            return announced  # a document that is another each time is no gap, and its site is left in peace
        gap = missed.gap_of(record.source.url, discovery.references, record.last_success, now)
        found = await missed.look_for(gap, self.fetcher)
        selected = select(found, now=now, max_age_days=self.settings.fetch.max_age_days)
        kept = await self.sieve.kept(record.name, selected.kept, tally, now)
        more = await self.store.announce(record.name, kept, now=now)
        log.info("source %s: %d pages more by the site's sitemaps", record.name, more.new)
        return replace(announced, new=announced.new + more.new)

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
                child = await asyncio.to_thread(discover.read, response.document(), SourceKind.SITEMAP)
            except (FetchError, DiscoverError) as error:
                log.warning("source %s: %s", source.name, error)
                continue
            found += child.references
            waiting += child.children
        return found

    async def _judge(self, source: Source, habits: Habits, now: datetime) -> Habits:
        """Looks about once an hour whether the source's pages can be read as usual."""
        if habits.judged_at is not None and now - habits.judged_at < JUDGED_EVERY:
            return habits
        articles, pages = await self.store.readable(source.name)
        return health.learn_readable(habits, articles, pages, now)

    def _next_poll(self, source: Source, habits: Habits, response: Response | None = None) -> datetime:
        now = self.clock.now()
        if source.interval is not None:
            return now + timedelta(seconds=source.interval)
        fresh_for = _fresh_for(response) if response is not None else 0.0
        return schedule.next_poll(habits, now, fresh_for=fresh_for)


async def read_source(source: Source, response: Response) -> Discovery:
    """What a source answered, read outside the event loop's thread: a large document takes seconds.

    Raises DiscoverError where it is none, TurnedAway where it is a page that tells crawlers from people.
    """
    try:
        discovery = await asyncio.to_thread(discover.read, response.document(), source.kind)
        if discovery.kind is SourceKind.LISTING and not source.fetch_pages:
            raise DiscoverError(f"{source.url}: expected a feed, got an HTML page; its links alone give no text")
    except DiscoverError:
        if is_challenge(response.body):
            raise TurnedAway(f"{source.url}: answered with a page that tells crawlers from people") from None
        raise
    return discovery


def _is_gap(record: SourceRecord, selected: Selected, announced: Announced) -> bool:
    """Whether entries may have come and gone unseen: the document shares none with those before it.

    One that reaches further back than what is taken at all shows that nothing is missing.
    """
    polled_before = record.last_success is not None and record.seen > 0
    none_known = announced.new > 0 and announced.known == announced.changed == 0
    return polled_before and none_known and not selected.too_old


def _seen(
    record: SourceRecord, references: Sequence[Reference], announced: Announced, now: datetime, *, missed: bool
) -> Seen:
    """What the document tells of the source's rhythm. Of what is new and has no date that can be the time at which it
    came, half of the time since the last poll is taken."""
    dated = [one.published for one in references if one.published is not None]
    news = []
    if record.last_success is not None:
        between = record.last_success + (now - record.last_success) / 2
        for one in references:
            if _key(one.url) in announced.fresh:
                fits = one.published is not None and record.last_success <= one.published <= now
                news.append(one.published if fits and one.published is not None else between)
    return Seen(now, tuple(news), tuple(dated), entries=len(references), missed=missed)


def _key(url: str) -> str:
    try:
        return urls.article_id(url)
    except UrlRefused:
        return ""


def _remark(discovery: Discovery, references: Sequence[Reference]) -> str:
    if discovery.truncated:
        return "the document breaks off: read up to there"
    return "" if references else "the document holds no entries"


def _fresh_for(response: Response) -> float:
    """Seconds for which the answer stays fresh in the caches on the way: to ask sooner gives the same again."""
    age = response.headers.get("Age", "").strip()
    return max((response.max_age or 0.0) - (float(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0.0), 0.0)


def _failure_reason(error: Exception) -> str:
    if isinstance(error, FetchError):
        return error.reason
    if isinstance(error, TurnedAway):
        return "challenge"
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
