"""The command `wiretrace`: global options, the commands, and errors as one line and an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from crawler import __version__, settings
from crawler.cli import console
from crawler.clock import SystemClock
from crawler.errors import WiretraceError
from crawler.settings import Settings

T = TypeVar("T")

# typer comes with a click of its own; what it raises is told only by the public class that derives from it.
_UsageFault: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="wiretrace",
    help="Crawl news sites and link machine-paraphrased rewrites to the Dow Jones story they came from.",
    no_args_is_help=True,
    add_completion=True,
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
        return settings.find_file(self.config)

    @cached_property
    def settings(self) -> Settings:
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
    """Runs a command's asynchronous part."""
    return asyncio.run(work)


def main() -> None:
    """Runs the command line and ends the process with INTERFACE's exit codes."""
    try:
        code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except _UsageFault as error:
        command = error.ctx.command_path if error.ctx else "wiretrace"
        console.tell(f"wiretrace: {error.format_message()} (see {command} --help)")
        code = 2
    except WiretraceError as error:
        console.fault(error)
        code = error.exit_code
    except BrokenPipeError:  # `wiretrace export … | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        console.tell(f"wiretrace: {error.filename or 'the system'}: {error.strerror or error}")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


# The commands hang themselves onto `app`.
from crawler.cli import crawling, data, demo, inspecting, sources, storage  # noqa: E402, F401
