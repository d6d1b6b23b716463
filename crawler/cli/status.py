"""status: the whole at a glance."""

from __future__ import annotations

from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import ask, new_app
from crawler.cli.tables import status_tables

app = new_app()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False) -> None:
    """Show the queue, the workers, sources in trouble and the last runs.

    Examples:
      wiretrace status
      wiretrace status --json
    """
    figures = ask(lambda store: store.status())
    if as_json:
        console.print_json(figures)
    else:
        for table in status_tables(figures):
            console.show(table)
