"""trace: one article against the store."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import trace_text
from crawler.jobs import tracing

app = new_app()


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
        console.show(trace_text(found))
