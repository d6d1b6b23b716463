"""sources list, add, remove, check; the other commands of the group are in modules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from crawler.cli import console, opml, suggesting
from crawler.cli.app import Context, context, finish, new_app
from crawler.cli.declaring import declared_source, reconciled
from crawler.cli.tables import sources_table
from crawler.errors import UsageError
from crawler.model import Role, SourceKind
from crawler.store import SourceRecord, Store

if TYPE_CHECKING:
    from crawler.jobs.checking import Check

app = new_app(help="The sources and their health.", no_args_is_help=True)
app.add_typer(opml.app)
app.add_typer(suggesting.app)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="The sources as JSON.")] = False) -> None:
    """Show all sources with their state and what they gave.

    Examples:
      wiretrace sources list
      wiretrace sources list --json
    """
    here = context()

    async def work() -> list[SourceRecord]:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            return await store.sources()

    records = finish(work())
    if as_json:
        console.print_json([record.as_json() for record in records])
    elif records:
        console.show(sources_table(records))
    else:
        console.tell("no sources yet: write some into wiretrace.toml (`wiretrace init`) or `wiretrace sources add URL`")


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="A site, or a feed, sitemap or section front.")],
    role: Annotated[Role, typer.Option("--role", help="What its articles are to the linker.")] = Role.AGGREGATOR,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Default: the URL's host and path.")] = "",
    publisher: Annotated[str, typer.Option("--publisher", metavar="NAME", help="Default: the name.")] = "",
    kind: Annotated[SourceKind, typer.Option("--kind", help="Told by content unless given.")] = SourceKind.AUTO,
    interval: Annotated[float | None, typer.Option("--interval", metavar="SECONDS", help="Default: adaptive.")] = None,
    fetch_pages: Annotated[
        bool | None, typer.Option("--fetch-pages/--no-fetch-pages", help="Default: yes for aggregators, else no.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Add all sources found that bring more than the best.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is found and add nothing.")] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Add the URL as it is, without any request.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
) -> None:
    """Add a source to the store (those of the configuration file are written there).

    Of a site the best source is found: the feeds, sitemaps and sections that its page and robots.txt name are asked,
    or lie in usual places. A URL that says itself that it is a feed or sitemap is added as it is, and so is any with
    --kind.

    Examples:  wiretrace sources add https://news.example/      wiretrace sources add --all https://news.example/
      wiretrace sources add https://news.example/feed --name "Example News"
    """
    here = context()
    if (every or dry_run or as_json) and (no_check or kind is not SourceKind.AUTO):
        asked = "--all" if every else "--dry-run" if dry_run else "--json"
        raise UsageError(f"{asked}: looks for sources, expected without {'--no-check' if no_check else '--kind'}")
    wanted = declared_source(
        {
            "name": name or url.split("://", 1)[-1].rstrip("/"),
            "url": url,
            "role": role,
            "publisher": publisher,
            "kind": kind,
            "interval": "adaptive" if interval is None else interval,
            "fetch_pages": fetch_pages,
        }
    )
    from crawler.cli import finding  # HTTP, which the other commands do without

    ways = finding.Ways(every, dry_run, as_json)
    if not (no_check or kind is not SourceKind.AUTO) and finding.needs_a_look(wanted.url, ways):
        finish(finding.add_found(here, wanted, ways))
        return

    async def work() -> None:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            await store.add_source(wanted)

    finish(work())
    console.tell(f"added {wanted.name}: {wanted.url} ({wanted.role.value})")


@app.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="As `sources list` shows it.")]) -> None:
    """Remove a source that was added by `sources add`; what it brought stays.

    Example:  wiretrace sources remove "Example News"
    """
    here = context()
    where = str(here.config_file) if here.config_file else "the environment"

    async def work() -> None:
        async with await Store.open(here.settings.database, here.clock) as store:
            await store.remove_source(name, file=where)

    finish(work())
    console.tell(f"removed {name}")


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all enabled ones.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Queue the pages that were given up again, too.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="R", help="With --retry: only what failed of R, as in `status`.")
    ] = None,
) -> None:
    """Ask each source now, store nothing, and say what it is and what it announces.

    Examples:
      wiretrace sources check
      wiretrace sources check "Example News" --json
      wiretrace sources check --retry --reason status-503
    """
    from crawler.jobs.checking import check_sources  # HTTP, which the other commands do without

    here = context()
    if reason is not None and not retry:
        raise UsageError("--reason says which pages are queued again: it goes with --retry")
    if retry:
        _revive(here, names or (), reason)

    async def work() -> list[Check]:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            return await check_sources(store, here.settings, here.clock, names or ())

    checks = finish(work())
    if as_json:
        console.print_json([one.as_json() for one in checks])
    else:
        for one in checks:
            console.show(console.plain(f"{one.mark()} {one.name}: {one.line()}"))
            if one.advice:
                console.show(console.plain(f"     {one.advice}"))
    if checks and all(one.fault for one in checks):
        raise typer.Exit(1)


def _revive(here: Context, names: Sequence[str], reason: str | None) -> None:
    async def work() -> int:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            for name in names:
                await store.source(name)  # raises NotFound, before anything is done
            return await store.revive(reason=reason, only=names)

    console.tell(f"queued again: {finish(work()):,} pages")
