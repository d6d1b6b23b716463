"""Plain text: one spelling of white space, nothing that a terminal or a database could choke on."""

from __future__ import annotations

import re
from html import unescape

# Controls (Cc), lone surrogates (Cs), non-characters, and what only steers a renderer: soft hyphen, zero width
# space and joiners' relatives, direction marks, byte order mark. ZWNJ and ZWJ stay: Persian and Indic spelling.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    r"\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\uffff]"
)
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"<[^<>]{0,2000}>")
_FIRST_WORD = re.compile(r"\W*(\w+)")
_LETTERS = re.compile(r"[^\W_]+")


def scrub(text: str) -> str:
    """The text without control characters, surrogates and invisible marks; tabs and line ends stay."""
    return text if text.isprintable() else _UNPRINTABLE.sub("", text)


def fold(text: str) -> str:
    """One line: every run of white space is one blank, none at the ends."""
    text = text.strip()
    # Of all white space only the blank is printable.
    if text.isprintable() and "  " not in text:
        return text
    folded = " ".join(text.split())
    # What is invisible may have stood between two blanks.
    return folded if folded.isprintable() else " ".join(_UNPRINTABLE.sub("", folded).split())


def plain(markup: str) -> str:
    """One line of text from a short string that may hold entities and tags (metadata often does, twice encoded)."""
    if "&" in markup:
        markup = unescape(unescape(markup))
    if "<" in markup:
        markup = _MARKUP.sub(" ", markup)
    return fold(markup)


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits."""
    return _WORD.findall(text.lower())


def first_word(text: str) -> str:
    """The first run of letters and digits, in lower case, "" where there is none.

    Looking it up in a set is a quick no for patterns that begin with one of some words.
    """
    match = _FIRST_WORD.match(text)
    return match[1].lower() if match else ""


def signature(text: str) -> str:
    """What two spellings of one headline share: letters and digits in lower case, nothing between them."""
    return "".join(_LETTERS.findall(text.lower()))
