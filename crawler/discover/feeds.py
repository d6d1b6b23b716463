"""RSS 0.9x, 1.0 and 2.0, and Atom 0.3 and 1.0, as trees, to references."""

from __future__ import annotations

import html
import re
from datetime import datetime

from lxml import etree  # type: ignore[import-untyped]

from crawler.discover.channel import read_channel
from crawler.discover.dates import read_date
from crawler.discover.gathering import Gathering
from crawler.discover.plaintext import MAX_AUTHORS, MAX_TITLE, authors, language_tag, plain
from crawler.model import Reference

FULL_TEXT_FROM = 1_000  # characters of plain text from which a description with paragraphs is the article itself

_XML = "{http://www.w3.org/XML/1998/namespace}"
# Namespaces without scheme and closing slash, as feeds misspell these, and the prefix we know each by. Those
# of RSS itself have none.
_PREFIXES = {
    "purl.org/rss/1.0": "",
    "my.netscape.com/rdf/simple/0.9": "",
    "channel.netscape.com/rdf/simple/0.9": "",
    "backend.userland.com/rss2": "",
    "blogs.law.harvard.edu/tech/rss": "",
    "purl.org/net/rss1.1#": "",
    "www.w3.org/2005/atom": "atom:",
    "purl.org/atom/ns#": "atom:",
    "purl.org/rss/1.0/modules/content": "content:",
    "purl.org/dc/elements/1.1": "dc:",
    "purl.org/dc/terms": "dcterms:",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner:",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
}
_BLOCK = re.compile(r"<(?:p|div|br|h[1-6]|li)\b", re.IGNORECASE)
_DECLARATION = re.compile(r'\sxmlns(?::[\w.-]+)?="[^"]*"')
_ADDRESS = ("http://", "https://")

Fields = dict[str, list[etree._Element]]


class Names:
    """Element names of one document in short: `title`, `dc:creator`; what we don't know has a `?`."""

    def __init__(self, root: etree._Element) -> None:
        self._own = etree.QName(root).namespace or ""
        self._short: dict[str, str] = {}

    def of(self, element: etree._Element) -> str:
        tag = element.tag
        short = self._short.get(tag)
        if short is None:
            short = self._short[tag] = self._shorten(tag)
        return short

    def _shorten(self, tag: str) -> str:
        namespace, _, local = tag.rpartition("}")
        namespace, local = namespace[1:], local.lower()
        if not namespace or namespace == self._own or ":" in local:  # an undeclared prefix is part of the name
            return local
        bare = namespace.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
        prefix = _PREFIXES.get(bare)
        return f"?{local}" if prefix is None else prefix + local


def read_feed(root: etree._Element, name: str, gathering: Gathering, *, has_base: bool) -> None:
    """Gathers the entries under `root`, an element rss, rdf or feed. `has_base`: xml:base occurs in it."""
    names = Names(root)
    head = root if name == "feed" else next((child for child in root if names.of(child) == "channel"), root)
    entry_name = "entry" if name == "feed" else "item"
    about = _fields(head, names, but=entry_name)
    gathering.title = plain(_text(about, "title"), MAX_TITLE)
    if name != "feed":
        site = _link(about, {"alternate", ""})
        if site.startswith(_ADDRESS):
            gathering.base = site
    read_channel(about, gathering)
    language = language_tag(
        _text(about, "language", "dc:language") or head.get(_XML + "lang") or root.get(_XML + "lang")
    )
    byline = _authors(about, "author") if name == "feed" else ()
    for number, entry in enumerate(_entries(root, names, entry_name), start=1):
        if gathering.full:
            gathering.broke_off(f"only the first {number - 1} entries are read")
            return
        fields = _fields(entry, names)
        base = entry.base if has_base else None
        url = gathering.address(_entry_url(entry, fields), number, base)
        if url is not None:
            own = language_tag(entry.get(_XML + "lang")) or language
            gathering.add(_reference(url, fields, number, gathering, language=own, byline=byline))


def _entries(root: etree._Element, names: Names, name: str) -> list[etree._Element]:
    entries = [element for element in root.iter(etree.Element) if names.of(element) == name]
    for entry in entries:
        # Unclosed tags make the entries that follow children of the first: each is cut out before it is read.
        if next(entry.iterancestors(entry.tag), None) is not None:
            entry.getparent().remove(entry)
    return entries


def _fields(element: etree._Element, names: Names, but: str = "") -> Fields:
    fields: Fields = {}
    for child in element.iterchildren(etree.Element):
        short = names.of(child)
        if short != but:
            fields.setdefault(short, []).append(child)
    return fields


