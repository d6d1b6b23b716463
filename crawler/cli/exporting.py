"""export: what is stored, for others to read."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import UsageError
from crawler.interchange import time_from_json
from crawler.jobs import exporting
from crawler.store import Store

app = new_app()

MOST_DIGITS = 12  # of the number of a change; longer ones are milliseconds of a time
_NUMBERED = {exporting.Subject.CHANGES, exporting.Subject.REVIEWS}  # whose rows bear the numbers that --since takes
_DATE = re.compile(r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?")


@app.command()
def export(
    subject: Annotated[exporting.Subject, typer.Argument(help="What to export; changes is the change log.")],
    kind: Annotated[exporting.Format, typer.Option("--format", help="How rows are written.")] = exporting.Format.JSONL,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T|SEQ", help="Only what changed after this time or change number (seq:N: surely a number)."
        ),
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="T", help="The store as it was at this time.")] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", metavar="DIR", help="With reviews: a labelled corpus of them, for `evaluate`."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """Write what is stored: articles, links, stories, the change log, or people's reviews.

    Examples:  wiretrace export links --format csv -o links.csv        wiretrace export changes --since 1200
    """
    here = context()
    since_mark = None if since is None else _mark(since, is_log=subject in _NUMBERED)
    as_of_time = None if as_of is None else _time(as_of, "--as-of")
    if as_of is not None and subject in {exporting.Subject.CHANGES, exporting.Subject.REVIEWS}:
        raise UsageError(f"--as-of: expected with articles, links or stories; {subject.value} are all times at once")
    if corpus is not None:
        _write_corpus(subject, corpus)
        return

    async def work() -> int:
        async with await Store.open(here.settings.database, here.clock) as store:
            with exporting.destination(output, sys.stdout) as file:
                return await exporting.export(
                    store,
                    subject,
                    file,
                    kind=kind,
                    since=since_mark,
                    as_of=as_of_time,
                    declared=here.settings.source_list(),
                )

    count = finish(work())
    if output is not None:
        console.tell(f"wrote {count} rows to {output}")


def _write_corpus(subject: exporting.Subject, directory: Path) -> None:
    if subject is not exporting.Subject.REVIEWS:
        raise UsageError("--corpus: expected with reviews")
    from crawler.jobs.reviewed_corpus import write_corpus

    here = context()

    async def work() -> tuple[int, int]:
        async with await Store.open(here.settings.database, here.clock) as store:
            return await write_corpus(store, directory)

    written, left_out = finish(work())
    console.tell(
        f"wrote {written} reviewed pages to {directory}; {left_out} left out, their texts are not held any more"
    )


def _mark(text: str, *, is_log: bool) -> datetime | int:
    """The time or the number of a change that `--since` names: digits alone, or behind `seq:`, are a number.

    Digits that are a date as well (2020, 20200131) are refused. The log itself (`is_log`) takes them for a number
    and says so: who follows it comes by the number 2020 one day, and a script must not end there.
    """
    digits = text.removeprefix("seq:")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS
    if not is_number:
        if digits != text:
            raise UsageError(f"--since: expected the number of a change behind seq:, got {text!r:.60}")
        return _time(text, "--since", "a time such as 2026-01-31T08:15:00Z or the number of a change such as 1200")
    if digits == text and _DATE.fullmatch(text):
        day = f"{text[:4]}-{text[4:6] or '01'}-{text[6:] or '01'}"
        if not is_log:
            raise UsageError(f"--since: {text} is a date or the number of a change: expected {day} or seq:{text}")
        console.tell(f"--since {text}: taken for the number of a change; the time would be {day}")
    return int(digits)


def _time(text: str, option: str, expected: str = "a time such as 2026-01-31T08:15:00Z") -> datetime:
    try:
        found = time_from_json(text)
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"{option}: expected {expected}, got {text!r:.60}")
    return found
