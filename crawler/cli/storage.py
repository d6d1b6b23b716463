"""db upgrade, current."""

from __future__ import annotations

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.store import Store

app = new_app(help="The store's schema and index.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the store's schema up to this program's."""
    here = context()

    async def work() -> str:
        async with await Store.open(here.settings.database, here.clock) as store:
            return str(await store.current_revision())

    console.tell(f"the store is at schema {finish(work())}")


@app.command()
def current() -> None:
    """Show the store's schema and the one that this program knows."""
    here = context()

    async def work() -> tuple[str | None, str]:
        async with await Store.open(here.settings.database, here.clock, upgrade=False) as store:
            return await store.current_revision(), store.known_revision()

    found, known = finish(work())
    state = "up to date" if found == known else "run `wiretrace db upgrade`"
    console.show(f"{found or 'empty'} (this program knows {known}: {state})")
