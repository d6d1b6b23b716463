"""How well the linker does on a labelled corpus, per kind of reuse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crawler.corpus import Corpus, Truth
from crawler.interchange import evidence_to_json
from crawler.link import Linker
from crawler.link.index import shortlist
from crawler.link.memory import MemoryIndex
from crawler.model import Article, Decision, Evidence, Side
from crawler.settings import LinkSettings

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SHARES = (0.1, 0.01, 0.001)  # of rewrites in a stream, for which the precision is worked out
BINS = 10
MOST_ERRORS = 10
_RULE_OF_THREE = 3.0  # none seen in n means at most 3/n, with 95 % confidence


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of reuse. `right`: linked to the original that the truth names, `wrong`: to another one.

    For kinds without original `linked` are false links. `rate` is recall (`right / n`) or the rate of false
    links (`linked / n`), `bound` the 95 % upper bound of the rate of errors.
    """

    kind: str
    positive: bool
    n: int
    linked: int
    right: int
    wrong: int
    rate: float
    bound: float


@dataclass(frozen=True, slots=True)
class ThresholdFigures:
    """What another threshold would do. `precision` is that of this corpus, None where nothing is linked."""

    threshold: float
    precision: float | None
    recall: float
    false_rate: float


@dataclass(frozen=True, slots=True)
class StreamPrecision:
    """Precision in a stream with a given share of rewrites, at the settings' threshold.

    `at_least` counts false links at their 95 % upper bound.
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong decision with what it rests on."""

    kind: str
    rewrite: str
    expected: str | None
    given: str | None
    score: float
    reason: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation. `ece` is the expected calibration error at the corpus' own base rate."""

    linker: str
    threshold: float
    base_rate: float
    pages: int
    originals: int
    kinds: tuple[KindFigures, ...]
    thresholds: tuple[ThresholdFigures, ...]
    streams: tuple[StreamPrecision, ...]
    wrong_originals: float
    corpus_share: float
    ece: float
    bins: tuple[Bin, ...]
    faults: tuple[Fault, ...]

    def to_json(self) -> dict[str, Any]:
        row = asdict(self)
        row["faults"] = [
            {**asdict(fault), "evidence": [evidence_to_json(piece) for piece in fault.evidence]}
            for fault in self.faults
        ]
        return row


@dataclass(frozen=True, slots=True)
class Outcome:
    """The truth of a page and what the linker said of it. `best` is the candidate that its score is about."""

    truth: Truth
    decision: Decision

    @property
    def given(self) -> str | None:
        return self.decision.link.original_id if self.decision.link else None

    @property
    def best(self) -> str | None:
        if self.decision.link:
            return self.decision.link.original_id
        return self.decision.considered[0].original_id if self.decision.considered else None

    @property
    def best_is_right(self) -> bool:
        return self.truth.original is not None and self.best == self.truth.original

    @property
    def wrong(self) -> bool:
        return self.given != self.truth.original


def evaluate(corpus: Corpus, settings: LinkSettings, pool: Iterable[Article] = ()) -> Report:
    """Links every page of a corpus that the truth speaks of, and counts.

    `pool` are further originals that no page stems from: the larger the index, the harder the task.
    """
    linker = Linker(settings)
    originals = {article.id: article for article in (*pool, *corpus.originals)}
    outcomes = decide_all(linker, corpus, originals)
    return report(outcomes, linker.id, settings, len(originals))


def decide_all(linker: Linker, corpus: Corpus, originals: dict[str, Article]) -> list[Outcome]:
    """The linker's decision on each page of the truth, by way of an index."""
    index = MemoryIndex()
    for article in originals.values():
        index.add(article.id, linker.fingerprint(article), Side.ORIGINAL)
    outcomes = []
    for truth in corpus.truth:
        page = corpus.articles[truth.rewrite]
        found = shortlist(index.search(linker.fingerprint(page), Side.ORIGINAL))
        decision = linker.decide(page, [originals[one.article_id] for one in found], corpus.teasers)
        outcomes.append(Outcome(truth, decision))
    return outcomes


