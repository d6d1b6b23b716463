"""export --format atom|jsonfeed: what is stored as feeds that any reader follows."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from crawler.cli import console
from crawler.cli.app import context, finish
from crawler.errors import UsageError
from crawler.jobs import exporting, feeding
from crawler.jobs.feedwriting import Entry, FeedFormat, is_web, write_feed
from crawler.jobs.passing import passing_of
from crawler.model import Standing
from crawler.store import Store


def export_feed(
    kind: FeedFormat,
    output: Path | None,
    *,
    news: bool,
    limit: int,
    since: datetime | None,
    site: str,
    standings: Sequence[Standing],
    own_url: str,
) -> None:
    """Writes a feed of news, or of links. Raises UsageError for an address that is none."""
    if own_url and not is_web(own_url):
        raise UsageError(f"--feed-url: expected where the feed will stand, such as https://…/news.xml, got {own_url!r}")
    here = context()
    channel = replace(feeding.NEWS if news else feeding.LINKS, own_url=own_url)

    async def entries(store: Store) -> AsyncIterator[Entry]:
        if not news:
            found = feeding.link_entries(store, limit=limit, since=since, site=site, standings=standings)
        else:
            passing = await passing_of(store, here.settings.source_list())
            found = feeding.news_entries(store, passing, limit=limit, since=since)
        async for entry in found:
            yield entry

    async def work() -> int:
        async with await Store.open(here.settings.database, here.clock) as store:
            with exporting.destination(output, sys.stdout) as file:
                return await write_feed(kind, channel, entries(store), file, now=here.clock.now())

    count = finish(work())
    if news and not count:
        console.tell("no news yet: what stood in a source when it was first read is none (`backfill`)")
    if output is not None:
        console.tell(f"wrote {count} entries to {output}")
