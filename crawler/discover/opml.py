"""OPML 2.0 (http://opml.org/spec2.opml): the lists of sources that feed readers exchange, and what is ours in them.

Ours stand in a namespace of their own, as the format asks: role, publisher, kind, interval and fetch_pages. Names of
environment variables and the right to hand texts on are not among them: a list comes from anyone.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from io import BytesIO
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, register_namespace, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from crawler.model import Source, SourceKind

NAMESPACE = "https://wiretrace.example/opml/1"
MAX_BYTES = 20_000_000
MAX_OUTLINES = 20_000
MAX_LEVELS = 100

_OURS = f"{{{NAMESPACE}}}"
# Attribute → key of the configuration.
_KEYS = {"role": "role", "publisher": "publisher", "kind": "kind", "interval": "interval", "fetchPages": "fetch_pages"}
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(
    rb"&(?!(?:#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)(?:([A-Za-z][A-Za-z0-9]{1,31});)?"
)
_NAMED = {name.encode(): point for name, point in html.entities.name2codepoint.items()}
_MAX_TEXT = 2_100  # characters of one attribute that are taken: more than the longest URL and name


class NotOpml(ValueError):
    """The document can't be read as OPML; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One entry of a list: `number` counts all outlines from 1, `ours` has keys of the configuration."""

    number: int
    url: str
    name: str = ""
    ours: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadOutline:
    number: int
    expected: str


def read_opml(data: bytes) -> Iterator[Outline | BadOutline]:
    """The entries of a list in their order, out of whatever folders; a folder itself is none. Raises NotOpml.

    Bare ampersands and names of HTML's entities, which many programs write, are mended.
    """
    if len(data) > MAX_BYTES:
        raise NotOpml(f"expected at most {MAX_BYTES // 1_000_000} MB")
    try:
        elements = _outlines(_AMPERSAND.sub(_mended, data))
    except ParseError as error:
        raise NotOpml(f"expected well-formed XML, {error}") from None
    for number, attributes, is_folder in elements:
        found = _entry(number, attributes, is_folder)
        if found is not None:
            yield found


def write_opml(sources: Iterable[tuple[Source, SourceKind | None]], title: str, now: datetime) -> str:
    """Sources, each with the kind it was found to be, as a list that any feed reader takes."""
    register_namespace("wiretrace", NAMESPACE)
    root = Element("opml", version="2.0")
    head = SubElement(root, "head")
    SubElement(head, "title").text = _writable(title)
    SubElement(head, "dateCreated").text = format_datetime(now, usegmt=True)
    SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = SubElement(root, "body")
    for source, found in sources:
        SubElement(body, "outline", _attributes(source, found))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _outlines(data: bytes) -> list[tuple[int, dict[str, str], bool]]:
    """The attributes of each outline with its number, and whether others are within it."""
    found: list[tuple[int, dict[str, str], bool]] = []
    within: list[int] = []  # places in `found` of the open outlines
    levels = 0
    root = None
    try:
        for event, element in iterparse(BytesIO(data), events=("start", "end")):
            if root is None:
                root = element
                if _local(element).lower() != "opml":
                    raise NotOpml(f"expected OPML, got XML with the root element {_local(element)[:40]}")
            levels += 1 if event == "start" else -1
            if levels > MAX_LEVELS:
                raise NotOpml(f"expected at most {MAX_LEVELS} levels of elements")
            if _local(element).lower() != "outline":
                continue
            if event == "end":
                within.pop()
                element.clear()
                continue
            if within:
                number, attributes, _ = found[within[-1]]
                found[within[-1]] = (number, attributes, True)
            if len(found) >= MAX_OUTLINES:
                raise NotOpml(f"expected at most {MAX_OUTLINES:,} outlines")
            within.append(len(found))
            found.append((len(found) + 1, _kept(element), False))
    except DefusedXmlException:
        raise NotOpml("the document declares XML entities, which are not read") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, NotOpml):
            raise
        raise NotOpml("expected XML in an encoding that is known") from None
    return found


def _kept(element: Element) -> dict[str, str]:
    """The attributes that are ours or the format's, as far as they are of a sensible length."""
    kept = {}
    for name, value in element.attrib.items():
        ours = name.startswith(_OURS)
        key = f"wiretrace:{name.removeprefix(_OURS)}" if ours else name.lower()
        if key in {"text", "title", "type", "xmlurl", "htmlurl", "url"} or ours:
            kept[key] = value.strip()[:_MAX_TEXT]
    return kept


def _entry(number: int, attributes: Mapping[str, str], is_folder: bool) -> Outline | BadOutline | None:
    ours = {key: attributes[f"wiretrace:{name}"] for name, key in _KEYS.items() if attributes.get(f"wiretrace:{name}")}
    url = attributes.get("xmlurl") or (attributes.get("url") if attributes.get("type", "").lower() == "rss" else "")
    name = attributes.get("title") or attributes.get("text") or ""
    if url:
        return Outline(number, url, name, ours)
    if is_folder:
        return None
    page = attributes.get("htmlurl") or attributes.get("url")
    hint = f" (`wiretrace sources add` looks for the feed of {page[:200]})" if page else ""
    return BadOutline(number, f"expected an xmlUrl, {name[:80]!r} has none{hint}")


def _attributes(source: Source, found: SourceKind | None) -> dict[str, str]:
    kind = found if source.kind is SourceKind.AUTO else source.kind
    parts = urlsplit(source.url)
    attributes = {
        # Readers would ask in vain for entries of what is no feed.
        "type": "link" if kind in {SourceKind.SITEMAP, SourceKind.LISTING} else "rss",
        "text": source.name,
        "title": source.name,
        "xmlUrl": source.url,
        "htmlUrl": f"{parts.scheme}://{parts.netloc}/",
        f"{_OURS}role": source.role.value,
        f"{_OURS}publisher": source.publisher,
        f"{_OURS}kind": source.kind.value,
        f"{_OURS}interval": "adaptive" if source.interval is None else f"{source.interval:g}",
        f"{_OURS}fetchPages": "true" if source.fetch_pages else "false",
    }
    return {name: _writable(value) for name, value in attributes.items()}


def _writable(text: str) -> str:
    """Without the characters that no XML can hold."""
    return _UNWRITABLE.sub("", text)


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _mended(match: re.Match[bytes]) -> bytes:
    """An ampersand that is no reference, or an entity of HTML, as XML has it. Only attributes are read, so that what
    it makes of CDATA does no harm."""
    name = match.group(1)
    return b"&#%d;" % _NAMED[name] if name in _NAMED else b"&amp;" + match.group()[1:]
