"""export report: one page of HTML with the evidence for a link, or for all of a site, to attach to a letter."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from crawler.cli import console
from crawler.cli.app import Context, context, finish
from crawler.errors import UsageError
from crawler.jobs import exporting, reporting
from crawler.jobs.passing import passing_of
from crawler.model import Standing
from crawler.store import Store
from crawler.web import reporting as drawing


def export_report(
    output: Path | None,
    *,
    link: str | None,
    site: str,
    since: datetime | None,
    standings: Sequence[Standing],
    confirmed: bool,
) -> None:
    """Writes the report on one link, or a dossier on the links of a site or since a time."""
    if (link is not None) == bool(site or since):
        raise UsageError("report: expected either the id of a link or --site HOST, --since T or both")
    terms = reporting.Terms(tuple(standings) or reporting.OURS, confirmed)
    here = context()

    async def work() -> int:
        async with await Store.open(here.settings.database, here.clock) as store:
            if link is not None:
                return await _one(here, store, link, terms, output)
            return await _dossier(here, store, site, since, terms, output)

    count = finish(work())
    if output is not None:
        console.tell(f"wrote a report on {count} {'page' if count == 1 else 'pages'} to {output}")


async def _one(here: Context, store: Store, link: str, terms: reporting.Terms, output: Path | None) -> int:
    view = await reporting.one_link(store, link, terms)
    passing = await passing_of(store, here.settings.source_list())
    drawn = drawing.report(view, passing, at=here.clock.now(), base_rate=here.settings.link.base_rate)
    text = await asyncio.to_thread("".join, drawn)
    with exporting.destination(output, sys.stdout) as file:
        file.write(text)
    return 1


async def _dossier(
    here: Context, store: Store, site: str, since: datetime | None, terms: reporting.Terms, output: Path | None
) -> int:
    passing = await passing_of(store, here.settings.source_list())
    listed = await reporting.schedule(store, site, since, terms)
    if not listed.is_whole:
        console.tell(f"only the {len(listed.links)} links that were decided last are in it: give a later --since")

    async def write(file: TextIO) -> None:
        file.write(drawing.dossier_head(listed, at=here.clock.now(), terms=_said(site, since, terms)))
        number = 0
        async for view in reporting.views(store, listed, terms):
            number += 1
            file.write(await asyncio.to_thread(drawing.dossier_link, view, number, passing))
        file.write(drawing.dossier_end(base_rate=here.settings.link.base_rate))

    with exporting.destination(output, sys.stdout) as file:
        await write(file)
    return len(listed.links)


def _said(site: str, since: datetime | None, terms: reporting.Terms) -> str:
    """What a dossier has, in words."""
    where = f"Pages of {site}" if site else "Pages of all sites"
    when = f", decided at {since:%Y-%m-%d %H:%M} UTC or later" if since else ""
    which = "confirmed by a person" if terms.confirmed else "confirmed by a person or not yet looked at"
    return f"{where}{when}; {which}; standing: {', '.join(one.value for one in terms.standings)}."
