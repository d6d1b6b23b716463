from __future__ import annotations

import pytest

from crawler.link import Linker
from crawler.link.explain import _group_of, parts
from crawler.link.features import NAMES, compare
from crawler.link.score import shipped_model
from crawler.model import Article, Role
from crawler.settings import LinkSettings

WIRE = (
    "SKERRYHAVEN—The last lamp keeper of Skerryhaven will hand in her keys in April, the lights board said Monday.\n\n"
    "The board, which runs 77 lamps, said it would save £41,000 a year. Elspeth Marwood has kept the lamp since 1998."
)


def article(text: str, role: Role) -> Article:
    return Article(role.value, f"https://{role.value}.example/a", role, "Wire", "", text)


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


def test_every_input_of_the_model_has_its_group() -> None:
    assert {_group_of(name) for name in NAMES} == set(range(6))


def test_the_parts_sum_to_what_tells_a_pair_from_an_average_one(linker: Linker) -> None:
    page, wire = article(WIRE, Role.AGGREGATOR), article(WIRE, Role.ORIGIN)
    comparison = compare(linker.profile(page), linker.profile(wire))
    model = shipped_model()
    manner = model.judge(comparison.features).manner
    expert = next(one for one in model.experts if one.name == manner)
    usual = expert.bias + float(expert.weights @ expert.means)
    here = expert.bias + float(expert.weights @ comparison.features.vector())
    assert sum(part.push for part in parts(model, comparison)) == pytest.approx(model.slope * (here - usual))


def test_a_copy_shares_all_and_a_stranger_next_to_nothing(linker: Linker) -> None:
    wire = article(WIRE, Role.ORIGIN)
    copy = linker.explain(article(WIRE, Role.AGGREGATOR), wire)
    other = linker.explain(
        article("Bread prices rose 3% in Notia. Bakers met ministers on Tuesday. No deal came of it.", Role.AGGREGATOR),
        wire,
    )
    assert all(one.share > 0.9 for one in copy)
    assert all(one.share < 0.5 for one in other if one.name != "Length beside the original")
    assert sum(one.push for one in copy) > sum(one.push for one in other)


def test_a_text_without_a_sentence_has_no_parts(linker: Linker) -> None:
    assert linker.explain(article("", Role.AGGREGATOR), article(WIRE, Role.ORIGIN)) == ()
