"""Monotone alignment of the sentences of two articles.

The similarity of two sentences is the cosine over their shared terms (stems, names, numbers, weighted by rarity
and by how few sentences of each article hold them). The chain of sentence pairs that keeps the order and has the
greatest total is found by dynamic programming, a row at a time (Gale and Church 1993 for sentences of
translations; here without a model of lengths).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crawler.link.profile import NAME, NUMBER, Profile

Matrix = NDArray[np.float32]
Indices = NDArray[np.int64]

LEAST_SIMILARITY = 0.16  # of a pair in the chain; sentences of unrelated stories on one subject reach 0.1
_MOST_TERMS = 1_500  # shared terms used, rarest first: bounds the product of hostile pages
_WINDOW = 3  # sentences of the other article that one sentence may have merged


@dataclass(frozen=True, slots=True)
class Overlap:
    """The terms that two profiles share: positions in each one's `terms`."""

    page: Indices
    original: Indices


@dataclass(frozen=True, slots=True)
class Alignment:
    """`pairs` are sentence indices (page, original), ascending in both; `similarity` one a pair.

    `similarities` is the whole matrix, page sentences by original sentences. `page_explained` is for each page
    sentence the share of its weight that the best window of original sentences holds, `original_explained`
    the same the other way round. `held_names` and `held_numbers` are for each pair the weight of the page sentence's
    names and numbers that stand in the original sentence or beside it.
    """

    pairs: NDArray[np.int64]
    similarity: NDArray[np.float32]
    similarities: Matrix
    page_explained: NDArray[np.float32]
    original_explained: NDArray[np.float32]
    held_names: NDArray[np.float32]
    held_numbers: NDArray[np.float32]


def overlap(page: Profile, original: Profile) -> Overlap:
    if not len(page.terms) or not len(original.terms):
        nothing = np.zeros(0, dtype=np.int64)
        return Overlap(nothing, nothing)
    places = np.minimum(np.searchsorted(original.terms, page.terms), len(original.terms) - 1)
    found = np.flatnonzero(original.terms[places] == page.terms)
    return Overlap(found, places[found])


def align(page: Profile, original: Profile, shared: Overlap) -> Alignment:
    """The alignment of two articles that have at least one sentence each."""
    here, there = _capped(page, original, shared)
    local = np.sqrt(page.local[here] * original.local[there])
    one = _incidence(page, here)
    other = _incidence(original, there)
    scale = np.sqrt(np.outer(page.local_mass, original.local_mass))
    similarities = np.minimum(((one * local) @ other.T) / scale, np.float32(1.0))
    pairs = _chain(np.maximum(similarities - np.float32(LEAST_SIMILARITY), 0) * scale)
    weights = page.weights[here].astype(np.float32)
    both = one[pairs[:, 0]] * _beside(other)[pairs[:, 1]]
    return Alignment(
        pairs=pairs,
        similarity=similarities[pairs[:, 0], pairs[:, 1]],
        similarities=similarities,
        page_explained=_explained(one, other, weights, page.mass),
        original_explained=_explained(other, one, weights, original.mass),
        held_names=(both @ _named_weights(page, here)).astype(np.float32),
        held_numbers=(both @ (weights * (page.kinds[here] == NUMBER))).astype(np.float32),
    )


def _capped(page: Profile, original: Profile, shared: Overlap) -> tuple[Indices, Indices]:
    if len(shared.page) <= _MOST_TERMS:
        return shared.page, shared.original
    rarest = np.sort(np.argsort(-page.weights[shared.page], kind="stable")[:_MOST_TERMS])
    return shared.page[rarest], shared.original[rarest]


def _incidence(profile: Profile, selected: Indices) -> Matrix:
    """Sentences by selected terms, 1 where a sentence holds the term."""
    place = np.full(len(profile.terms), -1, dtype=np.int64)
    place[selected] = np.arange(len(selected))
    columns = place[profile.columns]
    held = columns >= 0
    matrix = np.zeros((len(profile.spans), len(selected)), dtype=np.float32)
    matrix[profile.rows[held], columns[held]] = 1.0
    return matrix


def _explained(
    one: Matrix, other: Matrix, weights: NDArray[np.float32], sums: NDArray[np.float32]
) -> NDArray[np.float32]:
    """For each sentence of `one` the greatest share of its weight found in a window of `other`."""
    window = other
    for step in range(1, min(_WINDOW, len(other))):
        shifted = np.zeros_like(other)
        shifted[:-step] = other[step:]
        window = np.maximum(window, shifted)
    found: NDArray[np.float32] = ((one * weights) @ window.T).max(axis=1) / sums
    return found


def _named_weights(page: Profile, here: Indices) -> NDArray[np.float32]:
    """Weights of the shared terms as names: a name that only its plain word is shared of counts at that word."""
    weights = np.where(page.kinds[here] == NAME, page.weights[here], 0.0).astype(np.float32)
    is_alone = page.kinds == NAME
    is_alone[here] = False
    alone = np.flatnonzero(is_alone)
    shared = page.terms[here]
    if len(shared) and len(alone):
        places = np.minimum(np.searchsorted(shared, page.plain[alone]), len(shared) - 1)
        found = shared[places] == page.plain[alone]
        np.add.at(weights, places[found], page.weights[alone[found]].astype(np.float32))
    return weights


def _beside(matrix: Matrix) -> Matrix:
    """Each row united with the rows before and after it."""
    united = matrix.copy()
    np.maximum(united[1:], matrix[:-1], out=united[1:])
    np.maximum(united[:-1], matrix[1:], out=united[:-1])
    return united


def _chain(gains: Matrix) -> NDArray[np.int64]:
    """The pairs of the monotone chain with the greatest sum of gains, one original sentence for each page sentence."""
    rows, columns = gains.shape
    best = np.zeros((rows + 1, columns + 1), dtype=np.float32)
    for row in range(rows):
        taken = best[row, :-1] + gains[row]
        best[row + 1, 1:] = np.maximum.accumulate(np.maximum(best[row, 1:], taken))
    pairs: list[tuple[int, int]] = []
    row, column = rows, columns
    while row and column:
        here = best[row, column]
        if here == best[row, column - 1]:
            column -= 1
        elif here == best[row - 1, column]:
            row -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((row, column))
    return np.array(pairs[::-1], dtype=np.int64).reshape(-1, 2)
