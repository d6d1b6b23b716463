"""link: the linker alone, on a dump."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, new_app
from crawler.jobs import batch_linking
from crawler.jobs.batch_linking import EvidenceLevel
from crawler.jobs.exporting import destination
from crawler.link import Linker

app = new_app()


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
    with destination(target, sys.stdout) as file:
        report = batch_linking.link_batch(
            linker,
            batch_linking.expand(articles),
            batch_linking.expand(originals or ()),
            file,
            columns=batch_linking.parse_columns(columns),
            evidence=evidence,
            linked_only=linked_only,
            on_fault=console.fault,
        )
    console.tell(
        f"originals={report.originals} articles={report.articles} linked={report.linked} faults={report.faults}"
    )
