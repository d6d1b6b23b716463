"""One pass over a page's body: the elements that matter and the blocks of text between their edges.

A block is what a reader sees as one paragraph, heading, list item or caption. Elements keep the range of blocks
inside them, so that any sum over a subtree is a difference of two prefix sums.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crawler.extract.evidence import Sign, read_signs
from crawler.extract.text import fold

MAX_BLOCKS = 20_000
MAX_TEXT = 3_000_000  # characters of visible text that are read

# Lexbor writes `>` in attribute values as `&gt;`, so that a tag ends at the first `>`.
_TAG = re.compile(r"<(?:(/?)([a-zA-Z][^\s/>]*)([^>]*)|!--.*?--)>", re.DOTALL)
_HREF = re.compile(r' href="([^"]*)"')
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
        "i", "ins", "kbd", "label", "mark", "meter", "nobr", "output", "progress", "q", "rb", "rp", "rt",
        "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    )
)  # fmt: skip
_VOID = frozenset(
    (
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
        "meta", "param", "source", "track", "wbr",
    )
)  # fmt: skip
_BOLD = frozenset(("b", "strong"))
_COUNTED = frozenset(("a", "b", "strong", "pre"))
_LINE_BREAK = "\n"  # two in a row, with only white space between, end a paragraph
_TAG_SIGNS = {
    "nav": Sign.FURNITURE, "footer": Sign.FURNITURE, "button": Sign.FURNITURE, "menu": Sign.FURNITURE,
    "textarea": Sign.FURNITURE, "legend": Sign.FURNITURE, "fieldset": Sign.FURNITURE, "aside": Sign.ASIDE,
    "figcaption": Sign.CAPTION, "time": Sign.DATE, "article": Sign.ARTICLE, "main": Sign.ARTICLE,
    "header": Sign.HEADER, "noscript": Sign.HIDDEN, "address": Sign.BYLINE,
}  # fmt: skip


@dataclass(slots=True)
class Element:
    """An element with a block edge. `first` and `end` are the half-open range of its blocks."""

    tag: str
    signs: int
    parent: int
    first: int
    attributes: str
    end: int = 0
    depth: int = 0


@dataclass(slots=True)
class Block:
    """A run of text between two block edges. Counts are of characters of `text`, before folding."""

    text: str
    element: int
    tag: str
    length: int
    linked: int
    bold: int


@dataclass(slots=True)
class Scan:
    """Elements in the order of their start tags (0 is the body), blocks in the order of the text."""

    elements: list[Element]
    blocks: list[Block]
    links: list[tuple[int, str]]  # block, href as written


class _Scanner:
    """The state of one pass. Names are short-lived attributes, not locals, so that each step can be a method."""

    def __init__(self) -> None:
        self.elements = [Element("body", 0, -1, 0, "")]
        self.blocks: list[Block] = []
        self.links: list[tuple[int, str]] = []
        self.pieces: list[str] = []  # the text since the last block edge
        self.stack: list[tuple[str, int]] = []  # name, index of the element (-1: inline, without signs)
        self.current = 0
        self.open_links = self.open_bold = self.open_preformatted = 0
        self.linked = self.bold = 0  # characters in `pieces`
        self.signs: dict[str, int] = {}  # by attributes

    def flush(self) -> None:
        """Ends a block: its text stands in the element that is open now."""
        text = fold("".join(self.pieces))
        self.pieces.clear()
        if text and len(self.blocks) < MAX_BLOCKS:
            current = self.current
            self.blocks.append(Block(text, current, self.elements[current].tag, len(text), self.linked, self.bold))
        self.linked = self.bold = 0

    def open(self, name: str, attributes: str) -> None:
        signs = _TAG_SIGNS.get(name, 0)
        if name == "a":
            self.open_links += 1
            href = _HREF.search(attributes)
            if href:
                self.links.append((len(self.blocks), href[1]))
            if "author" in attributes:
                signs = read_signs(attributes) & Sign.BYLINE
        elif attributes:
            own = self.signs.get(attributes)
            if own is None:
                own = self.signs[attributes] = read_signs(attributes)
            signs |= own
        if name in _INLINE:
            if name in _BOLD:
                self.open_bold += 1
            # Syntax colouring calls its spans "comment", "title", "tag".
            if not signs or self.open_preformatted:
                self.stack.append((name, -1))
                return
        elif name == "pre":
            self.open_preformatted += 1
        if self.pieces:
            self.flush()
        current = self.current
        self.current = index = len(self.elements)
        self.stack.append((name, index))
        depth = self.elements[current].depth + 1
        self.elements.append(Element(name, signs, current, len(self.blocks), attributes, 0, depth))

    def close(self) -> None:
        name, index = self.stack.pop()
        if name in _COUNTED:
            if name == "a":
                self.open_links -= 1
            elif name == "pre":
                self.open_preformatted -= 1
            else:
                self.open_bold -= 1
        if index >= 0:
            if self.pieces:
                self.flush()
            element = self.elements[index]
            element.end = len(self.blocks)
            self.current = element.parent

    def void(self, name: str) -> None:
        if name == "br":
            if self.pieces and self.pieces[-1] == _LINE_BREAK:
                self.flush()
            else:
                self.pieces.append(_LINE_BREAK)
        elif name == "hr" and self.pieces:
            self.flush()

    def text(self, text: str) -> None:
        if "&" in text:
            text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&")
        self.pieces.append(text)
        if self.open_links:
            self.linked += len(text)
        elif self.open_bold:
            self.bold += len(text)

    def finish(self) -> Scan:
        if self.pieces:
            self.flush()
        self.elements[0].end = len(self.blocks)
        for _, index in self.stack:  # left open where the text was too long
            if index >= 0:
                self.elements[index].end = len(self.blocks)
        return Scan(self.elements, self.blocks, self.links)


def scan_body(markup: str) -> Scan:
    """Reads `Page.body`. Time is linear in the length of the mark-up; nesting costs nothing."""
    scanner = _Scanner()
    pieces = scanner.pieces
    total = 0
    # One flat list: a tuple for each tag would keep the garbage collector busy for a third of the time.
    parts = _TAG.split(markup)
    for closing, name, attributes, text in zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True):
        if closing:
            if not scanner.stack:
                break
            scanner.close()
        elif name in _VOID:
            scanner.void(name)
        elif name:
            scanner.open(name, attributes)
        if text.isspace():
            if pieces and pieces[-1] != _LINE_BREAK:
                pieces.append(" ")
        elif text:
            total += len(text)
            if total > MAX_TEXT:
                break
            scanner.text(text)
    return scanner.finish()
