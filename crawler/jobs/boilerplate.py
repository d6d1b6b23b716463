"""What the pages of a site have in common: sentences that stand in many texts which otherwise differ.

A disclaimer, opening hours, an invitation to subscribe: two pages that share them are no copies. A much copied story
stands in many texts as well; what tells the two apart is the rest of those texts, which for the story is next to
nothing and for a template is what the page is about.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

from crawler.extract.repetition import key
from crawler.link.text import Span, sentences

COMMON = 20  # different texts that hold a sentence before it is looked at
_LEAST = 20  # characters; shorter sentences are told by nobody
# Mean share of the rest in the texts that hold a sentence, from which it is boilerplate: where they are of one site or
# of unknown ones, and where they are of many, which print the same agency with additions of their own. But some print
# it plainly: where hardly any does, it is boilerplate as well.
_REST, _REST_ABROAD = 0.05, 0.25
_PLAIN = 0.05  # share of the texts
_LEAST_SITES, _SITES = 4, 0.2  # from so many, and so large a share of the texts, they are of many sites


class Census:
    """Counts the sentences of different texts; 12 bytes a sentence."""

    def __init__(self) -> None:
        self._keys = array("Q")
        self._lengths = array("I")
        self._counts = array("I")  # sentences a text
        self._sites = array("I")
        self._site_numbers: dict[str, int] = {}

    def add(self, text: str, site: str) -> None:
        """Takes a text that was not taken before. `site` is whose it is, "" where unknown."""
        self.add_counted(sentence_lengths(text), site)

    def add_counted(self, held: Mapping[int, int], site: str) -> None:
        """The same of a text whose sentences were looked up elsewhere."""
        self._keys.extend(held)
        self._lengths.extend(held.values())
        self._counts.append(len(held))
        self._sites.append(self._site_numbers.setdefault(site, len(self._site_numbers)))

    def boilerplate(self) -> frozenset[int]:
        """The keys of the sentences that are boilerplate."""
        keys = np.array(self._keys, dtype=np.uint64)
        common, counts = _repeated(keys)
        if not len(common):
            return frozenset()
        place = np.minimum(np.searchsorted(common, keys), len(common) - 1)
        held = common[place] == keys
        texts = np.repeat(np.arange(len(self._counts)), np.array(self._counts, dtype=np.int64))
        lengths = np.array(self._lengths, dtype=np.float64)
        whole = np.bincount(texts, weights=lengths, minlength=len(self._counts))
        own = np.bincount(texts[~held], weights=lengths[~held], minlength=len(self._counts))
        rest = own / np.maximum(whole, 1.0)
        place, texts = place[held], texts[held]
        mean_rest = np.bincount(place, weights=rest[texts], minlength=len(common)) / counts
        plain = np.bincount(place, weights=rest[texts] < _REST, minlength=len(common)) / counts
        sites = np.array(self._sites, dtype=np.int64)[texts]
        pairs = np.unique(place * np.int64(len(self._site_numbers)) + sites)
        spread = np.bincount(pairs // len(self._site_numbers), minlength=len(common))
        abroad = spread >= np.maximum(_LEAST_SITES, counts * _SITES)
        found = np.where(abroad, (mean_rest >= _REST_ABROAD) | (plain < _PLAIN), mean_rest >= _REST)
        return frozenset(common[found].tolist())


def sentence_lengths(text: str) -> dict[int, int]:
    """The keys of the sentences that count, each with its length."""
    return {one: span.end - span.start for one, span in _keyed(text)}


def blanked(text: str, boilerplate: Container[int]) -> str:
    """The text with the boilerplate as blank lines: all else keeps its place. What is nothing else stays as it is."""
    common: list[Span] = []
    rest = 0
    for one, span in _keyed(text):
        if one in boilerplate:
            common.append(span)
        else:
            rest += span.end - span.start
    if not common or rest < _LEAST:
        return text
    parts: list[str] = []
    end = 0
    for span in common:
        parts += text[end : span.start], "\n" * (span.end - span.start)
        end = span.end
    return "".join((*parts, text[end:]))


def _keyed(text: str) -> list[tuple[int, Span]]:
    """The sentences that count, each with the hash of its words."""
    return [(key(text[span.start : span.end]), span) for span in sentences(text) if span.end - span.start >= _LEAST]


def _repeated(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The keys that stand `COMMON` times or more, ascending, and how often each does."""
    ordered = np.sort(keys)
    starts = np.flatnonzero(np.concatenate(([len(ordered) > 0], ordered[1:] != ordered[:-1])))
    counts = np.diff(np.append(starts, len(ordered)))
    often = counts >= COMMON
    return ordered[starts[often]], counts[often]
