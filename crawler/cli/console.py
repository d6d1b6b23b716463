"""What a person sees: results on standard output, logs and progress on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from crawler.cli import logs
from crawler.errors import WiretraceError
from crawler.pipeline.tally import Tally

# rich is imported where something is drawn: help, versions and errors do without.
if TYPE_CHECKING:
    from rich.console import Console, RenderableType


plain = logs.plain


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


def set_up_logging(level: int, kind: LogFormat) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logs.JsonFormatter() if kind is LogFormat.JSON else logs.TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("crawler").setLevel(level)


@cache
def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def show(result: RenderableType, width: int | None = None) -> None:
    """A result on standard output; `width` in columns, None: the terminal's. Square brackets are no mark-up."""
    _console().print(result, width=width, markup=False)


def tell(message: str) -> None:
    """A remark on standard error; control characters from a page can't reach the terminal."""
    sys.stderr.write(f"{plain(message)}\n")


def fault(error: WiretraceError) -> None:
    tell(f"wiretrace: {error}")


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def progress() -> Iterator[Callable[[Tally], None] | None]:
    """A line that shows a run's counts, on a terminal only; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.live import Live
    from rich.text import Text

    with Live(console=_console(stderr=True), refresh_per_second=4, transient=True) as live:

        def show(tally: Tally) -> None:
            live.update(
                Text(
                    f"sources {tally.sources} · fetched {tally.fetched} · new {tally.new} · linked {tally.linked} "
                    f"· attributed {tally.attributed} · failed {tally.failed.total()}"
                )
            )

        yield show


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for long work, on a terminal only, with its pace and what time is left: call with what is done and how
    much there is, None where unknown."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Pace(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Pace(), TimeRemainingColumn())
    with Progress(*columns, console=_console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(label, total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)
