"""What is measured of a page and an original: the model's inputs, all between 0 and about 1."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from crawler.link.align import Alignment, Overlap, align, overlap
from crawler.link.profile import NAME, NUMBER, RUN, STEM, Hashes, Profile, Runs, runs

_STRONG = 0.45  # similarity of a sentence pair that hardly comes about by chance
_ALIKE = 0.25  # similarity from which two sentences may say the same
_QUOTED, _LIFTED = 0.14, 0.28  # shares of a page's words in verbatim runs
_SPOKEN = 0.5  # share of a sentence in quotation marks that makes it direct speech
_LEAST_OWN = 0.3  # share of a text's words that count as not spoken at least
_LONG_RUN = 9  # words in a row that nobody writes twice by chance
# Of what a text has little of, a large share is soon shared by chance: what is added to the whole where a share is to
# tell how sure one may be. A story of 400 words has some 120 of names' weight and 40 of numbers'.
_MANY_NAMES, _MANY_NUMBERS, _MANY_WORDS = 40.0, 20.0, 80.0
_LEAD_SENTENCES = 3  # or a quarter of the story
_PRIOR = 10.0  # weight of names or numbers at which they and the stems count alike


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
    lifted: float
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
    names_sure: float
    numbers_sure: float
    chain_sure: float
    explained_sure: float
    deep_weight: float
    deep_sure: float
    page_words: float

    def vector(self) -> NDArray[np.float64]:
        """The model's inputs, as `NAMES` names them.

        Shares are on a logarithmic scale, on which 0.05 and 0.2 are as far apart as 0.2 and 0.8; the products of some
        pairs follow.
        """
        values = np.array([getattr(self, name) for name in FIELDS], dtype=np.float64)
        values[_IS_SHARE] = 1.0 + np.log(np.clip(values[_IS_SHARE], 0.0, 1.0) + 0.05) / 3.0
        return np.concatenate((values, values[_ONE] * values[_OTHER]))


FIELDS = tuple(field.name for field in fields(Features))
# A digest is short and full of the story's facts; a brief of a few sentences is short as well. Only both together tell:
# these are the pairs that helped most when all were tried (benchmarks/choose_products.py).
PRODUCTS = (
    ("numbers_missing", "numbers_missing"),
    ("original_names", "chain_weight"),
    ("length", "length"),
    ("original_names", "deep_weight"),
)
NAMES = (*FIELDS, *(f"{one}*{other}" for one, other in PRODUCTS))
_ONE, _OTHER = (np.array([FIELDS.index(pair[side]) for pair in PRODUCTS]) for side in (0, 1))
_AMOUNTS = frozenset(
    {"length", "lifted", "chain_weight", "strong_pairs", "run_words", "long_run_words"}
    | {"names_weight", "numbers_weight", "names_missing", "numbers_missing", "deep_weight", "page_words"}
)
_IS_SHARE = np.array([name not in _AMOUNTS for name in FIELDS])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A page and an original side by side."""

    features: Features
    shared: Overlap
    alignment: Alignment
    verbatim: NDArray[np.bool_]  # page words that stand in a run both texts hold


