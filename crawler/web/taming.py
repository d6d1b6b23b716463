"""Strangers' words as a page may show them. Mark-up is escaped by the templates; here is what escaping leaves.

Every replacement is one character for one, so that offsets into a text hold.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MOST_LINE = 300  # characters of a title or a name
_HIDDEN = "\ufffd"
# Control characters, and those that turn the direction of what follows: with them a name can read as another's.
_CONTROLS = [*range(9), 11, *range(12, 32), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F]
_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_TAMED = dict.fromkeys((*_CONTROLS, *_BIDI, 0x2028, 0x2029, 0xFEFF), _HIDDEN)
_SPACES = re.compile(r"\s+")


def tamed(text: str) -> str:
    """The text with each character that is not seen as what it is made visible."""
    return text.translate(_TAMED)


def line(text: str | None, most: int = MOST_LINE) -> str:
    """One line of at most `most` characters."""
    folded = _SPACES.sub(" ", tamed((text or "")[: 4 * most])).strip()
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def web_address(url: str | None) -> str:
    """A URL that a link may lead to; "" for one that is no plain http(s)."""
    if not url or len(url) > 4_000:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.netloc else ""
