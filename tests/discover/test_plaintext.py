from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.discover.plaintext import authors, language_tag, plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Quay &amp; lock", "Quay & lock"),
        ("<p>One</p><p>Two <b>th</b>ree</p>", "One Two three"),
        ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
        ("a<script>var b = '<p>';</script>c<style>d</style>e", "ace"),
        ("Caf&eacute;&nbsp;&#8217;s", "Café ’s"),
        ("a<!-- note -->b", "ab"),
        ("a\n\t b\x00", "a b"),
        ("<script>never closed", ""),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_a_long_text_is_cut_at_a_word() -> None:
    assert plain("harbour " * 10, 20) == "harbour harbour…"


@given(st.text(alphabet="<>&;/ab \n!-", max_size=400), st.integers(1, 50))
def test_plain_text_is_folded_and_bounded(markup: str, most: int) -> None:
    text = plain(markup, most)
    assert len(text) <= most
    assert text == " ".join(text.split())


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Ida Mell", ("Ida Mell",)),
        ("By Ida Mell and Ole Brandt", ("Ida Mell", "Ole Brandt")),
        ("Ida Mell, Ole Brandt & Ana Ruiz", ("Ida Mell", "Ole Brandt", "Ana Ruiz")),
        ("Ida Mell, Ole Brandt, and Ana Ruiz", ("Ida Mell", "Ole Brandt", "Ana Ruiz")),
        ("Mell, Ida", ("Mell, Ida",)),
        ("Sturm and Drang", ("Sturm and Drang",)),
        ("desk@post.example (Ida Mell)", ("Ida Mell",)),
        ("desk@post.example", ()),
        ("https://post.example/ida", ()),
        ("<a href='/ida'>Ida Mell</a>", ("Ida Mell",)),
        ("", ()),
    ],
)
def test_bylines_become_names(line: str, names: tuple[str, ...]) -> None:
    assert authors(line) == names


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("EN", "en"),
        ("en_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("English", None),
        (None, None),
        ("", None),
    ],
)
def test_language_tags_have_one_spelling(said: str | None, tag: str | None) -> None:
    assert language_tag(said) == tag
