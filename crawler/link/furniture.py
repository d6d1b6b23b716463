"""Lines that stand in a text and are no part of the story: bylines, credits, invitations to read on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crawler.link.lexicon import fold
from crawler.link.markers import is_trailer
from crawler.link.text import Span

_MAX_LINE = 200  # characters; longer lines are prose
_FURNITURE = re.compile(
    r"^(?:written by|posted by|published by|reported by|edited by|by [A-Z]\w+(?: [A-Z]\S+){0,3}$|by admin|by staff|"
    r"about the author|read more|read also|also read|related:|see also|share this|share on|follow us|subscribe|"
    r"sign up|advertisement|sponsored|click here|source:|via:|tags:|filed under|last updated|updated:|"
    r"copyright\b|©|\(c\) ?\d{4}|all rights reserved|this article (?:was )?(?:originally|first) (?:published|appeared)|"
    r"the post .{1,100} appeared first|(?:photo|image|picture|foto|credit|graphic)s?(?: by| credit)?\s*:|"
    r"geschrieben von|von redaktion|lesen sie|mehr zum thema|escrito por|lea también|écrit par|lire aussi)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"https?://|www\.|[\w.]@[\w-]+\.\w|(?<!\w)@\w{3}|\bon twitter\b|\bcomments below\b", re.IGNORECASE
)
_LIST_HEAD = re.compile(
    r"^(?:more|related|read|see|also|recommended|most read|trending|top stories)\b[^.!?]{0,40}:?$", re.IGNORECASE
)
_CLOSING = ".!?…\"”»’')"
_LEAST_LIST = 3  # lines without closing punctuation at the end of a story that make a list of other stories
_LEAST_PROSE = 40  # words that must be left: tables, lists and live blogs are lines throughout
# "Alexander Example/AFP/Agency Images": names and slashes, no verb, no full stop.
_CREDIT = re.compile(r"^[^.!?]{3,80}\s?/\s?[^.!?]{2,60}$")


def is_furniture(line: str, title: str) -> bool:
    """Whether a sentence that stands alone is furniture; `title` is the article's headline."""
    if is_trailer(line):
        return True
    if len(line) > _MAX_LINE:
        return False
    if _FURNITURE.match(line) or ("/" in line and _CREDIT.match(line)) or _ADDRESS.search(line):
        return True
    return len(title) > 10 and fold(line) == fold(title.strip())


def story_spans(text: str, title: str, spans: Sequence[Span]) -> list[Span]:
    """The sentences of a text without its furniture.

    A list of other stories' headlines goes too: lines without closing punctuation under "More:" or at the end.
    """
    bare = [_is_bare(text, span) for span in spans]
    last = len(spans)
    while last and (bare[last - 1] or is_furniture(text[spans[last - 1].start : spans[last - 1].end], title)):
        last -= 1
    prose = sum(text.count(" ", span.start, span.end) + 1 for span, one in zip(spans, bare, strict=True) if not one)
    trailing = len(spans) - last >= _LEAST_LIST and prose >= _LEAST_PROSE
    kept: list[Span] = []
    in_list = False
    for place, span in enumerate(spans):
        line = text[span.start : span.end]
        in_list = bool(_LIST_HEAD.match(line)) or (in_list and bare[place])
        if not ((in_list and prose >= _LEAST_PROSE) or (trailing and place >= last) or is_furniture(line, title)):
            kept.append(span)
    return kept


def _is_bare(text: str, span: Span) -> bool:
    """Whether a sentence is a whole line without closing punctuation."""
    before, after = text[max(0, span.start - 2) : span.start], text[span.end : span.end + 2]
    return text[span.end - 1] not in _CLOSING and "\n" in (before or "\n") and "\n" in (after or "\n")
