"""The command `wiretrace`: global options, the commands, and errors as one line and an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from crawler import __version__
from crawler.cli import console
from crawler.clock import SystemClock
from crawler.errors import WiretraceError

if TYPE_CHECKING:
    from crawler.settings import Settings
    from crawler.store import Store

T = TypeVar("T")

# typer comes with a click of its own; what it raises is told only by the public class that derives from it.
_UsageFault: Any = typer.BadParameter.__base__

# Command → its module in this package, and its line in `wiretrace --help`. A module brings all that its command
# needs (the linker's arrays, HTTP, SQL), so it is read when the command is asked for and not before.
COMMANDS = {
    "demo": ("demo", "Crawl and link the bundled sample web over loopback; needs no internet and no other service."),
    "init": ("starting", "Write a commented wiretrace.toml with working defaults."),
    "run": ("crawling", "Crawl the configured sources and link what is found: for ever, or one pass with --once."),
    "import": ("importing", "Load originals (Factiva, NewsML-G2, NITF, JSONL, HTML, text); what is bad is told."),
    "trace": ("tracing", "Find the original of one article: the relation, the evidence, and what else was considered."),
    "link": ("linking", "Link a dump of articles in batch; no database needed."),
    "extract": ("extracting", "Show the article that is in a page: title, byline, dates, text, captions."),
    "export": ("exporting", "Write what is stored: articles, links, stories, changes, reviews; feeds and reports."),
    "evaluate": ("evaluating", "Measure the linker on a labelled corpus: recall and false links per kind of reuse."),
    "sources": ("sources", "The sources and their health."),
    "look": (
        "looking",
        "Have the pages of confirmed links looked at again by the next run, and show what earlier looks saw.",
    ),
    "archive": ("archive", "The pages that are kept as evidence, and the archives that were read."),
    "purge": (
        "purging",
        "Take originals, releases and teasers out of the store for good; with --source also an aggregator's pages.",
    ),
    "db": ("storage", "The store's schema and index."),
    "serve": ("serving", "Show what was found: pages in which people judge links, and an HTTP API for programs."),
    "token": ("tokens", "The access tokens of those who ask `serve` from another machine."),
    "webhooks": ("webhooks", "The programs that `run` tells what changes."),
    "status": ("status", "Show the queue, the workers, sources in trouble and the last runs."),
    "completion": ("completion", "Print a script by which a shell completes commands, options and their choices."),
}  # fmt: skip


class _Commands(MutableMapping[str, Any]):
    """The commands by name, each read from its module when it is first asked for."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            module, _ = COMMANDS[name]
            self._read[name] = typer.main.get_command(import_module(f"crawler.cli.{module}").app)
        return self._read[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._read[name] = command

    def __delitem__(self, name: str) -> None:
        del self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    """`wiretrace` itself: its help reads no command's module."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


class _Command(TyperCommand):
    """A command whose examples stand in its help each on a line of its own, as one copies them."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        said, examples = split_help(self.help or "")
        for paragraph in said:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)
        if examples:
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def split_help(text: str) -> tuple[list[str], list[str]]:
    """The paragraphs of a command's help, and the examples at its end: lines, or two or more spaces between them."""
    paragraphs, examples = [], []
    for paragraph in text.split("\n\n"):
        head, found, rest = paragraph.partition(":")
        if found and head in {"Example", "Examples"}:
            examples += [one for one in re.split(r"\s{2,}|\n", rest.strip()) if one]
        else:
            paragraphs.append(" ".join(paragraph.split()))
    return paragraphs, examples


class _App(typer.Typer):
    def command(self, name: str | None = None, **options: Any) -> Any:
        return super().command(name, cls=_Command, **options)


def new_app(**options: Any) -> typer.Typer:
    """What a module's commands hang on: one command, or a group of them."""
    # Plain help, not rich's: drawing its boxes takes longer than all else that --help does.
    return _App(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, **options)


app = typer.Typer(
    name="wiretrace",
    cls=_Group,
    help="Crawl news sites and link machine-paraphrased rewrites to the Dow Jones story they came from.",
    no_args_is_help=True,
    add_completion=False,  # a program started at every key press takes a second: `completion` prints words
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass
class Context:
    """The global options; settings are read when a command first asks for them."""

    config: Path | None
    clock: SystemClock = field(default_factory=SystemClock)

    @cached_property
    def config_file(self) -> Path | None:
        from crawler import settings  # not for --help and --version, see COMMANDS

        return settings.find_file(self.config)

    @cached_property
    def settings(self) -> Settings:
        from crawler import settings

        return settings.load(self.config_file)


_context: ContextVar[Context] = ContextVar("context")


def context() -> Context:
    """The running command's context. Raises LookupError outside a command."""
    return _context.get()


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"wiretrace {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="PATH", help="Settings; default $WIRETRACE_CONFIG, else ./wiretrace.toml."),
    ] = None,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="Tell more (-vv: everything).")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Tell errors only.")] = False,
    log_format: Annotated[
        console.LogFormat, typer.Option("--log-format", help="How logs are written to standard error.")
    ] = console.LogFormat.TEXT,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    usual = logging.INFO if ctx.invoked_subcommand == "run" else logging.WARNING
    level = logging.ERROR if quiet else max(logging.DEBUG, usual - 10 * verbose)
    console.set_up_logging(level, log_format)
    _context.set(Context(config))


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's asynchronous part. A signal cancels it, so that it closes what it has opened."""
    return asyncio.run(work)


def ask(question: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """What the configured store says to one question."""
    from crawler.store import Store  # only commands that ask one load it; others start sooner

    here = context()

    async def work() -> T:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await question(store)

    return finish(work())


def main() -> None:
    """Runs the command line and ends the process with INTERFACE's exit codes."""
    with _sigterm_as_interrupt() as terminated:
        code = _run()
    if terminated:
        code = 128 + signal.SIGTERM
    if code in {128 + signal.SIGINT, 128 + signal.SIGTERM}:
        console.tell(f"wiretrace: stopped by {'SIGTERM' if code == 128 + signal.SIGTERM else 'Ctrl-C'}")
    sys.exit(code)


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
    except _UsageFault as error:
        return _usage_fault(error)
    except WiretraceError as error:
        console.fault(error)
        return error.exit_code
    except BrokenPipeError:  # `wiretrace export … | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        console.tell(f"wiretrace: {error.filename or 'the system'}: {error.strerror or error}")
        return 1
    return code if isinstance(code, int) else 0


def _usage_fault(error: Any) -> int:
    command = error.ctx.command_path if error.ctx else "wiretrace"
    message = error.format_message().replace("Value error, ", "")
    if "\n" in message:  # no fault but the help of a group that was called without a command
        sys.stderr.write(f"{message}\n")
    else:
        console.tell(f"wiretrace: {message} (see {command} --help)")
    return 2


@contextmanager
def _sigterm_as_interrupt() -> Iterator[list[int]]:
    """Within it SIGTERM ends a command as Ctrl-C does; the list says whether it came.

    `run` has its own way with both signals, which goes before this one while it works.
    """
    caught: list[int] = []

    def on_sigterm(number: int, _frame: object) -> None:
        caught.append(number)
        signal.raise_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    before = signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGTERM, before)
