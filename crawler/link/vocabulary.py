"""All that a profile asks of a word, worked out once a linker and word, in columns that whole texts are read from."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.link.lexicon import MAX_IDF, STEMMERS, STOP_IDF, UNKNOWN, Lexicon, term_id
from crawler.link.names import is_title, skeleton
from crawler.link.numbers import follows_one, is_one, opens_number
from crawler.link.tables import SHIPPED, Tables

Places = NDArray[np.intp]

# Some 15 MB: the words of a few hundred pages. Names and figures never end, and hostile pages invent words by the
# thousand.
_MOST_WORDS = 48_000
_FIRST_SIZE = 4_096
_NAME_WEIGHT = 0.7  # of its idf, beside the weight of its stem
_LEAST_NAME_IDF = 2.0  # a name is worth that much at least
_GERMAN_NAME_IDF = 6.0  # all nouns have capitals: only rare ones may be names
_LONE_NAME_IDF = 7.0  # a word that only starts sentences is a name if it is in no dictionary
# Of the titles whose stories are looked for: who names his source has taken no fact more for that.
_TITLE_WORDS = frozenset(
    (
        "barron", "barrons", "business", "daily", "dow", "financial", "global", "investor", "investors", "jones",
        "journal", "mansion", "marketwatch", "news", "newswires", "street", "wall",
    )
)  # fmt: skip


class Vocabulary:
    """The words that texts of one language were made of so far, as they are written there.

    Columns, one entry a word: `form` and `stem` (ids), `idf`, `content` (its stem is more than a stop word),
    `capital`, `name` (the name's id, 0 where it can't be one) with `name_weight`, `rare` (a name even where it only
    opens sentences); `opens_number`, `is_one` and `follows_one` as in numbers.py. `lower` is the word in lower case.
    """

    def __init__(self, words: Lexicon) -> None:
        self._lexicon = words
        self._places = _Places(self)
        self._texts = 0  # looked up so far
        self.lower: list[str] = []
        self._met = np.zeros(_FIRST_SIZE, np.int64)  # the last text in which it stood
        self.form = np.zeros(_FIRST_SIZE, np.int64)
        self.stem = np.zeros(_FIRST_SIZE, np.int64)
        self.idf = np.zeros(_FIRST_SIZE, np.float64)
        self.content = np.zeros(_FIRST_SIZE, np.bool_)
        self.capital = np.zeros(_FIRST_SIZE, np.bool_)
        self.name = np.zeros(_FIRST_SIZE, np.int64)
        self.name_weight = np.zeros(_FIRST_SIZE, np.float64)
        self.rare = np.zeros(_FIRST_SIZE, np.bool_)
        self.opens_number = np.zeros(_FIRST_SIZE, np.bool_)
        self.is_one = np.zeros(_FIRST_SIZE, np.bool_)
        self.follows_one = np.zeros(_FIRST_SIZE, np.bool_)

    def places(self, words: list[str]) -> Places:
        """Where each word of a text stands in the columns; good until the next call."""
        if len(self._places) > _MOST_WORDS:
            self._forget()
        found = np.fromiter(map(self._places.__getitem__, words), np.intp, len(words))
        self._texts += 1
        self._met[found] = self._texts
        return found

    def met(self, some: Places, among: Places) -> NDArray[np.bool_]:
        """Which of `some` words are `among` others."""
        marked = np.zeros(len(self._places), np.bool_)
        marked[among] = True
        found: NDArray[np.bool_] = marked[some]
        return found

    def number_openers(self, places: Places) -> NDArray[np.intp]:
        """Where in a text a number may start."""
        opening = self.opens_number[places]
        share = np.zeros(len(places), np.bool_)
        share[:-1] = self.follows_one[places[1:]]
        return np.flatnonzero(opening & (share | ~self.is_one[places]))

    def add(self, word: str) -> int:
        """Works out a word that is not known."""
        place = len(self._places)
        if place == len(self.form):
            self._grow()
        lower = word.lower().strip(".")
        self.lower.append(word if word == lower else lower)  # most are written so: one text for both then
        form, stem, idf = self._lexicon.word(lower)
        digit = lower[0].isdigit()
        self.form[place], self.stem[place], self.idf[place] = form, stem, idf
        self.content[place] = idf >= STOP_IDF and not digit and lower != "%"
        self.capital[place] = word[0].isupper()
        language = self._lexicon.language
        self.opens_number[place] = digit or opens_number(lower, language)
        self.is_one[place], self.follows_one[place] = is_one(lower, language), follows_one(lower, language)
        if word[0].isupper() and self._may_be_name(word, idf):
            self.name[place] = term_id("n", skeleton(bare_name(word)))
            self.name_weight[place] = _NAME_WEIGHT * min(MAX_IDF, max(idf, _LEAST_NAME_IDF))
            self.rare[place] = idf >= _LONE_NAME_IDF
        return place

    def _may_be_name(self, word: str, idf: float) -> bool:
        language = self._lexicon.language
        if language == UNKNOWN or len(word) < 2 or is_title(word) or bare_name(word).lower() in _TITLE_WORDS:
            return False
        return idf >= (_GERMAN_NAME_IDF if language == "de" else STOP_IDF)

    def _forget(self) -> None:
        """Keeps those of the words, half of them at most, that were met last: the usual ones stay for ever."""
        met = self._met[: len(self._places)]
        kept = np.flatnonzero(met > np.median(met)).tolist()
        words, lower = list(self._places), self.lower
        self.lower = [lower[place] for place in kept]
        self._places.clear()
        self._places.update((words[place], number) for number, place in enumerate(kept))
        for name, values in self._columns().items():
            setattr(self, name, values[kept])

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {name: values for name, values in vars(self).items() if isinstance(values, np.ndarray)}

    def _grow(self) -> None:
        for name, values in self._columns().items():
            setattr(self, name, np.concatenate((values, np.zeros(max(len(values), _FIRST_SIZE), values.dtype))))


class _Places(dict[str, int]):
    """Word → place; one that is missing is worked out, so that a text is looked up without a loop of ours."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._add = vocabulary.add

    def __missing__(self, word: str) -> int:
        place = self._add(word)
        self[word] = place
        return place


def bare_name(word: str) -> str:
    """A name as it is written, without the genitive."""
    return word.replace("’", "'").removesuffix("'s").removesuffix("'")


class Vocabularies:
    """The vocabularies that go by one set of tables, each made when it is first asked for.

    They grow as they are read from: not to be shared between threads.
    """

    def __init__(self, tables: Tables = SHIPPED) -> None:
        self._tables = tables
        self._made: dict[str, Vocabulary] = {}

    def of(self, language: str) -> Vocabulary:
        """The vocabulary of a language code; those without a table share one."""
        known = language if language in STEMMERS else UNKNOWN
        found = self._made.get(known)
        if found is None:
            found = self._made[known] = Vocabulary(Lexicon(known, self._tables.idf(known)))
        return found


@cache
def shipped_vocabularies() -> Vocabularies:
    """Those of the package's tables, for who compares texts without a linker."""
    return Vocabularies()
