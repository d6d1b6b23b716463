from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.link.numbers import digits, numbers
from crawler.link.text import Span, tokens


def keys(text: str, language: str = "en") -> list[str]:
    words = [word.lower().strip(".") for word in next(tokens(text, [Span(0, len(text))]))]
    return [number.key for number in numbers(words, language)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$1.17 billion", "1,170,000,000 dollars"),
        ("1.17 billion", "1.17 bn"),
        ("a fifth of them", "20 percent of them"),
        ("three fifths", "60%"),
        ("one in five", "one out of five"),
        ("one in five", "20 per cent"),
        ("two-thirds", "two thirds"),
        ("Jan. 12", "12 January"),
        ("March 3", "3 March"),
        ("forty-one", "41"),
        ("two hundred", "200"),
        ("half of it", "50% of it"),
        ("640,000", "640 000"),
        ("12th of May", "May 12"),
    ],
)
def test_one_number_has_one_key_however_it_is_written(one: str, other: str) -> None:
    assert keys(one) == keys(other) != []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "1,9 Millionen", "1.900.000"),
        ("de", "ein Fünftel", "20 Prozent"),
        ("de", "3. Oktober", "3 Oktober"),
        ("es", "16,5 millones", "16.500.000"),
        ("es", "12 de enero", "enero 12"),
        ("fr", "23,4 millions", "23 400 000"),
        ("fr", "quatre millions", "4 millions"),
    ],
)
def test_numbers_follow_the_writing_of_their_language(language: str, one: str, other: str) -> None:
    assert keys(one, language) == keys(other, language) != []


@pytest.mark.parametrize(("one", "other"), [("468 pence", "430 pence"), ("May 12", "May 13"), ("3.1%", "3.2%")])
def test_different_numbers_have_different_keys(one: str, other: str) -> None:
    assert set(keys(one)).isdisjoint(keys(other))


def test_rounding_meets_in_the_rough_key() -> None:
    exact, rounded = (numbers([word], "en")[0] for word in ("14,300", "14,000"))
    assert exact.key != rounded.key
    assert exact.rough == rounded.rough


def test_a_scale_that_a_machine_confused_keeps_the_digits() -> None:
    assert keys("789 trillion") == keys("789 bn")


def test_round_and_small_numbers_weigh_less_than_odd_ones() -> None:
    small, odd = numbers(["two"], "en")[0], numbers(["2,483"], "en")[0]
    assert small.weight < 2 < odd.weight


@pytest.mark.parametrize("text", ["12.03.2021.7", "1.2.3", "9" * 40, "one", "a", "fifth place"])
def test_what_is_no_quantity_gives_no_number(text: str) -> None:
    assert keys(text) == []


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("3,100", "en", 3100.0),
        ("3,100", "de", 3.1),
        ("3.100", "de", 3100.0),
        ("3.1", "en", 3.1),
        ("0,125", "en", 0.125),
    ],
)
def test_ambiguous_separators_are_read_by_language(text: str, language: str, value: float) -> None:
    assert digits(text, language) == pytest.approx(value)


@given(
    st.lists(
        st.sampled_from(["one", "in", "five", "hundred", "million", "%", "12", "may", "a", "half", "x", "1.5", "of"])
    )
)
def test_numbers_are_ordered_and_never_overlap(words: list[str]) -> None:
    end = 0
    for number in numbers(words, "en"):
        assert end <= number.start < number.end <= len(words)
        end = number.end
