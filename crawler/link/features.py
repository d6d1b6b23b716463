"""What is measured of a page and an original: the model's inputs, all between 0 and about 1."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from crawler.link.align import Alignment, Overlap, align, overlap
from crawler.link.minhash import ngrams
from crawler.link.profile import NAME, NUMBER, STEM, Profile

_STRONG = 0.45  # similarity of a sentence pair that hardly comes about by chance
_ALIKE = 0.25  # similarity from which two sentences may say the same
_PRIOR = 10.0  # weight of names or numbers at which they and the stems count alike
_RUN = 5  # words in a row that both texts hold: the grain of verbatim reuse


@dataclass(frozen=True, slots=True)
class Features:
    """Shares of weight; `page_…` of the page's, `original_…` of the original's."""

    cosine: float
    page_stems: float
    original_stems: float
    page_names: float
    original_names: float
    page_numbers: float
    original_numbers: float
    chain_page: float
    chain_original: float
    chain_similarity: float
    strong_page: float
    strong_original: float
    order: float
    explained_page: float
    explained_original: float
    explained_strong_page: float
    quotes_page: float
    verbatim_page: float
    verbatim_original: float
    longest_run: float
    agree_names: float
    agree_numbers: float
    shingles: float
    length: float
    chain_weight: float
    strong_pairs: float
    run_words: float
    long_run_words: float
    names_weight: float
    numbers_weight: float
    names_missing: float
    numbers_missing: float

    def vector(self) -> NDArray[np.float64]:
        """The model's inputs: shares on a logarithmic scale, on which 0.05 and 0.2 are as far apart as 0.2 and 0.8."""
        values = np.array([getattr(self, name) for name in NAMES], dtype=np.float64)
        values[_IS_SHARE] = 1.0 + np.log(np.clip(values[_IS_SHARE], 0.0, 1.0) + 0.05) / 3.0
        return values


NAMES = tuple(field.name for field in fields(Features))
_AMOUNTS = frozenset(
    "length chain_weight strong_pairs run_words long_run_words names_weight numbers_weight names_missing "
    "numbers_missing".split()
)
_IS_SHARE = np.array([name not in _AMOUNTS for name in NAMES])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A page and an original side by side."""

    features: Features
    shared: Overlap
    alignment: Alignment
    verbatim: NDArray[np.bool_]  # page words that stand in a run both texts hold


def cheap_score(page: Profile, original: Profile) -> float:
    """A score for choosing which candidates are worth an alignment: idf cosine with names and numbers."""
    shared = overlap(page, original)
    weight = np.minimum(page.weights[shared.page], original.weights[shared.original])
    if not len(weight):
        return 0.0
    squares = float(np.square(weight).sum())
    norms = float(np.sqrt(np.square(page.weights).sum() * np.square(original.weights).sum()))
    lesser = float(min(np.square(page.weights).sum(), np.square(original.weights).sum()))
    return 0.5 * squares / norms + 0.5 * squares / lesser


def compare(page: Profile, original: Profile) -> Comparison:
    """The features of a pair whose profiles have at least one sentence each."""
    shared = overlap(page, original)
    alignment = align(page, original, shared)
    verbatim = shared_runs(page.forms, original.forms, _RUN)
    backwards = shared_runs(original.forms, page.forms, _RUN)
    stems = _shares(page, original, shared, STEM)
    # Where a side has hardly any names or numbers they say nothing: as well explained as the stems then.
    names = _shares(page, original, shared, NAME, stems)
    numbers = _shares(page, original, shared, NUMBER, stems)
    words, other_words = page.words, original.words
    total, other_total = max(1, int(words.sum())), max(1, int(other_words.sum()))
    pairs, similarity = alignment.pairs, alignment.similarity
    best = alignment.similarities.max(axis=1)
    ordered = float((similarity * words[pairs[:, 0]]).sum())
    unordered = float((best * words).sum())
    strong = similarity >= _STRONG
    explained = alignment.page_explained
    features = Features(
        cosine=_cosine(page, original, shared),
        page_stems=stems[0],
        original_stems=stems[1],
        page_names=names[0],
        original_names=names[1],
        page_numbers=numbers[0],
        original_numbers=numbers[1],
        chain_page=ordered / total,
        chain_original=float((similarity * other_words[pairs[:, 1]]).sum()) / other_total,
        chain_similarity=float(similarity.mean()) if len(similarity) else 0.0,
        strong_page=float(words[pairs[strong, 0]].sum()) / total,
        strong_original=float(other_words[pairs[strong, 1]].sum()) / other_total,
        order=ordered / unordered if unordered > 0 else 0.0,
        explained_page=float((explained * words).sum()) / total,
        explained_original=float((alignment.original_explained * other_words).sum()) / other_total,
        explained_strong_page=float(words[explained >= 0.5].sum()) / total,
        quotes_page=_quotes(page, explained),
        verbatim_page=float(verbatim.mean()) if len(verbatim) else 0.0,
        verbatim_original=float(backwards.mean()) if len(backwards) else 0.0,
        longest_run=min(1.0, _longest(verbatim) / 40),
        agree_names=_agreement(page, alignment, NAME),
        agree_numbers=_agreement(page, alignment, NUMBER),
        shingles=_shingles(page, original),
        length=min(1.0, total / other_total) if total else 0.0,
        chain_weight=_amount(float((similarity * np.sqrt(words[pairs[:, 0]] * other_words[pairs[:, 1]])).sum())),
        strong_pairs=_amount(4.0 * float(strong.sum())),
        run_words=_amount(float(verbatim.sum())),
        long_run_words=_amount(float(shared_runs(page.forms, original.forms, 9).sum())),
        names_weight=_amount(_weight_of(page, NAME, shared.page)),
        numbers_weight=_amount(_weight_of(page, NUMBER, shared.page)),
        names_missing=_amount(_weight_of(page, NAME) - _weight_of(page, NAME, _named(page, original, shared.page))),
        numbers_missing=_amount(_weight_of(page, NUMBER) - _weight_of(page, NUMBER, shared.page)),
    )
    return Comparison(features, shared, alignment, verbatim)


def _amount(value: float) -> float:
    """An amount of evidence on a logarithmic scale, about 1 for a whole story."""
    return float(np.log1p(max(0.0, value)) / 5)


def _weight_of(profile: Profile, kind: int, selected: NDArray[np.int64] | None = None) -> float:
    chosen = np.arange(len(profile.terms)) if selected is None else selected
    return float(profile.weights[chosen][profile.kinds[chosen] == kind].sum())


def shared_runs(one: NDArray[np.int64], other: NDArray[np.int64], run: int) -> NDArray[np.bool_]:
    """Which words of `one` stand in a run of `run` words that `other` holds as well."""
    covered = np.zeros(len(one), dtype=np.bool_)
    if len(one) < run or len(other) < run:
        return covered
    starts = np.isin(ngrams(one, run), ngrams(other, run))
    for step in range(run):
        covered[step : step + len(starts)] |= starts
    return covered


def _cosine(page: Profile, original: Profile, shared: Overlap) -> float:
    product = float((page.weights[shared.page] * original.weights[shared.original]).sum())
    norms = float(np.sqrt(np.square(page.weights).sum() * np.square(original.weights).sum()))
    return product / norms if norms else 0.0


def _shares(
    page: Profile, original: Profile, shared: Overlap, kind: int, prior: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, float]:
    """Share of each side's weight of one kind that the other side holds, drawn to a prior where there is little."""
    found = []
    for profile, other, mine, expected in (
        (page, original, shared.page, prior[0]),
        (original, page, shared.original, prior[1]),
    ):
        common = _weight_of(profile, kind, mine if kind != NAME else _named(profile, other, mine))
        pull = _PRIOR if expected else 1e-9
        found.append((common + pull * min(1.0, max(0.0, 2.5 * (expected - 0.1)))) / (_weight_of(profile, kind) + pull))
    return found[0], found[1]


