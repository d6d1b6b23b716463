"""An HTML page, parsed within bounds, as one canonical string; and what its head says.

The tree is Lexbor's. It is not walked node by node from Python: Lexbor writes the page out again in one call, and
in that spelling (every element closed, every attribute quoted, `<` and `>` escaped) each `<` begins a tag. So the
page is split at them, and tags that look alike are understood once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser

from crawler.extract.taming import tame, trimmed

MAX_BYTES = 10_000_000
MAX_JSON = 3_000_000  # characters of one embedded JSON document
MAX_HEAD_ITEMS = 400  # meta, link and base elements that are read
MAX_SCRIPTS = 60  # with JSON
_ATTRIBUTE = re.compile(r' ([^\s="<>/]+)="([^"]*)"')


@dataclass(slots=True)
class Page:
    """What the head says, and what of it stands in the body."""

    title: str = ""
    language: str = ""
    meta: dict[str, list[str]] = field(default_factory=dict)  # lower-case name or property → contents, in order
    canonical: list[str] = field(default_factory=list)  # addresses as written
    base: str = ""
    json_ld: list[str] = field(default_factory=list)
    menu_links: int = 0  # in menus that were taken out before the page was parsed
    state: str = ""  # a framework's JSON from which a script builds the page (__NEXT_DATA__ and its kin)

    def first(self, *names: str) -> str:
        """The first non-empty content under any of these meta names, in the order of the names."""
        for name in names:
            for value in self.meta.get(name, ()):
                if value:
                    return value
        return ""


def canonical_markup(html: bytes) -> str:
    """A page of at most `MAX_BYTES` of UTF-8, in Lexbor's own spelling. Never raises for bad mark-up.

    Bytes that are no UTF-8 come out as U+FFFD.
    """
    return LexborHTMLParser(tame(trimmed(html[:MAX_BYTES]))).html or ""


def unescape(text: str) -> str:
    """Text or an attribute's value as Lexbor writes it, without the five references it uses."""
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&quot;", '"')
    return text.replace("&amp;", "&")


def read_attributes(head: str) -> dict[str, str]:
    """The attributes of a start tag in Lexbor's spelling; of two of one name the last."""
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(head)}


def read_head(heads: Iterable[str], page: Page) -> None:
    """Fills a page with what its `meta`, `link` and `base` tags say."""
    for head in heads:
        attributes = read_attributes(head)
        if head.startswith("meta"):
            name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
            name = name or attributes.get("http-equiv")
            content = attributes.get("content")
            if name and content:
                page.meta.setdefault(name.strip().lower(), []).append(content.strip()[:5_000])
        elif head.startswith("link"):
            if "canonical" in attributes.get("rel", "").lower().split() and attributes.get("href"):
                page.canonical.append(attributes["href"])
        elif not page.base:
            page.base = attributes.get("href", "")


def read_script(head: str, text: str, page: Page) -> None:
    """Keeps the content of a script element that holds JSON."""
    attributes = read_attributes(head)
    if len(text) > MAX_JSON:
        return
    if "ld+json" in attributes.get("type", "").lower():
        if len(page.json_ld) < MAX_SCRIPTS:
            page.json_ld.append(text)
    elif len(text) > len(page.state) and attributes.get("id", "").startswith("__"):
        page.state = text
