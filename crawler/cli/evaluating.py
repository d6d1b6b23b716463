"""evaluate: the linker on labelled corpora, and on the store's own pages by way of a reviewed sheet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import estimate_text, evaluation_tables
from crawler.errors import UsageError
from crawler.evaluate import cases
from crawler.evaluate import evaluate as evaluate_corpus
from crawler.evaluate.estimate import estimate_from
from crawler.evaluate.sampling import LEAST_ROWS, sample
from crawler.evaluate.sheet import write_sheet
from crawler.jobs.exporting import destination

app = new_app()


@app.command()
def evaluate(
    corpora: Annotated[
        list[Path] | None,
        typer.Argument(metavar="CORPUS_DIR...", help="Folders with articles.jsonl and links.jsonl, .gz or not."),
    ] = None,
    pool: Annotated[
        list[Path] | None,
        typer.Option("--pool", metavar="FILE", help="Further originals for the index, JSONL, that no page stems from."),
    ] = None,
    no_dates: Annotated[bool, typer.Option("--no-dates", help="As if no text had a date.")] = False,
    peers: Annotated[
        bool, typer.Option("--peers", help="Run datasketch's MinHashLSH on the same cases, as documented.")
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(
            "--sample", metavar="N", min=LEAST_ROWS, help="Write a sheet of N random stored pages for review (CSV)."
        ),
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option("--reviewed", metavar="SHEET", help="Say what a reviewed sheet tells of the share of rewrites."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Of the sheet; default: standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False,
) -> None:
    """Measure the linker on a labelled corpus: recall and false links per kind of reuse.

    Or on your own stream: --sample draws pages of the store for a person to judge, --reviewed reads the judged sheet
    and says how many pages are rewrites, which is what `[link] base_rate` should be.

    Examples:  wiretrace evaluate cases --peers        wiretrace evaluate --sample 200 -o sheet.csv
    """
    if sum([bool(corpora), rows is not None, reviewed is not None]) != 1:
        raise UsageError("evaluate: expected corpus folders, or --sample N, or --reviewed SHEET")
    if not corpora and (pool or no_dates or peers):
        raise UsageError("evaluate: --pool, --no-dates and --peers are expected with corpus folders")
    if as_json and rows is not None:
        raise UsageError("evaluate: --sample writes CSV, --json is expected without it")
    if output is not None and rows is None:
        raise UsageError("evaluate: --output is expected with --sample N")
    if rows is not None:
        _sample(rows, output)
    elif reviewed is not None:
        _estimate(reviewed, as_json)
    else:
        _measure(corpora or [], pool or [], no_dates=no_dates, peers=peers, as_json=as_json)


def _measure(corpora: list[Path], pool: list[Path], *, no_dates: bool, peers: bool, as_json: bool) -> None:
    corpus = cases.read_cases(corpora)
    further = [article for path in pool for article in cases.read_pool(path)]
    if no_dates:
        corpus, further = cases.without_dates(corpus), cases.pool_without_dates(further)
    with console.bar("linking") as watch:
        report = evaluate_corpus(corpus, context().settings.link, further, peers=peers, watch=watch)
    if as_json:
        console.print_json(report.to_json())
        return
    for table in evaluation_tables(report):
        console.show(table)


def _sample(rows: int, output: Path | None) -> None:
    here = context()
    drawn = finish(sample(here.settings, rows, clock=here.clock))
    with destination(output, sys.stdout) as file:
        write_sheet(drawn, file)
    console.tell(f"pages={drawn.pages} scored={drawn.scored} rows={len(drawn.rows)}")


def _estimate(sheet: Path, as_json: bool) -> None:
    found = estimate_from(sheet)
    if as_json:
        console.print_json(found.to_json())
    else:
        console.show(estimate_text(found, context().settings.link.base_rate))
