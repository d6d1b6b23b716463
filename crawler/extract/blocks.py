"""One pass over a page's mark-up: the elements that matter and the blocks of text between their edges.

A block is what a reader sees as one paragraph, heading, list item or caption. Elements keep the range of blocks
inside them, so that any sum over a subtree is a difference of two prefix sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from crawler.extract.document import MAX_HEAD_ITEMS, Page, read_attributes, read_head, read_script, unescape
from crawler.extract.evidence import Sign, read_signs
from crawler.extract.text import fold

MAX_BLOCKS = 20_000
MAX_TEXT = 3_000_000  # characters of visible text that are read
_LONG = 100  # characters of a block that might be an article by itself
_MAX_KNOWN = 20_000  # tags that are remembered
_MAX_LEARNT = 200  # characters of a tag that is remembered

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
_UNSEEN = frozenset(
    (
        "script", "style", "svg", "iframe", "template", "select", "noembed", "noframes", "xmp", "plaintext", "object",
        "canvas", "audio", "video", "datalist", "dialog", "math",
    )
)  # fmt: skip
_RAW = frozenset(("script", "style", "iframe", "noembed", "noframes", "xmp", "plaintext"))  # whose `<` is not escaped
_TOLD_EMPTY = frozenset(("time", "abbr", "span"))  # a date may stand in an attribute alone
_TOLD_APART = frozenset(("h1", "h2", "ul", "ol"))  # kept even where it only wraps another element
_HREF = re.compile(r' href="([^"]+)"')
_LINE_BREAK = "\n"  # two in a row, with only white space between, end a paragraph
_TAG_SIGNS = {
    "nav": Sign.FURNITURE, "footer": Sign.FURNITURE, "button": Sign.FURNITURE, "menu": Sign.FURNITURE,
    "textarea": Sign.FURNITURE, "legend": Sign.FURNITURE, "fieldset": Sign.FURNITURE, "aside": Sign.ASIDE,
    "figcaption": Sign.CAPTION, "time": Sign.DATE, "article": Sign.ARTICLE, "main": Sign.ARTICLE,
    "header": Sign.HEADER, "noscript": Sign.HIDDEN, "address": Sign.BYLINE,
}  # fmt: skip

# What a tag does, as small numbers: an Enum's members cost more to compare than the rest of a step.
_CLOSE: Final = 0
_INLINE_OPEN: Final = 1  # no block edge, and a name that tells nothing
_OPEN: Final = 2
_LINK: Final = 3
_NOTHING: Final = 4
_BREAK: Final = 5
_RULE: Final = 6
_META: Final = 7
_SKIP: Final = 8
_COMMENT: Final = 9
_TITLE: Final = 10


@dataclass(slots=True)
class Tag:
    """What a tag means. `head` is the tag as written, without its brackets; `signs` is negative until they are read."""

    step: int
    name: str
    signs: int
    head: str

    def read(self) -> int:
        """The signs. Of most tags nobody asks for them, since no text is in the element."""
        if self.signs < 0:
            name, head = self.name, self.head
            self.signs = _TAG_SIGNS.get(name, 0) | (read_signs(head[len(name) :]) if len(head) > len(name) else 0)
        return self.signs


class Element(NamedTuple):
    """An element that holds text, or has a name that tells something. `first` and `end`: half-open, of its blocks."""

    tag: str
    signs: int
    first: int
    end: int
    depth: int
    head: str


@dataclass(slots=True)
class Block:
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


_A = Tag(_LINK, "a", 0, "a")
_NO_NAME = frozenset(("/", "!", "?", ""))
_VOID_TAG = Tag(_NOTHING, "", 0, "")
_PLAIN_INLINE = Tag(_INLINE_OPEN, "", 0, "")
_CLOSING = Tag(_CLOSE, "", 0, "")
_COMMENT_TAG = Tag(_COMMENT, "", 0, "")
# Elements whose attributes do not change what is done with them.
_ALIKE = {
    **dict.fromkeys(_VOID, _VOID_TAG),
    **{name: Tag(_SKIP, name, 0, name) for name in _UNSEEN},
    **{name: Tag(_META, name, 0, name) for name in ("meta", "base", "link")},
    **{name: Tag(_INLINE_OPEN, name, 0, name) for name in ("html", "head", "body")},
    "a": _A,
    "br": Tag(_BREAK, "br", 0, "br"),
    "hr": Tag(_RULE, "hr", 0, "hr"),
    "title": Tag(_TITLE, "title", 0, "title"),
}

# Tag, its first block, the open element around it.
_Open: TypeAlias = "tuple[Tag, int, _Open | None]"
_BODY = Tag(_OPEN, "body", 0, "body")
_LINKED: _Open = (_A, 0, None)  # stands on the stack for every link
_new = tuple.__new__  # half the time of a NamedTuple's own constructor
_known: dict[str, Tag] = {}  # by head; themes and frameworks write the same tags over and over


def scan_markup(markup: str) -> Scan:  # noqa: PLR0912, PLR0915 -- a call for each tag would double the time
    """Reads `canonical_markup`. Time is linear in its length; nesting costs nothing."""
    page = Page(language=_language(markup))
    elements: list[Element] = []
    blocks: list[Block] = []
    links: list[tuple[int, str]] = []
    head_items: list[str] = []
    parts: list[str] = []  # the text since the last block edge
    current: _Open = (_BODY, 0, None)
    stack: list[_Open | None] = []  # None: an inline element whose name tells nothing
    open_links = preformatted = linked = total = 0
    known = _known
    pieces = iter(markup.split("<"))
    next(pieces)  # what stands before the first tag: nothing
    for piece in pieces:
        head, ended, text = piece.partition(">")
        tag = known.get(head)
        if tag is None:
            if not ended and not head.startswith("!--"):
                head, text = _whole(head, pieces)
            tag = _A if head.startswith("a ") and "author" not in head else _learn(head)
        step = tag.step
        if step == _CLOSE:
            if not stack:
                break
            entry = stack.pop()
            if entry is None:
                pass
            elif entry is _LINKED:
                open_links -= 1
            else:
                if parts:
                    _flush(parts, linked, current, blocks)
                    linked = 0
                tag, first, around = entry
                name = tag.name
                end = len(blocks)
                if end > first or name in _TOLD_EMPTY:
                    signs = tag.signs if tag.signs >= 0 else tag.read()
                    if (
                        signs
                        # One around the very blocks of the last one tells nothing.
                        or (end > first + 1 and not (elements and elements[-1][2] == first and elements[-1][3] == end))
                        or name in _TOLD_APART
                        or (end == first + 1 and blocks[first].length >= _LONG)
                    ):
                        elements.append(_new(Element, (name, signs, first, end, len(stack), tag.head)))
                if name == "pre":
                    preformatted -= 1
                elif name == "a":
                    open_links -= 1
                current = around or current
        elif step == _INLINE_OPEN:
            stack.append(None)
        elif step == _LINK:
            open_links += 1
            links.append((len(blocks), head))
            stack.append(_LINKED)
        elif step == _OPEN:
            name = tag.name
            # Syntax colouring calls its spans "comment", "title", "tag".
            if preformatted and name in _INLINE:
                stack.append(None)
            else:
                if parts:
                    _flush(parts, linked, current, blocks)
                    linked = 0
                current = (tag, len(blocks), current)
                stack.append(current)
                if name == "a":
                    open_links += 1
                    links.append((len(blocks), head))
                elif name == "pre":
                    preformatted += 1
        elif step == _BREAK:
            if parts and parts[-1] == _LINE_BREAK:
                _flush(parts, linked, current, blocks)
                linked = 0
            else:
                parts.append(_LINE_BREAK)
        elif step == _RULE:
            if parts:
                _flush(parts, linked, current, blocks)
                linked = 0
        elif step == _META:
            head_items.append(head)
        elif step == _SKIP:
            inner, text = _skipped(tag.name, text, pieces)
            if tag.name == "script":
                read_script(head, inner, page)
        elif step == _COMMENT:
            text = _after_comment(piece, pieces)
        elif step == _TITLE:
            stack.append(None)
            page.title = page.title or unescape(text)[:2_000]
            text = ""
        if not text:
            continue
        if text.isspace():
            if parts and parts[-1] != _LINE_BREAK:
                parts.append(" ")
            continue
        total += len(text)
        if total > MAX_TEXT:
            break
        parts.append(unescape(text) if "&" in text else text)
        if open_links:
            linked += len(text)
    if parts:
        _flush(parts, linked, current, blocks)
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


def _flush(parts: list[str], linked: int, current: _Open, blocks: list[Block]) -> None:
    """Ends a block: its text stands in the element that is open now."""
    text = fold(parts[0] if len(parts) == 1 else "".join(parts))
    parts.clear()
    if text and len(blocks) < MAX_BLOCKS:
        tag = current[0]
        blocks.append(Block(text, tag.name, len(text), linked, tag))


def _learn(head: str) -> Tag:
    """What a tag means that was not met before."""
    name = head.partition(" ")[0]
    tag = _ALIKE.get(name)
    if tag is not None:
        if tag is _A:
            # Links by the hundred, and of all that their names could tell only this is of use.
            signs = read_signs(head[1:]) & Sign.BYLINE if "author" in head else 0
            return Tag(_OPEN, name, signs, head) if signs else tag
        return tag if name != "link" or "canonical" in head else _VOID_TAG
    if name[:1] in _NO_NAME:
        if name[:1] != "/":
            return _COMMENT_TAG if name.startswith("!--") else _VOID_TAG
        tag = _CLOSING
    else:
        tag = Tag(_OPEN, name, -1, head)
        if name in _INLINE and not tag.read():
            tag = _PLAIN_INLINE
    if len(head) <= _MAX_LEARNT:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[head] = tag
    return tag


def _whole(head: str, pieces: Iterator[str]) -> tuple[str, str]:
    """A tag with a `<` in an attribute's name, and the text after it."""
    for piece in pieces:
        rest, ended, text = piece.partition(">")
        head += "<" + rest
        if ended:
            return head, text
    return head, ""


def _skipped(name: str, text: str, pieces: Iterator[str]) -> tuple[str, str]:
    """Passes over an element: its content, where that is raw text, and the text after it."""
    closing = f"/{name}>"
    raw = name in _RAW
    inner = [text]
    open_ = 1
    for piece in pieces:
        if piece.startswith(closing):
            open_ -= 1
            if not open_:
                return "<".join(inner), piece[len(closing) :]
        elif raw:
            inner.append(piece)
        elif piece.startswith(name) and piece[len(name) : len(name) + 1] in (" ", ">"):
            open_ += 1
    return "", ""


def _after_comment(piece: str, pieces: Iterator[str]) -> str:
    while "-->" not in piece:
        following = next(pieces, None)
        if following is None:
            return ""
        piece = following
    return piece.partition("-->")[2]


def _language(markup: str) -> str:
    start = markup.find("<html")
    attributes = read_attributes(markup[start : markup.find(">", start)]) if start >= 0 else {}
    return attributes.get("lang") or attributes.get("xml:lang") or ""
