"""Times as pages write them: ISO 8601 and its relatives, mail dates, month names, dates in URLs. No locale, no clock.

A time keeps the zone it was written with; one without a zone is taken as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

FIRST_YEAR, LAST_YEAR = 1980, 2100

_MONTH_NAMES = """
january jan janvier januar enero gennaio janeiro januari janv jän jänner gen ene
february feb février februar febrero febbraio fevereiro februari févr fév fev fevrier
march mar mars märz marzo março maart mrz mär maa marco maerz
april apr avril abril aprile avr abr
may mai mayo maggio maio mei mag
june jun juin juni junio giugno junho giu
july jul juillet juli julio luglio julho juil lug
august aug août agosto augustus ago aout
september sep septembre septiembre settembre setembro sept set
october oct octobre oktober octubre ottobre outubro okt ott out
november nov novembre noviembre novembro
december dec décembre dezember diciembre dicembre dezembro décem déc dez dic decembre desember
""".strip().split("\n")
_MONTHS = {name: number for number, line in enumerate(_MONTH_NAMES, 1) for name in line.split()}
_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "bst": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180, "msk": 180,
    "ist": 330, "est": -300, "edt": -240, "et": -300, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "pt": -480, "jst": 540, "hkt": 480, "sgt": 480, "aest": 600, "aedt": 660,
}  # fmt: skip

_YEAR = re.compile(r"\d{4}")
_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)"
    r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\b)?"
    r"\s*(Z\b|[+-]\d{2}:?\d{2}|[A-Za-z]{2,4}\b)?)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})([01]\d)([0-3]\d)(?:T?(\d{2})(\d{2})(\d{2})?Z?)?(?!\d)")
_CLOCK = re.compile(
    r"(\d{1,2})[:.h](\d{2})(?::(\d{2}))?\s*([ap]\.?m\b)?\.?\s*\(?(Z\b|(?:UTC|GMT)?[+-]\d{1,2}:?\d{2}|[A-Za-z]{2,4}\b)?",
    re.IGNORECASE,
)
_MONTH = r"([^\W\d_]{3,10})\.?"
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?:\s+of\b|\s+de\b)?[\s,/-]{{0,3}}{_MONTH}(?:\s+del?\b)?[\s,/-]{{0,3}}(\d{{4}})(?!\d)",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}[\s-]{{0,3}}(\d{{1,2}})(?:st|nd|rd|th)?[\s,-]{{1,3}}(\d{{4}})(?!\d)", re.IGNORECASE
)
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-])")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
# A label and the date it names, in whatever line they stand.
_LABELLED = re.compile(
    r"\b(published|posted|issued|first published|updated|modified|revised)\b(?: on| at)?\W{0,3}"
    r"((?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?"
    r"(?:[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{1,2}(?:st|nd|rd|th|\.)? [^\W\d_]{3,10}\.?,? \d{4}"
    r"|\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4})"
    r"(?:,? (?:at )?\d{1,2}[:.]\d{2}(?: ?[ap]\.?m\b\.?)?(?: [A-Z]{2,4}\b)?)?)",
    re.IGNORECASE,
)
_URL_DAY = re.compile(
    r"(?:/|[-_.])((?:19|20)\d{2})(?:([/_-])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12]\d"
    r"|3[01]))(?=$|[/_.?-])"
)
_URL_NAMED = re.compile(r"/((?:19|20)\d{2})/([a-z]{3})/(\d{1,2})(?=/)", re.IGNORECASE)


def parse_time(text: str, *, day_first: bool = False) -> datetime | None:
    """The first time in a short text, or None. `day_first`: how 03/04/2026 is read where both are possible."""
    text = text.strip()[:200]
    if text.isdigit() and len(text) in (10, 13):
        return _from_epoch(int(text))
    if not (_YEAR.search(text) or _NUMERIC.search(text)):
        return None  # every other form has a year in four digits
    match = _ISO.search(text)
    if match:
        return _build(match[1], match[2], match[3], match.groups()[3:])
    found = _named_day(text) or _numbered_day(text, day_first)
    if found is None:
        return None
    year, month, day, start, end = found
    clock = _CLOCK.search(text, end) or _CLOCK.search(text[:start])
    return _build(year, month, day, clock.groups() if clock else ())


def labelled_time(text: str) -> tuple[str, datetime] | None:
    """The first date in a line that a label stands before ("By … | Published January 16, 2026 | Print"), or None.

    Gives the label in lower case and the time.
    """
    for match in _LABELLED.finditer(text[:400]):
        time = parse_time(match[2])
        if time is not None:
            return match[1].lower(), time
    return None


def day_in_url(url: str) -> datetime | None:
    """Midnight UTC of a day that the URL's path spells (/2026/01/31/, /2026-01-31-title, /20260131)."""
    path = url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
    match = _URL_DAY.search("/" + path)
    if match:
        return _build(match[1], match[3] or match[5], match[4] or match[6])
    named = _URL_NAMED.search("/" + path)
    if named and named[2].lower() in _MONTHS:
        return _build(named[1], str(_MONTHS[named[2].lower()]), named[3])
    return None


def _named_day(text: str) -> tuple[str, str, str, int, int] | None:
    for pattern, day, month in ((_MONTH_FIRST, 2, 1), (_DAY_FIRST, 1, 2)):
        for match in pattern.finditer(text):
            number = _MONTHS.get(match[month].lower())
            if number:
                return match[3], str(number), match[day], *match.span()
    match_cjk = _CJK.search(text)
    return (match_cjk[1], match_cjk[2], match_cjk[3], *match_cjk.span()) if match_cjk else None


def _numbered_day(text: str, day_first: bool) -> tuple[str, str, str, int, int] | None:
    match = _NUMERIC.search(text)
    if match:
        one, other, year = match[1], match[3], match[4]
        swap = int(one) > 12 or (int(other) <= 12 and (day_first or match[2] == "."))
        month, day = (other, one) if swap else (one, other)
        return (year if len(year) == 4 else "20" + year), month, day, *match.span()
    compact = _COMPACT.search(text)
    return (compact[1], compact[2], compact[3], *compact.span()) if compact else None


def _build(year: str, month: str, day: str, clock: tuple[str | None, ...] = ()) -> datetime | None:
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return None
    try:
        start = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
    hour, minute, second, half, zone = (*clock, None, None, None, None, None)[:5]
    if hour is None or minute is None:
        return start
    hours = int(hour) % 12 + (12 if half.lower().startswith("p") else 0) if half else int(hour)
    try:
        return start.replace(hour=hours, minute=int(minute), second=int(second or 0), tzinfo=_zone(zone))
    except ValueError:
        return start


def _zone(name: str | None) -> tzinfo:
    if not name:
        return UTC
    lowered = name.lower()
    if lowered in _ZONES:
        return timezone(timedelta(minutes=_ZONES[lowered])) if _ZONES[lowered] else UTC
    match = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})", lowered)
    if not match or int(match[2]) > 14:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return (timezone(offset if match[1] == "+" else -offset)) if offset else UTC


def _from_epoch(number: int) -> datetime | None:
    try:
        time = datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return time if FIRST_YEAR <= time.year <= LAST_YEAR else None
