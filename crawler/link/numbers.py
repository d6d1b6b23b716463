"""Numbers and dates of a text in one canonical form, whatever way they are written.

"1.17 billion", "1 170 000 000" and "1,17 Milliarden" are one number; "a fifth", "one in five" and "20 percent"
are one share; "Jan. 12" and "12 January" are one date.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple


class Number(NamedTuple):
    """A number at tokens `start` to `end` (half-open). `key` is canonical; dates are written `d:month-day`."""

    start: int
    end: int
    key: str
    rough: str
    weight: float  # how much it tells that two texts share it: round and small numbers are everywhere


_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
    "dix-huit dix-neuf",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt trente quarante cinquante soixante septante huitante nonante",
}
_SCALES = {
    1e2: "hundred hundert cien ciento cent cents",
    1e3: "thousand thousands tausend mil mille k",
    1e6: "million millions mn mln mio millionen millón millon millones m",
    1e9: "billion billions bn bln milliarde milliarden mrd milliard milliards b",
    1e12: "trillion trillions tn trn",
    12.0: "dozen dozens dutzend docena docenas douzaine",
}
# What it multiplies, said as a share of a hundred.
_SHARES = {
    "en": {"half": 50, "third": 100 / 3, "quarter": 25, "fifth": 20, "sixth": 100 / 6, "eighth": 12.5, "tenth": 10},
    "de": {"hälfte": 50, "drittel": 100 / 3, "viertel": 25, "fünftel": 20, "zehntel": 10},
    "es": {"mitad": 50, "tercio": 100 / 3, "cuarto": 25, "quinto": 20, "décimo": 10, "décima": 10},
    "fr": {"moitié": 50, "tiers": 100 / 3, "quart": 25, "cinquième": 20, "dixième": 10},
}
_MONTHS = (
    "january jan januar jänner enero janvier",
    "february feb februar febrero février",
    "march mar märz marzo mars",
    "april apr abril avril",
    "may mai mayo",
    "june jun juni junio juin",
    "july jul juli julio juillet",
    "august aug agosto août",
    "september sept sep septiembre septembre",
    "october oct oktober octubre octobre",
    "november nov noviembre novembre",
    "december dec dezember diciembre décembre",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_SCALE = {name: scale for scale, names in _SCALES.items() for name in names.split()}
_PERCENT = frozenset({"%", "percent", "pct", "prozent"})


def _counting(language: str) -> dict[str, float]:
    units = _UNITS.get(language, _UNITS["en"]).split()
    tens = _TENS.get(language, _TENS["en"]).split()
    words = {word: float(value) for value, word in enumerate(units)}
    words.update({word: 20.0 + 10 * place for place, word in enumerate(tens)})
    return words


_COUNTING = {language: _counting(language) for language in _UNITS}
_ONE = {"en": {"one", "a"}, "de": {"eins", "ein", "eine"}, "es": {"uno", "un", "una"}, "fr": {"un", "une"}}
_OUT_OF = {"en": {"in", "of"}, "de": {"von"}, "es": {"de"}, "fr": {"sur"}}
_OPENERS = {
    language: frozenset({*_MONTH, *_ONE[language], *_COUNTING[language], *_SHARES[language]}) for language in _UNITS
}
_SHARE_WEIGHT = 1.5  # of a share in words: "a third" is said of anything between 30 and 36 percent
_MAX_DIGITS = 15  # longer runs are codes, not quantities


def numbers(words: Sequence[str], language: str, places: Iterable[int] | None = None) -> list[Number]:
    """All numbers among lower-case tokens, in order, none overlapping.

    `places`: the tokens that `opens_number` or a first digit tells, ascending, where the caller knows them.
    """
    language = language if language in _UNITS else "en"
    if places is None:
        places = [place for place, word in enumerate(words) if word[0].isdigit() or opens_number(word, language)]
    reader = _Reader(words, language)
    found: list[Number] = []
    end = 0
    for place in places:
        if place >= end:
            number = reader.at(place)
            if number is not None:
                found.append(number)
                end = number.end
    return found


def opens_number(word: str, language: str) -> bool:
    """Whether a number or date may start with this lower-case word; those in digits start with a digit."""
    return word in _OPENERS.get(language, _OPENERS["en"])


def is_one(word: str, language: str) -> bool:
    """Whether the word opens a number only before one that `follows_one`: most of them are articles."""
    return word in _ONE.get(language, _ONE["en"])


def follows_one(word: str, language: str) -> bool:
    """Whether "one" or "a" before this word may make a share: `a fifth`, `one in five`."""
    language = language if language in _UNITS else "en"
    shares = _SHARES[language]
    return word == "out" or word in _OUT_OF[language] or word in shares or word.removesuffix("s") in shares


def digits(text: str, language: str) -> float | None:
    """The value of a number written in digits, by the separators of its language where they are ambiguous."""
    plain = text.replace(" ", "").replace("\u00a0", "").replace("\u202f", "")
    return _value(plain, language) if len(plain) <= _MAX_DIGITS else None


@lru_cache(maxsize=4_096)
def _value(plain: str, language: str) -> float | None:
    commas, dots = plain.count(","), plain.count(".")
    if commas and dots:
        thousands = "," if plain.rfind(".") > plain.rfind(",") else "."
    elif commas or dots:
        mark = "," if commas else "."
        groups = plain.split(mark)[1:]
        grouped = all(len(group) == 3 for group in groups) and plain[0] != "0"
        own = "," if language == "en" else "."
        thousands = mark if grouped and (len(groups) > 1 or mark == own) else ("." if mark == "," else ",")
    else:
        thousands = ","
    try:
        return float(plain.replace(thousands, "").replace(",", "."))
    except ValueError:
        return None  # dotted dates, versions and the like


class _Reader:
    def __init__(self, words: Sequence[str], language: str) -> None:
        self.words, self.language = words, language
        self.counting, self.shares = _COUNTING[language], _SHARES[language]
        self.one, self.out_of = _ONE[language], _OUT_OF[language]

    def at(self, place: int) -> Number | None:
        """The number that starts at a token, or None."""
        word = self.words[place]
        if word[0].isdigit():
            return self._date(place) or self._quantity(place, digits(word, self.language))
        if word in _MONTH:
            return self._date(place)
        if word in self.one:
            return self._one_in(place) or self._share_of(place, 1.0)
        if word in self.counting:
            return self._share_of(place, self.counting[word]) or self._counted(place)
        if self.shares.get(word) == 50:
            return _number(place, place + 1, 50.0, _SHARE_WEIGHT)
        return None

    def _word(self, place: int) -> str:
        return self.words[place] if place < len(self.words) else ""

    def _date(self, place: int) -> Number | None:
        """`12 January`, `January 12`, also with `de` or `of` between."""
        first, second = self.words[place], self._word(place + 1)
        if first in _MONTH and _is_day(second):
            return _date(place, place + 2, _MONTH[first], int(second))
        if not _is_day(first):
            return None
        after = place + 2 if second in {"de", "of"} else place + 1
        if second in {"th", "st", "nd", "rd"}:
            after = place + 3 if self._word(place + 2) in {"of"} else place + 2
        month = _MONTH.get(self._word(after))
        return _date(place, after + 1, month, int(first)) if month else None

    def _counted(self, place: int) -> Number | None:
        """Number words: `forty one`, `two hundred`, `three million`."""
        value, end = self.counting[self.words[place]], place + 1
        following = self.counting.get(self._word(end))
        if value >= 20 and value % 10 == 0 and following is not None and 0 < following < 10:
            value, end = value + following, end + 1
        return self._quantity(place, value, end)

    def _quantity(self, place: int, value: float | None, end: int | None = None) -> Number | None:
        if value is None:
            return None
        end = place + 1 if end is None else end
        scaled = False
        while self._word(end) in _SCALE and value < 1e12:
            value, end, scaled = value * _SCALE[self._word(end)], end + 1, True
        if self._word(end) in _PERCENT:
            end += 1
        elif self._word(end) in {"per", "por", "pour"} and self._word(end + 1) in {"cent", "ciento"}:
            end += 2
        elif not scaled and 1900 <= value < 2100 and value == int(value) and len(self.words[place]) == 4:
            return Number(place, end, f"y:{int(value)}", f"y:{int(value)}", 1.5)
        return _number(place, end, value)

    def _one_in(self, place: int) -> Number | None:
        """`one in five`, `one out of five`."""
        after = place + 1
        if self._word(after) == "out":
            after += 1
        if self._word(after) not in self.out_of:
            return None
        word = self._word(after + 1)
        value = self.counting.get(word) or (digits(word, self.language) if word[:1].isdigit() else None)
        if not value or value < 2 or value > 20:
            return None
        return _number(place, after + 2, 100.0 / value, _SHARE_WEIGHT)

    def _share_of(self, place: int, count: float) -> Number | None:
        """`a fifth`, `three fifths`, `two-thirds`."""
        word = self._word(place + 1)
        share = self.shares.get(word) or self.shares.get(word.removesuffix("s"))
        if share is None or count * share > 100:
            return None
        return _number(place, place + 2, count * share, _SHARE_WEIGHT)


def _is_day(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 2 and 1 <= int(word) <= 31


def _date(start: int, end: int, month: int, day: int) -> Number:
    key = f"d:{month:02}-{day:02}"
    return Number(start, end, key, key, 3.0)


def _number(start: int, end: int, value: float, weight: float | None = None) -> Number:
    exact, rough, usual = _canonical(value)
    return Number(start, end, exact, rough, usual if weight is None else weight)


@lru_cache(maxsize=4_096)
def _canonical(value: float) -> tuple[str, str, float]:
    """The keys of a value, and its weight."""
    # Three digits and more are told by the digits alone: machines confuse billions and milliards.
    digits_only = f"{value:.6e}".split("e")[0].replace(".", "").rstrip("0")
    rough = f"v:{float(f'{value:.2g}'):.6g}"
    exact = f"m:{digits_only}" if len(digits_only) > 2 else rough
    return exact, rough, _weight(value, len(digits_only))


def _weight(value: float, significant: int) -> float:
    """About the logarithm of how many stories have to be read to meet the number again."""
    if value == 0:
        return 0.5
    if significant == 1:
        return 1.0 if value <= 10 else 2.0
    if significant == 2:
        return 3.0 if value < 100 and value == math.floor(value) else 4.0
    return 6.0 if significant == 3 else 8.0
