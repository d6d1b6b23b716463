from __future__ import annotations

import json

import pytest

from crawler.corpus import Corpus, Truth
from crawler.evaluate import Outcome, Report, evaluate, report, upper_bound
from crawler.evaluate.cases import joined, without_dates
from crawler.evaluate.figures import KindFigures
from crawler.evaluate.rates import wilson
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


def of_outcomes(outcomes: list[Outcome], settings: LinkSettings | None = None) -> Report:
    return report(outcomes, "1-x", settings or LinkSettings(), 9)


def by_kind(outcomes: list[Outcome]) -> dict[tuple[str, bool], KindFigures]:
    return {(one.kind, one.positive): one for one in of_outcomes(outcomes).kinds}


def test_recall_wrong_originals_and_false_links_are_counted_by_kind() -> None:
    found = by_kind(OUTCOMES)
    spun, independent, orphan = found["spun", True], found["independent", False], found["orphan", False]
    assert (spun.n, spun.right, spun.wrong, spun.none, spun.recall, spun.false) == (4, 2, 1, 1, 0.5, 0.25)
    assert (independent.right, independent.wrong, independent.recall, independent.false) == (0, 1, None, 0.5)
    assert (orphan.wrong, orphan.none, orphan.false, orphan.false_at_most) == (0, 1, 0.0, 1.0)


def test_reworks_of_one_release_count_apart_by_whether_the_release_is_held() -> None:
    reworks = [
        outcome("to-release", "release", "release", 0.99, "common-source"),
        outcome("to-original", "release", "original", 0.99, "common-source"),
        outcome("kept-off", None, None, 0.30, "common-source"),
    ]
    found = by_kind(reworks)
    held, not_held = found["common-source", True], found["common-source", False]
    assert (held.n, held.right, held.wrong, held.none) == (2, 1, 1, 0)
    assert (not_held.n, not_held.right, not_held.wrong, not_held.none) == (1, 0, 0, 1)


def test_wrong_originals_are_a_share_of_the_linked_pages_that_have_one() -> None:
    found = of_outcomes(OUTCOMES).wrong_originals
    assert (found.seen, found.n) == (1, 3)
    assert found.rate < found.at_most < 1


def test_thresholds_trade_precision_for_recall() -> None:
    found = {one.threshold: one for one in of_outcomes(OUTCOMES).thresholds}
    assert found[0.3].recall == pytest.approx(3 / 4)
    assert found[0.3].precision == pytest.approx(3 / 5)
    assert found[0.95].precision == 1.0
    assert found[0.95].recall == 0.5
    assert found[0.8].false.rate == pytest.approx(1 / 3)


def test_false_links_in_a_million_rest_on_pages_whose_story_nobody_tells() -> None:
    orphans = [outcome(f"p{place}", None, None, 0.3 if place else 0.6, "orphan") for place in range(600)]
    found = {one.threshold: one for one in of_outcomes([*OUTCOMES[:6], *orphans]).thresholds}
    assert (found[0.8].unrelated.seen, found[0.8].unrelated.n) == (0, 600)
    assert found[0.8].in_a_million == 0
    assert found[0.8].in_a_million_at_most == pytest.approx(3 / 600 * 1e6)  # none seen in n: at most 3/n
    assert found[0.5].in_a_million == pytest.approx(1 / 600 * 1e6)
    assert of_outcomes(OUTCOMES[:6]).thresholds[0].in_a_million is None


def test_precision_falls_with_the_share_of_rewrites_in_the_stream() -> None:
    streams = of_outcomes(OUTCOMES).streams
    assert [one.share for one in streams] == [0.1, 0.01, 0.001]
    assert streams[0].precision > streams[1].precision > streams[2].precision
    assert all(one.at_least <= one.precision for one in streams)


