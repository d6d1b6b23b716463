"""The short texts of feeds as plain text: titles, teasers, bylines, language tags."""

from __future__ import annotations

import html
import re

MAX_TITLE = 500  # characters
MAX_TEASER = 2_000
MAX_MARKUP = 200_000  # characters of mark-up that are read for a teaser
MAX_AUTHORS = 20

_HIDDEN = re.compile(r"<(/?)(?:script|style|template|noscript)\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|blockquote|figure|figcaption|section)\b[^<>]*>", re.IGNORECASE
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--[^<>]*-->|<![^<>]*>")
_MAIL = re.compile(r"\S+@\S+\.\S+")
_MAIL_WITH_NAME = re.compile(r"\S+@\S+\s*\(([^()]+)\)")
_SPLIT = re.compile(r"\s*,\s*(?:and\s+|&\s*)?|\s+(?:and|&)\s+|\s*;\s*", re.IGNORECASE)
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_].*)?")


def plain(markup: str, most: int = MAX_TEASER) -> str:
    """Text without tags and entities, white space folded, cut at a word after `most` characters at the latest."""
    text = markup[:MAX_MARKUP]
    if "<" in text:
        text = _BREAK.sub(" ", _without_hidden(text))
        text = _TAG.sub("", text)
    if "&" in text:
        text = html.unescape(text)
    text = " ".join(text.replace("\x00", "").split())
    if len(text) <= most:
        return text
    cut = text[:most].rpartition(" ")[0]
    return (cut or text[: most - 1]) + "…"


def _without_hidden(text: str) -> str:
    pieces = _HIDDEN.split(text)
    if len(pieces) == 1:
        return text
    kept = [pieces[0]]
    open_tags = 0
    for slash, after in zip(pieces[1::2], pieces[2::2], strict=True):
        open_tags = max(0, open_tags - 1) if slash else open_tags + 1
        if not open_tags:
            kept.append(after)
    return "".join(kept)


def authors(line: str) -> tuple[str, ...]:
    """Names from a byline such as "By Ida Mell and Ole Brandt" or "desk@post.example (Ida Mell)".

    A comma between single words is left alone: "Mell, Ida" is one person.
    """
    with_name = _MAIL_WITH_NAME.fullmatch(line.strip())
    text = plain(with_name.group(1) if with_name else line, 300)
    text = re.sub(r"^by\b:?\s*", "", _MAIL.sub("", text), flags=re.IGNORECASE).strip(" ,;|-–—()<>")
    if not text or text.startswith(("http://", "https://")):
        return ()
    parts = [part for part in _SPLIT.split(text) if part]
    if len(parts) > 1 and all(" " in part for part in parts):
        return tuple(parts[:MAX_AUTHORS])
    return (text,)


def language_tag(text: str | None) -> str | None:
    """A language tag in its usual case (en, en-GB, zh-Hant-TW), None where it is none."""
    match = _LANGUAGE.fullmatch((text or "").strip())
    if match is None:
        return None
    language, script, region = match.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))
