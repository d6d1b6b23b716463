"""import, link, extract, export, evaluate: what goes in and what comes out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import app, context, finish
from crawler.cli.tables import evaluation_tables, extraction_text
from crawler.corpus import read_corpus
from crawler.errors import FetchError, InputError, UsageError, WiretraceError
from crawler.evaluate import evaluate as evaluate_corpus
from crawler.interchange import time_from_json
from crawler.jobs import batch_linking, exporting, importing, tracing
from crawler.jobs.batch_linking import EvidenceLevel
from crawler.jobs.extracting import extracted_json
from crawler.link import Linker
from crawler.model import RawDocument
from crawler.originals import Format as OriginalsFormat
from crawler.store import Store


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders of originals.")],
    kind: Annotated[OriginalsFormat, typer.Option("--format", help="Told by content unless given.")] = (
        OriginalsFormat.AUTO
    ),
    publisher: Annotated[str, typer.Option("--publisher", metavar="NAME", help="Where the items name none.")] = "",
) -> None:
    """Load originals: Factiva JSON lines, JSONL and other deliveries. What is bad is told and left out.

    Example:  wiretrace import deliveries/ --publisher "The Wall Street Journal"
    """
    here = context()
    report = finish(
        importing.import_originals(
            here.settings, paths, clock=here.clock, kind=kind, publisher=publisher, on_fault=console.fault
        )
    )
    console.out.print(" ".join(f"{name}={count}" for name, count in report.as_json().items()), markup=False)


@app.command()
def link(
    articles: Annotated[list[str], typer.Option("--in", metavar="PATH", help="Files, globs or folders of JSONL.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="One row an article; - is standard output.")],
    originals: Annotated[
        list[str] | None,
        typer.Option("--originals", metavar="PATH", help="Rows that are originals, whatever their role."),
    ] = None,
    columns: Annotated[str, typer.Option("--map", metavar="FIELD=COLUMN,…", help="Columns of another name.")] = "",
    evidence: Annotated[EvidenceLevel, typer.Option("--evidence", help="How much evidence each row carries.")] = (
        EvidenceLevel.SHORT
    ),
    linked_only: Annotated[bool, typer.Option("--linked-only", help="Leave out articles without a link.")] = False,
) -> None:
    """Link a dump of articles in batch; no database needed.

    Example:  wiretrace link --in pages.jsonl.gz --originals wire/ --out links.jsonl
    """
    here = context().settings
    linker = Linker(here.link, here.rights_list())
    target = None if str(out) == "-" else out
    with exporting.destination(target, sys.stdout) as file:
        report = finish(
            batch_linking.link_batch(
                linker,
                batch_linking.expand(articles),
                batch_linking.expand(originals or ()),
                file,
                columns=batch_linking.parse_columns(columns),
                evidence=evidence,
                linked_only=linked_only,
                on_fault=console.fault,
            )
        )
    console.tell(
        f"originals={report.originals} articles={report.articles} linked={report.linked} faults={report.faults}"
    )


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
            console.out.print(extraction_text(extracted_json(document)))
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


@app.command()
def export(
    subject: Annotated[exporting.Subject, typer.Argument(help="What to export; changes is the change log.")],
    kind: Annotated[exporting.Format, typer.Option("--format", help="How rows are written.")] = exporting.Format.JSONL,
    since: Annotated[
        str | None, typer.Option(metavar="T|SEQ", help="Only what changed after this time or change number.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="T", help="The store as it was at this time.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """Write what is stored, one row each: articles, links, stories, or the change log.

    Examples:  wiretrace export links --format csv -o links.csv        wiretrace export changes --since 1200
    """
    here = context()
    is_number = since is not None and since.isdecimal() and len(since) <= 18
    since_mark = int(since) if since is not None and is_number else _time(since, "--since")
    if as_of is not None and subject is exporting.Subject.CHANGES:
        raise UsageError("--as-of: expected with articles, links or stories; the change log is all times at once")

    async def work() -> int:
        async with await Store.open(here.settings.database, here.clock) as store:
            with exporting.destination(output, sys.stdout) as file:
                return await exporting.export(
                    store, subject, file, kind=kind, since=since_mark, as_of=_time(as_of, "--as-of")
                )

    count = finish(work())
    if output is not None:
        console.tell(f"wrote {count} rows to {output}")


def _time(text: str | None, option: str) -> datetime | None:
    try:
        return time_from_json(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


@app.command()
def evaluate(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS_DIR", help="articles.jsonl and links.jsonl, .gz or not.")],
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Measure the linker on a labelled corpus: recall and false links per kind of reuse."""
    report = evaluate_corpus(read_corpus(corpus), context().settings.link)
    if as_json:
        console.print_json(report.to_json())
    else:
        for table in evaluation_tables(report):
            console.out.print(table)
