"""demo: the main job on the bundled sample web."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from crawler import daemon
from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.daemon.service import RunResult
from crawler.demo.report import DemoReport, report
from crawler.demo.stories import Stories
from crawler.demo.web import SampleWeb
from crawler.errors import SettingsError, UsageError
from crawler.model import Source
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.linking import LinkingDesk
from crawler.settings import DatabaseSettings, FetchSettings, Settings, SourceSettings, checked
from crawler.store import Store

WIDTH = 120  # columns where output is no terminal
QUOTED = 90  # characters of a passage that are shown
REUSE = frozenset({"spun", "severe", "condensed", "lifted", "copy", "common-source"})  # kinds that have an original

app = new_app()


@app.command()
def demo(
    db: Annotated[str | None, typer.Option("--db", metavar="URL", help="The store; default a new SQLite file.")] = None,
) -> None:
    """Crawl and link the bundled sample web over loopback; needs no internet and no other service.

    Examples:
      wiretrace demo
      wiretrace demo --db sqlite+aiosqlite:///demo.db
    """
    try:
        given = checked(DatabaseSettings, {"url": db}, "--db") if db else None
    except SettingsError as fault:
        raise UsageError(f"--db: {fault.expected}") from None
    folder = Path(tempfile.mkdtemp(prefix="wiretrace-demo-"))  # it stays: what is shown at the end names it
    finish(_demo(given or DatabaseSettings(url=f"sqlite+aiosqlite:///{folder / 'demo.db'}"), folder))


async def _demo(database: DatabaseSettings, folder: Path) -> None:
    clock = context().clock
    stories = Stories.bundled()
    async with SampleWeb(stories) as web:
        settings = demo_settings(database, web.sources())
        console.show(
            f"Crawling {len({source.url.split('/')[2] for source in web.sources()})} invented sites on loopback …"
        )
        with console.progress() as watch:
            result = await daemon.run(settings, once=True, watch=watch)
    if result.signal is not None:
        raise typer.Exit(128 + result.signal)
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=0) as cpu,
    ):
        shown = await report(store, LinkingDesk(store, cpu), stories)
    configuration = folder / "wiretrace.toml"
    configuration.write_text(f"[database]\nurl = {json.dumps(database.url)}\n", encoding="utf-8")
    _print(result, shown, configuration)


def demo_settings(database: DatabaseSettings, sources: list[Source]) -> Settings:
    """Loopback allowed, no wait between requests (all hosts are ours), stories of any age."""
    return Settings(
        database=database,
        fetch=FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0, per_host=8, max_age_days=0),
        sources=tuple(
            SourceSettings(
                name=source.name,
                url=source.url,
                role=source.role,
                publisher=source.publisher,
                kind=source.kind,
                fetch_pages=source.fetch_pages,
                redistribute=source.redistribute,
            )
            for source in sources
        ),
    )


def _print(result: RunResult, shown: DemoReport, configuration: Path) -> None:
    tally = result.tally
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(tally.failed.items()))
    _say(
        f"{tally.sources} sources polled, {tally.fetched} pages fetched in {tally.seconds:.1f} s: "
        f"{shown.originals} originals and {shown.pages} pages stored, "
        f"{tally.failed.total()} failures counted and skipped ({reasons or 'none'}).\n"
    )
    _say("Linked to their original", "bold green")
    console.show(_links_table(shown), width=None if sys.stdout.isatty() else WIDTH)
    _say("\nLeft alone: not a rewrite of any original held, and why", "bold yellow")
    for left in shown.left_alone:
        missed = "  (a rewrite by its author's label: missed)" if left.kind in REUSE else ""
        _say(f"  {left.score:.3f}  {left.kind or 'page'}: {left.page.title} [{left.page.publisher}]{missed}")
        nearest = f"; nearest: “{left.nearest.title}”" if left.nearest else ""
        _say(f"         {left.reason}{nearest}", "dim")
    if shown.attributed:
        _say("\nFrom Dow Jones by their own words; the full original is not held", "bold cyan")
        for page in shown.attributed:
            _say(f"  {page.page.title} [{page.page.publisher}]: {page.publisher}")
            if page.teaser:
                _say(f"         the story is “{page.teaser.title}”, {page.teaser.url}", "dim")
    right = sum(one.kind in REUSE for one in shown.found)
    overlooked = sum(one.kind in REUSE for one in shown.left_alone)
    wrong, alone = len(shown.found) - right, len(shown.left_alone) - overlooked
    _say(
        f"\nBy their authors' labels: {right} of {right + overlooked} rewrites linked, "
        f"{wrong} other pages linked by mistake, {alone} rightly left alone."
    )
    _say("\nWhere to look next", "bold")
    command = f"{console.own_command()} --config {shlex.quote(str(configuration))}"
    for line in (f"{command} export links", f"{command} trace PAGE.html", f"{command} status"):
        _say(f"  {line}")
    _say("\nTo look at these links in a browser, and to confirm or reject them", "bold")
    _say(f"  {command} serve")
    _say("and open the address that it prints.")


def _links_table(shown: DemoReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("score")
    table.add_column("relation")
    table.add_column("rewrite → original, and the strongest evidence", overflow="fold")
    for one in shown.found:
        page_says, original_says = one.strongest()
        lines = [
            Text(console.plain(f"{one.rewrite.title} [{one.rewrite.publisher}]"), style="bold"),
            Text(console.plain(f"→ {one.original.title} [{one.original.publisher}]")),
            Text(console.plain(f"  page:     {_short(page_says)}"), style="dim"),
            Text(console.plain(f"  original: {_short(original_says)}"), style="dim"),
        ]
        table.add_row(f"{one.link.score:.3f}", one.link.relation.value, Group(*lines))
    return table


def _say(text: str, style: str = "") -> None:
    line_breaks = len(text) - len(text.lstrip("\n"))
    console.show(Text("\n" * line_breaks + console.plain(text.strip("\n")), style=style))


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= QUOTED else folded[: QUOTED - 1] + "…"
