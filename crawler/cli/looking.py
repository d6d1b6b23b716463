"""look: confirmed pages looked at again, and what earlier looks saw."""

from __future__ import annotations

from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.interchange import Json, look_to_json
from crawler.model import Look
from crawler.store import Store

app = new_app()


@app.command()
def look(
    ids: Annotated[list[str], typer.Argument(metavar="LINK...", help="Ids of confirmed links.")],
    as_json: Annotated[bool, typer.Option("--json", help="What earlier looks saw, as JSON.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only show it: no page becomes due.")] = False,
) -> None:
    """Have the pages of confirmed links looked at again by the next run, and show what earlier looks saw.

    That happens by itself 1, 7 and 30 days after the confirmation.

    Examples:
      wiretrace look fa02f9ebc3b07da261b062cc7418eae0
      wiretrace look fa02f9ebc3b07da261b062cc7418eae0 --show --json
    """
    here = context()

    async def work() -> list[tuple[str, tuple[Look, ...]]]:
        async with await Store.open(here.settings.database, here.clock) as store:
            for link in ids:
                await (store.listed_link(link) if show else store.ask_look(link))
            return [(link, await store.looks_of(link)) for link in ids]

    found = finish(work())
    if as_json:
        console.print_json([_told(link, looks) for link, looks in found])
    else:
        for link, looks in found:
            for one in looks:
                why = f" ({one.reason})" if one.reason else ""
                console.show(console.plain(f"{link}  {one.at:%Y-%m-%d %H:%M}  {one.outcome.value}{why}"))
    if not show:
        console.tell(f"due now: {len(found)} {'page' if len(found) == 1 else 'pages'}; the next run looks at them")


def _told(link: str, looks: tuple[Look, ...]) -> Json:
    return {"link": link, "looks": [look_to_json(one) for one in looks]}
