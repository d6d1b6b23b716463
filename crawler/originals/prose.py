"""Texts and bylines of deliveries in the form in which articles hold them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from crawler.model import PARAGRAPH_BREAK

_MARKUP = re.compile(
    r"</?(?:p|br|div|b|i|em|strong|a|span|h[1-6]|ul|ol|li|table|tr|td|blockquote)\b[^<>]*>", re.IGNORECASE
)
_BLOCK = re.compile(r"</?(?:p|div|h[1-6]|ul|ol|li|table|tr|blockquote)\b[^<>]*>|(?:<br\s*/?>\s*){2,}", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n[^\S\n]*(?:\n\s*)+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_NAMES = re.compile(r"\s*,\s*(?:and\s+|&\s*)?|\s+(?:and|&)\s+|\s*;\s*", re.IGNORECASE)


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, white space folded within each.

    They are apart by blank lines; where there is none, by line breaks. Mark-up in a field that should be plain
    text is read as such and left out.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n\n")
    if _MARKUP.search(text):
        text = html.unescape(_MARKUP.sub("", _BLOCK.sub("\n\n", text)))
    text = text.strip()
    parts = _PARAGRAPHS.split(text)
    if len(parts) == 1:
        parts = text.split("\n")
    return [folded for part in parts if (folded := line(part))]


def not_utf_8(values: Iterable[object]) -> str:
    """In words that a text decoded with "surrogateescape" held bytes which are no UTF-8; "" where none does."""
    for value in values:
        if isinstance(value, str) and (found := _ESCAPED.search(value)) is not None:
            return f"expected UTF-8, got the byte 0x{ord(found.group()) - 0xDC00:02x}"
    return ""


def joined(parts: Iterable[str]) -> str:
    return PARAGRAPH_BREAK.join(parts)


def line(text: str) -> str:
    """On one line, without what no store takes."""
    return " ".join(text.replace("\x00", "").split())


def names(byline: str) -> tuple[str, ...]:
    """Names of a byline such as "By Ida Mell and Ole Brandt"; a comma between single words is one person's."""
    text = re.sub(r"^(?:by|von|por|par)\b:?\s*", "", line(byline), flags=re.IGNORECASE).strip(" ,;|-–—")
    parts = [part for part in _NAMES.split(text) if part]
    if len(parts) > 1 and all(" " in part for part in parts):
        return tuple(parts)
    return (text,) if text else ()
