"""status: the whole at a glance."""

from __future__ import annotations

from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import status_tables
from crawler.store import Store

app = new_app()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON.")] = False) -> None:
    """Show the queue, the workers, sources in trouble and the last runs.

    Examples:
      wiretrace status
      wiretrace status --json
    """
    here = context()

    async def work() -> dict[str, object]:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await store.status()

    figures = finish(work())
    if as_json:
        console.print_json(figures)
    else:
        for table in status_tables(figures):
            console.show(table)
