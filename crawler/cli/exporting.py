"""export: what is stored, for others to read."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crawler.cli import console
from crawler.cli.app import context, finish, new_app
from crawler.errors import UsageError
from crawler.interchange import time_from_json
from crawler.jobs import exporting
from crawler.model import Standing
from crawler.store import Store
from crawler.store.listing import site_of

app = new_app()

MOST_DIGITS = 12  # of the number of a change; longer ones are milliseconds of a time
USUAL_ENTRIES, MOST_ENTRIES = 100, 5_000  # of a feed
_NUMBERED = {exporting.Subject.CHANGES, exporting.Subject.REVIEWS}  # whose rows bear the numbers that --since takes
_DATE = re.compile(r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?")


class What(StrEnum):
    """All that `export` writes: rows (`exporting.Subject`), and what is made for people to read."""

    ARTICLES = "articles"
    LINKS = "links"
    STORIES = "stories"
    CHANGES = "changes"
    REVIEWS = "reviews"
    NEWS = "news"
    REPORT = "report"


class Kind(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    ATOM = "atom"
    JSONFEED = "jsonfeed"

    @property
    def is_feed(self) -> bool:
        return self in {Kind.ATOM, Kind.JSONFEED}


@app.command()
def export(
    what: Annotated[
        What,
        typer.Argument(
            help="What to export; changes is the change log, news each story once, report a page with evidence."
        ),
    ],
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK_ID]", help="With report: the link that it is about.")
    ] = None,
    written_as: Annotated[
        Kind | None,
        typer.Option("--format", help="How it is written; jsonl where none is said, atom of news. Feeds: links, news."),
    ] = None,
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
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="HOST", help="With report and feeds of links: only pages of this site."),
    ] = None,
    standing: Annotated[
        list[Standing] | None,
        typer.Option(
            "--standing", help="Links of this standing, may be repeated; reports: ours where none is said, feeds: all."
        ),
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="With report: only links that a person has confirmed.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, max=MOST_ENTRIES, help="With feeds: the newest N entries, else 100."
        ),
    ] = None,
    feed_url: Annotated[
        str, typer.Option("--feed-url", metavar="URL", help="With feeds: where the feed will stand.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
) -> None:
    """Write what is stored: articles, links, stories, changes, reviews; feeds and reports.

    Examples:  wiretrace export links --format csv -o links.csv        wiretrace export changes --since 1200
    wiretrace export news --format atom -o news.xml        wiretrace export report --site copier.example -o annex.html
    """
    is_feed = what is What.NEWS or (written_as is not None and written_as.is_feed)
    _refuse_what_says_nothing(what, is_feed, link, site, standing, confirmed, feed_url, limit, corpus)
    if is_feed:
        if what not in {What.LINKS, What.NEWS} or not (written_as or Kind.ATOM).is_feed:
            raise UsageError("--format: feeds (atom, jsonfeed) are made of links and of news, and news is a feed")
        if as_of is not None:
            raise UsageError("--as-of: expected with articles, links or stories as rows; a feed is of now")
        from crawler.cli.feeding import export_feed
        from crawler.jobs.feedwriting import FeedFormat

        export_feed(
            FeedFormat((written_as or Kind.ATOM).value),
            output,
            news=what is What.NEWS,
            limit=limit or USUAL_ENTRIES,
            since=_moment(since),
            site=_site(site),
            standings=standing or (),
            own_url=feed_url,
        )
        return
    if what is What.REPORT:
        if written_as is not None or as_of is not None:
            raise UsageError("--format, --as-of: a report is one HTML page, as of now")
        from crawler.cli.reporting import export_report

        export_report(
            output, link=link, site=_site(site), since=_moment(since), standings=standing or (), confirmed=confirmed
        )
        return
    subject, kind = exporting.Subject(what.value), exporting.Format((written_as or Kind.JSONL).value)
    here = context()
    since_mark = None if since is None else _mark(since, is_log=subject in _NUMBERED)
    as_of_time = None if as_of is None else _time(as_of, "--as-of")
    if as_of is not None and subject in {exporting.Subject.CHANGES, exporting.Subject.REVIEWS}:
        raise UsageError(f"--as-of: expected with articles, links or stories; {subject.value} are all times at once")
    if corpus is not None:
        _write_corpus(corpus)
        return
    if kind is exporting.Format.PARQUET and output is None and sys.stdout.isatty():
        raise UsageError("--format parquet: expected -o FILE, or a program that reads it; it is nothing for eyes")

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


def _refuse_what_says_nothing(
    what: What,
    is_feed: bool,
    link: str | None,
    site: str | None,
    standing: list[Standing] | None,
    confirmed: bool,
    feed_url: str,
    limit: int | None,
    corpus: Path | None,
) -> None:
    """An option that would be passed over is told: who gave it expects that something was left out."""
    of_links = what is What.REPORT or (is_feed and what is What.LINKS)
    for given, is_heard, name, where in (
        (link is not None, what is What.REPORT, "LINK_ID", "report"),
        (confirmed, what is What.REPORT, "--confirmed", "report"),
        (site is not None, of_links, "--site", "report or a feed of links"),
        (bool(standing), of_links, "--standing", "report or a feed of links"),
        (bool(feed_url), is_feed, "--feed-url", "--format atom or jsonfeed"),
        (limit is not None, is_feed, "--limit", "--format atom or jsonfeed"),
        (corpus is not None, what is What.REVIEWS, "--corpus", "reviews"),
    ):
        if given and not is_heard:
            raise UsageError(f"{name}: expected with {where}")


def _site(given: str | None) -> str:
    """The host by which a site is known; a whole URL will do."""
    if given is None:
        return ""
    site = site_of(given if "://" in given else f"//{given.strip()}")
    if not site:
        raise UsageError(f"--site: expected a host such as copier.example, got {given!r:.60}")
    return site


def _write_corpus(directory: Path) -> None:
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


def _moment(since: str | None) -> datetime | None:
    """The time that `--since` names, where a number of a change would say nothing."""
    mark = None if since is None else _mark(since, is_log=False)
    if isinstance(mark, int):
        raise UsageError(f"--since: expected a time such as 2026-01-31T08:15:00Z, got {since!r:.60}")
    return mark


def _time(text: str, option: str, expected: str = "a time such as 2026-01-31T08:15:00Z") -> datetime:
    try:
        found = time_from_json(text)
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"{option}: expected {expected}, got {text!r:.60}")
    return found
