"""NewsML-G2 (IPTC, https://iptc.org/standards/newsml-g2/): news items with inline NITF, XHTML or plain text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from io import BufferedReader
from xml.etree.ElementTree import Element

from crawler import urls
from crawler.interchange import time_from_json
from crawler.model import Article, Removal, Role
from crawler.originals.items import Fault, Item, Skipped
from crawler.originals.nitf import GONE, Body, body_paragraphs, nitf_body
from crawler.originals.parts import Part
from crawler.originals.prose import joined, line, names, paragraphs
from crawler.originals.xmlitems import every, first, items, local, require_utf_8, text_of

_ITEMS = frozenset({"newsItem", "packageItem", "conceptItem", "knowledgeItem", "planningItem"})
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_newsml(stream: BufferedReader, part: Part, publisher: str) -> Iterator[Item]:
    number = 0
    for number, item in items(stream, _ITEMS):
        try:
            yield _delivery(item, publisher, part.received)
        except Skipped as skipped:
            yield Fault(part.path, number, f"skipped: {skipped}", skipped=True)
        except ValueError as error:
            yield Fault(part.path, number, str(error))
    if not number:
        yield Fault(part.path, None, "expected an element newsItem")


def _delivery(item: Element, publisher: str, received: datetime) -> Article | Removal:
    if local(item) != "newsItem":
        raise Skipped(f"a {local(item)} holds no text of its own")
    require_utf_8(item)
    guid = line(item.get("guid") or "")
    if not guid:
        raise ValueError("guid: expected the item's id")
    meta = first(item, "itemMeta")
    if meta is None:
        raise ValueError("itemMeta: expected one")
    changed = _time(meta, "versionCreated")
    status = _code(first(meta, "pubStatus"))
    if status in GONE:
        return Removal(vendor_id=guid, vendor_source=None, at=changed or received)
    kind = _code(first(meta, "itemClass"))
    if kind not in {"", "text", "composite"}:
        raise Skipped(f"an item of class {kind[:40]}, not a text")
    body = _body(item)
    if not body.text:
        raise ValueError("contentSet: expected inline NITF, XHTML or plain text")
    content = first(item, "contentMeta")
    content = item if content is None else content
    owner = publisher or _named(first(meta, "provider"))
    first_created = _time(meta, "firstCreated")
    return Article(
        id=urls.vendor_article_id(owner, guid),
        url=f"newsml:{guid}",
        role=Role.ORIGIN,
        publisher=owner,
        title=text_of(first(content, "headline")) or body.title,
        text=body.text,
        byline=names(text_of(first(content, "by"))) or body.byline or _creators(content),
        published=first_created or _time(content, "contentCreated") or changed,
        modified=changed or first_created,
        language=_language(item, content),
        captions=body.captions,
        copyright=text_of(first(item, "rightsInfo", "copyrightNotice")) or None,
        vendor_id=guid,
        credit=text_of(first(content, "creditline")) or None,
    )


def _body(item: Element) -> Body:
    contents = first(item, "contentSet")
    for inline in contents if contents is not None else ():
        if local(inline) == "inlineData":
            return Body("", joined(paragraphs("".join(inline.itertext()))))
        if local(inline) != "inlineXML":
            continue
        nitf = first(inline, "nitf")
        if nitf is not None:
            return nitf_body(nitf)
        body = first(inline, "body")
        body = inline if body is None else body
        return Body(text_of(first(inline, "head", "title")), joined(body_paragraphs(body)))
    return Body("", "")


def _creators(content: Element) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (_named(one) for one in every(content, "creator")))))


def _named(element: Element | None) -> str:
    """A party's name, else its literal or the last part of its code."""
    if element is None:
        return ""
    return text_of(first(element, "name")) or line(element.get("literal") or "") or _qcode(element)


def _language(item: Element, content: Element) -> str | None:
    said = first(content, "language")
    return (said.get("tag") if said is not None else None) or item.get(_LANG)


def _code(element: Element | None) -> str:
    """`stat:usable` → `usable`; items of one provider may leave the scheme out."""
    return _qcode(element).rpartition(":")[2].lower() if element is not None else ""


def _qcode(element: Element) -> str:
    return line(element.get("qcode") or element.get("uri", "").rpartition("/")[2])


def _time(parent: Element, name: str) -> datetime | None:
    try:
        return time_from_json(text_of(first(parent, name)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