def _named(profile: Profile, other: Profile, shared: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the terms that the other holds, names also where it has only their plain word."""
    names = np.flatnonzero(profile.kinds == NAME)
    return np.union1d(shared, names[np.isin(profile.plain[names], other.terms)])


def _quotes(page: Profile, explained: NDArray[np.float32]) -> float:
    """How well the page's direct speech is explained, taken as its other sentences where it has none."""
    weights = page.words * (page.quoted + 0.05)
    total = float(weights.sum())
    return float((explained * weights).sum()) / total if total else 0.0


def _longest(covered: NDArray[np.bool_]) -> int:
    if not covered.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], covered, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max())


def _agreement(page: Profile, alignment: Alignment, kind: int) -> float:
    """Share of the weight of names or numbers in aligned page sentences that stand in their counterparts as well.

    Pairs count by how alike they are, and the share is drawn to two thirds where there is little to go by. Others
    in the same places are the mark of a twin.
    """
    trust = np.maximum(alignment.similarity - _ALIKE, 0.0)
    chosen = page.kinds[page.columns] == kind
    totals = np.bincount(page.rows[chosen], weights=page.weights[page.columns[chosen]], minlength=len(page.spans))
    held = float((trust * alignment.held[:, 0 if kind == NAME else 1]).sum())
    total = float((trust * totals[alignment.pairs[:, 0]]).sum())
    pull = _PRIOR / 4
    return (held + pull * 2 / 3) / (total + pull)


def _shingles(page: Profile, original: Profile) -> float:
    """Containment of word 3-shingles in the shorter text, its square root: most of the scale is near zero."""
    one, other = np.unique(ngrams(page.forms, 3)), np.unique(ngrams(original.forms, 3))
    if not len(one) or not len(other):
        return 0.0
    common = len(np.intersect1d(one, other, assume_unique=True))
    return float(np.sqrt(common / min(len(one), len(other))))