def report(outcomes: Sequence[Outcome], linker: str, settings: LinkSettings, originals: int) -> Report:
    """The figures of outcomes that were decided at the settings' threshold and base rate."""
    linked = [one for one in outcomes if one.given is not None]
    wrong = [one for one in linked if one.truth.original is not None and one.wrong]
    positives = sum(one.truth.original is not None for one in outcomes)
    share = min(0.999, max(0.001, positives / len(outcomes))) if outcomes else 0.5
    bins = _bins(outcomes, settings.base_rate, share)
    return Report(
        linker=linker,
        threshold=settings.threshold,
        base_rate=settings.base_rate,
        pages=len(outcomes),
        originals=originals,
        kinds=tuple(_figures(kind, outcomes) for kind in sorted({one.truth.kind for one in outcomes})),
        thresholds=tuple(_at_threshold(outcomes, threshold) for threshold in THRESHOLDS),
        streams=tuple(_in_stream(outcomes, stream) for stream in SHARES),
        wrong_originals=len(wrong) / len(linked) if linked else 0.0,
        corpus_share=positives / len(outcomes) if outcomes else 0.0,
        ece=sum(one.n * abs(one.score - one.right) for one in bins) / len(outcomes) if outcomes else 0.0,
        bins=bins,
        faults=_faults(outcomes),
    )


def upper_bound(errors: int, n: int) -> float:
    """95 % upper bound of a rate: Wilson's, and 3/n where none was seen."""
    if n == 0:
        return 1.0
    if errors == 0:
        return min(1.0, _RULE_OF_THREE / n)
    z, rate = 1.6449, errors / n
    centre = rate + z * z / (2 * n)
    spread = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return min(1.0, (centre + spread) / (1 + z * z / n))


def _figures(kind: str, outcomes: Sequence[Outcome]) -> KindFigures:
    mine = [one for one in outcomes if one.truth.kind == kind]
    positive = any(one.truth.original is not None for one in mine)
    linked = sum(one.given is not None for one in mine)
    right = sum(one.given is not None and not one.wrong for one in mine)
    errors = len(mine) - right if positive else linked
    return KindFigures(
        kind=kind,
        positive=positive,
        n=len(mine),
        linked=linked,
        right=right,
        wrong=linked - right if positive else 0,
        rate=(right if positive else linked) / len(mine),
        bound=upper_bound(errors, len(mine)),
    )


def _at_threshold(outcomes: Sequence[Outcome], threshold: float) -> ThresholdFigures:
    above = [one for one in outcomes if one.best is not None and one.decision.score >= threshold]
    right = sum(one.best_is_right for one in above)
    positives = sum(one.truth.original is not None for one in outcomes)
    negatives = len(outcomes) - positives
    false = sum(one.truth.original is None for one in above)
    return ThresholdFigures(
        threshold=threshold,
        precision=right / len(above) if above else None,
        recall=right / positives if positives else 0.0,
        false_rate=false / negatives if negatives else 0.0,
    )


def _in_stream(outcomes: Sequence[Outcome], share: float) -> StreamPrecision:
    positives = [one for one in outcomes if one.truth.original is not None]
    negatives = [one for one in outcomes if one.truth.original is None]
    recall = sum(not one.wrong for one in positives) / len(positives) if positives else 0.0
    false = sum(one.given is not None for one in negatives)
    rate = false / len(negatives) if negatives else 0.0

    def precision(false_rate: float) -> float:
        found = share * recall
        return found / (found + (1 - share) * false_rate) if found else 0.0

    return StreamPrecision(share, precision(rate), precision(upper_bound(false, len(negatives))))


def _bins(outcomes: Sequence[Outcome], base_rate: float, share: float) -> tuple[Bin, ...]:
    """The reliability table, the scores moved from the settings' base rate to the corpus' own."""
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


def _moved(score: float, shift: float) -> float:
    if score <= 0.0 or score >= 1.0:
        return score
    return 1.0 / (1.0 + math.exp(-(math.log(score / (1.0 - score)) + shift)))


def _faults(outcomes: Sequence[Outcome]) -> tuple[Fault, ...]:
    """The worst errors: false and wrong links first, the surest of them foremost, then the surest misses."""
    wrong = [one for one in outcomes if one.wrong]
    wrong.sort(
        key=lambda one: (one.given is None, -one.decision.score if one.given else one.decision.score, one.truth.rewrite)
    )
    return tuple(_fault(one) for one in wrong[:MOST_ERRORS])


def _fault(one: Outcome) -> Fault:
    considered = {held.original_id: held.reason for held in one.decision.considered}
    asked = one.truth.original if one.given is None or one.truth.original else one.given
    missing = "the original was not among the candidates" if asked else "no candidate"
    return Fault(
        kind=one.truth.kind,
        rewrite=one.truth.rewrite,
        expected=one.truth.original,
        given=one.given,
        score=one.decision.score,
        reason=considered.get(asked or "", missing),
        evidence=one.decision.link.evidence[:12] if one.decision.link else (),
    )
