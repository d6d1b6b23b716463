"""run, init."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from crawler import daemon, resources
from crawler.cli import console
from crawler.cli.app import app, context, finish
from crawler.errors import UsageError

log = logging.getLogger(__name__)


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
    console.out.print(console.plain(result.tally.line()), markup=False)
    if result.signal is not None:
        raise typer.Exit(128 + result.signal)
    if result.every_source_failed:
        console.tell("wiretrace: every source failed; `wiretrace sources list` tells why")
        raise typer.Exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write wiretrace.toml.")] = Path(),
) -> None:
    """Write a commented wiretrace.toml with working defaults."""
    path = folder / "wiretrace.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(resources.default_configuration())
    except FileExistsError:
        raise UsageError(f"{path}: is there already; expected a folder without a wiretrace.toml") from None
    except OSError as error:
        raise UsageError(f"{path}: expected a folder that can be written ({error.strerror or error})") from None
    console.tell(f"wrote {path}; its sources are Dow Jones' public feeds: add the sites to watch, then `wiretrace run`")
