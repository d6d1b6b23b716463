"""demo: the main job on the bundled sample web."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from crawler import daemon
from crawler.cli import console
from crawler.cli.app import app, context, finish
from crawler.daemon.service import RunResult
from crawler.demo.report import DemoReport, report
from crawler.demo.stories import Stories
from crawler.demo.web import SampleWeb
from crawler.model import Source
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.linking import LinkingDesk
from crawler.settings import DatabaseSettings, FetchSettings, Settings, SourceSettings
from crawler.store import Store

QUOTED = 72  # characters of a passage in the table


@app.command()
def demo(
    db: Annotated[str | None, typer.Option("--db", metavar="URL", help="The store; default a new SQLite file.")] = None,
) -> None:
    """Crawl and link the bundled sample web over loopback: no internet and no other service is needed."""
    folder = Path(tempfile.mkdtemp(prefix="wiretrace-demo-"))
    url = db or f"sqlite+aiosqlite:///{folder / 'demo.db'}"
    finish(_demo(url, folder))


async def _demo(url: str, folder: Path) -> None:
    clock = context().clock
    stories = Stories.bundled()
    async with SampleWeb(stories) as web:
        settings = demo_settings(url, web.sources())
        console.out.print(
            f"Crawling {len({source.url.split('/')[2] for source in web.sources()})} invented sites on loopback …"
        )
        with console.progress() as watch:
            result = await daemon.run(settings, once=True, watch=watch)
    async with (
        await Store.open(settings.database, clock) as store,
        CpuPool(settings.link, settings.rights_list(), processes=0) as cpu,
    ):
        shown = await report(store, LinkingDesk(store, cpu), stories)
    configuration = folder / "wiretrace.toml"
    configuration.write_text(f"[database]\nurl = {json.dumps(url)}\n", encoding="utf-8")
    _print(result, shown, configuration)


def demo_settings(url: str, sources: list[Source]) -> Settings:
    """Loopback allowed, no wait between requests (all hosts are ours), stories of any age."""
    return Settings(
        database=DatabaseSettings(url=url),
        fetch=FetchSettings(allow_private=("127.0.0.0/8",), delay=0.0, per_host=8, max_age_days=0),
        sources=tuple(
            SourceSettings(
                name=source.name,
                url=source.url,
                role=source.role,
                publisher=source.publisher,
                kind=source.kind,
                fetch_pages=source.fetch_pages,
            )
            for source in sources
        ),
    )


def _print(result: RunResult, shown: DemoReport, configuration: Path) -> None:
    out = console.out
    tally = result.tally
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(tally.failed.items()))
    out.print(
        f"{tally.sources} sources polled, {tally.fetched} pages fetched in {tally.seconds:.1f} s: "
        f"{shown.originals} originals and {shown.pages} pages stored, "
        f"{tally.failed.total()} failures counted and skipped ({reasons or 'none'})\n"
    )
    out.print(Text("Linked to their original", style="bold green"))
    for one in shown.found:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
        table.add_column(width=9)
        table.add_column(overflow="fold")
        page_says, original_says = one.strongest()
        head = f"{one.rewrite.title}  [{one.rewrite.publisher}]"
        table.add_row(Text(f"{one.link.score:.3f}", style="green"), Text(console.plain(head), style="bold"))
        table.add_row(
            one.link.relation.value, Text(console.plain(f"of “{one.original.title}” ({one.original.publisher})"))
        )
        table.add_row("", Text(console.plain(f"page:     {_short(page_says)}"), style="dim"))
        table.add_row("", Text(console.plain(f"original: {_short(original_says)}"), style="dim"))
        out.print(table)
    out.print(Text("\nLeft alone", style="bold yellow"))
    for left in shown.left_alone:
        nearest = f" (nearest: “{left.nearest.title}”)" if left.nearest else ""
        out.print(
            Text(console.plain(f"{left.score:.3f}  {left.kind or 'page'}: {left.page.title}  [{left.page.publisher}]"))
        )
        out.print(Text(console.plain(f"       {left.reason}{nearest}"), style="dim"))
    if shown.attributed:
        out.print(Text("\nFrom Dow Jones by their own words, the full original is not held", style="bold cyan"))
        for page in shown.attributed:
            story = f" — the story is “{page.teaser.title}”, {page.teaser.url}" if page.teaser else ""
            out.print(Text(console.plain(f"{page.page.title}  [{page.page.publisher}]: {page.publisher}{story}")))
    out.print(Text("\nWhere to look next", style="bold"))
    command = f"wiretrace --config {configuration}"
    for line in (f"{command} export links", f"{command} status", f"{command} trace PAGE.html"):
        out.print(f"  {line}", markup=False)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= QUOTED else folded[: QUOTED - 1] + "…"
