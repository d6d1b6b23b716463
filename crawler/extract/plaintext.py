"""Articles that come as plain text: saved pages whose mark-up is gone while their furniture stayed."""

from __future__ import annotations

import re
from datetime import datetime

from crawler.extract.byline import read_names
from crawler.extract.captions import is_credit, split_captions
from crawler.extract.dates import parse_time
from crawler.extract.text import fold, scrub, signature
from crawler.extract.trailer import is_copyright, is_trailer
from crawler.model import PARAGRAPH_BREAK, Extraction, Verdict

MAX_CHARACTERS = 10_000_000
MAX_PARAGRAPHS = 50_000
MIN_WORDS = 25
_MAX_TITLE = 250  # characters
_TOP = 8  # paragraphs in which headline, byline and date are looked for
_TAIL = re.compile(
    r"^\W*(?:about the authors?|about author|author bio|related (?:posts?|articles?|stories|news)|you (?:may"
    r"|might) also (?:like|be interested).*|more (?:stories|from) .*|read next"
    r"|leave a (?:reply|comment)|\d* ?comments?|share this(?: \w+)?|recent posts|popular posts|post navigation"
    r"|(?:previous|next) (?:post|article)|tags?|subscribe.*|sign up.*|newsletter"
    r"|advertisement)\W*$",
    re.IGNORECASE,
)
_AD = re.compile(
    r"^\W*(?:advertisements?|sponsored(?: content)?|ad|read more|share|tweet|print|e-?mail|share this(?: \w+)?"
    r"|skip to (?:main )?content|menu|loading\W*)\W*$",
    re.IGNORECASE,
)
_BY = re.compile(
    r"^\W*(?:written |posted |published |reported |story |article |words )?by\b:?\s*(\S.{1,80})$"
    r"|^author:\s*(\S.{1,80})$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"^\W*(?:(?:published|posted|updated|last updated|date)\b[\s:]*(?:on\b|at\b)?\s*)?[^.!?]{0,12}\d[^!?]{4,60}$",
    re.IGNORECASE,
)
_CHANGED = re.compile(r"updated", re.IGNORECASE)
_ENDED = re.compile(r"[.!?:…][”\"’')\]]*$")
_TORN = re.compile(r"^(?:,|;|’s\b|'s\b)")
_BREAK = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def extract_text(text: str, url: str = "") -> Extraction:
    """Reads a plain text. `url` is kept by the caller; nothing is read off it. Never raises."""
    text = (
        text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\u2029", "\n\n")
    )
    paragraphs = _paragraphs(scrub(text))
    title, site, rest = _headline(paragraphs)
    byline, published, modified, rest = _top(rest)
    rest = _without_tail(rest)
    trailer = [part for part in rest if is_trailer(part)]
    story, captions = split_captions(_mended([part for part in rest if not is_trailer(part) and not _AD.match(part)]))
    mark = signature(title)
    story = [part for part in story if not mark or signature(part) != mark]
    body = PARAGRAPH_BREAK.join(story)
    return Extraction(
        verdict=Verdict.ARTICLE if len(body.split()) >= MIN_WORDS else Verdict.NOT_ARTICLE,
        title=title,
        byline=byline,
        published=published,
        modified=modified,
        site=site,
        text=body,
        captions=tuple(captions)[:100],
        copyright=next((part for part in trailer if is_copyright(part)), None),
        trailer=tuple(dict.fromkeys(trailer))[:20],
    )


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, each on one line. A paragraph of several lines is one if a typist wrapped it, else one a line."""
    found: list[str] = []
    for chunk in _BREAK.split(text):
        lines = [line for line in map(fold, chunk.split("\n")) if line]
        if len(lines) > 1 and _wrapped(lines):
            found.append(" ".join(lines))
        else:
            found.extend(lines)
        if len(found) > MAX_PARAGRAPHS:
            break
    return found[:MAX_PARAGRAPHS]


def _wrapped(lines: list[str]) -> bool:
    body = lines[:-1]
    if len(body) == 1 and not lines[1][:1].islower():
        return False
    lengths = sorted(map(len, body))
    return lengths[-1] <= 132 and lengths[len(lengths) // 2] >= 45 and lengths[-1] - lengths[0] <= 40


def _headline(paragraphs: list[str]) -> tuple[str, str, list[str]]:
    """Headline, site name, and what follows. A line that comes twice at the top is the headline."""
    top = [signature(part) for part in paragraphs[:_TOP]]
    for index, mark in enumerate(top):
        if mark and len(paragraphs[index]) <= _MAX_TITLE and mark in top[index + 1 :]:
            again = top.index(mark, index + 1)
            site = paragraphs[index - 1] if index and len(paragraphs[index - 1]) <= 60 else ""
            between = [
                part for part in paragraphs[index + 1 : again] if len(part) > 60 or _BY.match(part) or _DATE.match(part)
            ]
            return paragraphs[index], site, between + paragraphs[again + 1 :]
    if len(paragraphs) < 2 or not _like_title(paragraphs[0]):
        return "", "", paragraphs
    first, second = paragraphs[0], paragraphs[1]
    if (
        len(first.split()) <= 3
        and len(second.split()) >= 5
        and _like_title(second)
        and not _BY.match(second)
        and not _DATE.match(second)
    ):
        return second, first, paragraphs[2:]
    return first, "", paragraphs[1:]


def _like_title(text: str) -> bool:
    return (
        len(text) <= _MAX_TITLE and (not text.endswith((".", ",", ";", ":")) or len(text) < 60) and not is_trailer(text)
    )


def _top(paragraphs: list[str]) -> tuple[tuple[str, ...], datetime | None, datetime | None, list[str]]:
    """Byline and dates from the lines above the story, and the paragraphs without these lines."""
    names: tuple[str, ...] = ()
    published = modified = None
    taken: set[int] = set()
    for index, text in enumerate(paragraphs[:_TOP]):
        if len(text) > 120:
            break
        match = _BY.match(text)
        if match and not _ENDED.search(text.rstrip(".")):
            names = names or read_names([match[1] or match[2]])
            taken.add(index)
            continue
        time = parse_time(text) if _DATE.match(text) and len(text) <= 80 else None
        if time is not None:
            if _CHANGED.search(text):
                modified = modified or time
            else:
                published = published or time
            taken.add(index)
    return names, published or modified, modified, [part for index, part in enumerate(paragraphs) if index not in taken]


def _without_tail(paragraphs: list[str]) -> list[str]:
    """Cuts what follows the story: the author's box, related headlines, the reply form."""
    start = max(len(paragraphs) // 2, 1)
    for index in range(start, len(paragraphs)):
        if not _TAIL.match(paragraphs[index]):
            continue
        after = paragraphs[index + 1 :]
        if sum(len(part) > 300 for part in after) <= max(1, len(paragraphs) // 8):
            return paragraphs[:index] + [part for part in after if is_trailer(part)]
    return paragraphs


def _mended(paragraphs: list[str]) -> list[str]:
    """Joins a paragraph that was torn where the page had a link to a company's quote."""
    mended: list[str] = []
    for text in paragraphs:
        above = mended[-1] if mended else ""
        if above and _TORN.match(text):
            mended[-1] = above + text
        elif above and text[:1].islower() and len(above) < 160 and not is_credit(above) and _goes_on(above):
            mended[-1] = f"{above} {text}"
        else:
            mended.append(text)
    return mended


def _goes_on(above: str) -> bool:
    """Whether a paragraph breaks off: no full stop at its end, or only that of an abbreviation in a company's name."""
    return not _ENDED.search(above) or bool(
        re.search(r"\b(?:corp|inc|co|ltd|plc|s\.a|cos|llc|n\.v|bros)\.$", above, re.IGNORECASE)
    )
