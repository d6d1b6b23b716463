"""An article prepared for comparison: its content sentences, weighted terms, numbers, names and shingles."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crawler.link.furniture import story_spans
from crawler.link.language import guess
from crawler.link.lexicon import MAX_IDF, STOP_IDF, UNKNOWN, Lexicon, lexicon, term_id
from crawler.link.minhash import ngrams
from crawler.link.names import is_title, skeleton
from crawler.link.numbers import Number, numbers
from crawler.link.text import MAX_CHARS, MAX_SENTENCE_TOKENS, MAX_SENTENCES, MAX_TOKENS, Span, sentences, tokens
from crawler.model import Article

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Hashes = NDArray[np.uint64]

STEM, NAME, NUMBER = 0, 1, 2
_NAME_WEIGHT = 0.7  # of its idf, beside the weight of its stem
_GERMAN_NAME_IDF = 6.0  # all nouns have capitals: only rare ones may be names
_LONE_NAME_IDF = 7.0  # a word that only starts sentences is a name if it is in no dictionary
_QUOTE = re.compile(r'[“”„«»"]')
_LEAST_MASS = 4.0  # of a sentence, or "He agreed." would match anything wholly
LONG_RUN = 9  # words in a row that nobody writes twice by chance
RUN = 5  # words in a row that both texts hold: the grain of verbatim reuse
SHINGLE = 3


@dataclass(frozen=True, slots=True)
class Runs:
    """Hashes of the runs of so many words of a text: `ordered` by place, `known` distinct and ascending."""

    words: int
    ordered: Hashes
    known: Hashes


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything that the comparison of two articles needs of one of them.

    `terms` are the distinct term ids in ascending order, with `kinds`, `weights` (idf-like), `local`, the weights
    divided among the sentences that hold each, and `plain`, for a name the id of its word's stem, else the id
    itself: what is a name in one text may only open sentences in another. `rows` and `columns` say which sentence
    holds which term. `forms` are the ids of all content words in order, `shown` how the text writes a name or number.

    By sentence: `words`, `quoted` (holds direct speech), `mass` and `local_mass` (sums of weights), `named` and
    `numbered` (sums of the weights of names and numbers). In all: `norm` (of the weights' vector), `totals` (sums of
    weights by kind).
    """

    language: str
    spans: tuple[Span, ...]
    words: Ints
    quoted: NDArray[np.bool_]
    mass: Singles
    local_mass: Singles
    named: Singles
    numbered: Singles
    terms: Ints
    kinds: NDArray[np.int8]
    weights: Floats
    local: Singles
    plain: Ints
    norm: float
    totals: tuple[float, float, float]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    forms: Ints
    shingles: Runs
    runs: Runs
    long_runs: Runs
    shown: dict[int, str]

    @property
    def total_words(self) -> int:
        return int(self.words.sum())


def profile(article: Article, language: str | None = None) -> Profile:
    """The profile of an article's text; bounded in time and size whatever the text is.

    `language` is taken as it is where the caller knows it; else it is guessed from the text.
    """
    return _Builder(article, language).build()


