"""Names of people, places and companies, found by their capitals and compared across drift in spelling."""

from __future__ import annotations

import re

from crawler.link.lexicon import fold

# Capitalised words that come before names and in headlines, and tell nothing.
_TITLES = """
mr mrs ms dr prof sir dame lord lady sen senator rep gov governor gen general col colonel capt captain president
minister secretary chairman chairwoman chief executive director professor judge justice inc corp co ltd plc llc
group company street monday tuesday wednesday thursday friday saturday sunday january february march april may
june july august september october november december jan feb mar apr jun jul aug sept oct nov dec
herr frau präsident ministerin vorstand montag dienstag mittwoch donnerstag freitag samstag sonntag januar
februar märz mai juni juli oktober dezember señor señora don doña presidente ministro lunes martes miércoles
jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
diciembre monsieur madame mme président ministre lundi mardi mercredi jeudi vendredi samedi dimanche janvier
février mars avril juin juillet août septembre octobre décembre photo foto image getty reuters ap afp bloomberg
dow jones newswires journal wsj barron's barrons marketwatch
"""
_FOLDED_TITLES = frozenset(fold(title) for title in _TITLES.split())
_LEAST_SKELETON = 3  # letters; shorter skeletons would make one name of many


_SWAPPED = (
    ("ph", "f"), ("kh", "k"), ("ck", "k"), ("tch", "c"), ("sch", "s"), ("ch", "c"), ("sh", "s"), ("th", "t"),
    ("gh", "g"), ("dj", "j"), ("cz", "c"), ("x", "ks"), ("q", "k"), ("w", "v"), ("z", "s"), ("y", "i"),
)  # fmt: skip
_DERIVED = re.compile(r"(?:(?<=[ai])ns?|ies|y|s)$")  # Gambian, Gambia; Democrats, Democrat


def skeleton(name: str) -> str:
    """A spelling-proof form: "Azirbek" and "Azerbek", "Antony" and "Anthony" fall together.

    Diacritics, doubled letters, silent h and the vowels after the first letter go; letters that transliterations
    swap become one. Short names keep all their letters.
    """
    plain = fold(name).replace("'", "").replace(".", "")
    if len(plain) > 4:
        plain = _DERIVED.sub("", plain)
    if not plain.isascii() or len(plain) < 5:
        return plain
    text = plain
    for old, new in _SWAPPED:
        text = text.replace(old, new)
    text = re.sub(r"c(?=[eiy])", "s", text).replace("c", "k")
    bare = text[0] + re.sub(r"[aeiouh]", "", text[1:])
    bare = re.sub(r"(.)\1+", r"\1", bare)
    return bare if len(bare) >= _LEAST_SKELETON else plain


def is_title(word: str) -> bool:
    """Whether a capitalised word is a form of address, a date's word or the like rather than a name."""
    return fold(word).rstrip(".") in _FOLDED_TITLES
