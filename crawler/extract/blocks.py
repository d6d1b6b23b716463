"""One pass over a page's mark-up: the elements that matter and the blocks of text between their edges.

A block is what a reader sees as one paragraph, heading, list item or caption. Elements keep the range of blocks
inside them, so that any sum over a subtree is a difference of two prefix sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from crawler.extract.document import MAX_HEAD_ITEMS, Page, read_attributes, read_head, read_script, unescape
from crawler.extract.menus import MARK
from crawler.extract.tags import (
    ALIKE,
    BODY_TAG,
    BREAK,
    INLINE,
    INLINE_OPEN,
    LINK,
    LINK_TAG,
    META,
    OPEN,
    RULE,
    SKIP,
    TITLE,
    Tag,
    known,
    learn,
)
from crawler.extract.text import fold

MAX_BLOCKS = 20_000
MAX_TEXT = 3_000_000  # characters of visible text that are read
_MAX_DIGITS = 6  # of a count of links
_LONG = 100  # characters of a block that might be an article by itself

_TOLD_EMPTY = frozenset(("time", "abbr", "span"))  # a date may stand in an attribute alone
_TOLD_APART = frozenset(("h1", "h2", "ul", "ol"))  # kept even where it only wraps another element
_NO_LEAF = frozenset(("a", "pre"))  # which are counted while they are open
_HREF = re.compile(r' href="([^"]+)"')
_LINE_BREAK = "\n"  # two in a row, with only white space between, end a paragraph
# A start tag with all that follows it until the next one: its text, then end tags with the text behind each. Of
# elements whose `<` is not escaped the content comes with the tag, and a comment is a tag without a name. So half
# of a page's tags need no step of their own.
_TOKEN = re.compile(
    r"<(?:(script|style|iframe|xmp|noembed|noframes|plaintext)((?: [^>]*+)?)>([^<]*+(?:<(?!/\1>)[^<]*+)*+)</\1>"
    r"|!--[^-]*+(?:-(?!->)[^-]*+)*+-->"
    r"|([^/>][^>]*+)>)"
    r"([^<]*+)((?:</[^>]*+>[^<]*+)*+)"
)
_Token: TypeAlias = tuple[str, str, str, str, str, str]  # raw element, its attributes, content; tag, text, end tags


class Element(NamedTuple):
    """An element that holds text, or has a name that tells something. `first` and `end`: half-open, of its blocks."""

    tag: str
    signs: int
    first: int
    end: int
    depth: int
    head: str


class Block(NamedTuple):
    """A run of text between two block edges. `linked`: characters, before folding; `parent`: the element it is in."""

    text: str
    tag: str
    length: int
    linked: int
    parent: Tag


@dataclass(slots=True)
class Scan:
    """Elements in the order of their start tags (0 is the body), blocks in the order of the text.

    Of elements whose names tell nothing only those are there that hold two blocks or a long one, and of those around
    the same blocks only the innermost.
    """

    page: Page
    elements: list[Element]
    blocks: list[Block]
    links: list[tuple[int, str]]  # block, the link's start tag

    def hrefs(self, chosen: set[int]) -> Iterator[str]:
        """Addresses, as written, that these blocks link to."""
        for index, head in self.links:
            if index in chosen:
                href = _HREF.search(head)
                if href:
                    yield unescape(href[1])

    def inside(self, element: Element, joint: str = " ") -> str:
        """The text of an element."""
        return joint.join(block.text for block in self.blocks[element.first : element.end])


# Tag, its first block, the open element around it.
_Open: TypeAlias = "tuple[Tag, int, _Open | None]"
_LINKED: _Open = (LINK_TAG, 0, None)  # stands on the stack for every link
_new = tuple.__new__  # half the time of a NamedTuple's own constructor


def scan_markup(markup: str) -> Scan:  # noqa: PLR0912, PLR0915 -- a call for each tag would double the time
    """Reads `canonical_markup`. Time is linear in its length; nesting costs nothing."""
    page = Page(language=_language(markup))
    elements: list[Element] = []
    blocks: list[Block] = []
    links: list[tuple[int, str]] = []
    head_items: list[str] = []
    parts: list[str] = []  # the text since the last block edge
    current: _Open = (BODY_TAG, 0, None)
    stack: list[_Open | None] = []  # None: an inline element whose name tells nothing
    open_links = preformatted = linked = total = 0
    alike = ALIKE
    tokens: Iterator[_Token] = iter(_TOKEN.findall(markup))
    for token in tokens:
        raw, attributes, inner, head, text, rest = token
        tag = known.get(head)
        if tag is None:
            tag = alike.get(head.partition(" ")[0])
            if tag is None or (tag is LINK_TAG and "author" in head):
                tag = learn(head)
            elif raw == "script":
                read_script(attributes, inner, page)
        step = tag.step
        leaf = False  # an element without others in it is done with at once, and its end tag is passed over
        if step == OPEN:
            name = tag.name
            # Syntax colouring calls its spans "comment", "title", "tag".
            if preformatted and name in INLINE:
                stack.append(None)
            else:
                if parts:
                    _flush(parts, linked, current[0], blocks)
                    linked = 0
                first = len(blocks)
                if rest and name not in _NO_LEAF:
                    leaf = True
                    if text and not text.isspace():
                        total += len(text)
                        parts.append(unescape(text) if "&" in text else text)
                        _flush(parts, len(text) if open_links else 0, tag, blocks)
                    text = ""
                    if len(blocks) > first:
                        signs = tag.signs if tag.signs >= 0 else tag.read()
                        if signs or name in _TOLD_APART or blocks[first][2] >= _LONG:
                            elements.append(_new(Element, (name, signs, first, first + 1, len(stack), tag.head)))
                    elif name in _TOLD_EMPTY:
                        elements.append(_new(Element, (name, tag.read(), first, first, len(stack), tag.head)))
                else:
                    current = (tag, first, current)
                    stack.append(current)
                    if name == "a":
                        open_links += 1
                        links.append((first, head))
                    elif name == "pre":
                        preformatted += 1
        elif step == LINK:
            links.append((len(blocks), head))
            open_links += 1
            stack.append(_LINKED)
        elif step == INLINE_OPEN:
            if rest:
                leaf = True
            else:
                stack.append(None)
        elif step == BREAK:
            if parts and parts[-1] == _LINE_BREAK:
                _flush(parts, linked, current[0], blocks)
                linked = 0
            else:
                parts.append(_LINE_BREAK)
        elif step == RULE:
            if parts:
                _flush(parts, linked, current[0], blocks)
                linked = 0
            if MARK in head:
                page.menu_links += _menu_links(head)
        elif step == META:
            if not head.startswith("link") or "canonical" in head:
                head_items.append(head)
        elif step == SKIP:
            text, _, rest = _past(tag.name, rest, tokens).partition("</")
            rest = "</" + rest if rest else ""
        elif step == TITLE:
            stack.append(None)
            page.title = page.title or unescape(text)[:2_000]
            text = ""
        if text:
            if not text.isspace():
                total += len(text)
                parts.append(unescape(text) if "&" in text else text)
                if open_links:
                    linked += len(text)
            elif parts and parts[-1] != _LINE_BREAK:
                parts.append(" ")
        if not rest:
            continue
        for ending in rest[2:].split("</"):
            if leaf:
                leaf = False
            elif stack:
                entry = stack.pop()
                if entry is None:
                    pass
                elif entry is _LINKED:
                    open_links -= 1
                else:
                    if parts:
                        _flush(parts, linked, current[0], blocks)
                        linked = 0
                    tag, first, around = entry
                    name = tag.name
                    end = len(blocks)
                    if end > first or name in _TOLD_EMPTY:
                        signs = tag.signs if tag.signs >= 0 else tag.read()
                        if (
                            signs
                            # One around the very blocks of the last one tells nothing.
                            or (
                                end > first + 1
                                and not (elements and elements[-1][2] == first and elements[-1][3] == end)
                            )
                            or name in _TOLD_APART
                            or (end == first + 1 and blocks[first][2] >= _LONG)
                        ):
                            elements.append(_new(Element, (name, signs, first, end, len(stack), tag.head)))
                    if name == "pre":
                        preformatted -= 1
                    elif name == "a":
                        open_links -= 1
                    current = around or current
            if ending[-1:] == ">":
                continue
            text = ending.partition(">")[2]
            if not text.isspace():
                total += len(text)
                parts.append(unescape(text) if "&" in text else text)
                if open_links:
                    linked += len(text)
            elif parts and parts[-1] != _LINE_BREAK:
                parts.append(" ")
        if total > MAX_TEXT:
            break
    if parts:
        _flush(parts, linked, current[0], blocks)
    # What is still open where the text was too long.
    for depth, left in reversed(list(enumerate(stack))):
        if left is not None and left is not _LINKED:
            elements.append(Element(left[0].name, left[0].read(), left[1], len(blocks), depth, left[0].head))
    # They were added as they ended: turned round, outer ones come before what they begin with.
    elements.append(Element("body", 0, 0, len(blocks), 0, ""))
    elements.reverse()
    elements.sort(key=itemgetter(2))
    read_head(head_items[:MAX_HEAD_ITEMS], page)
    return Scan(page, elements, blocks, links)


def _flush(parts: list[str], linked: int, tag: Tag, blocks: list[Block]) -> None:
    """Ends a block: its text stands in the element that is open now."""
    text = fold(parts[0] if len(parts) == 1 else "".join(parts))
    parts.clear()
    if text and len(blocks) < MAX_BLOCKS:
        blocks.append(_new(Block, (text, tag.name, len(text), linked, tag)))


def _past(name: str, rest: str, tokens: Iterator[_Token]) -> str:
    """Passes over an element whose content nobody sees; gives the text after it and the end tags that follow."""
    closing = f"</{name}>"
    open_ = 1
    while True:
        start = 0
        while (at := rest.find(closing, start)) >= 0:
            start = at + len(closing)
            open_ -= 1
            if not open_:
                return rest[start:]
        token = next(tokens, None)
        if token is None:
            return ""
        head, rest = token[3], token[5]
        if head == name or head.startswith(name + " "):
            open_ += 1


def _menu_links(head: str) -> int:
    """How many links the menu had that stood here; a page may write such a mark itself."""
    number = read_attributes(head).get(MARK, "")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS else 0


def _language(markup: str) -> str:
    start = markup.find("<html")
    attributes = read_attributes(markup[start : markup.find(">", start)]) if start >= 0 else {}
    return attributes.get("lang") or attributes.get("xml:lang") or ""
