"""What a person sees: results on standard output, logs and progress on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from crawler.errors import WiretraceError
from crawler.pipeline.tally import Tally

# rich is imported where something is drawn: help, versions and errors do without.
if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(level: int, kind: LogFormat) -> None:
    handler = logging.StreamHandler(sys.stderr)
    if kind is LogFormat.JSON:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
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


def plain(text: str) -> str:
    """Text for a terminal, on one line, without control and bidi characters."""
    return "".join(" " if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in _BIDI else c for c in text)


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


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
    """A bar for long work, on a terminal only: call with what is done and how much there is, None where unknown."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(label, total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)
