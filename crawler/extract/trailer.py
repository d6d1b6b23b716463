"""Lines that tell where a text comes from and are no part of it: notices, contact lines, codes, print references."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crawler.extract.text import first_word

_COPYRIGHT = re.compile(
    r"^\W*(?:copyright\b(?!\W*(?:notice|policy|guidelines?|infringement|information|law)?\W*$)|©"
    r"|\(c\)\s*(?:copyright\b|\d{4}))|\ball rights (?:are )?(?:reserved|save[ds]?)\b"
    r"|©\s*(?:copyright )?\d{4}|^\W*\d{4}\s*(?:©|copyright\b)",
    re.IGNORECASE,
)
# "Write to First Last at first.last@…", also after a translation that lost the addresses.
_CONTACT = re.compile(
    r"^\W*(?:please )?(?:write|send an? e-?mail|e-?mail)\s+to\s+[^.!?]{2,160}\s+at\b.{0,120}$"
    r"|^\W*(?:please )?(?:write|e-?mail|contact|reach|send (?:an? )?e-?mail)\b[^!?]{0,120}\S+@\S+\.\S+\W*$"
    r"|^\W*(?:please )?write\s+to(?-i:(?: and)?\s[A-Z][\w.'’-]*){2,8}(?: (?:at|on|in|to|by))?\W*$",
    re.IGNORECASE,
)
_CODE = re.compile(r"^\W*[0-9a-f]{32}\W*$")
_CODE_INSIDE = re.compile(r"\b[0-9a-f]{32}\b")
_WIRE_END = re.compile(
    r"^\W*\(?(?:the )?(?:end|finish)\)?\W+(?:dow jones|\w+ newswires?)|^\W*\((?:the )?(?:end|finish)\)"
    r"|\bdow jones newswires?\b.{0,60}\b\d{4}\b.{0,40}$",
    re.IGNORECASE,
)
_PRINT = re.compile(r"^\W*(?:appeared|appears|published) in the .{0,80}\bprint edition\b", re.IGNORECASE)
_STAMP = re.compile(
    r"^(?=.*\b(?:19|20)\d\d\b)[\w ,.:()/-]{6,45}$"
)  # "January 28, 2026 09:41 ET", below a wire's end mark
_CONTACT_WORDS = frozenset(("please", "write", "send", "e", "email", "contact", "reach"))
_RIGHTS = ("copyright", "all rights", "©", "(c)")
# Every such line has one of these in it, but for a bare code.
_HINTS = (
    "©".encode(), b"copyright", b"all rights", b"(c)", b"write to", b"mail to", b"@", b"newswire",
    b"dow jones", b"end)", b"finish)", b"print edition",
)  # fmt: skip
_MAX_LINE = 400  # characters; longer paragraphs are text that mentions such things


def find_trailers(texts: Sequence[str]) -> list[int]:
    """The places of such lines in a list of paragraphs, in order.

    All paragraphs are searched at once for words that these lines have, and only what has one is read.
    """
    short = [(place, text) for place, text in enumerate(texts) if len(text) <= _MAX_LINE]
    found = {line for line, (_, text) in enumerate(short) if 32 <= len(text) <= 40 and " " not in text}
    # Of bytes only ASCII is put in lower case, ten times as fast.
    joined = "\n".join([text for _, text in short]).encode("utf-8", "replace").lower()
    for hint in _HINTS:
        line = 0
        before, at = 0, joined.find(hint)
        while at >= 0:
            line += joined.count(b"\n", before, at)
            found.add(line)
            before, at = at, joined.find(hint, at + len(hint))
    return [short[line][0] for line in sorted(found) if is_trailer(short[line][1])]


def is_trailer(text: str) -> bool:
    """Whether a paragraph is such a line as a whole."""
    if len(text) > _MAX_LINE:
        return False
    lowered = text.lower()
    # Plain searches are a quick no for nearly every paragraph.
    return bool(
        (any(word in lowered for word in _RIGHTS) and is_copyright(text))
        or (first_word(text) in _CONTACT_WORDS and _CONTACT.match(text))
        or (len(text) <= 40 and _CODE.match(text))
        or (("newswire" in lowered or "end" in lowered[:8] or "finish" in lowered[:12]) and _WIRE_END.search(text))
        or ("print edition" in lowered and _PRINT.match(text))
    )


def is_wire_end(text: str) -> bool:
    """Whether a line closes a wire's item ("(END) Dow Jones Newswires"); its date may stand in the next one."""
    return bool(_WIRE_END.search(text))


def is_stamp(text: str) -> bool:
    """Whether a line is nothing but a date."""
    return len(text) <= 45 and bool(_STAMP.match(text))


def is_copyright(text: str) -> bool:
    """Whether a paragraph is a copyright notice (not one that mentions copyright)."""
    if len(text) > _MAX_LINE:
        return False
    return bool(_COPYRIGHT.search(text)) and (len(text) < 160 or bool(_CODE_INSIDE.search(text)))
