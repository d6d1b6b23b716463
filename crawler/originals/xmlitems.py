"""XML deliveries, element by element, with defusedxml: no entities of their own, no external references."""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Iterator
from io import BufferedReader
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from crawler.originals.items import Unreadable

MAX_XML_ITEM = 20_000_000  # bytes of one item
MAX_LEVELS = 200

# What is put where a byte is no UTF-8: a character that XML allows and no text has.
_BROKEN = "\U0010fffe"
# Characters that end a document, and that vendors' editing systems leave in it all the same.
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32)], " ")
_ENCODING = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_AS_UTF_8 = frozenset({"utf-8", "utf8", "ascii", "us-ascii"})

# Names of HTML's entities, which NITF's DTD declares and texts use without it.
_NAMED = {name: chr(point) for name, point in html.entities.name2codepoint.items()}


def items(stream: BufferedReader, names: frozenset[str]) -> Iterator[tuple[int, Element]]:
    """The elements of these local names that aren't within one another, numbered from 1, each freed after its turn.

    Raises Unreadable where the document breaks off, is not well-formed, or declares entities.
    """
    source = _Counting(stream)
    number = 0
    open_elements: list[Element] = []
    within = 0
    try:
        for event, element in iterparse(source, events=("start", "end"), parser=_parser()):
            wanted = local(element) in names
            if event == "start":
                open_elements.append(element)
                within += wanted
                if len(open_elements) > MAX_LEVELS:
                    raise Unreadable(f"expected at most {MAX_LEVELS} levels of elements", number + 1)
                continue
            open_elements.pop()
            within -= wanted
            if wanted and not within:
                number += 1
                yield number, element
                source.size = 0
                element.clear()
                if open_elements:
                    open_elements[-1].remove(element)
    except ParseError as error:
        raise Unreadable(f"expected well-formed XML, {error}", number + 1) from None
    except DefusedXmlException:
        raise Unreadable("the document declares XML entities, which are not read", number + 1) from None


def require_utf_8(element: Element) -> None:
    """Raises ValueError where a byte of the element was no UTF-8."""
    if any(_BROKEN in (one.text or "") + (one.tail or "") + "".join(one.attrib.values()) for one in element.iter()):
        raise ValueError("expected UTF-8, got a byte that is none")


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def first(element: Element, *names: str) -> Element | None:
    """The first descendant, in document order, of each name in turn: `first(nitf, "hedline", "hl1")`."""
    for name in names:
        found = next(every(element, name), None)
        if found is None:
            return None
        element = found
    return element


def every(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element.iter() if one is not element and local(one) == name)


def text_of(element: Element | None) -> str:
    """All text within, white space folded."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _parser() -> DefusedXMLParser:
    parser = DefusedXMLParser()
    # As if there were a DTD somewhere: names it may declare are then looked up here instead of ending the document.
    parser.parser.UseForeignDTD(True)
    parser.entity.update(_NAMED)
    return parser


def _replaced(error: UnicodeError) -> tuple[str, int]:
    return _BROKEN, error.end if isinstance(error, UnicodeDecodeError) else 0


codecs.register_error("wiretrace-xml", _replaced)


class _Counting:
    """A stream that stops a document whose one item never ends. `size` counts bytes since the last item.

    A byte that is not of the document's encoding would end it, and all items after it: in UTF-8 such bytes are marked,
    for their item alone to be told, and control characters are blanks.
    """

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self.size = 0
        beginning = stream.peek(200)[:200]
        said = _ENCODING.match(beginning.lstrip())
        is_utf_8 = said.group(1).decode().lower() in _AS_UTF_8 if said else b"\x00" not in beginning
        self._decoder = codecs.getincrementaldecoder("utf-8")("wiretrace-xml") if is_utf_8 else None

    def read(self, size: int = -1) -> bytes:
        while True:
            data = self._stream.read1(size)
            self.size += len(data)
            if self.size > MAX_XML_ITEM:
                raise Unreadable(f"expected items of at most {MAX_XML_ITEM // 1_000_000} MB")
            if self._decoder is None:
                return data
            clean = self._decoder.decode(data, final=not data).translate(_CONTROLS).encode()
            if clean or not data:  # a character may be cut in two: no end of the document yet
                return clean
