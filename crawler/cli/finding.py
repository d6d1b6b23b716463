"""What `sources add` and `sources suggest --add` do with a site: its sources found, added, and told."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from crawler.cli import console
from crawler.cli.app import Context
from crawler.cli.declaring import reconciled
from crawler.discover.choosing import Find, Offer
from crawler.discover.finding import names_document
from crawler.errors import DiscoverError, FetchError, RobotsDenied, UsageError, WiretraceError
from crawler.jobs.finding import Findings, find_sources, offer_line
from crawler.jobs.held_sources import HeldSources, default_name
from crawler.model import Source
from crawler.store import Store

_SHOWN = 5  # other sources that are named when one is added


class NothingFound(WiretraceError):
    """A site gave no source; the cause says why."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How much is asked and added: `every` source that is of use; a `dry_run` adds none."""

    every: bool = False
    dry_run: bool = False
    as_json: bool = False

    @property
    def thorough(self) -> bool:
        return self.every or self.dry_run


def needs_a_look(url: str, ways: Ways) -> bool:
    """Whether the URL leaves open what it is; what says itself to be a feed or sitemap is taken at its word."""
    return ways.thorough or ways.as_json or not names_document(url)


async def add_found(here: Context, wanted: Source, ways: Ways) -> None:
    """Finds the sources of the site that `wanted` names and adds them like it. Raises UsageError where the best one
    is there already, NothingFound where there is none."""
    if ways.dry_run:
        findings = await found(here, wanted, ways)
        _show(findings, _chosen(findings, ways), ways)
        return
    async with await Store.open(here.settings.database, here.clock) as store:
        await reconciled(store, here)
        findings = await found(here, wanted, ways)
        chosen = _chosen(findings, ways)
        added = await _added(store, wanted, chosen, ways)
    if ways.as_json:
        _show(findings, chosen, ways)
    for source, find in added:
        console.tell(f"added {source.name}: {source.url} ({source.role.value})")
        offer = next(offer for offer in findings.offers if offer.find is find)
        console.tell(f"  {_reasons(offer)}")
    _tell_others(findings, chosen)


async def found(here: Context, wanted: Source, ways: Ways) -> Findings:
    if sys.stderr.isatty():  # it may take a while: a second or more for each document
        console.tell(f"looking at {wanted.url} …")
    try:
        return await find_sources(
            here.settings.fetch,
            here.clock,
            wanted.url,
            search=ways.thorough,
            thorough=ways.thorough,
            pages=wanted.fetch_pages,
        )
    except (FetchError, DiscoverError) as error:
        if isinstance(error, RobotsDenied) and not error.retry:
            raise  # a source that may not be asked is of no use
        raise NothingFound(f"{error} (`wiretrace sources add --no-check` adds the URL as it is)") from error


def _chosen(findings: Findings, ways: Ways) -> list[Find]:
    # A feed that was given is taken even while it is empty.
    finds = findings.wanted or [offer.find for offer in findings.offers[:1]]
    return finds if ways.every else finds[:1]


async def _added(store: Store, wanted: Source, finds: Sequence[Find], ways: Ways) -> list[tuple[Source, Find]]:
    held = HeldSources(await store.sources())
    added: list[tuple[Source, Find]] = []
    for find in finds:
        name = held.named(find.url)
        if name is not None and not ways.every:
            raise UsageError(f"source {name!r} is there already with the URL {find.url}")
        if name is not None:
            console.tell(f"there already: {name}: {find.url}")
            continue
        source = replace(wanted, url=find.url)
        if added or (find is not finds[0]):
            beside = default_name(find.url) if wanted.name == default_name(wanted.url) else ""
            path = urlsplit(find.url).path.strip("/")
            source = replace(source, name=held.free_name(beside or f"{wanted.name}: {path}", find.url))
        await store.add_source(source)
        held.take(source)
        added.append((source, find))
    return added


def _reasons(offer: Offer) -> str:
    return offer_line(offer).removeprefix(f"{offer.find.url}: ")


def _tell_others(findings: Findings, chosen: Sequence[Find]) -> None:
    others = [offer for offer in findings.offers if offer.wanted and offer.find not in chosen]
    site = shlex.quote(findings.url)
    for offer in others[:_SHOWN]:
        console.tell(f"  not added: {offer_line(offer)}")
    if others:
        console.tell(f"  `wiretrace sources add --all {site}` adds {'that' if len(others) == 1 else 'those'}, too")
    given = findings.given
    if given in chosen and findings.feeds and not findings.asked:
        console.tell(f"  its page names feeds: `wiretrace sources add --dry-run {site}` shows what they hold")


def _show(findings: Findings, chosen: Sequence[Find], ways: Ways) -> None:
    if ways.as_json:
        console.print_json(findings.as_json(chosen))
        return
    for offer in findings.offers:
        mark = "+" if offer.find in chosen else "-"
        console.show(console.plain(f"{mark} {offer_line(offer)}"))
