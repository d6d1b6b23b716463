"""An article prepared for comparison: its content sentences, weighted terms, numbers, names and shingles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from crawler.link.furniture import story_spans
from crawler.link.language import SAMPLE, guess
from crawler.link.lexicon import term_id
from crawler.link.minhash import SHINGLE, distinct, ngrams
from crawler.link.numbers import numbers
from crawler.link.text import (
    MAX_CHARS,
    MAX_SENTENCE_TOKENS,
    MAX_SENTENCES,
    MAX_TOKENS,
    Span,
    sentences,
    token_spans,
    tokens,
)
from crawler.link.vocabulary import Vocabularies, bare_name, shipped_vocabularies
from crawler.model import Article

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Hashes = NDArray[np.uint64]

STEM, NAME, NUMBER = 0, 1, 2
# From a mark to the next one or the end of the paragraph: speech that goes on in the next one is opened anew there.
_SPEECH = re.compile(r'[“„«"][^“”„«»"\n]*[“”»"]?')
_LEAST_MASS = 4.0  # of a sentence, or "He agreed." would match anything wholly
_MOST_NUMBERS = 2_000  # places of a text where one may start; a page of market tables has some hundred
RUN = 5  # words in a row that both texts hold: the grain of verbatim reuse


@dataclass(frozen=True, slots=True)
class Runs:
    """Hashes of the runs of so many words of a text: `ordered` by place, `known` distinct and ascending."""

    words: int
    ordered: Hashes
    known: Hashes


@dataclass(frozen=True)
class Profile:
    """Everything that the comparison of two articles needs of one of them.

    `terms` are the distinct term ids in ascending order, with `kinds`, `weights` (idf-like), `local`, the weights
    divided among the sentences that hold each, and `plain`, for a name the id of its word's stem, else the id
    itself: what is a name in one text may only open sentences in another. `rows` and `columns` say which sentence
    holds which term. `forms` are the ids of all content words in order, `shown` how the text writes a name or number.
    `vocabularies` are those it was made by; what is compared with it has to be made by the same. `is_hashed`: it was
    restored from hashes (imprint.py), so spans, `forms` and the order of the runs are not known.

    By sentence: `spans` (where it starts and ends in the text; an array, for of a tuple of pairs the garbage collector
    would visit each), `words`, `speech` (share of it in quotation marks), `mass` and `local_mass` (sums of weights),
    `named` and `numbered` (sums of the weights of names and numbers). In all: `norm` (of the weights' vector), `totals`
    (sums of weights by kind).
    """

    language: str
    spans: Ints
    words: Ints
    speech: Singles
    terms: Ints
    kinds: NDArray[np.int8]
    weights: Floats
    plain: Ints
    norm: float
    totals: tuple[float, float, float]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    forms: Ints
    shingles: Runs
    runs: Runs
    shown: dict[int, str]
    vocabularies: Vocabularies
    is_hashed: bool = False

    @property
    def total_words(self) -> int:
        return int(self.words.sum())

    # What only a comparison asks for is worked out then: most pages are signed and never compared.
    @cached_property
    def local(self) -> Singles:
        return cast(Singles, self._divided().astype(np.float32))

    @cached_property
    def mass(self) -> Singles:
        return np.maximum(self._by_sentence(self.weights), np.float32(_LEAST_MASS))

    @cached_property
    def local_mass(self) -> Singles:
        return np.maximum(self._by_sentence(self._divided()), np.float32(_LEAST_MASS))

    @cached_property
    def named(self) -> Singles:
        return self._by_sentence(self.weights * (self.kinds == NAME))

    @cached_property
    def numbered(self) -> Singles:
        return self._by_sentence(self.weights * (self.kinds == NUMBER))

    def _divided(self) -> Floats:
        counts = np.bincount(self.columns, minlength=len(self.terms))
        return self.weights / np.sqrt(np.maximum(counts, 1))

    def _by_sentence(self, values: Floats) -> Singles:
        sums = np.bincount(self.rows, weights=values[self.columns], minlength=len(self.spans))
        return sums.astype(np.float32)

    def span(self, sentence: int) -> tuple[int, int]:
        """Where a sentence starts and ends in the text."""
        start, end = self.spans[sentence].tolist()
        return start, end


def profile(article: Article, language: str | None = None, vocabularies: Vocabularies | None = None) -> Profile:
    """The profile of an article's text; bounded in time and size whatever the text is.

    `language` is taken as it is where the caller knows it; else it is guessed from the text. Without `vocabularies`
    the package's tables weigh the words.
    """
    return _Builder(article, language, vocabularies or shipped_vocabularies()).build()


class _Builder:
    def __init__(self, article: Article, language: str | None, vocabularies: Vocabularies) -> None:
        self.known_language = language
        self.vocabularies = vocabularies
        self.text = article.text[:MAX_CHARS]
        self.title = article.title
        self.declared = article.language

    def build(self) -> Profile:
        self._read()
        flat = list(chain.from_iterable(self.raw))
        self.language = self.known_language or guess("\n".join(flat[:SAMPLE]).lower().split("\n"), self.declared)
        self.words = self.vocabularies.of(self.language)
        self.places = self.words.places(flat)
        self.counts = np.array([len(words) for words in self.raw], dtype=np.int64)
        self.row = np.repeat(np.arange(len(self.raw)), self.counts)
        self.shown: dict[int, str] = {}
        stems = self._stems()
        names = self._names(flat)
        numbers = self._numbers()
        return self._assemble(stems, names, numbers)

    def _read(self) -> None:
        """Content sentences with their tokens, up to the limits."""
        self.spans: list[Span] = []
        self.raw: list[list[str]] = []
        seen: dict[str, int] = {}
        budget = MAX_TOKENS
        story = story_spans(self.text, self.title, sentences(self.text))
        for span, found in zip(story, tokens(self.text, story), strict=True):
            if budget <= 0:
                return
            line = self.text[span.start : span.end]
            seen[line] = times = seen.get(line, 0) + 1
            if times > 2:
                continue  # what is said a thousand times counts twice
            words = found[:budget] if len(found) > budget else found
            parts = ((span, words),) if len(words) <= MAX_SENTENCE_TOKENS else self._parts(span, len(words))
            for part, held in parts:
                if held:
                    if len(self.spans) >= MAX_SENTENCES:
                        return
                    budget -= len(held)
                    self.spans.append(part)
                    self.raw.append(held)

    def _parts(self, span: Span, most: int) -> Iterator[tuple[Span, list[str]]]:
        """A sentence that is too long, cut."""
        found = token_spans(self.text, span, most)
        for first in range(0, len(found), MAX_SENTENCE_TOKENS):
            part = found[first : first + MAX_SENTENCE_TOKENS]
            yield Span(part[0].start, part[-1].end), [self.text[one.start : one.end] for one in part]

    def _stems(self) -> _Entries:
        content = self.words.content[self.places]
        places = self.places[content]
        return _Entries(self.row[content], self.words.stem[places], self.words.idf[places])

    def _names(self, flat: Sequence[str]) -> _Entries:
        """Capitalised words; those that only open sentences count if the language has no such word."""
        words, places = self.words, self.places
        opening = np.zeros(len(places), dtype=np.bool_)
        opening[np.cumsum(self.counts) - self.counts] = True
        inside = places[words.capital[places] & ~opening]
        named = (words.name[places] != 0) & (~opening | words.rare[places] | words.met(places, inside))
        chosen = np.flatnonzero(named)
        places = places[chosen]
        terms = words.name[places]
        self.names, first = np.unique(terms, return_index=True)
        self.names_plain = words.stem[places[first]]
        for term, place in zip(self.names.tolist(), chosen[first].tolist(), strict=True):
            self.shown[term] = bare_name(flat[place])
        return _Entries(self.row[chosen], terms, words.name_weight[places])

    def _numbers(self) -> _Entries:
        rows: list[int] = []
        terms: list[int] = []
        weights: list[float] = []
        opening = self.words.number_openers(self.places)[:_MOST_NUMBERS]
        starts = (np.cumsum(self.counts) - self.counts).tolist()
        written = self.words.lower.__getitem__
        for row, places in groupby(zip(self.row[opening].tolist(), opening.tolist(), strict=True), itemgetter(0)):
            words, start = self.raw[row], starts[row]
            lower = list(map(written, self.places[start : start + len(words)].tolist()))
            for number in numbers(lower, self.language, [place - start for _, place in places]):
                text = " ".join(words[number.start : number.end])
                for term, weight in _number_terms(number.rough, number.key, number.weight):
                    self.shown.setdefault(term, text)
                    rows.append(row)
                    terms.append(term)
                    weights.append(weight)
        return _Entries(np.array(rows, dtype=np.int64), np.array(terms, dtype=np.int64), np.array(weights))

    def _speech(self, spans: Ints) -> Singles:
        """The share of each sentence that stands in quotation marks."""
        quotations = chain((-1, -1), *(match.span() for match in _SPEECH.finditer(self.text)))
        opened, closed = np.fromiter(quotations, np.int64).reshape(-1, 2).T
        spoken = np.cumsum(closed - opened)
        last = np.searchsorted(opened, spans) - 1
        until = spoken[last] - np.maximum(closed[last] - spans, 0)  # characters before each place that are spoken
        shares = np.diff(until)[:, 0] / np.maximum(np.diff(spans)[:, 0], 1)
        return cast(Singles, shares.astype(np.float32))

    def _assemble(self, *entries: _Entries) -> Profile:
        """The profile of stems, names and numbers, in the order of their kinds."""
        terms, columns = np.unique(np.concatenate([part.terms for part in entries]), return_inverse=True)
        weights, kinds = np.zeros(len(terms)), np.zeros(len(terms), dtype=np.int8)
        np.maximum.at(weights, columns, np.concatenate([part.weights for part in entries]))
        kinds[columns] = np.repeat(np.arange(len(entries)), [len(part.terms) for part in entries])
        held = distinct(np.concatenate([part.rows for part in entries]) * len(terms) + columns)
        rows, columns = np.divmod(held, max(1, len(terms)))
        plain = terms.copy()
        plain[np.searchsorted(terms, self.names)] = self.names_plain
        forms = self.words.form[self.places]
        spans = np.array(self.spans, dtype=np.int64).reshape(-1, 2)
        return assembled(
            language=self.language,
            spans=spans,
            words=self.counts,
            speech=self._speech(spans),
            terms=terms,
            kinds=kinds,
            weights=weights,
            plain=plain,
            rows=rows,
            columns=columns,
            forms=forms,
            shingles=runs(forms, min(SHINGLE, max(1, len(forms)))),
            runs=runs(forms, RUN),
            shown=self.shown,
            vocabularies=self.vocabularies,
        )


def assembled(
    *,
    language: str,
    spans: Ints,
    words: Ints,
    speech: Singles,
    terms: Ints,
    kinds: NDArray[np.int8],
    weights: Floats,
    plain: Ints,
    rows: Ints,
    columns: Ints,
    forms: Ints,
    shingles: Runs,
    runs: Runs,
    shown: dict[int, str],
    vocabularies: Vocabularies,
    is_hashed: bool = False,
) -> Profile:
    """A profile of what was read, with what follows from it in all."""
    return Profile(
        language=language,
        spans=spans,
        words=words,
        speech=speech,
        terms=terms,
        kinds=kinds,
        weights=weights,
        plain=plain,
        norm=float(np.sqrt(np.square(weights).sum())),
        totals=(_sum(weights, kinds, STEM), _sum(weights, kinds, NAME), _sum(weights, kinds, NUMBER)),
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        forms=forms,
        shingles=shingles,
        runs=runs,
        shown=shown,
        vocabularies=vocabularies,
        is_hashed=is_hashed,
    )


class _Entries(NamedTuple):
    """Terms of one kind where they occur: sentence, id, weight."""

    rows: Ints
    terms: Ints
    weights: Floats


def _sum(weights: Floats, kinds: NDArray[np.int8], kind: int) -> float:
    return float(weights[kinds == kind].sum())


@lru_cache(maxsize=4_096)
def _number_terms(rough: str, exact: str, weight: float) -> tuple[tuple[int, float], ...]:
    """The terms of a number, roughly and exactly, each with its weight."""
    rough_weight = min(weight, 4.0)
    terms = ((term_id("r", rough), rough_weight),)
    return (*terms, (term_id("v", exact), weight - rough_weight)) if weight > rough_weight else terms


def runs(forms: Ints, words: int) -> Runs:
    """The runs of so many words of a text, given the ids of its words."""
    ordered = ngrams(forms, words)
    return Runs(words, ordered, distinct(ordered))
