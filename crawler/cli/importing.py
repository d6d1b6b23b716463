"""import: originals into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.jobs.importing import ImportReport, import_originals
from crawler.originals import Format

app = new_app()


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders of originals.")],
    kind: Annotated[Format, typer.Option("--format", help="Told by content unless given.")] = Format.AUTO,
    publisher: Annotated[str, typer.Option("--publisher", metavar="NAME", help="Where the items name none.")] = "",
) -> None:
    """Load originals (Factiva, NewsML-G2, NITF, JSONL, HTML, text); what is bad is told.

    Example:  wiretrace import deliveries/ --publisher "The Wall Street Journal"
    """
    here = context()
    report = ImportReport()
    work = import_originals(
        here.settings,
        paths,
        clock=here.clock,
        kind=kind,
        publisher=publisher,
        on_fault=console.fault,
        report=report,
    )
    try:
        finish(work)
    except KeyboardInterrupt:
        _show(report)  # it is stored all the same
        raise
    _show(report)


def _show(report: ImportReport) -> None:
    console.show(" ".join(f"{name}={count}" for name, count in report.as_json().items()))
