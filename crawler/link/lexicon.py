"""Words of a language as the linker sees them: stems with the weight of their rarity."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

import Stemmer
import xxhash

MAX_IDF = 10.0  # of a stem that the table lacks: about one story in 20,000
STOP_IDF = 1.3  # stems in more than about a quarter of all stories carry no content
UNKNOWN = "und"
STEMMERS = {"en": "english", "de": "german", "es": "spanish", "fr": "french"}

_ASCII_QUOTE = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})


_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'")
_CLITIC = re.compile(r"(?:n't|'s|'re|'ve|'ll|'d|'m|')$")


class Word(NamedTuple):
    """A lower-case word with what is known of it: `stem` is the id of the stem, `form` of the word itself."""

    form: int
    stem: int
    idf: float


def fold(text: str) -> str:
    """Without diacritics, in lower case: "Gyurcsány" and "Gyurcsany" are one name."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.lower().translate(_ASCII_QUOTE))
    return "".join(char for char in plain if not unicodedata.combining(char))


def term_id(kind: str, text: str) -> int:
    """A 63-bit id of a term, the same on every machine."""
    return xxhash.xxh3_64_intdigest(f"{kind}:{text}".encode("utf-8", "surrogatepass")) >> 1


def data_file(name: str) -> bytes:
    return resources.files("crawler.link").joinpath("data", name).read_bytes()


class Lexicon:
    """The words of one language; `und` stands for every language without a table. `idf`: stem → its idf."""

    def __init__(self, language: str, idf: Mapping[str, float]) -> None:
        self.language = language
        self._idf = idf
        self._stemmer = Stemmer.Stemmer(STEMMERS[language]) if language in STEMMERS else None

    def word(self, lower: str) -> Word:
        """What is known of a word in lower case."""
        plain = self._without_clitics(lower.translate(_ASCII_QUOTE))
        folded = fold(plain)
        form = term_id("w", folded)
        if self._stemmer is None:
            # No table: long words are taken to be rarer, which is all that is known of them.
            return Word(form, term_id("s", folded), min(MAX_IDF, 1.0 + len(folded)))
        stem = stem_of(plain, self._stemmer)
        idf = MAX_IDF if len(stem) > 1 else 0.0
        return Word(form, term_id("s", stem), self._idf.get(stem, idf))

    def stem(self, lower: str) -> str:
        """The stem of a word in lower case as the tables have it."""
        plain = self._without_clitics(lower.translate(_ASCII_QUOTE))
        return fold(plain) if self._stemmer is None else stem_of(plain, self._stemmer)

    def _without_clitics(self, word: str) -> str:
        """The word itself: "they're", "don't" and "l'accord" are they, do and accord; "u.s" is us."""
        plain = word.replace(".", "")
        if "'" not in plain:
            return plain
        if self.language == "fr":
            return _ELIDED.sub("", plain)
        return _CLITIC.sub("", plain) or plain


def stem_of(word: str, stemmer: Stemmer.Stemmer) -> str:
    """The stem of a bare word in lower case, without diacritics."""
    return fold(stemmer.stemWord(word))
