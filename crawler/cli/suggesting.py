"""sources suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crawler.cli import console
from crawler.cli.app import Context, context, finish, new_app
from crawler.cli.declaring import declared_source, reconciled
from crawler.errors import ConnectionFailed, TimedOut, UrlRefused, UsageError, WiretraceError
from crawler.model import Role
from crawler.store import Store

# What reads files and what asks the web is imported where it is used: the group's other commands do without.
if TYPE_CHECKING:
    from crawler.jobs.met_hosts import MetHost, MetHosts

app = new_app()


@app.command()
def suggest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Dumps (JSONL, Parquet), `link`'s output, WARC files, or folders."),
    ] = None,
    min_pages: Annotated[int, typer.Option("--min-pages", metavar="N", min=1, help="Only hosts with as many.")] = 1,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many hosts are shown.")] = 20,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="HOST", help="Find this host's best source and add it; may be repeated."),
    ] = None,
    columns: Annotated[str, typer.Option("--map", metavar="FIELD=COLUMN,…", help="Columns of another name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The hosts as JSON.")] = False,
) -> None:
    """Show hosts whose pages were met and that no source names: those with most linked pages first.

    Pages are met in the store and in the files given. With --add nothing is counted: the hosts become sources.

    Examples:  wiretrace sources suggest      wiretrace sources suggest archive/ links.jsonl
      wiretrace sources suggest --add digest.example --add mirror.example
    """
    here = context()
    if add:
        if paths:
            raise UsageError("--add: adds the hosts named, expected without files")
        if not finish(_add(here, add)):
            raise typer.Exit(1)
        return
    from crawler.cli.tables import hosts_table
    from crawler.jobs.suggesting import met_host_json, suggest_hosts

    files = _met(paths or [], columns)

    async def work() -> tuple[list[MetHost], int]:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            return await suggest_hosts(store, files, min_pages=min_pages, limit=limit)

    shown, all_of_them = finish(work())
    if as_json:
        console.print_json([met_host_json(one) for one in shown])
    elif shown:
        console.show(hosts_table(shown))
    else:
        console.tell("no host was met that is not a source's")
    if all_of_them > len(shown):
        console.tell(f"and {all_of_them - len(shown):,} more (--limit shows them)")


def _met(paths: list[str], columns: str) -> MetHosts:
    from crawler.jobs import dumps, met_hosts
    from crawler.jobs.rejects import MOST_TOLD, Rejects

    names = dumps.parse_columns(columns)
    faults = Rejects(console.fault, lambda: None)
    met = met_hosts.met_in_files(met_hosts.expand(paths), names, faults)
    if faults.count > MOST_TOLD:
        console.tell(f"wiretrace: {faults.count - MOST_TOLD:,} more rows were left out")
    if met.left_out:
        console.tell(f"wiretrace: only {met_hosts.MAX_HOSTS:,} hosts are counted; {met.left_out:,} pages are of others")
    if paths:
        for name in names.unmet:
            console.tell(f"wiretrace: --map: no row has the column {name!r}")
    return met


async def _add(here: Context, hosts: list[str]) -> int:
    """Adds a source for each host; how many of them it has added."""
    from crawler.jobs.suggesting import site_urls

    try:
        places = {host: site_urls(host) for host in hosts}
    except UrlRefused as refused:
        raise UsageError(f"--add: {refused}") from None
    added = 0
    for urls_of_host in places.values():
        added += await _added(here, urls_of_host)
    return added


async def _added(here: Context, places: list[str]) -> bool:
    """Whether the site gave a source; it is asked at its next place only where nothing listens at the one before."""
    from crawler.cli.finding import NothingFound, Ways, add_found

    for place in places:
        wanted = declared_source({"name": place.split("://", 1)[-1].rstrip("/"), "url": place, "role": Role.AGGREGATOR})
        try:
            await add_found(here, wanted, Ways())
        except NothingFound as error:
            if place != places[-1] and isinstance(error.__cause__, ConnectionFailed | TimedOut):
                continue
            console.fault(error)
            return False
        except WiretraceError as error:  # it is there already, or may not be asked
            console.fault(error)
            return False
        return True
    return False
