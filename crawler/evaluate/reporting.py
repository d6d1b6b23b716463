"""All figures of one evaluation, and its worst errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from crawler.corpus import Corpus
from crawler.evaluate.figures import (
    SHARES,
    THRESHOLDS,
    Bin,
    KindFigures,
    Share,
    StreamPrecision,
    ThresholdFigures,
    at_threshold,
    confusion,
    corpus_share,
    expected_error,
    in_stream,
    reliability,
    wrong_originals,
)
from crawler.evaluate.outcomes import Outcome, Passage, Watch, decide_all, unseen
from crawler.evaluate.peers import PeerFigures, datasketch_figures
from crawler.interchange import evidence_to_json
from crawler.link import Linker
from crawler.model import Article, Evidence
from crawler.settings import LinkSettings

MOST_ERRORS = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong decision. `evidence` and `passages` speak for `given`, or where nothing was linked for `expected`."""

    kind: str
    rewrite: str
    expected: str | None
    given: str | None
    score: float
    reason: str
    evidence: tuple[Evidence, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation. `ece` is the expected calibration error at the corpus' own base rate."""

    linker: str
    threshold: float
    base_rate: float
    pages: int
    originals: int
    kinds: tuple[KindFigures, ...]
    wrong_originals: Share
    thresholds: tuple[ThresholdFigures, ...]
    streams: tuple[StreamPrecision, ...]
    corpus_share: float
    ece: float
    bins: tuple[Bin, ...]
    faults: tuple[Fault, ...]
    peers: tuple[PeerFigures, ...] = ()

    def to_json(self) -> dict[str, Any]:
        row = asdict(self)
        for fault, told in zip(self.faults, row["faults"], strict=True):
            told["evidence"] = [evidence_to_json(piece) for piece in fault.evidence]
        return row


def evaluate(
    corpus: Corpus,
    settings: LinkSettings,
    pool: Iterable[Article] = (),
    *,
    peers: bool = False,
    watch: Watch = unseen,
) -> Report:
    """Links every page of a corpus that the truth speaks of, and counts.

    `pool` are further originals that no page stems from: the larger the index, the harder the task. With `peers` the
    usual tool does the same cases. `watch` is told how many pages are decided, and of how many.
    """
    linker, further = Linker(settings), list(pool)
    outcomes = decide_all(linker, settings, corpus, further, watch)
    originals = len({article.id for article in (*further, *corpus.originals)})
    others = (datasketch_figures(corpus, further),) if peers else ()
    return report(outcomes, linker.id, settings, originals, others)


def report(
    outcomes: Sequence[Outcome],
    linker: str,
    settings: LinkSettings,
    originals: int,
    peers: tuple[PeerFigures, ...] = (),
) -> Report:
    """The figures of outcomes that were decided at the settings' threshold and base rate."""
    bins = reliability(outcomes, settings.base_rate)
    return Report(
        linker=linker,
        threshold=settings.threshold,
        base_rate=settings.base_rate,
        pages=len(outcomes),
        originals=originals,
        kinds=confusion((one.truth, one.given) for one in outcomes),
        wrong_originals=wrong_originals(outcomes),
        thresholds=tuple(at_threshold(outcomes, threshold) for threshold in THRESHOLDS),
        streams=tuple(in_stream(outcomes, share) for share in SHARES),
        corpus_share=corpus_share(outcomes),
        ece=expected_error(bins),
        bins=bins,
        faults=_faults(outcomes),
        peers=peers,
    )


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
        evidence=one.proof.evidence,
        passages=one.proof.passages,
    )
