from __future__ import annotations

import numpy as np
import pytest

from crawler.link import vocabulary
from crawler.link.vocabulary import Vocabularies, Vocabulary

USUAL = ["The", "port", "of", "Tallinn", "lost", "a", "quarter"]


def asked(words: Vocabulary, text: list[str]) -> list[tuple[object, ...]]:
    """All that a profile asks of the words of a text."""
    places = words.places(text)
    columns = (words.form, words.stem, words.idf, words.name, words.rare, words.opens_number, words.capital)
    return [*zip(*(column[places].tolist() for column in columns), strict=True)]


def test_words_that_are_forgotten_are_worked_out_anew_and_the_usual_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_MOST_WORDS", 40)
    words = Vocabularies().of("en")
    before = asked(words, USUAL)
    for text in range(30):
        asked(words, [*USUAL, *(f"Harbour{text}{letter}" for letter in "abcdefgh")])
        assert len(words._places) <= 40 + 8 + len(USUAL)
        assert set(USUAL) <= words._places.keys()
    assert "Harbour0a" not in words._places
    assert asked(words, USUAL) == before
    fresh = Vocabularies().of("en")
    assert asked(words, ["Harbour0a", "Tallinn"]) == asked(fresh, ["Harbour0a", "Tallinn"])
    assert [words.lower[place] for place in words.places(USUAL)] == [word.lower() for word in USUAL]


def test_a_text_of_words_without_end_is_forgotten_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_MOST_WORDS", 40)
    words = Vocabularies().of("en")
    asked(words, USUAL)
    asked(words, [f"quay{number}" for number in range(5_000)])
    asked(words, USUAL)
    assert len(words._places) == len(USUAL)
    assert np.array_equal(words.places(USUAL), words.places(USUAL))
