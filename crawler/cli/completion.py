"""completion: what a shell needs to complete commands, options and choices."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from crawler.cli import shells
from crawler.cli.app import app as root
from crawler.cli.app import new_app
from crawler.cli.shells import Level, Option

app = new_app()


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS = {Shell.BASH: shells.bash, Shell.ZSH: shells.zsh, Shell.FISH: shells.fish}


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print a script by which a shell completes commands, options and their choices.

    It holds all that it completes and starts no program at a key press: after an update of wiretrace write it anew.

    Examples:
      wiretrace completion bash > ~/.local/share/bash-completion/completions/wiretrace
      wiretrace completion zsh > ~/.zfunc/_wiretrace
      wiretrace completion fish > ~/.config/fish/completions/wiretrace.fish
    """
    sys.stdout.write(_SCRIPTS[shell](levels()))


def levels() -> list[Level]:
    """`wiretrace` itself and every command below it, each after the group that it is in."""
    command = typer.main.get_command(root)
    return _below(command, command.make_context("wiretrace", [], resilient_parsing=True), ())


# typer comes with a click of its own, whose classes are not for import: commands and parameters are Any here.
def _below(command: Any, ctx: Any, path: tuple[str, ...]) -> list[Level]:
    children = {name: command.get_command(ctx, name) for name in getattr(command, "commands", ())}
    parameters = [one for one in command.get_params(ctx) if not getattr(one, "hidden", False)]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    level = Level(
        path=" ".join(path),
        commands={name: _first_line(child.help) for name, child in children.items()},
        options=[_option(one, ctx) for one in parameters if one.param_type_name == "option"],
        choices=_choices(arguments[0], ctx) if arguments else (),
        takes_files=bool(arguments),
    )
    found = [level]
    for name, child in children.items():
        found += _below(child, type(ctx)(child, info_name=name, parent=ctx), (*path, name))
    return found


def _option(option: Any, ctx: Any) -> Option:
    takes_value = not (option.is_flag or getattr(option, "count", False))
    return Option(
        names=(*option.opts, *option.secondary_opts),
        help=_first_line(option.help),
        takes_value=takes_value,
        choices=_choices(option, ctx) if takes_value else (),
    )


def _choices(parameter: Any, ctx: Any) -> tuple[str, ...]:
    return tuple(one.value for one in parameter.shell_complete(ctx, "") if one.type == "plain")


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
