from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extract.byline import MAX_AUTHORS, read_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("By Petra Lund", ("Petra Lund",)),
        ("Written by Petra Lund and Jonas Weir", ("Petra Lund", "Jonas Weir")),
        ("Petra Lund, Jonas Weir & Ida Holm", ("Petra Lund", "Jonas Weir", "Ida Holm")),
        ("By Petra Lund, Senior Correspondent", ("Petra Lund",)),
        ("Petra Lund, PhD", ("Petra Lund",)),
        ("PETRA LUND", ("Petra Lund",)),
        ("petra.lund@courier.example Petra Lund", ("Petra Lund",)),
        ("Petra Lund | March 14, 2026", ("Petra Lund",)),
        ("Petra Lund on Tuesday, March 14", ("Petra Lund",)),
        ("Von Petra Lund", ("Petra Lund",)),
        ("Staff", ()),
        ("By publishing team", ()),
        ("Staff Writer", ()),
        ("Associated Press", ()),
        ("https://news.example/author/petra", ()),
        ("View all posts", ()),
        ("", ()),
    ],
)
def test_names_of_persons_come_out_of_bylines(text: str, names: tuple[str, ...]) -> None:
    assert read_names([text]) == names


def test_a_name_given_twice_counts_once() -> None:
    assert read_names(["Petra Lund", "By Petra  Lund"]) == ("Petra Lund",)


@given(st.lists(st.text(max_size=200), max_size=20))
def test_any_text_gives_few_short_names(texts: list[str]) -> None:
    names = read_names(texts)
    assert len(names) <= MAX_AUTHORS
    assert all(2 < len(name) <= 60 and "@" not in name for name in names)
