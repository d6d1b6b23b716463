"""purge: articles out of the store for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import StoreError, UsageError
from crawler.interchange import time_from_json
from crawler.store import Purge, Purged, Store

app = new_app()

MOST_DAYS = 36_500
MOST_LISTED = 20


@app.command()
def purge(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="DAYS|T", help="What was received so many days ago, or before this time."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Of this source, or with this code of a vendor's.")
    ] = None,
    an: Annotated[str | None, typer.Option("--an", metavar="AN", help="With this accession number.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would go; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Take originals, releases and teasers out of the store for good; with --source also an aggregator's pages.

    All versions, hashes, index entries, evidence of links and pointers into archives go in one transaction; then
    what is left is counted. Options that are given have to hold together.

    Examples:
      wiretrace purge --source "Partner wire" --older-than 365 --dry-run
      wiretrace purge --an WSJO000020260113em1d0001x
    """
    here = context()
    if older_than is None and source is None and an is None:
        raise UsageError("expected --older-than, --source or --an: what is to go")
    before = None if older_than is None else _before(older_than, here.clock.now())
    wanted = Purge(before, source, an)

    async def work() -> Purged:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await (store.would_purge(wanted) if dry_run else store.purge(wanted))

    found = finish(work())
    if as_json:
        console.print_json(purge_json(found, dry_run=dry_run))
    else:
        _show(found, dry_run=dry_run)
    if any(found.after.values()):
        raise StoreError("something is left of what was to go; see the counts")


def _before(text: str, now: datetime) -> datetime:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_DAYS)) and int(text) <= MOST_DAYS:
        return now - timedelta(days=int(text))
    try:
        found = time_from_json(text)
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"--older-than: expected days such as 365 or a time such as 2026-01-31, got {text!r:.60}")
    return found


def purge_json(found: Purged, *, dry_run: bool) -> dict[str, object]:
    """The public JSON of a purge."""
    return {
        "dry_run": dry_run,
        "articles": list(found.ids),
        "before": dict(found.before),
        "after": None if dry_run else dict(found.after),
        "archives": list(found.archives),
    }


def _show(found: Purged, *, dry_run: bool) -> None:
    console.show(f"{len(found.ids)} articles {'would go' if dry_run else 'went'}")
    for name, count in found.before.items():
        console.show(f"  {name}: {count}" + ("" if dry_run else f", left: {found.after[name]}"))
    if found.archives:
        shown = ", ".join(found.archives[:MOST_LISTED]) + (" …" if len(found.archives) > MOST_LISTED else "")
        console.tell(f"pages of them lie in {len(found.archives)} archive files, which are left as they are: {shown}")
