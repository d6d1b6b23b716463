"""Traces of a Dow Jones origin in a page, also where machine paraphrase has mangled them.

A marker proves what the page claims, never which story it took.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from crawler.model import Article

DOW_JONES = "Dow Jones"
JOURNAL = "The Wall Street Journal"
NEWSWIRES = "Dow Jones Newswires"

# Every WSJ, Barron's and IBD page has this after its notice; nothing else on the web does.
CONSTANT = "87990cbe856818d5eddac44c7b1cdeb8"

TITLES = (
    JOURNAL, "Barron's", "MarketWatch", NEWSWIRES, "Financial News", "Mansion Global", "Investor's Business Daily",
    DOW_JONES, "Dow Jones & Company", "WSJ", "The Wall Street Journal Online",
)  # fmt: skip
DOMAINS = {
    "wsj": JOURNAL,
    "barrons": "Barron's",
    "marketwatch": "MarketWatch",
    "dowjones": NEWSWIRES,
    "fnlondon": "Financial News",
    "mansionglobal": "Mansion Global",
}
_MAX_CHARS = 120_000  # of a text that are searched, from both ends
_MAX_EVIDENCE = 160  # characters of a line that are shown
_MAX_TITLE = 400
_MAX_TRAILER = 400  # characters; longer sentences are prose
# A line in lower case with none of these `is_trailer` never: each trace has one.
TRAILER_HINTS = ("jones", "@", "(at)", "[at]", "8799", "rite to", "riting to", "print edition")


class Trace(Enum):
    """What kind of trace a marker is."""

    NOTICE = "notice"
    CONSTANT = "constant"
    CONTACT = "contact"
    MANGLED_CONTACT = "contact without its address"
    END = "end line"
    DATELINE = "dateline"
    HEADLINE = "headline"
    PRINT = "print edition"


@dataclass(frozen=True, slots=True)
class Marker:
    """One trace: the line it stands in, and the title that it tells, if any."""

    trace: Trace
    text: str
    publisher: str | None = None


_SPACE = r"[\s\u00a0]"
_DOW = rf"dow{_SPACE}*jones"
# "S&P Dow Jones Indices" and the Dow Jones Industrial Average have notices of their own.
_NOT_INDEX = (
    rf"(?!{_SPACE}*(?:&amp;|&)?{_SPACE}*(?:indices|index|industrial|average|transport|utilit|u\.s\.|sustainab))"
)
_COMPANY = rf"{_DOW}{_SPACE}*(?:&amp;|&|and|und|et|y|e|\+){_SPACE}*(?:company|co\b|compan|firma|gesellschaft)"
_NOTICE = re.compile(
    rf"(?:copyright|copy{_SPACE}right|©|\(c\)|&copy;)[^\n]{{0,30}}?(?<!s&p{_SPACE})(?<!p{_SPACE}){_DOW}{_NOT_INDEX}"
    rf"|{_COMPANY}[^\n]{{0,24}}?\brights?\b",
    re.IGNORECASE,
)
_CONSTANT = re.compile(CONSTANT, re.IGNORECASE)
_ADDRESS = re.compile(
    rf"(?<![\w.+-])[\w.+-]{{1,64}}{_SPACE}?(?:@|\(at\)|\[at\]){_SPACE}?(?P<domain>{'|'.join(DOMAINS)})\.[a-z]{{2,10}}\b",
    re.IGNORECASE,
)
_NAME = r"[^\W\d_a-zß-ÿ][\w.'’-]*(?: [^\W\d_a-zß-ÿ][\w.'’-]*){1,4}"
# "Write to Ann Example at and James Example at": the mail links were dropped with their text.
_MANGLED = re.compile(
    rf"(?:^|(?<=[\s.\"”])){_SPACE}*(?:[Ww]rite|[Ww]riting|WRITE){_SPACE}+to{_SPACE}+{_NAME},?{_SPACE}+at"
    rf"(?:,?{_SPACE}+(?:and|or){_SPACE}+{_NAME},?{_SPACE}+at)*{_SPACE}*[.,;]?{_SPACE}*$",
    re.MULTILINE,
)
_END = re.compile(
    rf"\([\s]*(?:end|fin|ende)[\s]*\){_SPACE}*{_DOW}|\bend\)?{_SPACE}+{_DOW}{_SPACE}+newswires?\b", re.IGNORECASE
)
_DATELINE = re.compile(rf"\((?:{_DOW})(?:{_SPACE}+newswires)?\){_SPACE}*[-–—]", re.IGNORECASE)
_PRINT = re.compile(
    r"\bappear(?:ed|s)\s+in\s+(?:the\s+)?(?:[^\n.]{0,30}?\b(?:19|20)\d\d,?\s+)?print\s+edition\s+as\b", re.IGNORECASE
)
_HEADLINE = re.compile(r"^\W{0,3}(?:DJ|PRESS RELEASE: DJ)[:\s]\s*(?P<rest>\S.*)")
# "DJ" is also what a disc jockey is called: the rest has to read like a newswire's headline.
_BUSINESS = re.compile(
    r"[$€£¥%]|\b(?:raises?|cuts?|tops?|buys?|sells?|agrees?|reports?|posts?|swings?|falls?|rises?|gains?|sees?|slips?|"
    r"jumps?|climbs?|beats?|misses|names?|plans?|shares?|stocks?|profit|loss|revenue|sales|earnings|outlook|guidance|"
    r"quarter|[1-4]q|q[1-4]|dividend|offer|bid|deal|merger|stake|bonds?|notes?|yield|fed|ecb|rates?|oil|dollar|euro|"
    r"treasury|treasurys|update|market talk|correction|analyst|corp|inc|plc|ag|sa|ceo|cfo|ipo|banks?)\b",
    re.IGNORECASE,
)


def markers(page: Article) -> tuple[Marker, ...]:
    """All traces of a Dow Jones origin in a page's text, trailer, notice, captions and headline, one of a kind.

    Traces of one kind that name different titles are all kept.
    """
    found: dict[tuple[Trace, str | None], Marker] = {}
    for part in _parts(page):
        for marker in _in_text(part):
            found.setdefault((marker.trace, marker.publisher), marker)
    headline = _HEADLINE.match(page.title[:_MAX_TITLE])
    if headline and _BUSINESS.search(headline["rest"]):
        found[Trace.HEADLINE, NEWSWIRES] = Marker(Trace.HEADLINE, page.title[:_MAX_EVIDENCE], NEWSWIRES)
    return tuple(found.values())


def claimed_publisher(found: Iterable[Marker]) -> str | None:
    """The title that the markers tell, "Dow Jones" where they leave it open, None without any."""
    given = tuple(found)
    if not given:
        return None
    for trace in (Trace.CONTACT, Trace.PRINT, Trace.DATELINE, Trace.END, Trace.HEADLINE):
        for marker in given:
            if marker.trace is trace and marker.publisher:
                return marker.publisher
    traces = {marker.trace for marker in given}
    # Both stand under the Journal's own pages; newswire copy has neither.
    return JOURNAL if {Trace.CONSTANT, Trace.MANGLED_CONTACT} <= traces else DOW_JONES


def is_trailer(line: str, hints: tuple[str, ...]) -> bool:
    """Whether a sentence is such a trace and no part of the story, given those `TRAILER_HINTS` that its text has."""
    if len(line) >= _MAX_TRAILER or not any(map(line.lower().__contains__, hints)):
        return False
    return any(pattern.search(line) for pattern in (_NOTICE, _CONSTANT, _ADDRESS, _MANGLED, _END, _PRINT))


def _parts(page: Article) -> Iterator[str]:
    text = page.text
    if len(text) > _MAX_CHARS:
        text = f"{text[: _MAX_CHARS // 2]}\n{text[-_MAX_CHARS // 2 :]}"
    yield text
    for line in (*page.trailer[:50], page.copyright or "", *page.captions[:50]):
        if line:
            yield line[:2_000]


def _in_text(text: str) -> Iterator[Marker]:
    lowered = text.lower()
    if "jones" in lowered:
        yield from _matches(_NOTICE, text, Trace.NOTICE)
        yield from _matches(_END, text, Trace.END, NEWSWIRES)
        yield from _matches(_DATELINE, text, Trace.DATELINE, NEWSWIRES)
    if CONSTANT in lowered:
        yield from _matches(_CONSTANT, text, Trace.CONSTANT)
    if any(sign in lowered for sign in ("@", "(at)", "[at]")):
        for match in _ADDRESS.finditer(text):
            yield Marker(Trace.CONTACT, _line(text, match), DOMAINS[match["domain"].lower()])
    if "rite to" in text or "riting to" in text or "WRITE" in text:
        yield from _matches(_MANGLED, text, Trace.MANGLED_CONTACT)
    if "print" in lowered:
        yield from _matches(_PRINT, text, Trace.PRINT, JOURNAL)


def _matches(pattern: re.Pattern[str], text: str, trace: Trace, publisher: str | None = None) -> Iterator[Marker]:
    match = pattern.search(text)
    if match:
        shown = match.group() if trace is Trace.CONSTANT else _line(text, match)
        yield Marker(trace, shown, publisher)


def _line(text: str, match: re.Match[str]) -> str:
    """The line in which a match stands, cut around the match where it is long."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    end = len(text) if end < 0 else end
    start = max(start, match.start() - 60)
    return text[start : min(end, start + _MAX_EVIDENCE)].strip()
