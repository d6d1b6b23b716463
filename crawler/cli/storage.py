"""db upgrade, current, reindex."""

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


@app.command()
def reindex() -> None:
    """Make a new index after a change of the linker, then decide every page anew.

    The old index serves until the new one is whole. Cut off, the command goes on from there when it is run again.
    """
    from crawler.jobs.reindexing import ReindexReport
    from crawler.jobs.reindexing import reindex as make_anew

    here = context()
    with console.bar("signing") as progress:

        def watch(report: ReindexReport) -> None:
            progress(report.signed, report.to_sign)

        report = finish(make_anew(here.settings, clock=here.clock, watch=watch))
    tally = report.tally
    console.show(
        f"linker={report.linker} signed={report.signed} pages={report.pages} "
        f"links_changed={tally.linked} attributions_changed={tally.attributed}"
    )
