"""trace, status: one article, and the whole."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import app, context, finish
from crawler.cli.tables import status_tables, trace_text
from crawler.jobs import tracing
from crawler.store import Store


@app.command()
def trace(
    target: Annotated[str, typer.Argument(metavar="PATH|URL|-", help="One article: HTML, plain text or a URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    store: Annotated[bool, typer.Option("--store", help="Keep the article in the store.")] = False,
) -> None:
    """Find the original of one article: the relation, the evidence, and what else was considered.

    Examples:  wiretrace trace page.html        wiretrace trace https://news.example/story --json
    """
    here = context()
    body = sys.stdin.buffer.read() if target == tracing.STANDARD_INPUT else None

    async def work() -> tracing.Trace:
        document = await tracing.load(target, here.settings, clock=here.clock, standard_input=body)
        return await tracing.trace(here.settings, document, clock=here.clock, keep=store)

    found = finish(work())
    if as_json:
        console.print_json(found.as_json())
    else:
        console.out.print(trace_text(found))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False) -> None:
    """Show the queue, the workers, sources in trouble and the last runs."""
    here = context()

    async def work() -> dict[str, object]:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await store.status()

    figures = finish(work())
    if as_json:
        console.print_json(figures)
    else:
        for table in status_tables(figures):
            console.out.print(table)
