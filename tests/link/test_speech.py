"""What somebody said is the same in every report: it says little of who copied from whom."""

from __future__ import annotations

import pytest

from crawler.link.features import compare
from crawler.link.profile import profile
from tests.link.stories import article

SAID = [
    "“We will not run ships that our own engineers are afraid to sail in”",
    "“Whoever signed that certificate in March had never been below the car deck”",
    "“There is a bolt missing for every promise the owners made us last winter”",
]
ONE = [
    "The strike that emptied the quays of Brevholm entered its second week on Monday with no talks in sight.",
    "Freight has been sent by rail since Thursday, at three times the price, and two cold stores are full of cod.",
    "Dockside cafes that live off the morning crossing have sent their staff home until the boats go again.",
]
OTHER = [
    "Inspectors found corroded bolts on both of the company’s vessels in the spring, papers seen by this agency show.",
    "A court in the county town will hear on Wednesday whether the owners have to pay wages while the ships lie idle.",
    "Analysts at two banks lowered their estimates for the parent company, which also owns three hotels.",
]


def text(sentences: list[str]) -> str:
    return "\n\n".join(sentences)


def woven(own: list[str]) -> str:
    return text([sentence for pair in zip(own, (f"{said}." for said in SAID), strict=True) for sentence in pair])


def test_quotes_that_two_reports_share_are_not_lifted() -> None:
    page, original = profile(article("page", woven(ONE))), profile(article("original", woven(OTHER)))
    features = compare(page, original).features
    assert features.verbatim_page < 0.1
    assert features.lifted == 0.0


def test_sentences_of_the_writers_own_are_lifted() -> None:
    page = profile(article("page", text([*ONE, OTHER[0], OTHER[1]])))
    features = compare(page, profile(article("original", woven(OTHER)))).features
    assert features.verbatim_page > 0.3
    assert features.lifted == 1.0


def test_a_copy_is_one_with_its_quotes() -> None:
    page = profile(article("page", woven(ONE)))
    assert compare(page, page).features.verbatim_page == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("written", "shares"),
    [
        ("He left. “I am done,” he said.", [0.0, 12 / 21]),
        ('He left. "I am done," he said.', [0.0, 12 / 21]),
        ("Er ging. „Ich bin fertig“, sagte er.", [0.0, 16 / 27]),
        ("“This goes on.\n\n“And on,” he said. He left.", [1.0, 9 / 18, 0.0]),
        ("Nobody spoke.", [0.0]),
    ],
)
def test_speech_is_what_stands_in_quotation_marks(written: str, shares: list[float]) -> None:
    assert profile(article("page", written)).speech.tolist() == pytest.approx(shares)


def test_an_opening_mark_without_an_end_reaches_to_the_end_of_its_paragraph() -> None:
    speech = profile(article("page", "He said “it went on. And on.\n\nThe rain had stopped by then.")).speech
    assert speech[-2] == 1.0
    assert speech[-1] == 0.0
