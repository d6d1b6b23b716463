"""Lines that stand in a text and are no part of the story: bylines, credits, invitations to read on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from crawler.link.lexicon import fold
from crawler.link.markers import TRAILER_HINTS, is_trailer
from crawler.link.text import Span

_MAX_LINE = 200  # characters; longer lines are prose
_HEADS = (
    "written by", "posted by", "published by", "reported by", "edited by", "by admin", "by staff", "about the author",
    "(reporting by", "(additional reporting", "(writing by", "(editing by", "(compiled by",
    "read more", "read also", "also read", "related:", "see also", "share this", "share on", "follow us", "subscribe",
    "sign up", "advertisement", "sponsored", "click here", "source:", "via:", "tags:", "filed under", "last updated",
    "updated:", "©", "all rights reserved", "geschrieben von", "von redaktion", "lesen sie", "mehr zum thema",
    "escrito por", "lea también", "écrit par", "lire aussi",
)  # fmt: skip
_FURNITURE = re.compile(
    r"by [a-z]\w+(?: [a-z]\S+){0,3}$|copyright\b|\(c\) ?\d{4}|"
    r"this article (?:was )?(?:originally|first) (?:published|appeared)|the post .{1,100} appeared first|"
    r"(?:photo|image|picture|foto|credit|graphic)s?(?: by| credit)?\s*:"
)
# How these begin: what a line is asked first, as nearly all begin otherwise.
_BEGINNING = 3  # letters
_BEGINNINGS = frozenset(
    head[:_BEGINNING]
    for head in (*_HEADS, "by ", "copyright", "(c)", "this", "the", "photo", "image", "pic", "foto", "cre", "graphic")
)  # fmt: skip
_ADDRESS = re.compile(r"https?://|www\.|[\w.]@[\w-]+\.\w|(?<!\w)@\w{3}|\bon twitter\b|\bcomments below\b")
_ADDRESS_HINTS = ("://", "www.", "@", "on twitter", "comments below")
_LIST_HEAD = re.compile(
    r"^(?:more|related|read|see|also|recommended|most read|trending|top stories)\b[^.!?]{0,40}:?$", re.IGNORECASE
)
_MAX_LIST_HEAD = 60  # characters
_LEAST_HEADLINE = 10  # characters
_CLOSING = ".!?…\"”»’')"
_ASKING = "?!"  # or exclaiming, as some headlines do
_LEAST_LIST = 3  # lines without closing punctuation at the end of a story that make a list of other stories
_MOST_AFTER_LIST = 80  # words; what follows a list of other stories and is no longer is no part of the story
_LEAST_PROSE = 40  # words that must be left: tables, lists and live blogs are lines throughout
# "Alexander Example/AFP/Agency Images": names and slashes, no verb, no full stop.
_CREDIT = re.compile(r"^[^.!?]{3,80}\s?/\s?[^.!?]{2,60}$")


@dataclass(frozen=True, slots=True)
class Signs:
    """What the lines of one article are looked at for; most texts have nothing of what takes long to look for."""

    headline: str  # folded
    trailers: tuple[str, ...]  # of what no trailer is without, what stands in the text; in lower case
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, text: str, title: str) -> Signs:
        lowered = text.lower()
        return cls(fold(title.strip()), _among(TRAILER_HINTS, lowered), _among(_ADDRESS_HINTS, lowered))


def _among(hints: tuple[str, ...], lowered: str) -> tuple[str, ...]:
    return tuple([hint for hint in hints if hint in lowered])


def is_furniture(line: str, signs: Signs) -> bool:
    """Whether a sentence that stands alone is furniture."""
    if signs.trailers and is_trailer(line, signs.trailers):
        return True
    if len(line) > _MAX_LINE:
        return False
    if _begins_like_furniture(line) or ("/" in line and _CREDIT.match(line)):
        return True
    if signs.addresses and _among(signs.addresses, lowered := line.lower()) and _ADDRESS.search(lowered):
        return True
    headline = signs.headline
    return len(headline) > _LEAST_HEADLINE and fold(line[0]) == headline[0] and fold(line) == headline


def _begins_like_furniture(line: str) -> bool:
    beginning = line[:_BEGINNING].lower()[:_BEGINNING]
    if beginning not in _BEGINNINGS and beginning[:1] not in _BEGINNINGS:  # © is one alone
        return False
    lowered = line.lower()
    return lowered.startswith(_HEADS) or _FURNITURE.match(lowered) is not None


def story_spans(text: str, title: str, spans: Sequence[Span]) -> list[Span]:
    """The sentences of a text without its furniture.

    A list of other stories' headlines goes too: lines without closing punctuation under "More:" or at the end.
    """
    signs = Signs.of(text, title)
    lines = [text[start:end] for start, end in spans]
    # Whole lines without closing punctuation.
    bare = [line[-1] not in _CLOSING and _is_line(text, span) for line, span in zip(lines, spans, strict=True)]
    furniture = [is_furniture(line, signs) for line in lines]
    last = len(spans)
    while last and (bare[last - 1] or furniture[last - 1]):
        last -= 1
    prose = _is_prose(text, (span for span, one in zip(spans, bare, strict=True) if not one))
    trailing = len(spans) - last >= _LEAST_LIST and prose
    kept: list[Span] = []
    listed = 0  # headlines so far in the list that this line may stand in; 0: in none
    for place, (span, line) in enumerate(zip(spans, lines, strict=True)):
        if len(line) < _MAX_LIST_HEAD and _LIST_HEAD.match(line):
            listed = 1
        elif listed and (bare[place] or (line[-1] in _ASKING and _is_line(text, span))):
            listed += 1
        else:
            if listed > _LEAST_LIST and prose and sum(_words(text, spans[place:])) <= _MOST_AFTER_LIST:
                break  # the author's own note and the like
            listed = 0
        if not ((listed and prose) or (trailing and place >= last) or furniture[place]):
            kept.append(span)
    return kept


def _is_prose(text: str, spans: Iterable[Span]) -> bool:
    """Whether enough words are left for a story."""
    return any(words >= _LEAST_PROSE for words in accumulate(_words(text, spans)))


def _words(text: str, spans: Iterable[Span]) -> Iterator[int]:
    return (text.count(" ", start, end) + 1 for start, end in spans)


def _is_line(text: str, span: Span) -> bool:
    before, after = text[max(0, span.start - 2) : span.start], text[span.end : span.end + 2]
    return "\n" in (before or "\n") and "\n" in (after or "\n")
