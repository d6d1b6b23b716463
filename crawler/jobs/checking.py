"""`wiretrace sources check`: each source asked now, nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from crawler import health
from crawler.clock import Clock
from crawler.errors import DiscoverError, FetchError, NotFound, SettingsError
from crawler.fetch import ACCEPT_FEED, Fetcher, Response
from crawler.habits import Habits
from crawler.health import Answer, Health
from crawler.interchange import Json
from crawler.model import Discovery, Source, SourceState
from crawler.pipeline.polling import credentials, read_source
from crawler.pipeline.reading import is_full_text
from crawler.rhythm import Seen, dated_by, learn
from crawler.settings import Settings
from crawler.store import SourceRecord, Store


@dataclass(frozen=True, slots=True)
class Check:
    """What a source answered: `fault` is the reason why it is of no use now, None where it is fine.

    `state`, `reason` and `advice` are what a poll would make of the answer; `hub` is a WebSub hub it names, `ttl` the
    seconds for which it asks to be left alone.
    """

    name: str
    url: str
    kind: str | None = None
    entries: int = 0
    full_texts: int = 0
    newest: str | None = None
    fault: str | None = None
    state: str = SourceState.OK.value
    reason: str = ""
    advice: str = ""
    hub: str | None = None
    ttl: float = 0.0

    def mark(self) -> str:
        """The state in few letters: FAIL where it is of no use."""
        if self.fault is not None:
            return "FAIL"
        return "ok  " if self.state == SourceState.OK.value else self.state

    def line(self) -> str:
        """What it is, and what is the matter with it."""
        if self.fault is not None:
            return self.fault
        newest = f", newest of {self.newest}" if self.newest else ""
        said = f"; {self.reason}" if self.reason else ""
        return f"{self.kind} with {self.entries} entries ({self.full_texts} with full text){newest}{said}"

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "url": self.url,
            "kind": self.kind,
            "entries": self.entries,
            "full_texts": self.full_texts,
            "newest": self.newest,
            "fault": self.fault,
            "state": self.state,
            "reason": self.reason,
            "advice": self.advice,
            "hub": self.hub,
            "ttl": self.ttl,
        }


async def check_sources(store: Store, settings: Settings, clock: Clock, names: Sequence[str]) -> list[Check]:
    """Checks the sources named, or all enabled ones. Raises NotFound for a name that is none."""
    known = {record.name: record for record in await store.sources()}
    for name in names:
        if name not in known:
            raise NotFound(f"source {name!r}: not known; the sources are: {', '.join(sorted(known)) or 'none'}")
    chosen = [known[name] for name in names] if names else [one for one in known.values() if one.source.enabled]
    habits = {one.name: await store.habits(one.name) for one in chosen}
    ports = {port for one in chosen if (port := urlsplit(one.source.url).port)}
    async with Fetcher(settings.fetch, clock, source_ports=ports) as fetcher:
        return list(await asyncio.gather(*(_check(one, habits[one.name], fetcher, clock.now()) for one in chosen)))


async def _check(record: SourceRecord, habits: Habits, fetcher: Fetcher, now: datetime) -> Check:
    source = record.source
    try:
        response = await fetcher.get(source.url, headers=credentials(source), accept=ACCEPT_FEED)
        discovery = await read_source(source, response)
    except (FetchError, DiscoverError, SettingsError) as error:
        silent_for = None if record.last_success is None else now - record.last_success
        found = health.of_failure(error, record.consecutive_failures + 1, silent_for)
        return Check(
            source.name, source.url, None, fault=str(error), state=found.state.value, reason=found.reason,
            advice=found.advice,
        )  # fmt: skip
    references = discovery.references
    newest = max((one.published for one in references if one.published), default=None)
    found = _health(source, response, discovery, habits)
    return Check(
        name=source.name,
        url=source.url,
        kind="sitemap index" if discovery.children else discovery.kind.value,
        entries=len(references) + len(discovery.children),
        full_texts=sum(is_full_text(one.content_html, one.teaser) for one in references),
        newest=newest.date().isoformat() if newest else None,
        fault="the document holds no entries" if not references and not discovery.children else None,
        state=found.state.value,
        reason=found.reason,
        advice=found.advice,
        hub=discovery.hub,
        ttl=discovery.wishes.ttl,
    )


def _health(source: Source, response: Response, discovery: Discovery, habits: Habits) -> Health:
    """The state that a poll would find. Of a source that was never polled its own dates tell the habit."""
    dated = tuple(one.published for one in discovery.references if one.published)
    if habits.as_of is None:
        habits = learn(habits, Seen(response.fetched, dated=dated, entries=len(discovery.references)))
    habits = dated_by(habits, dated, response.fetched)
    answer = Answer(source.url, response.moved_to, discovery.new_url, discovery.own_url)
    return health.of_answer(answer, habits, response.fetched)