def _reference(
    url: str, fields: Fields, number: int, gathering: Gathering, *, language: str | None, byline: tuple[str, ...]
) -> Reference:
    description = _markup(fields, "description", "summary", "dc:description", "atom:summary")
    content = _markup(fields, "content:encoded", "content", "atom:content", "?encoded")
    teaser = plain(description)
    if not content and len(description) >= FULL_TEXT_FROM and _BLOCK.search(description):
        content = description if len(plain(description, len(description))) >= FULL_TEXT_FROM else ""
    dated = (
        "published",
        "pubdate",
        "issued",
        "dcterms:issued",
        "dc:date",
        "dcterms:created",
        "created",
        "atom:published",
    )
    return Reference(
        url=url,
        title=plain(_text(fields, "title", "dc:title", "atom:title"), MAX_TITLE),
        published=_date(fields, number, gathering, *dated),
        modified=_date(
            fields, number, gathering, "updated", "modified", "dcterms:modified", "atom:updated", "lastbuilddate"
        ),
        byline=_authors(fields, "dc:creator", "author", "atom:author", "itunes:author") or byline,
        teaser=teaser,
        content_html=content,
        language=language_tag(_text(fields, "dc:language", "language")) or language,
    )


def _entry_url(entry: etree._Element, fields: Fields) -> str:
    original = _text(fields, "feedburner:origlink", "pheedo:origlink", "?origlink")
    if original.startswith(_ADDRESS):
        return original
    link = _link(fields, {"alternate", ""})
    if link:
        return link
    for guid in (*fields.get("guid", ()), *fields.get("id", ()), *fields.get("atom:id", ())):
        if (guid.get("isPermaLink") or guid.get("ispermalink") or "true").lower() != "false":
            text = (guid.text or "").strip()
            if text.startswith(_ADDRESS):
                return text
    return next(
        (value for name, value in entry.attrib.items() if name.endswith("about") and value.startswith(_ADDRESS)), ""
    )


def _link(fields: Fields, relations: set[str]) -> str:
    """The link to the page: Atom's `href` of an alternate link, HTML first, or the text of RSS's element."""
    best = ""
    for element in (*fields.get("link", ()), *fields.get("atom:link", ())):
        href = element.get("href")
        if href is None:
            text = "".join(element.itertext()).strip()
            if text:
                return text.replace("&amp;", "&")
        elif (element.get("rel") or "").lower() in relations and href.strip():
            if "html" in (element.get("type") or "html"):
                return str(href).strip()
            best = best or str(href).strip()
    return best


def _text(fields: Fields, *names: str) -> str:
    for name in names:
        for element in fields.get(name, ()):
            text = "".join(element.itertext()) if len(element) else element.text or ""
            if text.strip():
                return str(text).strip()
    return ""


def _date(fields: Fields, number: int, gathering: Gathering, *names: str) -> datetime | None:
    text = _text(fields, *names)
    if not text:
        return None
    time = read_date(text)
    if time is None:
        gathering.fault(f"entry {number}: expected a date, got {text[:60]!r}")
    return time


def _authors(fields: Fields, *names: str) -> tuple[str, ...]:
    """Names of the first of the elements that has any; Atom's persons by their `name`."""
    for name in names:
        found: dict[str, None] = {}
        for element in fields.get(name, ())[:MAX_AUTHORS]:
            persons = [child.text or "" for child in element if etree.QName(child).localname == "name"]
            for line in persons or [element.text or ""]:
                found.update(dict.fromkeys(authors(line)))
        if found:
            return tuple(found)[:MAX_AUTHORS]
    return ()


def _markup(fields: Fields, *names: str) -> str:
    """The HTML of the first of the elements that has any, whichever way it is carried."""
    for name in names:
        for element in fields.get(name, ()):
            markup = _inner(element)
            if markup.strip():
                return markup.strip()
    return ""


def _inner(element: etree._Element) -> str:
    """What an element holds as HTML: escaped or in CDATA, as child elements (XHTML), or as plain text."""
    kind = (element.get("type") or "html").lower()
    if len(element):
        children = list(element.iterchildren(etree.Element))
        for child in children:
            for inner in child.iter(etree.Element):
                inner.tag = etree.QName(inner).localname
        return html.escape(element.text or "", quote=False) + "".join(_serialized(child) for child in children)
    text = str(element.text or "")
    if kind in {"text", "text/plain"} and "<" not in text:
        return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in text.split("\n\n") if part.strip())
    # Other media types (images, XML of its own) come in base64 or are no article.
    return text if kind in {"text", "html", "xhtml"} or kind.startswith("text/") or "html" in kind else ""


def _serialized(element: etree._Element) -> str:
    """An element with its tail as HTML; the namespaces in scope, which its first tag would declare, left out."""
    etree.cleanup_namespaces(element)
    markup: str = etree.tostring(element, encoding="unicode", method="html")
    first, bracket, rest = markup.partition(">")
    return _DECLARATION.sub("", first) + bracket + rest
