"""A text cut into what a page shows of it: paragraphs of pieces, each plain, in a pair, or a shared name or number.

Pure. However long the text and whatever the evidence says, what comes out is bounded.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crawler.model import PARAGRAPH_BREAK, Evidence, EvidenceKind
from crawler.web.taming import tamed

MOST_SHOWN = 60_000  # characters of a text, some 40 pages of a book
MOST_PARAGRAPHS = 1_500
MOST_MARKS = 2_000  # names and numbers marked in one text
_TERMS = {EvidenceKind.NAME, EvidenceKind.NUMBER}

Span = tuple[int, int, int]  # start, end, number of the pair


@dataclass(frozen=True, slots=True)
class Piece:
    """`term`: a name or a number that both texts hold."""

    text: str
    term: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Part of a paragraph. `pair` counts from 1, None: in no pair; `first`: the pair begins here."""

    pieces: tuple[Piece, ...]
    pair: int | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """`left_out` characters at the end are not shown, nor are `pairs_left_out` of the pairs."""

    paragraphs: tuple[tuple[Run, ...], ...]
    left_out: int = 0
    pairs_left_out: int = 0


def pairs_of(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The passages, in the order of the page; the number of each is its place, from 1. Those that were found after the
    original's text had gone have no place there."""
    return [one for one in evidence if one.kind is EvidenceKind.PASSAGE and one.rewrite]


def places(evidence: Sequence[Evidence], paragraphs: Sequence[int]) -> list[tuple[int, int | None]]:
    """Of each pair its number and the number of the original's paragraph in which it begins, None where that is not
    known. `paragraphs` are the offsets at which these begin."""
    found: list[tuple[int, int | None]] = []
    for number, one in enumerate(pairs_of(evidence), 1):
        known = bool(paragraphs) and one.original is not None
        found.append((number, bisect_right(paragraphs, one.original[0]) if known and one.original else None))
    return found


def shown(text: str, evidence: Sequence[Evidence], side: str) -> Shown:
    """A text as the comparison shows it; `side` is `rewrite` or `original`."""
    spans = _spans(len(text), pairs_of(evidence), side)
    terms = _terms(evidence)
    end = _end(text)
    budget = MOST_MARKS
    paragraphs: list[tuple[Run, ...]] = []
    for start, stop in _paragraphs(text, end):
        runs: list[Run] = []
        for run_start, run_stop, span in _cut(start, stop, spans):
            words = tamed(text[run_start:run_stop])
            pieces = tuple(Piece(part, is_term) for part, is_term in _marked(words, terms if budget > 0 else None))
            budget -= sum(piece.term for piece in pieces)
            runs.append(Run(pieces, span[2] if span else None, span is not None and run_start == span[0]))
        paragraphs.append(tuple(runs))
        if len(paragraphs) == MOST_PARAGRAPHS:
            end = stop
            break
    return Shown(tuple(paragraphs), len(text) - end, sum(span[0] >= end for span in spans))


def _spans(length: int, pairs: Sequence[Evidence], side: str) -> list[Span]:
    """In order and apart from each other; evidence of another text may point anywhere."""
    found: list[Span] = []
    for number, one in enumerate(pairs, 1):
        start, end = getattr(one, side) or (0, 0)
        if 0 <= start < end <= length:
            found.append((start, end, number))
    apart: list[Span] = []
    for span in sorted(found):
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart


def _end(text: str) -> int:
    if len(text) <= MOST_SHOWN:
        return len(text)
    space = text.rfind(" ", MOST_SHOWN - 200, MOST_SHOWN)
    return space if space > 0 else MOST_SHOWN


def _paragraphs(text: str, end: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < end:
        stop = text.find(PARAGRAPH_BREAK, start, end)
        stop = end if stop < 0 else stop
        if stop > start:
            yield start, stop
        start = stop + len(PARAGRAPH_BREAK)


def _cut(start: int, stop: int, spans: Sequence[Span]) -> Iterator[tuple[int, int, Span | None]]:
    """A paragraph in runs that belong to one span or to none."""
    place = start
    for span in spans:
        if span[1] <= place:
            continue
        if span[0] >= stop:
            break
        if span[0] > place:
            yield place, span[0], None
            place = span[0]
        yield place, min(span[1], stop), span
        place = min(span[1], stop)
    if place < stop:
        yield place, stop, None


def _terms(evidence: Sequence[Evidence]) -> re.Pattern[str] | None:
    texts = sorted({one.text for one in evidence if one.kind in _TERMS and one.text}, key=len, reverse=True)
    if not texts:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(tamed(text)) for text in texts[:40]) + r")(?!\w)")


def _marked(words: str, terms: re.Pattern[str] | None) -> Iterator[tuple[str, bool]]:
    place = 0
    for found in terms.finditer(words) if terms else ():
        if found.start() > place:
            yield words[place : found.start()], False
        yield found.group(), True
        place = found.end()
    if place < len(words):
        yield words[place:], False
