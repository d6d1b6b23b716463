from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.link.text import sentences, tokens

PROSE = st.text(alphabet="ab éß漢字ع.!?…,;:\"”“'’\n\t 019%()-\u0301", max_size=400)


def slices(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


def words(text: str) -> list[str]:
    return [word for words in tokens(text, sentences(text)) for word in words]


def test_a_full_stop_ends_a_sentence_and_an_abbreviation_does_not() -> None:
    text = "Mr. Aske of Aske Corp. spoke. He paid $3.5 million. J. Bolt of the U.S. Navy did not."
    assert slices(text) == [
        "Mr. Aske of Aske Corp. spoke.",
        "He paid $3.5 million.",
        "J. Bolt of the U.S. Navy did not.",
    ]


def test_a_blank_line_ends_a_sentence_without_a_full_stop() -> None:
    assert slices("A headline\n\nThe story begins.\n \nIt ends") == ["A headline", "The story begins.", "It ends"]


def test_a_text_wrapped_by_hand_keeps_its_sentences_whole() -> None:
    text = "The company that runs the ferries between the islands\nsaid that it would stop on Monday."
    assert slices(text) == [text]


def test_closing_quotation_marks_belong_to_their_sentence() -> None:
    assert slices("“We won.” They left.") == ["“We won.”", "They left."]


def test_chinese_sentences_end_without_spaces_and_each_character_is_a_token() -> None:
    assert slices("船停了。人走了。") == ["船停了。", "人走了。"]
    assert words("船停了。") == ["船", "停", "了"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t pay €1,234.50 or 20%", ["Don’t", "pay", "1,234.50", "or", "20", "%"]),
        ("Holm-Berg's A90s", ["Holm", "Berg's", "A", "90", "s"]),
        ("270 000 Einwohner", ["270 000", "Einwohner"]),
        ("in 2014 380 people", ["in", "2014", "380", "people"]),
        ("the U.S. fleet", ["the", "U.S.", "fleet"]),
    ],
)
def test_tokens_are_words_numbers_and_percent_signs(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_combining_marks_stay_in_their_word() -> None:
    assert words("Gyurcsa\u0301ny spoke") == ["Gyurcsa\u0301ny", "spoke"]


@given(PROSE)
def test_sentences_are_trimmed_ordered_and_apart(text: str) -> None:
    end = 0
    for span in sentences(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end]
        end = span.end


@given(PROSE)
def test_no_word_is_lost_between_sentences(text: str) -> None:
    inside = sum(len(text[span.start : span.end].split()) for span in sentences(text))
    assert "".join(slices(text)).replace(" ", "").replace("\n", "").replace("\t", "") == "".join(text.split())
    assert inside >= len(text.split())


@given(st.text(st.sampled_from("aÉßǅ²½ªn’'.,%15 \u00a0\n-€™_")))
def test_a_letter_of_another_script_changes_no_token_of_the_others(text: str) -> None:
    assert words(f"{text}\nд") == [*words(text), "д"]