def compare(page: Profile, original: Profile) -> Comparison:
    """The features of a pair whose profiles have at least one sentence each."""
    shared = overlap(page, original)
    alignment = align(page, original, shared)
    verbatim = shared_runs(page.runs, original.runs)
    held, held_back = _held(page, original, shared.page), _held(original, page, shared.original)
    stems = _share(page, held, STEM), _share(original, held_back, STEM)
    # Where a side has hardly any names or numbers they say nothing: as well explained as the stems then.
    names = _share(page, held, NAME, stems[0]), _share(original, held_back, NAME, stems[1])
    numbers = _share(page, held, NUMBER, stems[0]), _share(original, held_back, NUMBER, stems[1])
    words, other_words = page.words, original.words
    total, other_total = max(1, int(words.sum())), max(1, int(other_words.sum()))
    pairs, similarity = alignment.pairs, alignment.similarity
    best = alignment.similarities.max(axis=1)
    ordered = float((similarity * words[pairs[:, 0]]).sum())
    unordered = float((best * words).sum())
    strong = similarity >= _STRONG
    verbatim_page, own_words = _own_words(page, verbatim)
    explained = alignment.page_explained
    explained_words = float((explained * words).sum())
    deep = _beyond_lead(page, original, shared)
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
        explained_page=explained_words / total,
        explained_original=float((alignment.original_explained * other_words).sum()) / other_total,
        explained_strong_page=float(words[explained >= 0.5].sum()) / total,
        quotes_page=_quotes(page, explained),
        verbatim_page=verbatim_page,
        verbatim_original=_verbatim_original(page, original, own_words),
        lifted=_ramp(verbatim_page),
        longest_run=min(1.0, _longest(verbatim & ~_spoken(page)) / 40) if len(verbatim) else 0.0,
        agree_names=_agreement(alignment, alignment.held_names, page.named),
        agree_numbers=_agreement(alignment, alignment.held_numbers, page.numbered),
        shingles=_shingles(page.shingles.known, original.shingles.known),
        length=min(1.0, total / other_total) if total else 0.0,
        chain_weight=_amount(float((similarity * np.sqrt(words[pairs[:, 0]] * other_words[pairs[:, 1]])).sum())),
        strong_pairs=_amount(4.0 * float(strong.sum())),
        run_words=_amount(own_words),
        long_run_words=_amount(_long_run_words(page, original, verbatim)),
        names_weight=_amount(_weight_in(page, shared.page, NAME)),
        numbers_weight=_amount(held[NUMBER]),
        names_missing=_amount(page.totals[NAME] - held[NAME]),
        numbers_missing=_amount(page.totals[NUMBER] - held[NUMBER]),
        names_sure=held[NAME] / (page.totals[NAME] + _MANY_NAMES),
        numbers_sure=held[NUMBER] / (page.totals[NUMBER] + _MANY_NUMBERS),
        chain_sure=ordered / (total + _MANY_WORDS),
        explained_sure=explained_words / (total + _MANY_WORDS),
        deep_weight=_amount(deep),
        deep_sure=deep / (page.totals[NAME] + page.totals[NUMBER] + _MANY_NAMES),
        page_words=_amount(float(total)),
    )
    return Comparison(features, shared, alignment, verbatim)


def _ramp(share: float) -> float:
    """From 0 for a page that quotes a sentence or two to 1 for one that a quarter of is lifted."""
    return min(1.0, max(0.0, (share - _QUOTED) / (_LIFTED - _QUOTED)))


def _amount(value: float) -> float:
    """An amount of evidence on a logarithmic scale, about 1 for a whole story."""
    return float(np.log1p(max(0.0, value)) / 5)


def shared_runs(one: Runs, other: Runs) -> NDArray[np.bool_]:
    """Which words of a text stand in a run of words that another holds as well; empty for texts shorter than a run."""
    starts = _is_in(one.ordered, other.known)
    covered = np.zeros(len(starts) + one.words - 1 if len(starts) else 0, dtype=np.bool_)
    for step in range(one.words):
        covered[step : step + len(starts)] |= starts
    return covered


def _spoken(profile: Profile) -> NDArray[np.bool_]:
    """The words that stand in sentences of direct speech."""
    return np.repeat(profile.speech >= _SPOKEN, profile.words)


def _own_words(profile: Profile, verbatim: NDArray[np.bool_]) -> tuple[float, float]:
    """Share and number of the words in verbatim runs, without direct speech.

    What somebody said is the same in every report; whoever tells a story in its words takes the rest as well. Of a
    text that is hardly more than speech the share is that of a part of it.
    """
    if not len(verbatim):
        return 0.0, 0.0
    own = np.repeat(1.0 - profile.speech, profile.words)
    taken = float(own[verbatim].sum())
    return taken / max(float(own.sum()), _LEAST_OWN * len(own)), taken


def _verbatim_original(page: Profile, original: Profile, taken: float) -> float:
    """Share of the original's words in verbatim runs; where the order of its runs is not known, of as many words as
    the page has `taken`."""
    if not original.is_hashed:
        return _own_words(original, shared_runs(original.runs, page.runs))[0]
    if not len(original.runs.known):
        return 0.0
    own = float((original.words * (1.0 - original.speech)).sum())
    return min(1.0, taken / max(own, _LEAST_OWN * original.total_words))


def _long_run_words(page: Profile, original: Profile, verbatim: NDArray[np.bool_]) -> float:
    """Words of the page in long runs that both texts hold, which lie in the shorter ones, without direct speech."""
    if _longest(verbatim) < _LONG_RUN:
        return 0.0
    long = _long_runs(page, original)
    return _own_words(page, long)[1]


