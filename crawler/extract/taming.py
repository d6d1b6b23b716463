"""What is taken out of a page's bytes before they are parsed: scripts, menus, and mark-up that only a trap would hold.

A third of what a parser reads of a news page is script and style sheet. The search for where these end costs a
fraction of parsing them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from numpy import count_nonzero, frombuffer, uint8

from crawler.extract.menus import menu_end, trace

_CUT = re.compile(rb"<(?:[sS](?:[cC][rR][iI][pP][tT]|[tT][yY][lL][eE]|[vV][gG])[\s/>]|!--|(?:nav|ul)[\s>])")
_COMMENT = ord("!")
_MENU = frozenset(b"nu")
_LOWER = 32  # the bit by which small letters differ
_END = {
    ord("c"): re.compile(rb"</[sS][cC][rR][iI][pP][tT][\s/>]"),
    ord("t"): re.compile(rb"</[sS][tT][yY][lL][eE][\s/>]"),
    ord("v"): re.compile(rb"</[sS][vV][gG][\s/>]"),
}
_MAX_CUTS = 10_000  # what comes later is left to the parser
_MAX_MENUS = 100  # that are looked for
_NEAR = 300  # bytes after a script's start in which what makes its end uncertain is looked for
_MAX_DEPTH = 400  # open elements; deeper ones lose their tag and keep their text
_MAX_FORMATTING = 60  # open inline elements: HTML repeats all of them in each new paragraph
_MAX_ATTRIBUTES = 1_000  # of a tag that is longer than
_MAX_TAG = 20_000  # bytes; comparing attributes with each other is quadratic in the parser
_MANY = 12_000  # tags: above, depth is looked at as well
_MAX_TAGS = 80_000
_SMALL = 2_500  # tags: whatever they are, parsing them is quick

_TAG_NAME = re.compile(rb"</?[a-zA-Z]")
_TAG_START = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_QUOTED = re.compile(b"\"[^\"]*\"|'[^']*'")
# Attributes in which a quote is not closed: where such a tag ends, only a parser knows.
_OPEN_QUOTE = re.compile(rb"(?:[^\"']++|\"[^\"]*+\"|'[^']*+')*+[\"'].*", re.DOTALL)
_RAW_TEXT = {name: re.compile(b"</" + name, re.IGNORECASE) for name in (b"script", b"style", b"textarea", b"title")}
_FORMATTING = frozenset(
    (b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt", b"u")
)
# Tags of these, as fast as `re` can: by the first letter, then whether that was all, else by the rest.
_FORMATTING_TAG = re.compile(
    b"<(/?)[abcefinstuABCEFINSTU](?:(?<=[abisuABISU])|"
    + "|".join(
        "".join(f"[{c}{c.upper()}]" for c in name[1:])
        for name in sorted(name.decode() for name in _FORMATTING)
        if len(name) > 1
    ).encode()
    + rb")(?=[\s/>])"
)
# An end tag of these may be left out, so that open ones do not tell of depth.
_IMPLIED_END = frozenset(
    (
        b"p", b"li", b"dt", b"dd", b"option", b"optgroup", b"tr", b"td", b"th", b"tbody", b"thead", b"tfoot",
        b"colgroup", b"caption", b"rp", b"rt", b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input",
        b"link", b"meta", b"param", b"source", b"track", b"wbr",
    )
)  # fmt: skip

_FRAMES = frozenset((b"table", b"template", b"object", b"marquee", b"applet", b"svg", b"math", b"select"))


def trimmed(html: bytes) -> bytes:
    """The page without its scripts, style sheets, drawings and menus; scripts that hold JSON stay.

    Where it is not certain where one of them ends, it is left to the parser.
    """
    kept: list[bytes] = []
    position = menus = 0
    match = _CUT.search(html)
    steps = 0
    while match is not None and steps < _MAX_CUTS:
        steps += 1
        start, after = match.span()
        mark = html[start + 1]
        if mark == _COMMENT:
            # A script in a comment is none. An attribute's "<!--" begins none either, so that nothing is cut here.
            after = html.find(b"-->", start + 2) + 1
            if not after:
                break
        elif mark in _MENU:
            menus += 1
            end = menu_end(html, start) if menus <= _MAX_MENUS else 0
            if end:
                kept += (html[position:start], trace(html, start, end))
                position = after = end
        else:
            closing = _END[html[start + 2] | _LOWER].search(html, after - 1)
            end = html.find(b">", closing.end() - 1) + 1 if closing else 0
            if closing is None or not end:
                break
            if _ends_surely(html, start, after, closing.start()):
                kept.append(html[position:start])
                position = end
            after = end
        match = _CUT.search(html, after)
    return b"".join((*kept, html[position:])) if kept else html


def _ends_surely(html: bytes, start: int, after: int, end: int) -> bool:
    """Whether an element that may be cut out has its end at the first end tag of its name, and is one at all."""
    if html[start - 1 : start] in (b'"', b"'", b"="):
        return False
    if html[start + 2 : start + 3] in b"vV":
        return html.find(b"<svg", after, end) < 0
    near = html[after : min(after + _NEAR, end)]
    return b"json" not in near.partition(b">")[0].lower() and b"<!--" not in near and b"</title" not in near


def tame(html: bytes) -> bytes:
    """The page, without mark-up on which an HTML parser needs quadratic time or memory.

    Real pages come out as they went in.
    """
    if len(html) <= _SMALL:  # bytes, so no more tags
        return html
    octets = frombuffer(html, uint8)  # whose comparison counts ten times as fast as the bytes do
    opened, closed = (int(count_nonzero(octets == ord(mark))) for mark in "<>")
    if (
        (opened > _MANY and len(_TAG_NAME.findall(html)) > _MANY)
        # Where there are many more `>` than `<`, they may stand in quotes, in a tag with as many attributes.
        or closed > opened + _SMALL
        or (opened > _SMALL and _formatting_depth(html) > _MAX_FORMATTING)
        or _has_giant_tag(html)
    ):
        return b"".join(_tamed(html))
    return html


def _formatting_depth(html: bytes) -> int:
    """How many inline elements are open at once at most, if a stray end tag closes nothing."""
    level = deepest = 0
    for closing in _FORMATTING_TAG.findall(html):
        if not closing:
            level += 1
            deepest = max(deepest, level)
        elif level:
            level -= 1
    return deepest


def _has_giant_tag(html: bytes) -> bool:
    """Whether a tag, or what might be one, is longer than `_MAX_TAG`."""
    half = _MAX_TAG // 2
    start = 0
    while start + half <= len(html):
        # A stretch of that length without `>` holds a whole window of half of it.
        if html.find(b">", start, start + half) >= 0:
            start += half
            continue
        end = html.find(b">", start + half)
        end = end if end >= 0 else len(html)
        piece = html[html.rfind(b">", 0, start) + 1 : end]
        if len(piece) > _MAX_TAG and _is_giant(piece):
            return True
        start = end
    return False


def _is_giant(piece: bytes) -> bool:
    """Whether a stretch without `>` is a tag, an end tag perhaps, with more attributes than any real one.

    A `<` further on may stand in an attribute: the first one counts.
    """
    match = _TAG_NAME.search(piece)
    start = match.start() if match else len(piece)
    if len(piece) - start <= _MAX_TAG:
        return False
    bare, quoted = _QUOTED.subn(b" ", piece[start:])
    # An image in an attribute is long, and one attribute.
    return quoted + len(bare.split()) + bare.count(b"/") + bare.count(b'"') + bare.count(b"'") > _MAX_ATTRIBUTES


class _Opened:
    """The elements that a parser has open, as far as their number goes.

    An end tag without its start tag closes nothing and costs a search of all of them: it is of no use to anybody.
    """

    def __init__(self) -> None:
        self._names: list[bytes] = []
        self._frames: list[Counter[bytes]] = [Counter()]  # an end tag does not reach beyond a table or its like

    def begin(self, name: bytes) -> bool:
        """Whether another element may be opened."""
        if len(self._names) >= _MAX_DEPTH:
            return False
        self._names.append(name)
        self._frames[-1][name] += 1
        if name in _FRAMES:
            self._frames.append(Counter())
        return True

    def end(self, name: bytes) -> bool:
        """Whether an end tag closes something; all within is closed with it."""
        frames = self._frames
        if not (frames[-1][name] or (name in _FRAMES and any(frame[name] for frame in frames))):
            return False
        closed = b""
        while closed != name:
            closed = self._names.pop()
            if closed in _FRAMES:
                frames.pop()
            frames[-1][closed] -= 1
        return True


def _tamed(html: bytes) -> Iterator[bytes]:
    formatting = position = 0
    opened = _Opened()
    for match in islice(_TAG_START.finditer(html), _MAX_TAGS):
        start = match.start()
        if start < position:  # inside the tag before
            continue
        yield html[position:start]
        end = html.find(b">", match.end())
        if end < 0:
            return
        position = end + 1
        name = match[2].lower()
        if name in _RAW_TEXT and not match[1]:
            closing = _RAW_TEXT[name].search(html, position)
            position = closing.start() if closing else len(html)
            yield html[start:position]
            continue
        if match[1]:
            if name in _FORMATTING:
                formatting = max(formatting - 1, 0)
            elif name not in _IMPLIED_END and name not in _RAW_TEXT and not opened.end(name):
                continue
        elif name in _FORMATTING:
            formatting += 1
            if formatting > _MAX_FORMATTING:
                continue
        elif name not in _IMPLIED_END and not opened.begin(name):
            continue
        attributes = html[match.end() : end]
        if len(attributes) > _MAX_TAG or _OPEN_QUOTE.fullmatch(attributes):
            attributes = b""
        yield b"<" + match[1] + match[2] + attributes + b">"
    # What is left has no tag, or more of them than any article needs.
    yield html[position:].partition(b"<")[0]
