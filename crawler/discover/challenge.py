"""Whether a page that came in a source's place is one that tells crawlers from people."""

from __future__ import annotations

import re

MAX_SIZE = 200_000  # bytes; such pages are small
MAX_TEXT = 3_000  # characters that they show; a page with more has a word of its own to say
_SPACE = re.compile(r"\s+")
_TITLES = (
    "just a moment", "attention required", "access denied", "access to this page has been denied", "security check",
    "are you a robot", "are you human", "robot check", "ddos-guard", "pardon our interruption", "human verification",
    "bot verification", "un momento", "einen moment", "un instant",
)  # fmt: skip
_SAYINGS = (
    "verify you are human", "verify that you are human", "verifying you are human", "are not a robot", "not a bot",
    "checking your browser", "checking if the site connection is secure", "enable javascript and cookies to continue",
    "unusual traffic", "unusual activity from your", "complete the captcha", "solve the captcha", "captcha below",
    "prove you are human", "prove that you are human", "press & hold", "press and hold to confirm",
    "you have been blocked", "your request has been blocked", "automated access",
)  # fmt: skip


def is_challenge(body: bytes) -> bool:
    """By the words of its title and its text; a page of some length is never one."""
    if len(body) > MAX_SIZE:
        return False
    page = body.decode("utf-8", "replace").lower()
    if "<" not in page[:1_000]:
        return False
    shown = shown_text(page)
    if len(shown) > MAX_TEXT:
        return False
    start = page.find("<title")
    title = page[start : page.find("</title", start)][:200] if start >= 0 else ""
    return any(words in title for words in _TITLES) or any(words in shown for words in _SAYINGS)


def shown_text(page: str) -> str:
    """The text outside tags, scripts and styles of a page in lower case; one pass, whatever the mark-up."""
    pieces: list[str] = []
    at = 0
    while at < len(page):
        opening = page.find("<", at)
        if opening < 0:
            pieces.append(page[at:])
            break
        pieces.append(page[at:opening])
        at = _after_tag(page, opening)
    return _SPACE.sub(" ", " ".join(pieces)).strip().replace("&amp;", "&")


def _after_tag(page: str, opening: int) -> int:
    """Where the tag ends that begins at `opening`: with what is in it where that is code."""
    for name in ("script", "style", "template"):
        if page.startswith(name, opening + 1):
            end = page.find(f"</{name}", opening)
            if end < 0:
                return len(page)
            opening = end
            break
    end = page.find(">", opening)
    return len(page) if end < 0 else end + 1
