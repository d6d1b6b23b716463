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
_MAX_LINE = 400  # characters; longer paragraphs are text that mentions such things


def is_trailer(text: str) -> bool:
    """Whether a paragraph is such a line as a whole."""
    if len(text) > _MAX_LINE:
        return False
    lowered = text.lower()
    # Plain searches are a quick no for nearly every paragraph.
    return bool(
        (("right" in lowered or "©" in lowered or "(c)" in lowered) and is_copyright(text))
        or _CONTACT.match(text)
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