def test_the_worst_errors_come_first_with_their_reason() -> None:
    faults = of_outcomes(OUTCOMES).faults
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
    assert of_outcomes(fair, settings).ece == pytest.approx(0.0, abs=1e-9)
    sure = [outcome(f"p{place}", "o" if place < 8 else None, "o", 0.999) for place in range(10)]
    assert of_outcomes(sure, settings).ece == pytest.approx(0.199, abs=1e-3)


def test_no_outcomes_give_a_report_without_figures() -> None:
    empty = of_outcomes([])
    assert (empty.kinds, empty.pages, empty.ece) == ((), 0, 0.0)


@pytest.mark.parametrize(("errors", "n", "least", "most"), [(0, 600, 0.005, 0.005), (0, 0, 1, 1), (3, 300, 0.01, 0.03)])
def test_the_upper_bound_of_a_rate_allows_for_few_cases(errors: int, n: int, least: float, most: float) -> None:
    assert least <= upper_bound(errors, n) <= most


@pytest.mark.parametrize(("seen", "n"), [(0, 20), (20, 20), (1, 3), (0, 0), (400, 1000)])
def test_an_interval_holds_its_rate_and_stays_within_0_and_1(seen: int, n: int) -> None:
    low, high = wilson(seen, n)
    assert 0 <= low < high <= 1
    assert n == 0 or low <= seen / n <= high


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
    assert (found.wrong_originals.seen, found.wrong_originals.n) == (0, 2)
    assert (found.pages, found.originals) == (4, 4)
    assert found.ece < 0.05


def test_a_page_is_not_linked_without_its_dates_either(corpus: Corpus) -> None:
    articles = {
        name: stories.article(name, one.text, one.role, published=stories.at(3))
        for name, one in corpus.articles.items()
    }
    plain = without_dates(Corpus(articles, corpus.truth))
    assert all(one.published is None for one in plain.articles.values())
    assert evaluate(plain, LinkSettings()).kinds == evaluate(corpus, LinkSettings()).kinds


def test_several_corpora_are_one_with_ids_of_their_own(corpus: Corpus) -> None:
    other = Corpus(
        {one.id: one for one in (original("canal", stories.GERMAN), article("page", stories.GERMAN_SPUN))},
        (Truth("page", "canal", "spun"),),
    )
    both = joined([corpus, other])
    assert Truth("spun", "1/canal", "spun") in both.truth
    assert Truth("page", "2/canal", "spun") in both.truth
    assert both.articles["2/canal"].text == stories.GERMAN
    assert (len(both.articles), len(both.truth)) == (9, 5)


def test_a_miss_and_a_false_link_are_told_with_what_speaks_for_them(corpus: Corpus) -> None:
    truth = (Truth("spun", None, "independent"), Truth("independent", "canal", "spun"))
    false, missed = evaluate(Corpus(corpus.articles, truth), LinkSettings()).faults
    assert (false.rewrite, false.given, missed.rewrite, missed.expected) == ("spun", "canal", "independent", "canal")
    for fault in (false, missed):
        assert fault.evidence
        assert fault.passages[0].original.rstrip("…") in " ".join(stories.CANAL.split())


def test_the_usual_tool_does_the_same_cases_beside_ours(corpus: Corpus) -> None:
    copy = article("copy", "Filed by our desk\n\n" + stories.CANAL)
    cases = Corpus({**corpus.articles, "copy": copy}, (*corpus.truth, Truth("copy", "canal", "copy")))
    (peer,) = evaluate(cases, LinkSettings(), peers=True).peers
    found = {one.kind: one for one in peer.kinds}
    assert found["copy"].right == 1
    assert found["spun"].none == 1  # reworded throughout, no five words in a row are left
    assert found["orphan"].wrong == 0


def test_the_report_is_plain_json(corpus: Corpus) -> None:
    row = evaluate(corpus, LinkSettings()).to_json()
    assert json.loads(json.dumps(row)) == json.loads(json.dumps(row, sort_keys=True))
    assert {"kinds", "thresholds", "streams", "ece", "bins", "faults", "linker"} <= set(row)
    assert sum(one["n"] for one in row["bins"]) == 4
