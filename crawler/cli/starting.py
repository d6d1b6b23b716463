"""init: a configuration to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crawler import resources
from crawler.cli import console
from crawler.cli.app import new_app
from crawler.errors import UsageError

app = new_app()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write wiretrace.toml.")] = Path(),
) -> None:
    """Write a commented wiretrace.toml with working defaults.

    It asks nothing and overwrites nothing.

    Examples:
      wiretrace init
      wiretrace init ~/desk
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: expected a folder, it is a file")
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