class _Builder:
    def __init__(self, article: Article, language: str | None) -> None:
        self.known_language = language
        self.text = article.text[:MAX_CHARS]
        self.title = article.title
        self.declared = article.language

    def build(self) -> Profile:
        self._read()
        self.language = self.known_language or guess((word for words in self.lower for word in words), self.declared)
        self.lexicon: Lexicon = lexicon(self.language)
        self.weight: dict[int, float] = {}
        self.kind: dict[int, int] = {}
        self.shown: dict[int, str] = {}
        self.plain: dict[int, int] = {}
        self.entries: list[set[int]] = [set() for _ in self.spans]
        self._add_words()
        self._add_names()
        self._add_numbers()
        return self._assemble()

    def _read(self) -> None:
        """Content sentences with their tokens, up to the limits."""
        self.spans: list[Span] = []
        self.raw: list[list[str]] = []
        self.lower: list[list[str]] = []
        seen = Counter[str]()
        budget = MAX_TOKENS
        for span in story_spans(self.text, self.title, sentences(self.text)):
            line = self.text[span.start : span.end]
            seen[line] += 1
            if budget <= 0:
                return
            if seen[line] > 2:
                continue  # what is said a thousand times counts twice
            matches = tokens(self.text, span, budget)
            for first in range(0, len(matches), MAX_SENTENCE_TOKENS):
                part = matches[first : first + MAX_SENTENCE_TOKENS]
                if len(self.spans) >= MAX_SENTENCES:
                    return
                budget -= len(part)
                whole = len(matches) <= MAX_SENTENCE_TOKENS
                self.spans.append(span if whole else Span(part[0].start(), part[-1].end()))
                words = [match.group() for match in part]
                self.raw.append(words)
                self.lower.append([word.lower().strip(".") for word in words])

    def _put(self, row: int, term: int, kind: int, weight: float) -> None:
        self.entries[row].add(term)
        self.kind[term] = kind
        self.weight[term] = max(weight, self.weight.get(term, 0.0))

    def _add_words(self) -> None:
        look_up = self.lexicon.word
        forms: list[int] = []
        for row, words in enumerate(self.lower):
            entry = self.entries[row]
            for text in words:
                word = look_up(text)
                forms.append(word.form)
                if word.idf >= STOP_IDF and not text[0].isdigit() and text != "%":
                    entry.add(word.stem)
                    self.weight[word.stem] = word.idf
                    self.kind[word.stem] = STEM
        self.forms = forms

    def _add_names(self) -> None:
        """Capitalised words; those that only open sentences count if the language has no such word."""
        if self.language == UNKNOWN:
            return
        inside = {word for words in self.raw for place, word in enumerate(words) if place and word[0].isupper()}
        for row, words in enumerate(self.raw):
            for place, word in enumerate(words):
                if not word[0].isupper() or (len(word) < 2) or is_title(word):
                    continue
                known = self.lexicon.word(word.lower().strip("."))
                if place == 0 and word not in inside and known.idf < _LONE_NAME_IDF:
                    continue
                if known.idf < (_GERMAN_NAME_IDF if self.language == "de" else STOP_IDF):
                    continue
                bare = word.replace("’", "'").removesuffix("'s").removesuffix("'")
                term = term_id("n", skeleton(bare))
                self._put(row, term, NAME, _NAME_WEIGHT * min(MAX_IDF, max(known.idf, 2.0)))
                self.plain.setdefault(term, known.stem)
                self.shown.setdefault(term, bare)

    def _add_numbers(self) -> None:
        for row, words in enumerate(self.lower):
            for number in numbers(words, self.language):
                self._add_number(row, number, " ".join(self.raw[row][number.start : number.end]))

    def _add_number(self, row: int, number: Number, text: str) -> None:
        exact, rough = term_id("v", number.key), term_id("r", number.rough)
        rough_weight = min(number.weight, 4.0)
        self._put(row, rough, NUMBER, rough_weight)
        if number.weight > rough_weight:
            self._put(row, exact, NUMBER, number.weight - rough_weight)
        else:
            exact = rough
        self.shown.setdefault(exact, text)
        self.shown.setdefault(rough, text)

    def _assemble(self) -> Profile:
        terms = np.array(sorted(self.weight), dtype=np.int64)
        weights = np.array([self.weight[term] for term in terms.tolist()], dtype=np.float64)
        kinds = np.array([self.kind[term] for term in terms.tolist()], dtype=np.int8)
        rows = np.repeat(np.arange(len(self.entries)), [len(entry) for entry in self.entries])
        flat = np.array([term for entry in self.entries for term in sorted(entry)], dtype=np.int64)
        columns = np.searchsorted(terms, flat)
        local = weights / np.sqrt(np.maximum(np.bincount(columns, minlength=len(terms)), 1))
        forms = np.array(self.forms, dtype=np.int64)

        def by_sentence(values: Floats) -> Singles:
            return np.bincount(rows, weights=values[columns], minlength=len(self.spans)).astype(np.float32)

        return Profile(
            language=self.language,
            spans=tuple(self.spans),
            words=np.array([len(words) for words in self.raw], dtype=np.int64),
            quoted=np.array([bool(_QUOTE.search(self.text, *span)) for span in self.spans], dtype=np.bool_),
            mass=np.maximum(by_sentence(weights), np.float32(_LEAST_MASS)),
            local_mass=np.maximum(by_sentence(local), np.float32(_LEAST_MASS)),
            named=by_sentence(weights * (kinds == NAME)),
            numbered=by_sentence(weights * (kinds == NUMBER)),
            terms=terms,
            kinds=kinds,
            weights=weights,
            local=local.astype(np.float32),
            plain=np.array([self.plain.get(term, term) for term in terms.tolist()], dtype=np.int64),
            norm=float(np.sqrt(np.square(weights).sum())),
            totals=(_sum(weights, kinds, STEM), _sum(weights, kinds, NAME), _sum(weights, kinds, NUMBER)),
            rows=rows.astype(np.int32),
            columns=columns.astype(np.int32),
            forms=forms,
            shingles=_runs(forms, SHINGLE),
            runs=_runs(forms, RUN),
            long_runs=_runs(forms, LONG_RUN),
            shown=self.shown,
        )


def _sum(weights: Floats, kinds: NDArray[np.int8], kind: int) -> float:
    return float(weights[kinds == kind].sum())


def _runs(forms: Ints, words: int) -> Runs:
    ordered = ngrams(forms, words)
    return Runs(words, ordered, np.unique(ordered))