def _long_runs(page: Profile, original: Profile) -> NDArray[np.bool_]:
    """The page's words in long runs; of hashes those whose shorter runs, one after the other, are all held."""
    if not original.is_hashed:
        return shared_runs(runs(page.forms, _LONG_RUN), runs(original.forms, _LONG_RUN))
    starts = _is_in(page.runs.ordered, original.runs.known)
    within = _LONG_RUN - RUN + 1
    covered = np.zeros(len(page.forms), dtype=np.bool_)
    for first in np.flatnonzero(np.convolve(starts, np.ones(within, dtype=np.int64), "valid") == within):
        covered[first : first + _LONG_RUN] = True
    return covered


def _is_in(values: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Which values are among distinct ascending ones."""
    if not len(known) or not len(values):
        return np.zeros(len(values), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return found


def _cosine(page: Profile, original: Profile, shared: Overlap) -> float:
    product = float((page.weights[shared.page] * original.weights[shared.original]).sum())
    return product / (page.norm * original.norm) if product else 0.0


def _weight_in(profile: Profile, places: NDArray[np.int64], kind: int) -> float:
    return float(profile.weights[places][profile.kinds[places] == kind].sum())


def _held(profile: Profile, other: Profile, shared: NDArray[np.int64]) -> tuple[float, float, float]:
    """By kind, the weight of the terms that the other holds; names also where it has only their plain word."""
    names = np.flatnonzero(profile.kinds == NAME)
    plain = profile.plain[names]
    both = np.zeros(len(profile.terms), dtype=np.bool_)
    both[shared] = True
    known = both[names]
    if len(other.terms):
        known |= other.terms[np.minimum(np.searchsorted(other.terms, plain), len(other.terms) - 1)] == plain
    return (
        _weight_in(profile, shared, STEM),
        float(profile.weights[names[known]].sum()),
        _weight_in(profile, shared, NUMBER),
    )


def _share(profile: Profile, held: tuple[float, float, float], kind: int, expected: float | None = None) -> float:
    """Share of the weight of one kind that is held, drawn to what is expected where there is little."""
    total, pull = profile.totals[kind], _PRIOR
    if expected is None:
        return held[kind] / total if total else 0.0
    return (held[kind] + pull * min(1.0, max(0.0, 2.5 * (expected - 0.1)))) / (total + pull)


def _beyond_lead(page: Profile, original: Profile, shared: Overlap) -> float:
    """Weight of the names and numbers that both have and the original has only after its beginning.

    What happened is told at once, and every reporter has it; whom this one asked and what he worked out comes later.
    """
    telling = page.kinds[shared.page] != STEM
    first = np.zeros(len(original.terms), dtype=np.int64)
    first[original.columns[::-1]] = original.rows[::-1]  # rows ascend: the last one written is the first there is
    lead = max(_LEAD_SENTENCES, len(original.spans) // 4)
    late = first[shared.original[telling]] >= lead
    return float(page.weights[shared.page[telling]][late].sum())


def _quotes(page: Profile, explained: NDArray[np.float32]) -> float:
    """How well the page's direct speech is explained, taken as its other sentences where it has none."""
    weights = page.words * ((page.speech > 0) + 0.05)
    total = float(weights.sum())
    return float((explained * weights).sum()) / total if total else 0.0


def _longest(covered: NDArray[np.bool_]) -> int:
    if not covered.any():
        return 0
    padded = np.zeros(len(covered) + 2, dtype=np.bool_)
    padded[1:-1] = covered
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return int((edges[1::2] - edges[::2]).max())


def _agreement(alignment: Alignment, held: NDArray[np.float32], by_sentence: NDArray[np.float32]) -> float:
    """Share of the weight of names or numbers in aligned page sentences that stand in their counterparts as well.

    Pairs count by how alike they are, and the share is drawn to two thirds where there is little to go by. Others
    in the same places are the mark of a twin.
    """
    trust = np.maximum(alignment.similarity - _ALIKE, 0.0)
    found = float((trust * held).sum())
    total = float((trust * by_sentence[alignment.pairs[:, 0]]).sum())
    pull = _PRIOR / 2
    return (found + pull * 2 / 3) / (total + pull)


def _shingles(one: Hashes, other: Hashes) -> float:
    """Containment of word 3-shingles in the shorter text, its square root: most of the scale is near zero."""
    if not len(one) or not len(other):
        return 0.0
    common = int(_is_in(one, other).sum())
    return float(np.sqrt(common / min(len(one), len(other))))
