"""import: originals into the store."""

from __future__ import annotations

from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import UsageError
from crawler.jobs.dropfolder import SETTLE
from crawler.jobs.importing import ImportReport, import_originals
from crawler.jobs.watching import watch_folders
from crawler.originals import Format

app = new_app()


class Stream(StrEnum):
    FACTIVA = "factiva"


@app.command("import")
def import_(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders of originals.")
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="Told by content unless given.")] = Format.AUTO,
    publisher: Annotated[str, typer.Option("--publisher", metavar="NAME", help="Where the items name none.")] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Import what is dropped into the folders, till stopped.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            min=0.0,
            max=3_600.0,
            help="With --watch: how long a file has to stand still.",
        ),
    ] = SETTLE,
    stream: Annotated[
        Stream | None, typer.Option("--stream", help="Take originals from a vendor's stream, till stopped.")
    ] = None,
    subscription: Annotated[
        str, typer.Option("--subscription", metavar="ID", help="With --stream: instead of the environment's.")
    ] = "",
    once: Annotated[bool, typer.Option("--once", help="With --stream: end when no more messages wait.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", metavar="FILE", help="With --stream: keep messages that can't be read."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The counts at the end as one JSON object.")] = False,
) -> None:
    """Load originals (Factiva, NewsML-G2, NITF, JSONL, HTML, text); what is bad is told.

    Examples:  wiretrace import deliveries/ --publisher "The Wall Street Journal"
    wiretrace import --watch drop/        wiretrace import --stream factiva
    """
    here = context()
    report = ImportReport()
    _check(
        paths, stream, watch=watch, only_streams={"--subscription": subscription, "--once": once, "--rejects": rejects}
    )
    if stream is not None:
        from crawler.fetch.factiva import environment_access
        from crawler.jobs.streaming import stream_factiva

        _finish(
            stream_factiva(
                here.settings,
                environment_access(subscription),
                clock=here.clock,
                report=report,
                publisher=publisher,
                on_fault=console.fault,
                once=once,
                rejects=rejects,
            ),
            report,
            as_json=as_json,
        )
        return
    given = paths or []
    if watch:
        _finish(
            watch_folders(
                here.settings,
                given,
                clock=here.clock,
                report=report,
                kind=kind,
                publisher=publisher,
                on_fault=console.fault,
                settle=settle,
            ),
            report,
            as_json=as_json,
        )
        return

    async def work() -> None:
        with console.bar("importing") as progress:
            await import_originals(
                here.settings,
                given,
                clock=here.clock,
                kind=kind,
                publisher=publisher,
                on_fault=console.fault,
                report=report,
                watch=progress,
            )

    _finish(work(), report, as_json=as_json)


def _check(paths: list[Path] | None, stream: Stream | None, *, watch: bool, only_streams: dict[str, object]) -> None:
    if stream is None:
        wrong = next((name for name, value in only_streams.items() if value), None)
        if wrong is not None:
            raise UsageError(f"{wrong}: expected together with --stream")
        if not paths:
            raise UsageError("PATH: expected files or folders to import")
    elif paths or watch:
        raise UsageError("--stream: expected without PATH and --watch")


def _finish(work: Coroutine[Any, Any, object], report: ImportReport, *, as_json: bool) -> None:
    try:
        finish(work)
    except KeyboardInterrupt:
        _show(report, as_json=as_json)  # it is stored all the same
        raise
    _show(report, as_json=as_json)


def _show(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        console.print_json(report.as_json())
        return
    console.show(" ".join(f"{name}={count}" for name, count in report.as_json().items()))
