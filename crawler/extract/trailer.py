"""Lines that tell where a text comes from and are no part of it: notices, contact lines, codes, print references."""

from __future__ import annotations

import re

_COPYRIGHT = re.compile(
    r"^\W*(?:copyright\b|©|\(c\)\s*(?:copyright\b|\d{4}))|\ball rights (?:are )?(?:reserved|save[ds]?)\b"
    r"|©\s*(?:copyright )?\d{4}|^\W*\d{4}\s*(?:©|copyright\b)",
    re.IGNORECASE,
)
# "Write to First Last at first.last@…", also after a translation that lost the addresses.
_CONTACT = re.compile(
    r"^\W*(?:please )?(?:write|send an? e-?mail|e-?mail)\s+to\s+[^.!?]{2,160}\s+at\b.{0,120}$"
    r"|^\W*(?:please )?(?:write|e-?mail|contact|reach|send (?:an? )?e-?mail)\b[^!?]{0,120}\S+@\S+\.\S+\W*$",
    re.IGNORECASE,
)
_CODE = re.compile(r"^\W*[0-9a-f]{32}\W*$")
_CODE_INSIDE = re.compile(r"\b[0-9a-f]{32}\b")
_WIRE_END = re.compile(
    r"^\W*\(?END\)?\W+(?:dow jones|\w+ newswires?)|^\W*\(END\)|\bdow jones newswires?\b.{0,60}\b\d{4}\b.{0,40}$",
    re.IGNORECASE,
)
_PRINT = re.compile(r"^\W*(?:appeared|appears|published) in the .{0,80}\bprint edition\b", re.IGNORECASE)
_HINTS = ("copyright", "©", "(c)", "rights", " at", "@", "(end)", "newswire", "print edition", "end)")
_MAX_LINE = 400  # characters; longer paragraphs are text that mentions such things


def is_trailer(text: str) -> bool:
    """Whether a paragraph is such a line as a whole."""
    if len(text) > _MAX_LINE or not _may_tell(text.lower()):
        return False
    return bool(
        is_copyright(text) or _CONTACT.match(text) or _CODE.match(text) or _WIRE_END.search(text) or _PRINT.match(text)
    )


def _may_tell(lowered: str) -> bool:
    """A quick no for nearly every paragraph: each pattern above needs one of these."""
    return any(hint in lowered for hint in _HINTS) or bool(_CODE.match(lowered))


def is_copyright(text: str) -> bool:
    """Whether a paragraph is a copyright notice (not one that mentions copyright)."""
    if len(text) > _MAX_LINE:
        return False
    return bool(_COPYRIGHT.search(text)) and (len(text) < 160 or bool(_CODE_INSIDE.search(text)))
