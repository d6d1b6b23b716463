"""`wiretrace sources import-opml` and `export-opml`: the sources of the store as a list, and a list as sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crawler import urls
from crawler.discover.opml import BadOutline, NotOpml, Outline, read_opml, write_opml
from crawler.errors import InputError, UrlRefused
from crawler.jobs.held_sources import HeldSources, checked_source, default_name
from crawler.model import Role, Source
from crawler.store import Store


@dataclass(slots=True)
class OpmlReport:
    """What an import did: sources made, outlines whose URL a source had already, outlines that can't be read."""

    added: int = 0
    held: int = 0
    faults: int = 0

    def line(self) -> str:
        return f"added={self.added} held={self.held} faults={self.faults}"


async def import_opml(
    store: Store, data: bytes, path: str, role: Role, on_fault: Callable[[InputError], None]
) -> OpmlReport:
    """Makes sources of a list's entries, all in one transaction. `role` is for those that say none.

    What is there already, by its URL, is left as it is, so that importing twice changes nothing. An outline that can't
    be one is told to `on_fault`. Raises InputError where the document is no OPML.
    """
    report = OpmlReport()
    known = HeldSources(await store.sources())
    made: list[Source] = []
    try:
        for outline in read_opml(data):
            source = _source(outline, known, role)
            if isinstance(source, Source):
                known.take(source)
                made.append(source)
            elif source is None:
                report.held += 1
            else:
                report.faults += 1
                on_fault(InputError(path, f"outline {outline.number}: {source}"))
    except NotOpml as error:
        raise InputError(path, str(error)) from None
    await store.add_sources(made)
    report.added = len(made)
    return report


def _source(outline: Outline | BadOutline, known: HeldSources, role: Role) -> Source | str | None:
    """The source that an outline is; None where its URL has one, else what was expected."""
    if isinstance(outline, BadOutline):
        return outline.expected
    try:
        url = urls.normalize(outline.url)
        if known.named(url) is not None:
            return None
        name = known.free_name(outline.name or default_name(url), url)
        ours = dict(outline.ours)
        values: dict[str, object] = {"role": role, **ours, "name": name, "url": url}
        if "fetch_pages" in ours:
            values["fetch_pages"] = _flag(ours["fetch_pages"])
        if ours.get("interval", "adaptive") != "adaptive":
            values["interval"] = _seconds(ours["interval"])
        return checked_source(values)
    except UrlRefused as refused:
        return f"{refused.url}: {refused.detail}"
    except ValueError as error:
        return str(error)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"fetchPages: expected true or false, got {text!r:.40}")
    return text.lower() == "true"


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"interval: expected seconds or adaptive, got {text!r:.40}") from None


async def export_opml(store: Store, now: datetime) -> str:
    """All enabled sources of the web as OPML. What a source's requests are sent with stays here."""
    records = [one for one in await store.sources(enabled_only=True) if one.source.url.startswith(("http:", "https:"))]
    return write_opml([(one.source, one.kind) for one in records], "Sources of wiretrace", now)
