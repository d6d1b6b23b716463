from __future__ import annotations

import json

import pytest

from crawler.corpus import Corpus, Truth
from crawler.evaluate import Outcome, evaluate, report, upper_bound
from crawler.model import Article, Considered, Coverage, Decision, Link, Precedence, Relation, Standing
from crawler.settings import LinkSettings
from tests.link import stories
from tests.link.stories import article, original


def outcome(page: str, truth: str | None, given: str | None, score: float, kind: str = "spun") -> Outcome:
    """A decision made up: linked to `given`, or its best candidate is the true original or some other."""
    link = None
    if given:
        link = Link(page, given, Relation.REWRITE, score, Coverage(1, 1), (), Precedence.UNKNOWN, Standing.OURS, "1-x")
    considered = (Considered(given or truth or "other", score, given is not None, "because"),)
    return Outcome(Truth(page, truth, kind), Decision(page, "1-x", score, link, None, considered))


OUTCOMES = [
    outcome("a", "o1", "o1", 0.99),
    outcome("b", "o2", "o2", 0.97),
    outcome("c", "o3", None, 0.40),
    outcome("d", "o4", "o9", 0.90),
    outcome("e", None, None, 0.01, "independent"),
    outcome("f", None, "o1", 0.85, "independent"),
    outcome("g", None, None, 0.02, "orphan"),
]


def test_recall_wrong_originals_and_false_links_are_counted_by_kind() -> None:
    found = {one.kind: one for one in report(OUTCOMES, "1-x", LinkSettings(), 9).kinds}
    spun, independent, orphan = found["spun"], found["independent"], found["orphan"]
    assert (spun.n, spun.linked, spun.right, spun.wrong, spun.rate) == (4, 3, 2, 1, 0.5)
    assert (independent.positive, independent.linked, independent.rate) == (False, 1, 0.5)
    assert (orphan.linked, orphan.rate, orphan.bound) == (0, 0.0, 1.0)


def test_thresholds_trade_precision_for_recall() -> None:
    found = {one.threshold: one for one in report(OUTCOMES, "1-x", LinkSettings(), 9).thresholds}
    assert found[0.3].recall == pytest.approx(3 / 4)
    assert found[0.3].precision == pytest.approx(3 / 5)
    assert found[0.95].precision == 1.0
    assert found[0.95].recall == 0.5
    assert found[0.8].false_rate == pytest.approx(1 / 3)


def test_precision_falls_with_the_share_of_rewrites_in_the_stream() -> None:
    streams = report(OUTCOMES, "1-x", LinkSettings(), 9).streams
    assert [one.share for one in streams] == [0.1, 0.01, 0.001]
    assert streams[0].precision > streams[1].precision > streams[2].precision
    assert all(one.at_least <= one.precision for one in streams)


def test_the_worst_errors_come_first_with_their_reason() -> None:
    faults = report(OUTCOMES, "1-x", LinkSettings(), 9).faults
    assert [(one.rewrite, one.expected, one.given) for one in faults] == [
        ("d", "o4", "o9"),
        ("f", None, "o1"),
        ("c", "o3", None),
    ]
    assert faults[0].reason == "the original was not among the candidates"
    assert faults[2].reason == "because"


def test_scores_that_are_right_as_often_as_they_say_are_calibrated() -> None:
    fair = [outcome(f"p{place}", "o" if place < 8 else None, "o", 0.8) for place in range(10)]
    settings = LinkSettings(base_rate=0.8)
    assert report(fair, "1-x", settings, 1).ece == pytest.approx(0.0, abs=1e-9)
    sure = [outcome(f"p{place}", "o" if place < 8 else None, "o", 0.999) for place in range(10)]
    assert report(sure, "1-x", settings, 1).ece == pytest.approx(0.199, abs=1e-3)


def test_no_outcomes_give_a_report_without_figures() -> None:
    empty = report([], "1-x", LinkSettings(), 0)
    assert (empty.kinds, empty.pages, empty.ece) == ((), 0, 0.0)


@pytest.mark.parametrize(("errors", "n", "least", "most"), [(0, 600, 0.005, 0.005), (0, 0, 1, 1), (3, 300, 0.01, 0.03)])
def test_the_upper_bound_of_a_rate_allows_for_few_cases(errors: int, n: int, least: float, most: float) -> None:
    assert least <= upper_bound(errors, n) <= most


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    articles: list[Article] = [
        original("canal", stories.CANAL),
        original("twin", stories.CANAL_TWIN),
        original("german", stories.GERMAN),
        article("spun", stories.CANAL_SPUN),
        article("condensed", stories.CANAL_CONDENSED),
        article("independent", stories.CANAL_INDEPENDENT),
        article("orphan", stories.FRENCH_SPUN),
    ]
    truth = (
        Truth("spun", "canal", "spun"),
        Truth("condensed", "canal", "condensed"),
        Truth("independent", None, "independent"),
        Truth("orphan", None, "orphan"),
    )
    return Corpus({one.id: one for one in articles}, truth)


def test_a_small_corpus_is_evaluated_without_error(corpus: Corpus) -> None:
    found = evaluate(corpus, LinkSettings(), pool=[original("spanish", stories.SPANISH)])
    assert found.faults == ()
    assert found.wrong_originals == 0.0
    assert (found.pages, found.originals) == (4, 4)
    assert found.ece < 0.05


def test_the_report_is_plain_json(corpus: Corpus) -> None:
    row = evaluate(corpus, LinkSettings()).to_json()
    assert json.loads(json.dumps(row)) == json.loads(json.dumps(row, sort_keys=True))
    assert {"kinds", "thresholds", "streams", "ece", "bins", "faults", "linker"} <= set(row)
    assert sum(one["n"] for one in row["bins"]) == 4
