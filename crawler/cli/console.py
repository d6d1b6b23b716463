"""What a person sees: results on standard output, logs and progress on standard error."""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.cli import logs
from crawler.errors import WiretraceError
from crawler.pipeline.tally import Tally

# rich is imported where something is drawn: help, versions and errors do without.
if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID


plain = logs.plain

_SHOWN_EVERY = 0.1  # seconds


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


def own_command() -> str:
    """How to call this program again from the same folder: `wiretrace` where the shell finds it, else as it was called.

    `make demo` calls one in an environment that no shell knows of.
    """
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m crawler"
    found = shutil.which(called.name)
    if called.parent == Path() or (found is not None and Path(found).resolve() == called.resolve()):
        return called.name
    return shlex.quote(sys.argv[0])


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


@contextmanager
def progress(seconds: float | None = None) -> Iterator[Callable[[Tally], None] | None]:
    """A line that shows a run's counts and pace, on a terminal only; None elsewhere.

    `seconds`: after which the run ends. How much a run without an end will find nobody knows before.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.live import Live
    from rich.text import Text

    started = time.monotonic()
    with Live(
        console=_console(stderr=True),
        refresh_per_second=4,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as live:

        def show(tally: Tally) -> None:
            live.update(Text(run_line(tally, time.monotonic() - started, seconds)))

        yield show


def run_line(tally: Tally, passed: float, seconds: float | None) -> str:
    """What `progress` shows when `passed` seconds have passed."""
    pace = f" ({tally.fetched / passed:,.1f}/s)" if passed >= 1 else ""
    left = "" if seconds is None else f" · at most {timedelta(seconds=round(max(0.0, seconds - passed)))} left"
    return (
        f"sources {tally.sources} · fetched {tally.fetched}{pace} · new {tally.new} · linked {tally.linked} "
        f"· attributed {tally.attributed} · failed {tally.failed.total()}{left}"
    )


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for long work, on a terminal only, with its pace and what time is left: call with what is done and how
    much there is, None where unknown."""
    with stages() as show:
        yield lambda done, total: show(label, done, total)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int | None], None]]:
    """As `bar`, for work of several stages: call with the stage as well. Cheap enough to be called for each row."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    shown, stage_shown = 0.0, ""
    task: TaskID | None = None
    with _bars() as drawn:

        def show(stage: str, done: int, total: int | None) -> None:
            nonlocal shown, stage_shown, task
            now = time.monotonic()
            if task is None or stage != stage_shown:
                if task is not None:
                    drawn.remove_task(task)
                task, stage_shown = drawn.add_task(stage, total=None), stage
            elif now - shown < _SHOWN_EVERY and done != total:
                return
            shown = now
            drawn.update(task, completed=done, total=total)

        yield show


def _bars() -> Progress:
    # rich would send all of standard output above the bar, to standard error: also what goes to a file or a pipe.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Pace(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    class Left(TimeRemainingColumn):
        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else Text("left ") + super().render(task)

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Pace(),
        TimeElapsedColumn(),
        Left(),
        console=_console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
