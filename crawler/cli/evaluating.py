"""evaluate: the linker on a labelled corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, new_app
from crawler.cli.tables import evaluation_tables
from crawler.corpus import read_corpus
from crawler.evaluate import evaluate as evaluate_corpus

app = new_app()


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
            console.show(table)
