"""archive show, list: the evidence, and the archives that were read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import ask, context, finish, new_app
from crawler.errors import UsageError
from crawler.interchange import Json, time_to_json
from crawler.store import ArchiveProgress

app = new_app(help="The pages that are kept as evidence, and the archives that were read.", no_args_is_help=True)


@app.command()
def show(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="A link's or article's id, a page's URL, FILE:OFFSET, a record's id."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the page there (-: standard output).")
    ] = None,
) -> None:
    """Show what was archived of a page: the record's headers and those of the server's answer.

    Examples:  wiretrace archive show https://news.example/story        wiretrace archive show LINK_ID -o page.html
    """
    from crawler.jobs.showing import show as look_up

    here = context()
    shown = finish(look_up(here.settings, target, clock=here.clock))
    if output is None:
        console.show(f"{console.plain(str(shown.path))}:{shown.record.offset}")
        for line in shown.head.splitlines():
            console.show(console.plain(line))
        return
    page = shown.page()
    if str(output) == "-":
        sys.stdout.buffer.write(page)
        return
    try:
        output.write_bytes(page)
    except OSError as error:
        raise UsageError(f"{output}: expected a file that can be written ({error.strerror or error})") from None
    console.tell(f"wrote {len(page):,} bytes to {output}")


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="The archives as JSON.")] = False) -> None:
    """List the archives that were read, with the pages in them and how far each was read, in bytes.

    Examples:
      wiretrace archive list
      wiretrace archive list --json
    """
    found = ask(lambda store: store.archives())
    if as_json:
        console.print_json([archive_json(one) for one in found])
        return
    for one in found:
        when = time_to_json(one.read_at)
        console.show(console.plain(f"{one.name} pages={one.pages} position={one.position} read={when} path={one.path}"))


def archive_json(one: ArchiveProgress) -> Json:
    """As `archive list --json` gives it."""
    return {
        "name": one.name,
        "path": one.path,
        "pages": one.pages,
        "position": one.position,
        "read_at": time_to_json(one.read_at),
    }
