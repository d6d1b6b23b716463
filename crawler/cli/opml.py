"""sources import-opml, export-opml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.cli.declaring import reconciled
from crawler.errors import InputError
from crawler.model import Role
from crawler.store import Store

app = new_app()


@app.command("import-opml")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A list of feeds as OPML; - is standard input.")],
    role: Annotated[
        Role, typer.Option("--role", help="What the articles of feeds that say no role are to the linker.")
    ] = Role.AGGREGATOR,
) -> None:
    """Add the sources of an OPML list, which every feed reader can write; no request is made.

    A feed whose URL is a source already is left as it is.

    Examples:
      wiretrace sources import-opml feeds.opml
      wiretrace sources import-opml wires.opml --role origin
    """
    from crawler.jobs.opml import OpmlReport, import_opml
    from crawler.jobs.rejects import MOST_TOLD, Rejects

    here = context()
    faults = Rejects(console.fault, lambda: None)

    async def work() -> OpmlReport:
        data = _read(file)
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            return await import_opml(store, data, "standard input" if file == "-" else file, role, faults)

    report = finish(work())
    if faults.count > MOST_TOLD:
        console.tell(f"wiretrace: and {faults.count - MOST_TOLD:,} more outlines that can't be read")
    console.tell(report.line())
    if report.faults and not (report.added or report.held):
        raise typer.Exit(1)


@app.command("export-opml")
def export(
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """Write all enabled sources as OPML 2.0, for feed readers and for another wiretrace.

    Examples:
      wiretrace sources export-opml
      wiretrace sources export-opml -o sources.opml
    """
    from crawler.jobs.exporting import destination
    from crawler.jobs.opml import export_opml

    here = context()

    async def work() -> str:
        async with await Store.open(here.settings.database, here.clock) as store:
            await reconciled(store, here)
            return await export_opml(store, here.clock.now())

    text = finish(work())
    with destination(None if out is None or str(out) == "-" else out, sys.stdout) as stream:
        stream.write(text)


def _read(file: str) -> bytes:
    from crawler.discover.opml import MAX_BYTES

    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(file).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(file, f"expected a readable file ({error.strerror or error})") from None
