"""db upgrade, current, reindex, copy, idf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.tables import copy_table
from crawler.errors import SettingsError, UsageError
from crawler.settings import DatabaseSettings, checked
from crawler.store import Store

if TYPE_CHECKING:
    from crawler.interchange import Json
    from crawler.jobs.reindexing import ReindexReport
    from crawler.store.copying import CopyReport

app = new_app(help="The store's schema and index.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the store's schema up to this program's.

    Examples:
      wiretrace db upgrade
      wiretrace --config /etc/wiretrace.toml db upgrade
    """
    here = context()

    async def work() -> str:
        async with await Store.open(here.settings.database, here.clock) as store:
            return str(await store.current_revision())

    console.tell(f"the store is at schema {finish(work())}")


@app.command()
def current(
    as_json: Annotated[bool, typer.Option("--json", help="Both schemas as JSON.")] = False,
) -> None:
    """Show the store's schema and the one that this program knows.

    Examples:
      wiretrace db current
      wiretrace db current --json
    """
    here = context()

    async def work() -> tuple[str | None, str]:
        async with await Store.open(here.settings.database, here.clock, upgrade=False) as store:
            return await store.current_revision(), store.known_revision()

    found, known = finish(work())
    if as_json:
        console.print_json(schema_json(found, known))
        return
    state = "up to date" if found == known else "run `wiretrace db upgrade`"
    console.show(f"{found or 'empty'} (this program knows {known}: {state})")


def schema_json(found: str | None, known: str) -> Json:
    """As `db current --json` gives it."""
    return {"current": found, "known": known, "up_to_date": found == known}


@app.command()
def reindex(as_json: Annotated[bool, typer.Option("--json", help="What was done as JSON.")] = False) -> None:
    """Make a new index after a change of the linker, then decide every page anew.

    The old index serves until the new one is whole. Cut off, the command goes on from there when it is run again.

    Examples:
      wiretrace db reindex
      wiretrace db reindex --json
    """
    from crawler.jobs.reindexing import reindex as make_anew

    here = context()
    with console.bar("signing") as progress:

        def watch(report: ReindexReport) -> None:
            progress(report.signed, report.to_sign)

        report = finish(make_anew(here.settings, clock=here.clock, watch=watch))
    done = reindex_json(report)
    if as_json:
        console.print_json(done)
    else:
        console.show(" ".join(f"{name}={value}" for name, value in done.items()))


def reindex_json(report: ReindexReport) -> Json:
    """As `db reindex --json` gives it; without, the same stands in one line."""
    return {
        "linker": report.linker,
        "signed": report.signed,
        "pages": report.pages,
        "links_changed": report.tally.linked,
        "attributions_changed": report.tally.attributed,
    }


@app.command()
def copy(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="URL of the store, or @FILE that holds it.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="URL of an empty database, or @FILE that holds it.")],
    while_running: Annotated[
        bool,
        typer.Option("--while-running", help="Copy FROM as it is at this moment, though `wiretrace run` works on it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Copy a store into another database, SQLite or PostgreSQL, and compare both.

    Cut off, the command goes on from there when it is run again; till it is done no other command takes TO. In the end
    both are read and the rows and checksums of each table compared. FROM is not changed.

    Examples:
      wiretrace db copy sqlite+aiosqlite:///wiretrace.db postgresql+asyncpg://wiretrace@db.example/wiretrace
      wiretrace db copy --while-running @/run/secrets/store sqlite+aiosqlite:///copy.db
    """
    from crawler.store.copying import copy_store

    here = context()
    ends = {name: _database(name, given) for name, given in (("FROM", origin), ("TO", target))}
    with console.bar("copying") as progress:

        def watch(_table: str, done: int, total: int) -> None:
            progress(done, total)

        report = finish(copy_store(ends["FROM"], ends["TO"], here.clock, while_running=while_running, watch=watch))
    if as_json:
        console.print_json(copy_json(report))
    else:
        console.show(copy_table(report))
        console.show(f"{sum(one.rows for one in report.tables):,} rows, the same on both sides")


def _database(name: str, given: str) -> DatabaseSettings:
    """Of a URL with a password others on this machine may read on the command line: it may stand in a file."""
    url = given
    if given.startswith("@"):
        try:
            url = Path(given[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}: {given[1:]}: expected a file with a URL ({error})") from None
    try:
        return checked(DatabaseSettings, {"url": url}, name)
    except SettingsError as fault:
        raise UsageError(f"{name}: {fault.expected}") from None


def copy_json(report: CopyReport) -> Json:
    """As `--json` gives it."""
    return {
        "from": report.origin,
        "to": report.target,
        "seconds": round(report.seconds, 3),
        "tables": [
            {
                "table": one.name,
                "rows": one.rows,
                "copied": one.copied,
                "checksum_from": one.checksum_from,
                "checksum_to": one.checksum_to,
            }
            for one in report.tables
        ],
    }


@app.command()
def idf(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the tables are written.")] = Path(),
    least: Annotated[
        int, typer.Option("--least", metavar="N", help="Texts that a language needs for a table of its own.")
    ] = 1_000,  # fewer say little that the package's table does not
) -> None:
    """Make new tables of how rare words are, from the texts in the store.

    One file for each language, joined with the package's table, which counts as much as 1,000 texts. Its name
    holds the day and a digest of the content; no file is ever overwritten. Nothing goes by a new table till
    [link] idf names it and `wiretrace db reindex` has made a new index.

    Examples:
      wiretrace db idf --out tables/
      wiretrace db idf --out tables/ --least 5000
    """
    from crawler.jobs.counting import IdfReport, refresh_idf

    here = context()
    with console.bar("counting") as progress:

        def watch(report: IdfReport) -> None:
            progress(report.read, None)

        report = finish(refresh_idf(here.settings, out, clock=here.clock, least=least, watch=watch))
    for table in report.written:
        console.show(f"{table.path} language={table.language} texts={table.texts}")
    for language, texts in report.too_few.items():
        console.tell(f"{language}: {texts:,} texts, fewer than {least:,}: the package's table stays")
    listed = json.dumps([str(table.path) for table in report.written], ensure_ascii=False)
    console.tell(f"to go by them: [link] idf = {listed}, then `wiretrace db reindex`")
