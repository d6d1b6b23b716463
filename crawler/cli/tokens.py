"""token create, list, revoke: who may ask `serve` from another machine."""

from __future__ import annotations

from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import ask, context, finish, new_app
from crawler.cli.tables import tokens_table
from crawler.store import Store
from crawler.store.tokens import Right

app = new_app(help="The access tokens of those who ask `serve` from another machine.", no_args_is_help=True)

_NAME = typer.Argument(metavar="NAME", help="Whose it is; what is judged with it bears this name.")


@app.command()
def create(
    name: Annotated[str, _NAME],
    rights: Annotated[Right, typer.Option("--rights", help="write: may judge links, too.")] = Right.READ,
) -> None:
    """Make a token and show it, once: only its hash is kept.

    Examples:
      wiretrace token create reader
      wiretrace token create desk --rights write
    """
    secret = ask(lambda store: store.create_token(name, rights))
    console.tell(f"token of {name}, to {rights.value}; it is not shown again:")
    console.show(secret)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="The tokens as JSON.")] = False) -> None:
    """Show all tokens that were ever made, with when they were last used; never the tokens themselves.

    Examples:
      wiretrace token list
      wiretrace token list --json
    """
    found = ask(lambda store: store.tokens())
    if as_json:
        console.print_json([one.as_json() for one in found])
    elif found:
        console.show(tokens_table(found))
    else:
        console.tell("no tokens yet: wiretrace token create NAME")


@app.command()
def revoke(name: Annotated[str, typer.Argument(metavar="NAME", help="As `token list` shows it.")]) -> None:
    """Make a token worthless from now on; its name is not given again.

    Example:  wiretrace token revoke desk
    """
    here = context()

    async def work() -> None:
        async with await Store.open(here.settings.database, here.clock) as store:
            await store.revoke_token(name)

    finish(work())
    console.tell(f"revoked {name}")
