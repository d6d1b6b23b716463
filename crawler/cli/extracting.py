"""extract: the extractor alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import extraction_text
from crawler.errors import FetchError, InputError, UsageError
from crawler.jobs import tracing
from crawler.jobs.extract_crew import extract_all
from crawler.jobs.extracting import expanded, extracted_json
from crawler.model import RawDocument

app = new_app()


@app.command()
def extract(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="PATH|URL|-...", help="HTML or plain text; folders of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object (a line each for several).")] = False,
    files_from: Annotated[
        str | None, typer.Option("--files-from", metavar="FILE|-", help="A list of further targets, one a line.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=256, help="Processes for several files.")
    ] = 1,
) -> None:
    """Show the article that is in a page: title, byline, dates, text, captions.

    Of several files each is read in a worker process: one that can't be read, or that crashes its worker, is told in
    a line on standard error and ends nothing. The rows come in the order of the files.

    Examples:  wiretrace extract page.html        wiretrace extract --json --workers 8 pages/ > articles.jsonl
    """
    given = targets or []
    if not given and files_from is None:
        raise UsageError("extract: expected PATH, URL or - (see wiretrace extract --help)")
    if files_from == tracing.STANDARD_INPUT in given:
        raise UsageError("extract: standard input can't be both a page and the list of files")
    if len(given) == 1 and files_from is None and not Path(given[0]).is_dir():
        _one(given[0], as_json=as_json)
    else:
        with _list(files_from) as listed:
            _several(chain(given, listed), as_json=as_json, workers=workers)


def _one(target: str, *, as_json: bool) -> None:
    try:
        document = _load(target)
    except (FetchError, InputError) as error:
        console.fault(error)
        raise typer.Exit(1) from None
    row = extracted_json(document)
    if as_json:
        console.print_json(row)
    else:
        console.show(extraction_text(row))


def _several(targets: Iterator[str], *, as_json: bool, workers: int) -> None:
    read = failed = 0
    limit = context().settings.fetch.max_body
    for result in extract_all(expanded(targets), workers=workers, limit=limit, load=_load_unless_file):
        if result.line is None:
            failed += 1
            console.tell(f"wiretrace: {result.fault}")
            continue
        read += 1
        if as_json:
            sys.stdout.write(f"{result.line}\n")
            sys.stdout.flush()
        else:
            console.show(extraction_text(json.loads(result.line)))
    if failed and not read:
        raise typer.Exit(1)


@contextmanager
def _list(files_from: str | None) -> Iterator[Iterator[str]]:
    """The targets of a list, read line by line as they are wanted. Raises InputError before any is."""
    if files_from is None:
        yield iter(())
    elif files_from == tracing.STANDARD_INPUT:
        yield _names(sys.stdin.buffer)
    else:
        with _opened(files_from) as lines:
            yield _names(lines)


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(path, f"expected a list of files ({error.strerror or error})") from None


def _names(lines: BinaryIO) -> Iterator[str]:
    return (os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r\n")))


def _load_unless_file(target: str) -> RawDocument | None:
    """The bytes of what only this process can read or should ask for; a file is its worker's to read."""
    return _load(target) if target == tracing.STANDARD_INPUT or tracing.is_url(target) else None


def _load(target: str) -> RawDocument:
    here = context()
    body = sys.stdin.buffer.read() if target == tracing.STANDARD_INPUT else None
    return finish(tracing.load(target, here.settings, clock=here.clock, standard_input=body))
