"""run: the daemon and the scheduled job."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from crawler import daemon
from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import UsageError

log = logging.getLogger(__name__)

app = new_app()


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="One pass over every enabled source, then exit.")] = False,
    due: Annotated[bool, typer.Option("--due", help="With --once: only sources whose next poll has come.")] = False,
    source: Annotated[list[str] | None, typer.Option("--source", metavar="NAME", help="Only this source.")] = None,
) -> None:
    """Crawl the configured sources and link what is found: for ever, or one pass with --once.

    Examples:  wiretrace run        wiretrace run --once --due        wiretrace run --once --source "WSJ World"
    """
    if due and not once:
        raise UsageError("--due: expected together with --once")
    if context().config_file is None and not context().settings.sources:
        log.warning(
            "no configuration: only sources of `wiretrace sources add` are crawled (`wiretrace init` writes one)"
        )
    with console.progress() as watch:
        result = finish(daemon.run(context().settings, once=once, due_only=due, only=source or (), watch=watch))
    if result.skipped:
        console.tell(f"nothing done: {result.skipped}")
        return
    console.show(console.plain(result.tally.line()))
    if result.signal is not None:
        raise typer.Exit(128 + result.signal)
    if result.every_source_failed:
        console.tell("wiretrace: every source failed; `wiretrace sources list` tells why")
        raise typer.Exit(1)
