"""Sitemaps (https://www.sitemaps.org/protocol.html), news sitemaps, sitemap indexes and lists of URLs."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree  # type: ignore[import-untyped]

from crawler.discover.dates import read_date
from crawler.discover.gathering import Gathering
from crawler.discover.plaintext import MAX_TITLE, language_tag, plain
from crawler.model import Reference

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def read_sitemap(root: etree._Element, gathering: Gathering) -> None:
    """Gathers the `url` elements with what a news sitemap says of each."""
    for number, entry in enumerate(_named(root, "url"), start=1):
        if gathering.full:
            gathering.broke_off(f"only the first {number - 1} entries are read")
            return
        fields = _texts(entry)
        url = gathering.address(fields.get("loc", ""), number)
        if url is None:
            continue
        gathering.add(
            Reference(
                url=url,
                title=plain(fields.get("title", ""), MAX_TITLE),
                published=_date(fields.get("publication_date", ""), number, gathering),
                modified=_date(fields.get("lastmod", ""), number, gathering),
                language=language_tag(fields.get("language")),
            )
        )


def read_sitemap_index(root: etree._Element, gathering: Gathering) -> None:
    """Gathers the sitemaps of an index: the last modified first, those without a date last."""
    found: list[tuple[datetime, str]] = []
    for number, entry in enumerate(_named(root, "sitemap"), start=1):
        fields = _texts(entry)
        url = gathering.address(fields.get("loc", ""), number)
        if url is not None:
            found.append((read_date(fields.get("lastmod", "")) or _NEVER, url))
    for number, (_, url) in enumerate(sorted(found, key=lambda one: one[0], reverse=True)):
        if gathering.full:
            gathering.broke_off(f"only the first {number} sitemaps are read")
            return
        gathering.add_child(url)


def is_url_list(text: str) -> bool:
    """Whether each of the first lines that aren't blank is a URL: the sitemap protocol's plain text form."""
    lines = [line.strip() for line in text[:20_000].splitlines()[:50]]
    filled = [line for line in lines if line]
    return bool(filled) and all(line.startswith(("http://", "https://")) and " " not in line for line in filled)


def read_url_list(text: str, gathering: Gathering) -> None:
    number = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        if gathering.full:
            gathering.broke_off(f"only the first {number} entries are read")
            return
        number += 1
        url = gathering.address(line, number)
        if url is not None:
            gathering.add(Reference(url=url))


def _named(root: etree._Element, name: str) -> list[etree._Element]:
    return [element for element in root.iterchildren(etree.Element) if _local(element) == name]


def _texts(entry: etree._Element) -> dict[str, str]:
    """Texts by local name. Images and videos of the page have titles and dates of their own: left out."""
    found: dict[str, str] = {}
    for child in entry.iterchildren(etree.Element):
        local = _local(child)
        if local == "news":
            for inner in child.iter(etree.Element):
                found.setdefault(_local(inner), (inner.text or "").strip())
        elif local in {"loc", "lastmod"}:
            found.setdefault(local, (child.text or "").strip())
    return found


def _local(element: etree._Element) -> str:
    """Without namespace and without the prefix that libxml2 leaves in the name where it isn't declared."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _date(text: str, number: int, gathering: Gathering) -> datetime | None:
    time = read_date(text) if text else None
    if text and time is None:
        gathering.fault(f"entry {number}: expected a date, got {text[:60]!r}")
    return time
