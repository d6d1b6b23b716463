"""`wiretrace sources check`: each source asked now, nothing stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler import discover
from crawler.clock import Clock
from crawler.errors import DiscoverError, FetchError, NotFound, SettingsError
from crawler.fetch import ACCEPT_FEED, Fetcher
from crawler.interchange import Json
from crawler.model import Source
from crawler.pipeline.polling import credentials
from crawler.pipeline.reading import is_full_text
from crawler.settings import Settings
from crawler.store import Store


@dataclass(frozen=True, slots=True)
class Check:
    """What a source answered: `fault` is the reason why it is of no use now, None where it is fine."""

    name: str
    url: str
    kind: str | None = None
    entries: int = 0
    full_texts: int = 0
    newest: str | None = None
    fault: str | None = None

    def line(self) -> str:
        if self.fault is not None:
            return self.fault
        newest = f", newest of {self.newest}" if self.newest else ""
        return f"{self.kind} with {self.entries} entries ({self.full_texts} with full text){newest}"

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "url": self.url,
            "kind": self.kind,
            "entries": self.entries,
            "full_texts": self.full_texts,
            "newest": self.newest,
            "fault": self.fault,
        }


async def check_sources(store: Store, settings: Settings, clock: Clock, names: Sequence[str]) -> list[Check]:
    """Checks the sources named, or all enabled ones. Raises NotFound for a name that is none."""
    known = {record.source.name: record.source for record in await store.sources()}
    for name in names:
        if name not in known:
            raise NotFound(f"source {name!r}: not known; the sources are: {', '.join(sorted(known)) or 'none'}")
    chosen = [known[name] for name in names] if names else [one for one in known.values() if one.enabled]
    ports = {port for one in chosen if (port := urlsplit(one.url).port)}
    async with Fetcher(settings.fetch, clock, source_ports=ports) as fetcher:
        return list(await asyncio.gather(*(_check(one, fetcher) for one in chosen)))


async def _check(source: Source, fetcher: Fetcher) -> Check:
    try:
        response = await fetcher.get(source.url, headers=credentials(source), accept=ACCEPT_FEED)
        discovery = discover.read(response.document(), source.kind)
    except (FetchError, DiscoverError, SettingsError) as error:
        return Check(source.name, source.url, fault=str(error))
    references = discovery.references
    newest = max((one.published for one in references if one.published), default=None)
    return Check(
        name=source.name,
        url=source.url,
        kind="sitemap index" if discovery.children else discovery.kind.value,
        entries=len(references) + len(discovery.children),
        full_texts=sum(is_full_text(one.content_html, one.teaser) for one in references),
        newest=newest.date().isoformat() if newest else None,
        fault="the document holds no entries" if not references and not discovery.children else None,
    )
