"""db upgrade, current, reindex."""

from __future__ import annotations

import typer

from crawler.cli import console
from crawler.cli.app import app, context, finish
from crawler.store import Store

db = typer.Typer(help="The store's schema and index.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command()
def upgrade() -> None:
    """Bring the store's schema up to this program's."""
    here = context()

    async def work() -> str:
        async with await Store.open(here.settings.database, here.clock) as store:
            return str(await store.current_revision())

    console.tell(f"the store is at schema {finish(work())}")


@db.command()
def current() -> None:
    """Show the store's schema and the one that this program knows."""
    here = context()

    async def work() -> tuple[str | None, str]:
        async with await Store.open(here.settings.database, here.clock, upgrade=False) as store:
            return await store.current_revision(), store.known_revision()

    found, known = finish(work())
    state = "up to date" if found == known else "run `wiretrace db upgrade`"
    console.out.print(f"{found or 'empty'} (this program knows {known}: {state})", markup=False)
