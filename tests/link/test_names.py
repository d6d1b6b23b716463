from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.link.names import is_title, skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Azirbek", "Azerbek"),
        ("Anthony", "Antony"),
        ("Gyurcsány", "Gyurcsany"),
        ("Aaberg", "Aberg"),
        ("Zöllner", "Zoellner"),
        ("Thévenet", "Thevenet"),
        ("Mikhailov", "Mikhaylov"),
        ("Gambian", "Gambia"),
        ("Democrats", "Democrat"),
        ("NATO", "Nato"),
    ],
)
def test_drift_in_spelling_is_bridged(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Marin", "Martin"), ("Ohio", "Iowa"), ("Lyon", "Leon"), ("Torsby", "Rosvik")]
)
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text(min_size=1, max_size=30))
def test_every_name_has_one_skeleton(name: str) -> None:
    assert skeleton(name) == skeleton(name)
    assert skeleton(name.upper()) == skeleton(name.upper().lower()) or not name.isascii()


def test_forms_of_address_and_weekdays_are_no_names() -> None:
    assert all(map(is_title, ["Mr.", "Señor", "Monday", "Präsident"]))
    assert not is_title("Holmqvist")
