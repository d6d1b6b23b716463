from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.link.features import FIELDS, NAMES, compare
from crawler.link.lexicon import data_file
from crawler.link.linker import linker_id
from crawler.link.profile import profile
from crawler.link.score import MODEL_FILE, parse_model, probability, shipped_model
from tests.link import stories
from tests.link.stories import article


def model_json() -> dict[str, Any]:
    return dict(json.loads(data_file(MODEL_FILE)))


def test_the_shipped_model_names_its_features_and_its_training() -> None:
    given = model_json()
    assert {"whole", "condensed", "excerpt"} == {expert["name"] for expert in given["experts"]}
    assert all(set(expert["coefficients"]) <= set(NAMES) for expert in given["experts"])
    assert "pairs of a page and an original" in given["trained_on"]


def test_no_coefficient_rewards_what_speaks_against_reuse() -> None:
    for expert in model_json()["experts"]:
        against = {"names_missing", "numbers_missing"} & set(expert["coefficients"])
        assert all(expert["coefficients"][name] <= 0 for name in against)
        rest = {name for name in expert["coefficients"] if "*" not in name} - against - {"length"}
        assert all(expert["coefficients"][name] >= 0 for name in rest)


def test_a_model_with_features_that_the_code_lacks_is_refused() -> None:
    given = model_json()
    given["experts"][0]["coefficients"]["phase_of_the_moon"] = 1.0
    with pytest.raises(ValueError, match="phase_of_the_moon"):
        parse_model(given)


def test_each_way_of_reuse_is_told_by_its_expert() -> None:
    original = profile(article("o", stories.CANAL))
    manners = {
        name: shipped_model().judge(compare(profile(article("p", text)), original).features).manner
        for name, text in (
            ("spun", stories.CANAL_SPUN),
            ("condensed", stories.CANAL_CONDENSED),
            ("lifted", stories.CANAL_LIFTED),
        )
    }
    assert manners == {"spun": "whole", "condensed": "condensed", "lifted": "excerpt"}


@given(st.floats(-15, 15), st.floats(0.001, 0.9), st.floats(1.05, 1.1))
def test_the_score_rises_with_the_odds_and_the_base_rate(log_odds: float, rate: float, factor: float) -> None:
    score = probability(log_odds, rate)
    assert 0 < score < 1
    assert probability(log_odds + 0.5, rate) > score
    assert probability(log_odds, rate * factor) > score


def test_even_odds_give_the_base_rate_itself() -> None:
    assert probability(0.0, 0.05) == pytest.approx(0.05)


def test_the_linkers_id_is_short_and_fixed() -> None:
    version, _, digest = linker_id().partition("-")
    assert version.isdigit()
    assert len(digest) == 8
    assert linker_id() == linker_id()


def test_features_are_shares_or_amounts_within_bounds() -> None:
    texts = [stories.CANAL, stories.CANAL_SPUN, stories.CANAL_TWIN, stories.GERMAN, stories.CHINESE, "12 13 14", "Yes."]
    profiles = [profile(article("a", text)) for text in texts]
    for page in profiles:
        for original in profiles:
            features = compare(page, original).features
            assert all(-0.01 <= getattr(features, name) <= 2.5 for name in FIELDS), features
