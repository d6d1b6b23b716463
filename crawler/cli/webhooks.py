"""webhooks list, retry, skip, test: the programs that `run` tells what changes."""

from __future__ import annotations

from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import ask, context, finish, new_app
from crawler.cli.tables import letters_table, webhooks_table
from crawler.store import Store
from crawler.store.webhooks import Letter, WebhookRecord

app = new_app(help="The programs that `run` tells what changes.", no_args_is_help=True)

LETTERS = 20  # shown
_NAME = typer.Argument(metavar="NAME", help="As `webhooks list` shows it.")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="The webhooks as JSON.")] = False) -> None:
    """Show how each webhook stands, and the last deliveries that were given up.

    Examples:
      wiretrace webhooks list
      wiretrace webhooks list --json
    """
    here = context()

    async def work() -> tuple[list[WebhookRecord], list[Letter]]:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await store.webhooks(), await store.webhook_letters(LETTERS)

    hooks, letters = finish(work())
    states = {one.name: "enabled" if one.enabled else "disabled" for one in here.settings.webhooks}
    known = {one.name for one in hooks}
    hooks += [
        WebhookRecord(name, 0, 0, None, "no run has told it yet", 0, None) for name in states if name not in known
    ]
    if as_json:
        console.print_json(
            {
                "webhooks": [{**one.as_json(), "state": states.get(one.name)} for one in hooks],
                "undelivered": [one.as_json() for one in letters],
            }
        )
        return
    if not hooks:
        console.tell("no webhooks yet: [[webhooks]] in wiretrace.toml names them")
        return
    console.show(webhooks_table(hooks, states))
    if letters:
        console.show(letters_table(letters))


@app.command()
def retry(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Of this webhook only; without, of all of them.")
    ] = None,
) -> None:
    """Have what was given up sent again, with all its tries; `run` does it.

    Examples:
      wiretrace webhooks retry
      wiretrace webhooks retry desk
    """
    count = ask(lambda store: store.revive_letters(name))
    console.tell(f"{count} deliveries are tried again by the next `wiretrace run`, or the one that works now")


@app.command()
def skip(name: Annotated[str, _NAME]) -> None:
    """Leave out all that a webhook was not told yet, and go on with what comes from now on.

    Example:  wiretrace webhooks skip desk
    """
    count = ask(lambda store: store.skip_webhook(name))
    console.tell(f"{count} rows of the change log are left out of {name}")


@app.command()
def test(name: Annotated[str, typer.Argument(metavar="NAME", help="As the settings have it.")]) -> None:
    """Send one signed delivery that tells nothing, and say how it was answered.

    Example:  wiretrace webhooks test desk
    """
    from crawler.pipeline.delivering import try_webhook

    here = context()
    delivery = finish(try_webhook(here.settings, name, here.clock))
    console.tell(f"{name} took {delivery}")
