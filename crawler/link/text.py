"""Sentences and tokens of a text, with exact character offsets into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

MAX_CHARS = 60_000  # characters read of a text; a long magazine feature has 40,000
MAX_TOKENS = 6_000
MAX_SENTENCES = 280
MAX_LINES = 2_000  # sentences before furniture is taken out; lists of single words have more
MAX_SENTENCE_TOKENS = 90  # longer "sentences" are lists or lost punctuation and are cut

_WRAPPED = 50  # characters; shorter lines are lines of their own, not wrapped prose

# Scripts without spaces between words: each character is a token.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670"
_NUMBER = r"\d(?:\d{0,2}(?:[ \u00a0\u202f]\d{3})+(?![.,]?\d)|\d*(?:[.,]\d+)*)"
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_INITIALS_OR_WORD = r"{0}(?:\.(?:{0}\.)++|{0}*+(?:['’ʼ]{0}++)*+)"  # what is taken is never given back
_MARKED = rf"(?:{_LETTER}[{_MARKS}]*)+(?:['’ʼ](?:{_LETTER}[{_MARKS}]*)+)*"
_TOKEN = re.compile(rf"{_INITIALS_OR_WORD.format(_LETTER)}|{_NUMBER}|[%{_UNSPACED}]")
_TOKEN_WITH_MARKS = re.compile(rf"(?:{_LETTER}\.){{2,}}|{_MARKED}|{_NUMBER}|[%{_UNSPACED}]")
_HAS_MARKS = re.compile(f"[{_MARKS}]")
# Of Latin letters one by one the engine makes a table, and takes half the time: for texts without other letters.
_LATIN = "".join(filter(re.compile(_LETTER).match, map(chr, range(0x250))))
_TOKEN_IN_LATIN = re.compile(rf"{_INITIALS_OR_WORD.format(f'[{_LATIN}]')}|{_NUMBER}|%")
_BEYOND_LATIN = re.compile(
    r"[^\x00-\u024f\u2000-\u206f\u20a0-\u20cf\u2122\u2190-\u21ff]"
)  # signs are not: quotes, €, ™, →

# All ways start with one class of characters, which is what the engine can look for fast.
_BREAK = re.compile(
    r"[\n.!?…。！？؟](?:(?<=\n)(?:[^\S\n]*\n\s*)?|(?<=[.!?…])[.!?…]*[\"'”’»)\]]*\s+"
    r"|(?<=[。！？؟])[。！？؟]*[”」』]?\s*)"
)
_BETWEEN_WORDS = re.compile(r"[\s(“\"„«'’]")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_ABBREVIATION_LIST = """
mr mrs ms dr prof sen rep gov gen col lt sgt capt st mt ft jr sr inc corp co cos ltd plc llc no nos vs etc
jan feb mar apr jun jul aug sept sep oct nov dec calif conn mass pa va fla ill mich minn tex wash ariz colo
hr fr frau nr bzw ca evtl usw mio mrd abs art bd vgl sog sra dña ud uds ee uu pág núm aprox mme mlle env
p pp ed vol fig est approx dept univ assn bros messrs hon rev
"""
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_OPENERS = "\"'“‘«„(["


class Span(NamedTuple):
    """Half-open character offsets."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """Sentences of the first `MAX_CHARS` characters, at most `MAX_LINES`, trimmed of white space, in order.

    A blank line always ends a sentence, a single line break only after closing punctuation or before a line
    that starts like one: texts wrapped by hand stay whole.
    """
    text = text[:MAX_CHARS]
    found: list[Span] = []
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, match):
            _keep(text, start, match.end(), found)
            start = match.end()
            if len(found) == MAX_LINES:
                return found
    _keep(text, start, len(text), found)
    return found


def tokens(text: str, spans: Iterable[Span]) -> Iterator[list[str]]:
    """The words, numbers and percent signs of each span."""
    found = _pattern(text).findall
    return (found(text, span.start, span.end) for span in spans)


def token_spans(text: str, span: Span, most: int) -> list[Span]:
    """Where the first of these tokens stand in `text`."""
    found = _pattern(text).finditer(text, span.start, span.end)
    return [Span(match.start(), match.end()) for match in islice(found, most)]


def _pattern(text: str) -> re.Pattern[str]:
    if not _BEYOND_LATIN.search(text):
        return _TOKEN_IN_LATIN
    return _TOKEN_WITH_MARKS if _HAS_MARKS.search(text) else _TOKEN


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark, (start, end) = match.group(), match.span()
    if mark[0] == "\n":
        line = start - text.rfind("\n", 0, start) - 1
        short = line < _WRAPPED and not text[end : end + 1].islower()
        return mark.count("\n") > 1 or short or text[max(0, start - 1)] in '.!?…:”"'
    if "\n" in mark:
        return True
    following = text[end : end + 1]
    if following in _OPENERS:
        following = text[end : end + 2].lstrip(_OPENERS)[:1]
    if following.islower():
        return False
    if mark[0] != ".":
        return True
    last = text[max(0, start - 12) : start].rpartition(" ")[2]
    if not last.isalpha():
        last = _BETWEEN_WORDS.split(last)[-1]
    if last.lower() in _ABBREVIATIONS:
        return False
    # "J. Smith", "U.S. Steel", but "in the U.S. The" can't be told from it and stays one sentence.
    return not (len(last) == 1 and last.isalpha()) and not ("." in last and _INITIALS.fullmatch(last))


def _keep(text: str, start: int, end: int, found: list[Span]) -> None:
    trimmed = text[start:end].strip()
    if trimmed:
        start = text.index(trimmed[0], start)
        found.append(Span(start, start + len(trimmed)))
