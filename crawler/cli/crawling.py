"""run: the daemon and the scheduled job."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Annotated

import typer

from crawler import daemon
from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.daemon.archives import run_archives
from crawler.errors import UsageError

log = logging.getLogger(__name__)

app = new_app()

_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,3})?)(?P<unit>[smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 100 * 86_400  # seconds


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="One pass over every enabled source, then exit.")] = False,
    due: Annotated[bool, typer.Option("--due", help="With --once: only sources whose next poll has come.")] = False,
    source: Annotated[list[str] | None, typer.Option("--source", metavar="NAME", help="Only this source.")] = None,
    from_warc: Annotated[
        list[Path] | None,
        typer.Option("--from-warc", metavar="PATH", help="Crawl a web archive: a WARC file, a folder, a glob."),
    ] = None,
    further: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Further archives.")] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            "--max-time",
            metavar="TIME",
            help="With --once: end cleanly after so long, in seconds or as 10m or 2h; what is left stays queued.",
        ),
    ] = None,
) -> None:
    """Crawl the configured sources and link what is found: for ever, or one pass with --once.

    Examples:
      wiretrace run
      wiretrace run --once --due --max-time 10m
      wiretrace run --from-warc CC-NEWS-20260103.warc.gz
    """
    if due and not once:
        raise UsageError("--due: expected together with --once")
    if max_time is not None and not once:
        raise UsageError("--max-time: expected together with --once")
    if further and not from_warc:
        raise UsageError(f"{further[0]}: expected --from-warc before an archive")
    if from_warc:
        if source or due:
            raise UsageError("--from-warc: expected without --source and --due, no source is polled")
        _run_archives([*from_warc, *(further or ())])
        return
    limit = duration(max_time) if max_time is not None else None
    if context().config_file is None and not context().settings.sources:
        log.warning(
            "no configuration: only sources of `wiretrace sources add` are crawled (`wiretrace init` writes one)"
        )
    with console.progress(limit) as watch:
        result = finish(
            daemon.run(context().settings, once=once, due_only=due, only=source or (), max_seconds=limit, watch=watch)
        )
    if result.skipped:
        console.tell(f"nothing done: {result.skipped}")
        return
    _tell(result, "every source failed; `wiretrace sources list` tells why")


def _run_archives(paths: list[Path]) -> None:
    with console.progress() as watch:
        result = finish(run_archives(context().settings, paths, watch=watch))
    _tell(result, "no archive could be read")


def _tell(result: daemon.RunResult, nothing_done: str) -> None:
    console.show(console.plain(result.tally.line()))
    if result.signal is not None:
        raise typer.Exit(128 + result.signal)
    if result.every_source_failed:
        console.tell(f"wiretrace: {nothing_done}")
        raise typer.Exit(1)


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `10m`, `1.5h` or `1d`. Raises UsageError."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found["number"]) * _UNITS[found["unit"]] if found else 0.0
    if not 0 < seconds <= _LONGEST:
        raise UsageError(f"--max-time: expected seconds, or a time such as 10m or 2h, got {text!r:.40}")
    return seconds
