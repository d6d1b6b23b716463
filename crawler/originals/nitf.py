"""NITF 3.x (IPTC, https://iptc.org/standards/nitf/): a file an article, or as the body of a NewsML-G2 item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from xml.etree.ElementTree import Element

from crawler import urls
from crawler.interchange import time_from_json
from crawler.model import Article, Removal, Role
from crawler.originals.items import Fault, Item
from crawler.originals.parts import Part
from crawler.originals.prose import joined, line, names
from crawler.originals.xmlitems import every, first, items, local, require_utf_8, text_of

GONE = frozenset({"canceled", "cancelled", "withheld"})
# What stands beside the text in it: pictures with their captions, tables, the head of an embedded frame.
_ASIDE = frozenset({"media", "table", "nitf-table", "fn", "figure", "script", "style", "nav"})
_BLOCKS = frozenset({"block", "div", "section", "article", "main", "ul", "ol", "dl", "bq"})
_PARAGRAPHS = frozenset({"p", "hl2", "h1", "h2", "h3", "h4", "li", "dt", "dd", "blockquote", "pre"})


@dataclass(frozen=True, slots=True)
class Body:
    """What NITF or XHTML says of an article."""

    title: str
    text: str
    byline: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()


def read_nitf(stream: BufferedReader, part: Part, publisher: str) -> Iterator[Item]:
    number = 0
    for number, root in items(stream, frozenset({"nitf"})):
        try:
            yield _delivery(root, publisher, part.received)
        except ValueError as error:
            yield Fault(part.path, number, str(error))
    if not number:
        yield Fault(part.path, None, "expected an element nitf")


def nitf_body(root: Element) -> Body:
    """Headline, byline, text and captions of an element nitf."""
    head = first(root, "body.head")
    bylines = [_byline(one) for one in every(head, "byline")] if head is not None else []
    content = first(root, "body.content")
    return Body(
        title=text_of(first(root, "hedline", "hl1")) or text_of(first(root, "head", "title")),
        text=joined(body_paragraphs(content)) if content is not None else "",
        byline=tuple(dict.fromkeys(name for line_ in bylines for name in line_)),
        captions=tuple(filter(None, (text_of(one) for one in every(root, "media-caption")))),
    )


def body_paragraphs(element: Element) -> list[str]:
    """Paragraphs in document order, pictures and tables left out; text outside of any becomes one of its own."""
    found: list[str] = []
    for line_break in every(element, "br"):
        line_break.tail = " " + (line_break.tail or "")

    def walk(parent: Element) -> None:
        loose = parent.text or ""
        for child in parent:
            name = local(child)
            if name in _ASIDE:
                pass
            elif name in _PARAGRAPHS and not any(local(one) in _PARAGRAPHS for one in child.iter() if one is not child):
                found.extend(filter(None, (line(loose), text_of(child))))
                loose = ""
            elif name in _PARAGRAPHS | _BLOCKS:
                found.extend(filter(None, (line(loose),)))
                loose = ""
                walk(child)
            else:
                loose += "".join(child.itertext())
            loose += child.tail or ""
        found.extend(filter(None, (line(loose),)))

    walk(element)
    return found


def _delivery(root: Element, publisher: str, received: datetime) -> Article | Removal:
    require_utf_8(root)
    number = _attribute(root, "doc-id", "id-string")
    if not number:
        raise ValueError("doc-id: expected an id-string")
    issued = _time(_attribute(root, "date.issue", "norm"), "date.issue")
    released = _time(_attribute(root, "date.release", "norm"), "date.release")
    docdata = first(root, "docdata")
    status = (docdata.get("management-status") or "") if docdata is not None else ""
    if status.lower() in GONE:
        return Removal(vendor_id=number, vendor_source=None, at=issued or released or received)
    body = nitf_body(root)
    if not body.text:
        raise ValueError("body.content: expected paragraphs")
    holder = _attribute(root, "doc.copyright", "holder")
    owner = publisher or _attribute(root, "pubdata", "name") or holder
    return Article(
        id=urls.vendor_article_id(owner, number),
        url=f"nitf:{number}",
        role=Role.ORIGIN,
        publisher=owner,
        title=body.title,
        text=body.text,
        byline=body.byline,
        published=released or issued,
        modified=issued or released,
        language=root.get("{http://www.w3.org/XML/1998/namespace}lang"),
        captions=body.captions,
        copyright=" ".join(filter(None, ("©", _attribute(root, "doc.copyright", "year"), holder))) if holder else None,
        vendor_id=number,
        section=_attribute(root, "pubdata", "position.section") or None,
    )


def _byline(element: Element) -> tuple[str, ...]:
    persons = [text_of(one) for one in every(element, "person")]
    if persons:
        return tuple(filter(None, persons))
    # A title or an address follows the name in elements of its own: only the byline's own text counts.
    return names(element.text or "") or names(text_of(element))


def _attribute(root: Element, name: str, attribute: str) -> str:
    element = first(root, name)
    return line(element.get(attribute) or "") if element is not None else ""


def _time(text: str, name: str) -> datetime | None:
    try:
        return time_from_json(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
