"""What pages have in common, told from a story that many print."""

from __future__ import annotations

import random

import pytest

from crawler.jobs.boilerplate import COMMON, Census, blanked
from tests.stories import story

TERMS = "Orders leave our house within two days. Whoever changes his mind sends things back within a month."
TEXT = story("bakery-original").text


def words(dice: random.Random, count: int) -> str:
    syllables = ("ba", "de", "lo", "mi", "na", "ru", "so", "ti", "va")
    return " ".join("".join(dice.choice(syllables) for _ in range(3)) for _ in range(count)) + "."


def boilerplate(texts: list[str], sites: int) -> frozenset[int]:
    census = Census()
    for number, text in enumerate(texts):
        census.add(text, f"site{number % sites}.example")
    return census.boilerplate()


@pytest.mark.parametrize("sites", [1, 3, COMMON])
def test_what_stands_on_pages_that_otherwise_differ_is_boilerplate(sites: int) -> None:
    dice = random.Random(1)
    texts = [f"{words(dice, 8)}\n\n{TERMS}" for _ in range(COMMON)]
    found = boilerplate(texts, sites)
    own = texts[0].split("\n\n")[0]
    left = blanked(texts[0], found)
    assert left.split() == own.split()
    assert len(left) == len(texts[0])


def test_a_sentence_of_fewer_pages_is_not_looked_at() -> None:
    dice = random.Random(2)
    assert boilerplate([f"{words(dice, 8)}\n\n{TERMS}" for _ in range(COMMON - 1)], 1) == frozenset()


def test_a_story_that_many_sites_print_is_none() -> None:
    dice = random.Random(3)
    # Most with a tenth of their own, some as it is but for a line.
    printed = [f"{words(dice, 55 if number % 5 else 3)}\n\n{TEXT}" for number in range(2 * COMMON)]
    assert boilerplate(printed, COMMON) == frozenset()


def test_a_story_that_is_printed_with_hardly_a_change_is_none_though_the_sites_are_unknown() -> None:
    dice = random.Random(4)
    assert boilerplate([f"{words(dice, 3)}\n\n{TEXT}" for _ in range(2 * COMMON)], 1) == frozenset()


def test_a_page_of_nothing_but_boilerplate_stays_as_it_is() -> None:
    dice = random.Random(5)
    found = boilerplate([f"{words(dice, 8)}\n\n{TERMS}" for _ in range(COMMON)], 1)
    assert blanked(TERMS, found) == TERMS


def test_a_dump_without_texts_has_none() -> None:
    assert boilerplate([], 1) == boilerplate([""], 1) == frozenset()
