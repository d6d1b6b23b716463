"""Articles in parts: the further pages fetched like any page, and joined to one article."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from crawler import urls
from crawler.errors import FetchError
from crawler.extract.parts import MAX_PARTS, join, numbered
from crawler.fetch import Fetcher, Response
from crawler.fetch.archive import Archive
from crawler.model import Extraction, RawDocument, SiteVerdict
from crawler.pipeline.cpu import CpuPool, WorkCrashed
from crawler.pipeline.polling import credentials
from crawler.pipeline.reading import Announcement, Reading, read_extraction
from crawler.pipeline.tally import Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PartsDesk:
    """Fetches the parts of one article after another: same robots, same politeness, at most `MAX_PARTS`."""

    fetcher: Fetcher
    cpu: CpuPool
    archive: Archive | None = None

    async def complete(
        self, page: RawDocument, announced: Announcement, first: Reading, known: SiteVerdict, tally: Tally
    ) -> Reading:
        """The article of the first page and of all its parts that can be had; a missing one is told in the log."""
        assert first.extraction is not None
        whole = first.extraction
        seen = {urls.identity(page.url)}
        waiting = list(first.parts)
        joined: list[str] = []
        requests = 0
        while waiting and requests < MAX_PARTS - 1:
            url = waiting.pop(0)
            if urls.identity(url) in seen:
                continue
            seen.add(urls.identity(url))
            requests += 1
            response = await self._fetched(url, announced, seen, tally)
            if response is None:
                continue
            extraction, more = await self._joined(whole, response, page.url)
            if extraction is None:
                log.info("%s: not taken as a part of %s: another story, or the same page again", url, page.url)
                continue
            whole = extraction
            joined.append(url)
            waiting = sorted(dict.fromkeys((*waiting, *more)), key=_number)
        if not joined:
            return first
        try:
            reading = await self.cpu.run(read_extraction, page.url, whole, announced, known)
        except WorkCrashed as error:
            log.warning("%s: its parts are missing: %s", page.url, error)
            return first
        return replace(reading, urls=(*reading.urls, *joined))

    async def _fetched(self, url: str, announced: Announcement, seen: set[str], tally: Tally) -> Response | None:
        source = announced.source
        try:
            response = await self.fetcher.get(url, headers=credentials(source), headers_for=source.url)
        except FetchError as error:
            log.warning("a part is missing: %s", error)
            return None
        tally.fetched += 1
        if response.final_url != url:
            at = urls.identity(response.final_url)
            if at in seen - {urls.identity(url)} or urls.host_of(response.final_url) != urls.host_of(url):
                log.warning("a part is missing: %s leads to %s", url, response.final_url)
                return None
            seen.add(at)
        return response

    async def _joined(
        self, whole: Extraction, response: Response, article_url: str
    ) -> tuple[Extraction | None, tuple[str, ...]]:
        try:
            found = await self.cpu.run(join, whole, response.document(), article_url)
        except WorkCrashed as error:
            log.warning("a part is missing: %s: %s", response.url, error)
            return None, ()
        if found.extraction is not None and not found.extraction.noarchive and self.archive is not None:
            await self.archive.write(response)
        return found.extraction, found.parts


def _number(url: str) -> int:
    one = numbered(url)
    return one.number if one is not None else MAX_PARTS
