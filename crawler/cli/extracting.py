"""extract: the extractor alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import extraction_text
from crawler.errors import FetchError, InputError, WiretraceError
from crawler.jobs import tracing
from crawler.jobs.extracting import extracted_json
from crawler.model import RawDocument

app = new_app()


@app.command()
def extract(
    targets: Annotated[list[str], typer.Argument(metavar="PATH|URL|-...", help="HTML or plain text.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object (a line each for several).")] = False,
) -> None:
    """Show the article that is in a page: title, byline, dates, text, captions.

    Examples:  wiretrace extract page.html        wiretrace extract --json pages/*.html > articles.jsonl
    """
    failed = 0
    several = len(targets) > 1
    for target, document in _documents(targets):
        if isinstance(document, WiretraceError):
            failed += 1
            console.fault(document)
        elif as_json and several:
            sys.stdout.write(json.dumps(extracted_json(document, target), ensure_ascii=False) + "\n")
        elif as_json:
            console.print_json(extracted_json(document))
        else:
            console.show(extraction_text(extracted_json(document)))
    if failed == len(targets):
        raise typer.Exit(1)


def _documents(targets: list[str]) -> Iterator[tuple[str, RawDocument | WiretraceError]]:
    here = context()
    for target in targets:
        try:
            body = sys.stdin.buffer.read() if target == tracing.STANDARD_INPUT else None
            yield target, finish(tracing.load(target, here.settings, clock=here.clock, standard_input=body))
        except (FetchError, InputError) as error:
            yield target, error
