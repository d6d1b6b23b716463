"""Furniture told by what a site's pages share, and what must not be taken for it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract.repetition import MOST_BLOCKS, blocks_of, furniture, key, to_leave_out, whole, without
from crawler.model import PARAGRAPH_BREAK, Blocks

NOTE = (
    "Harbour Lines is written by volunteers on three coasts. We are glad of your letters, your pictures of boats and "
    "every correction, and we answer most of them."
)
BANNER = "Read this as well:"
QUOTE = (
    "“Nobody on this quay has seen a winter like it, and nobody wants to see another,” the harbour master said, and "
    "then he walked back to his boat without a further word."
)
STORY = PARAGRAPH_BREAK.join(
    f"The {number} boats of the northern fleet stayed in port, the mayor of the town said on the day after the storm."
    for number in ("old", "blue", "last", "small", "tall", "lost")
)


def prose(dice: random.Random, paragraphs: int = 4) -> str:
    """A text of its own, that no other has a paragraph of."""
    syllables = ("ba", "de", "lo", "mi", "na", "ru", "so", "ti", "va")

    def paragraph() -> str:
        return " ".join("".join(dice.choice(syllables) for _ in range(3)) for _ in range(30)) + "."

    return PARAGRAPH_BREAK.join(paragraph() for _ in range(paragraphs))


def joined(*parts: str) -> str:
    return PARAGRAPH_BREAK.join(parts)


def read(texts: Sequence[str], titles: Sequence[str] = ()) -> list[Blocks]:
    return [blocks_of(titles[n] if titles else f"Headline {n}", text) for n, text in enumerate(texts)]


@pytest.mark.parametrize("pages", [8, 30, 300])
def test_what_stands_on_most_pages_is_furniture_long_or_short(pages: int) -> None:
    dice = random.Random(1)
    found = furniture(read([joined(BANNER, prose(dice), NOTE) for _ in range(pages)]))
    assert found == {key(BANNER), key(NOTE)}


def test_nothing_is_said_of_a_site_with_few_pages() -> None:
    dice = random.Random(2)
    assert furniture(read([joined(BANNER, prose(dice), NOTE) for _ in range(3)])) == frozenset()


def test_a_long_paragraph_takes_more_pages_than_a_short_line() -> None:
    dice = random.Random(3)
    assert furniture(read([joined(BANNER, prose(dice), NOTE) for _ in range(4)])) == {key(BANNER)}


@pytest.mark.parametrize("line", [QUOTE, "He gave no reason."])
def test_a_sentence_that_a_few_stories_quote_is_none(line: str) -> None:
    dice = random.Random(4)
    texts = [joined(prose(dice), line) for _ in range(6)] + [prose(dice) for _ in range(34)]
    assert furniture(read(texts)) == frozenset()


def test_one_story_under_many_addresses_is_none_though_each_has_a_headline_and_a_line_of_its_own() -> None:
    dice = random.Random(5)
    copies = [joined(f"Our own note {dice.random()}", STORY) for _ in range(20)]
    assert furniture(read([*copies, *(prose(dice) for _ in range(5))])) == frozenset()


def test_what_stands_on_copies_and_on_other_pages_is_furniture_and_the_story_is_not() -> None:
    dice = random.Random(6)
    texts = [joined(STORY, NOTE) for _ in range(20)] + [joined(prose(dice), NOTE) for _ in range(20)]
    assert furniture(read(texts)) == {key(NOTE)}


def test_pages_of_one_headline_count_once() -> None:
    dice = random.Random(7)
    texts = [joined(prose(dice), QUOTE) for _ in range(10)] + [prose(dice) for _ in range(5)]
    titles = ["The same headline"] * 10 + [f"Another {n}" for n in range(5)]
    assert furniture(read(texts, titles)) == frozenset()


@pytest.mark.parametrize(
    "notice",
    ["Copyright © 2026 Tidewater Press. All rights reserved.", "Write to Ada Marsh at ada.marsh@tidewater.example"],
)
def test_a_notice_of_the_origin_is_never_furniture(notice: str) -> None:
    dice = random.Random(8)
    assert furniture(read([joined(prose(dice), notice) for _ in range(20)])) == frozenset()


def test_the_order_of_the_pages_changes_nothing() -> None:
    dice = random.Random(9)
    pages = read(
        [joined(*([BANNER] if n % 3 else []), prose(dice, n % 5 + 1), *([NOTE] if n % 2 else [])) for n in range(40)]
    )
    expected = furniture(pages)
    assert expected
    for _ in range(20):
        dice.shuffle(pages)
        assert furniture(pages) == expected


def test_case_and_white_space_make_no_other_paragraph() -> None:
    assert key("Read  this\tas well:") == key("READ THIS AS WELL:") != key("Read that as well:")


def test_a_text_that_is_nearly_all_furniture_stays_whole() -> None:
    dice = random.Random(10)
    common = furniture(read([joined(prose(dice), NOTE) for _ in range(20)]))
    assert to_leave_out(blocks_of("x", joined("A line of its own.", NOTE)), common) == frozenset()
    assert to_leave_out(blocks_of("x", joined(NOTE, NOTE)), common) == frozenset()
    assert to_leave_out(blocks_of("x", joined(prose(dice), NOTE)), common) == common


def test_of_a_page_with_endless_paragraphs_only_the_ends_are_counted() -> None:
    text = joined(*(f"Paragraph number {n}." for n in range(10_000)))
    blocks = blocks_of("x", text)
    assert len(blocks.keys) == MOST_BLOCKS
    middle = key("Paragraph number 5000.")
    assert without(text, {middle, blocks.keys[0]}) == (text.split(PARAGRAPH_BREAK, 1)[1], ((0, "Paragraph number 0."),))


@given(
    st.lists(st.sampled_from([NOTE, BANNER, QUOTE, "Boats came in.", "Yes."]), max_size=30),
    st.sets(st.sampled_from([NOTE, BANNER, QUOTE])),
)
def test_what_was_left_out_can_be_put_back(paragraphs: list[str], out: set[str]) -> None:
    text = joined(*paragraphs)
    left, aside = without(text, {key(one) for one in out})
    assert not out & set(left.split(PARAGRAPH_BREAK))
    assert whole(left, aside) == text
