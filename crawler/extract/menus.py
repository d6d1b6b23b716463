"""Which part of a page's bytes is a menu, to be taken out before parsing: a fifth of a news page's tags are in them.

Only what is no text for sure is taken, and spelled so plainly that no parser could read it otherwise.
"""

from __future__ import annotations

import re

MARK = "data-menu"  # attribute of the <hr> that a menu leaves: how many links it had
_MAX_MENU = 100_000  # bytes
_MAX_ENTRY = 60  # bytes of a menu's entry; headlines are longer
# Text; what tells of the article, and what makes the menu's end uncertain. As one pattern they would have no first
# character in common, by which it is searched for several times as fast.
_TEXT = re.compile(rb">\s*+[^<]{80}")
_NO_MENU = re.compile(rb"<(?:h1|time|nav|article|main|script)[\s>]")
# A list whose entries are nothing but a link with a short name, perhaps in one more element on either side.
_LIST = re.compile(
    rb"<ul\b[^<>]*+>(?:\s*+<li\b[^<>]*+>\s*+(?:<(span|div)\b[^<>]*+>\s*+)?"
    rb"<a\b[^<>]*+>(?:[^<]{0,%d}+<(span|i|b|strong|em)\b[^<>]*+>[^<]{0,%d}+</\2>){0,3}+[^<]{0,%d}+</a>"
    rb"\s*+(?:</(?:span|div)>\s*+)?</li>)++\s*+</ul>" % (_MAX_ENTRY, _MAX_ENTRY, _MAX_ENTRY)
)
_PAIRS = ((b"<div", b"</div"), (b"<!--", b"-->"))


def menu_end(html: bytes, start: int) -> int:
    """Where the menu ends whose `<nav` or `<ul` stands at `start`, 0 if that is none."""
    if html[start - 1 : start] in (b'"', b"'", b"="):
        return 0  # in an attribute
    if html.startswith(b"<u", start):
        match = _LIST.match(html, start)
        return match.end() if match else 0
    end = html.find(b"</nav>", start, start + _MAX_MENU)
    if end < 0 or _TEXT.search(html, start + 5, end) or _NO_MENU.search(html, start + 5, end):
        return 0
    if any(html.count(opening, start, end) != html.count(closing, start, end) for opening, closing in _PAIRS):
        return 0
    return end + len(b"</nav>")


def trace(html: bytes, start: int, end: int) -> bytes:
    """What is left of a menu: an `<hr>`, since that ends a paragraph as a list does, with the number of its links.

    (A page that is nothing but links is a listing.)
    """
    return b'<hr %s="%d">' % (MARK.encode(), html.count(b"<a ", start, end))
