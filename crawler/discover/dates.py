"""Times as feeds write them: RFC 822 with its odd zones, ISO 8601 in all its spellings, US and asctime forms.

Only forms that name year, month and day are read; nothing is guessed from order of digits (03/04/2026 is no
date). A time without a zone, or with a zone nobody knows, is taken as UTC; a wrong weekday is ignored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

MAX_DATE_LENGTH = 80  # characters

# Offsets in minutes. Where a name has several meanings, the one that news sites use: BST is British summer
# time, IST Indian, CST and the bare ET, CT, MT, PT North American (winter).
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "bst": 60, "west": 60, "cet": 60, "met": 60, "mez": 60, "wat": 60,
    "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "sast": 120, "cat": 120,
    "eest": 180, "msk": 180, "eat": 180, "trt": 180,
    "gst": 240, "pkt": 300, "ist": 330, "npt": 345, "wib": 420, "ict": 420,
    "sgt": 480, "hkt": 480, "pht": 480, "awst": 480, "myt": 480,
    "jst": 540, "kst": 540, "acst": 570, "aest": 600, "acdt": 630, "aedt": 660, "nzst": 720, "nzdt": 780,
    "art": -180, "brt": -180, "adt": -180, "ndt": -150, "nst": -210, "ast": -240,
    "edt": -240, "est": -300, "et": -300, "cdt": -300, "cst": -360, "ct": -360,
    "mdt": -360, "mst": -420, "mt": -420, "pdt": -420, "pst": -480, "pt": -480, "akdt": -480, "akst": -540,
    "hst": -600,
}  # fmt: skip

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janv janvier ene enero gen gennaio januari",
            "feb february februar fev fevrier fév février febrero febbraio februari",
            "mar march mär märz mars marzo mrt maart",
            "apr april avr avril abr abril aprile",
            "may mai mayo mag maggio mei",
            "jun june juni juin junio giu giugno",
            "jul july juli juil juillet julio lug luglio",
            "aug august août aout ago agosto augustus",
            "sep sept september septembre septiembre set settembre",
            "oct october okt oktober octobre octubre ott ottobre",
            "nov november novembre noviembre",
            "dec december dez dezember déc décembre dic diciembre dicembre",
        ),
        start=1,
    )
    for name in names.split()
}

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_HALF = r"(?:\s*(?P<half>[ap])\.?m\.?)?"
_ZONE = r"(?:\s*(?P<zone>[A-Za-z]{0,5}[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,5})(?:\s*\([^()]*\))?)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # 2026-01-05T08:00:00.5+01:00, 2026-01-05 08:00 EST, 20260105T080000Z, 2026-01
        rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})(?:[-/](?P<day>\d{{1,2}}))?(?:(?:T|,?\s+){_CLOCK}{_HALF}{_ZONE})?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
        r"(?:T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?" + _ZONE + ")?",
        # Mon, 05 Jan 2026 08:00:00 GMT; 5-Jan-26; 5 January 2026, 8:00 am
        r"(?:[^\W\d_]+\.?,?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?P<month>[^\W\d_]{3,10})\.?,?[\s-]+"
        rf"(?P<year>\d{{4}}|\d{{2}})(?:(?:,|T|\s|at)*\s*{_CLOCK}{_HALF}{_ZONE})?",
        # January 5, 2026 8:00 AM EST
        r"(?:[^\W\d_]+\.?,?\s+)?(?P<month>[^\W\d_]{3,10})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+"
        rf"(?P<year>\d{{4}})(?:(?:,|\s|at)*\s*{_CLOCK}{_HALF}{_ZONE})?",
        # Mon Jan  5 08:00:00 2026 (asctime), Mon Jan 5 08:00:00 GMT 2026 (date(1))
        rf"(?:[^\W\d_]+\.?,?\s+)?(?P<month>[^\W\d_]{{3,10}})\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+"
        r"(?P<year>\d{4})",
    )
)
_OFFSET = re.compile(r"[A-Za-z]{0,5}(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?", re.IGNORECASE)


def read_date(text: str) -> datetime | None:
    """The time in UTC, or None where the text is no date.

    None as well for dates that stand for "not set": the Unix epoch to the second, and years before 1900.
    """
    folded = " ".join(text[: 4 * MAX_DATE_LENGTH].split())
    return _read(folded) if folded and len(folded) <= MAX_DATE_LENGTH else None


@lru_cache(maxsize=4_096)
def _read(folded: str) -> datetime | None:
    if folded.isdecimal() and folded.isascii() and len(folded) in {10, 13}:  # seconds or milliseconds of Unix time
        return _known(datetime.fromtimestamp(int(folded[:10]), UTC))
    for form in _FORMS:
        match = form.fullmatch(folded)
        if match is None:
            continue
        try:
            return _known(_time(match))
        except (ValueError, OverflowError):
            continue
    return None


def _time(match: re.Match[str]) -> datetime:
    part = match.groupdict()
    month = part["month"]
    number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
    year = int(part["year"])
    if len(part["year"]) == 2:  # RFC 2822, section 4.3
        year += 2000 if year < 50 else 1900
    hour = int(part["hour"] or 0)
    half = (part.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    next_day = hour == 24
    time = datetime(
        year,
        number,
        int(part["day"] or 1),
        0 if next_day else hour,
        int(part["minute"] or 0),
        min(int(part["second"] or 0), 59),  # a leap second
        int((part.get("fraction") or "0")[:6].ljust(6, "0")),
        tzinfo=_zone(part["zone"] or ""),
    )
    return (time + timedelta(days=next_day)).astimezone(UTC)


def _zone(name: str) -> timezone:
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        return timezone(timedelta(minutes=_ZONES.get(name.lower(), 0)))
    minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
    return timezone(timedelta(minutes=-minutes if offset["sign"] == "-" else minutes))


def _known(time: datetime) -> datetime | None:
    return time if time.year >= 1900 and time.timestamp() != 0 else None
