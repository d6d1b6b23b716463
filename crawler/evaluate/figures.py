"""The figures of an evaluation, counted from outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crawler.corpus import Truth
from crawler.evaluate.outcomes import Outcome
from crawler.evaluate.rates import upper_bound

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
SHARES = (0.1, 0.01, 0.001)  # of rewrites in a stream, for which the precision is worked out
BINS = 10
UNRELATED = frozenset({"orphan", "unrelated"})  # kinds of pages whose story no original that is held tells
MILLION = 1_000_000
_FARTHEST = 0.001  # a share of rewrites is taken for no nearer to none or all than this


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of reuse: how many pages were linked `right`, `wrong` or not at all (`none`).

    Pages of one kind that have an original (`positive`) and pages that have none are counted apart: with a kind such
    as common-source, whether the release is held decides what is right. `recall` is `right / n`, None where there is
    nothing to find; `false` is `wrong / n`. `recall_at_least` and `false_at_most` are 95 % bounds.
    """

    kind: str
    positive: bool
    n: int
    right: int
    wrong: int
    none: int
    recall: float | None
    recall_at_least: float | None
    false: float
    false_at_most: float


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` cases with its 95 % upper bound."""

    seen: int
    n: int
    rate: float
    at_most: float

    @classmethod
    def of(cls, seen: int, n: int) -> Share:
        return cls(seen, n, seen / n if n else 0.0, upper_bound(seen, n))


@dataclass(frozen=True, slots=True)
class ThresholdFigures:
    """What another threshold would do. `precision` is that of this corpus, None where nothing is linked.

    `false` are the links among pages that have no original; `unrelated` those among the pages whose story nobody
    tells, `in_a_million` and `in_a_million_at_most` the same for a million of these, None where there is none.
    """

    threshold: float
    precision: float | None
    recall: float
    false: Share
    unrelated: Share
    in_a_million: float | None
    in_a_million_at_most: float | None


@dataclass(frozen=True, slots=True)
class StreamPrecision:
    """Precision in a stream with a given share of rewrites, at the settings' threshold.

    The rewrites are taken to be as the corpus' pages with an original, all others as those without. `at_least` counts
    false links and wrong originals at their 95 % upper bounds.
    """

    share: float
    precision: float
    at_least: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Best candidates whose score lies in one tenth: how many, their mean score, and the share that is right."""

    low: float
    n: int
    score: float
    right: float


def confusion(cases: Iterable[tuple[Truth, str | None]]) -> tuple[KindFigures, ...]:
    """Figures per kind of pages with the truth and the original that was given."""
    rows: dict[tuple[str, bool], list[tuple[Truth, str | None]]] = {}
    for truth, given in cases:
        rows.setdefault((truth.kind, truth.original is not None), []).append((truth, given))
    return tuple(_kind(*key, rows[key]) for key in sorted(rows))


def _kind(kind: str, positive: bool, cases: Sequence[tuple[Truth, str | None]]) -> KindFigures:
    n = len(cases)
    none = sum(given is None for _, given in cases)
    right = sum(given is not None and given == truth.original for truth, given in cases)
    wrong = n - none - right
    return KindFigures(
        kind=kind,
        positive=positive,
        n=n,
        right=right,
        wrong=wrong,
        none=none,
        recall=right / n if positive else None,
        recall_at_least=1 - upper_bound(n - right, n) if positive else None,
        false=wrong / n,
        false_at_most=upper_bound(wrong, n),
    )


def wrong_originals(outcomes: Sequence[Outcome]) -> Share:
    """Of the pages that have an original and were linked: those that were linked to another one."""
    linked = [one for one in outcomes if one.truth.original is not None and one.given is not None]
    return Share.of(sum(one.wrong for one in linked), len(linked))


def at_threshold(outcomes: Sequence[Outcome], threshold: float) -> ThresholdFigures:
    above = [one for one in outcomes if one.best is not None and one.decision.score >= threshold]
    positives = sum(one.truth.original is not None for one in outcomes)
    right = sum(one.best_is_right for one in above)
    false = Share.of(sum(one.truth.original is None for one in above), len(outcomes) - positives)
    unrelated = Share.of(sum(map(_is_unrelated, above)), sum(map(_is_unrelated, outcomes)))
    return ThresholdFigures(
        threshold=threshold,
        precision=right / len(above) if above else None,
        recall=right / positives if positives else 0.0,
        false=false,
        unrelated=unrelated,
        in_a_million=MILLION * unrelated.rate if unrelated.n else None,
        in_a_million_at_most=MILLION * unrelated.at_most if unrelated.n else None,
    )


def _is_unrelated(one: Outcome) -> bool:
    return one.truth.original is None and one.truth.kind in UNRELATED


def in_stream(outcomes: Sequence[Outcome], share: float) -> StreamPrecision:
    positives = [one for one in outcomes if one.truth.original is not None]
    negatives = [one for one in outcomes if one.truth.original is None]
    recall = sum(not one.wrong for one in positives) / len(positives) if positives else 0.0
    false = Share.of(sum(one.given is not None for one in negatives), len(negatives))
    elsewhere = Share.of(sum(one.given is not None and one.wrong for one in positives), len(positives))

    def precision(false_rate: float, wrong_rate: float) -> float:
        found = share * recall
        return found / (found + share * wrong_rate + (1 - share) * false_rate) if found else 0.0

    return StreamPrecision(share, precision(false.rate, elsewhere.rate), precision(false.at_most, elsewhere.at_most))


def corpus_share(outcomes: Sequence[Outcome]) -> float:
    """The share of pages that have an original."""
    return sum(one.truth.original is not None for one in outcomes) / len(outcomes) if outcomes else 0.0


def reliability(outcomes: Sequence[Outcome], base_rate: float) -> tuple[Bin, ...]:
    """Ten equal bins of the best candidates' scores, moved from the settings' base rate to the corpus' own."""
    share = min(1 - _FARTHEST, max(_FARTHEST, corpus_share(outcomes)))
    shift = math.log(share / (1 - share)) - math.log(base_rate / (1 - base_rate))
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for one in outcomes:
        score = _moved(one.decision.score, shift)
        rows[min(BINS - 1, int(score * BINS))].append((score, one.best_is_right))
    return tuple(
        Bin(
            low=place / BINS,
            n=len(row),
            score=sum(score for score, _ in row) / len(row) if row else 0.0,
            right=sum(right for _, right in row) / len(row) if row else 0.0,
        )
        for place, row in enumerate(rows)
    )


def expected_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the distance of score and truth in each bin, weighted by its pages."""
    n = sum(one.n for one in bins)
    return sum(one.n * abs(one.score - one.right) for one in bins) / n if n else 0.0


def _moved(score: float, shift: float) -> float:
    if score <= 0.0 or score >= 1.0:
        return score
    return 1.0 / (1.0 + math.exp(-(math.log(score / (1.0 - score)) + shift)))
