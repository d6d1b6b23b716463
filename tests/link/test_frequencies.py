"""Counting stems and joining what was counted with the package's tables."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from crawler.link.frequencies import ONE_STORY, PRIOR_TEXTS, Frequencies, Text, count, joined, refreshed
from crawler.link.lexicon import MAX_IDF
from crawler.link.tables import shipped_idf
from tests.link import stories

RAREST = math.exp(-MAX_IDF)


def text(content: str) -> Text:
    return Text("", content, None)


def test_a_stem_counts_once_a_text_whatever_its_forms() -> None:
    found = count([text(stories.CANAL), text(stories.CANAL_SPUN), text(stories.CANAL_INDEPENDENT)])
    assert found.texts == {"en": 3}
    assert found.stems["en"]["canal"] == 3
    assert found.stems["en"]["barg"] == 2  # "barge", "barges"
    assert found.stems["en"]["and"] == 3


def test_each_language_has_counts_of_its_own_and_others_have_none() -> None:
    found = count(text(one) for one in (stories.GERMAN, stories.SPANISH, stories.CHINESE, stories.ARABIC, ""))
    assert found.texts == {"de": 1, "es": 1}
    assert set(found.stems) == {"de", "es"}


def test_numbers_and_furniture_are_no_words() -> None:
    found = count([text(f"{stories.CANAL}\n\nCopyright 2026 Dow Jones & Company, Inc. All Rights Reserved.")])
    assert found.stems["en"] == count([text(stories.CANAL)]).stems["en"]
    assert not any(stem[0].isdigit() for stem in found.stems["en"])


def test_a_text_without_end_costs_no_more_than_a_long_one() -> None:
    endless = " ".join(f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}{n:b} the of and" for n in range(50_000))
    assert len(count([Text("", endless, "en")]).stems["en"]) < 6_000


def test_beyond_its_bound_the_rarest_stems_are_forgotten_first() -> None:
    found = Frequencies(most_stems=6)
    found.add(Frequencies(texts=Counter(en=5), stems={"en": Counter(often=5, twice=2, again=2)}))
    found.add(Frequencies(texts=Counter(en=1), stems={"en": Counter("wxyz")}))
    assert found.texts["en"] == 6
    assert found.stems["en"] == {"often": 5, "twice": 2, "again": 2}


def test_the_table_of_few_texts_is_nearly_the_packages() -> None:
    counts = count([text(stories.CANAL)])
    new, shipped = refreshed("en", 1, counts.stems["en"]).idf(), shipped_idf("en")
    assert set(new) == set(shipped)
    assert max(abs(new[stem] - shipped[stem]) for stem in shipped) <= 0.1001


def test_the_table_of_many_texts_tells_of_them() -> None:
    shares = joined({"market": 4.0, "king": 3.0}, 1_000_000, {"market": 400_000, "coupon": 100_000, "king": 10_000})
    assert shares == pytest.approx({"market": 0.4, "coupon": 0.1, "king": 0.01}, rel=0.01)


def test_the_packages_table_counts_as_much_as_its_number_of_texts() -> None:
    shares = joined({"king": 2.0}, PRIOR_TEXTS, {})
    assert shares["king"] == pytest.approx(math.exp(-2.0) / 2)


def test_names_that_only_one_story_and_its_rewrites_share_stay_rare() -> None:
    shares = joined({"torsbi": 9.0}, 2_000, {"torsbi": ONE_STORY, "lindmark": ONE_STORY})
    assert shares == pytest.approx({"torsbi": math.exp(-9.0)})
    more = joined({}, 2_000, {"lindmark": 3 * ONE_STORY})["lindmark"]
    assert more == pytest.approx((2 * ONE_STORY + PRIOR_TEXTS * RAREST) / (2_000 + PRIOR_TEXTS))


def test_a_stem_that_became_as_rare_as_unknown_ones_and_a_letter_that_is_no_word_have_no_row() -> None:
    shares = joined({"dodo": 9.9}, 10_000_000, {"x": 5_000_000, "gull": 3_000_000})
    assert set(shares) == {"gull"}


def test_the_head_says_what_was_counted_and_keeps_source_and_licence() -> None:
    head = [line for line in refreshed("de", 4_321, {}).text.splitlines() if line.startswith("#")]
    assert "language de" in head[0]
    assert "4321 texts" in head[1]
    assert "idf-de-1.tsv.gz" in head[1]
    assert any("CC BY-SA 4.0" in line for line in head)


def test_the_same_counts_make_the_same_table_in_whatever_order_they_came() -> None:
    counts = {"alpha": 60, "beta": 60, "gamma": 900}
    backwards = dict(reversed(counts.items()))
    assert refreshed("en", 2_000, counts) == refreshed("en", 2_000, backwards)
