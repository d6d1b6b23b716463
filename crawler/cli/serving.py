"""serve: the pages in which links are looked at and judged."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import SettingsError, UsageError
from crawler.settings import DatabaseSettings, checked

PORT = 8417

app = new_app()


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", metavar="H", help="The address to answer on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="P", min=0, max=65_535, help="The port; 0: one that is free.")
    ] = PORT,
    db: Annotated[
        str | None, typer.Option("--db", metavar="URL", help="The store; default that of the settings.")
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option("--reviewer", metavar="NAME", help="Who judges; default your name on this machine."),
    ] = None,
) -> None:
    """Show what was found: pages in which people judge links, and an HTTP API for programs.

    On loopback whoever is at this machine may do all. An address that others reach needs an access token first
    (`wiretrace token create`), and asks everybody for one.

    Examples:  wiretrace serve        wiretrace serve --port 0 --db sqlite+aiosqlite:///demo.db
    """
    from crawler.web import serving

    here = context()
    settings = here.settings
    if db is not None:
        try:
            settings = settings.model_copy(update={"database": checked(DatabaseSettings, {"url": db}, "--db")})
        except SettingsError as fault:
            raise UsageError(f"--db: {fault.expected}") from None

    def ready(address: str) -> None:
        console.show(f"{address} (Ctrl-C ends it)")

    finish(serving.serve(settings, reviewer or _own_name(), host, port, clock=here.clock, ready=ready))


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that nobody has
        return "reviewer"
