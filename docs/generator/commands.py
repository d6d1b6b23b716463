"""The page of commands, from the command line's own definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from crawler.cli.app import app, split_help
from crawler.errors import UsageError, WiretraceError
from docs.generator.words import table

# typer brings a click of its own, whose classes are not for import: commands and parameters are Any here.
_HEAD = """# Commands

`wiretrace COMMAND --help` says the same on the terminal. Results go to standard output, logs and progress to
standard error; a progress line is only shown on a terminal.

## Exit codes

"""
_EXIT_CODES = (
    ("0", "done; a page that fails is counted and reported and does not fail the job"),
    (
        str(WiretraceError.exit_code),
        "the job could not do its work: the database can't be reached, every source failed, a page holds no article",
    ),
    (
        str(UsageError.exit_code),
        "wrong usage or configuration, with one line that names the file, the key and what was expected",
    ),
    ("130, 143", "stopped by Ctrl-C or SIGTERM, after a clean shutdown"),
)
_DEFAULT = re.compile(r"\s*\[(?:default: (?P<default>[^\]]*)|required)\]")


def commands_page() -> str:
    root = typer.main.get_command(app)
    context = root.make_context("wiretrace", [], resilient_parsing=True)
    parts = [
        _HEAD + table(("code", "meaning"), _EXIT_CODES),
        "## Global options\n\nThey stand before the command: `wiretrace --config other.toml run`.\n\n",
        _options(root, context),
    ]
    parts += [_section(command, ctx) for command, ctx in walk(root, context) if not hasattr(command, "commands")]
    return "\n".join(parts)


def walk(command: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    """All commands below a group, each with the context that its help is made in."""
    for name in sorted(getattr(command, "commands", {})):
        child = command.commands[name]
        ctx = type(context)(child, info_name=name, parent=context)
        yield child, ctx
        yield from walk(child, ctx)


def _section(command: Any, ctx: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = _options(command, ctx)
    usage = " ".join(
        [ctx.command_path, *(_argument(one, ctx) for one in arguments), *(["[OPTIONS]"] if options else [])]
    )
    said, examples = split_help(command.help or "")
    parts = [f"## {ctx.command_path}\n", "\n\n".join(said) + "\n", f"```text\n{usage}\n```\n"]
    if examples:
        parts.append("```console\n" + "\n".join(f"$ {one}" for one in examples) + "\n```\n")
    if arguments:
        rows = [(f"`{_argument(one, ctx)}`", one.help or "") for one in arguments]
        parts.append(table(("argument", "meaning"), rows))
    return "\n".join([*parts, options] if options else parts)


def _argument(argument: Any, ctx: Any) -> str:
    shown = argument.metavar or _choices(argument, ctx) or argument.name.upper()
    return str(shown)


def _choices(parameter: Any, ctx: Any) -> str:
    """`a|b|c` of a parameter that takes one of a few words, else ""."""
    name = parameter.get_help_record(ctx)[0]
    found = re.search(r"<([^<>\[\]]+\|[^<>\[\]]+)>$", name)
    return found.group(1) if found else ""


def _options(command: Any, ctx: Any) -> str:
    rows = []
    for option in command.params:
        if option.param_type_name != "option" or getattr(option, "hidden", False):
            continue
        name, said = option.get_help_record(ctx)
        default = _DEFAULT.search(said)
        shown = default["default"] or "" if default else ""
        if "[required]" in said:
            shown = "*required*"
        elif shown in {"0", "False"} and getattr(option, "count", False):
            shown = ""
        rows.append((f"`{name}`", f"`{shown}`" if shown and shown != "*required*" else shown, _DEFAULT.sub("", said)))
    return table(("option", "default", "meaning"), rows) if rows else ""
