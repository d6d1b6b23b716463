from __future__ import annotations

from datetime import datetime

import pytest

from crawler.link.standing import is_dow_jones, precedence, standing
from crawler.model import Precedence, Rights, Standing
from tests.link.stories import article, at, original


@pytest.mark.parametrize(
    ("seen", "claimed", "published", "received", "expected"),
    [
        (at(5), None, at(4), None, Precedence.ORIGINAL_FIRST),
        (at(5), at(4, 12), at(4), None, Precedence.ORIGINAL_FIRST),
        (at(3), None, at(4), None, Precedence.PAGE_FIRST),
        (at(3), at(9), at(4), None, Precedence.PAGE_FIRST),
        (None, at(3), at(4), None, Precedence.UNKNOWN),
        (None, at(9), at(4), None, Precedence.UNKNOWN),
        (at(5), at(3), at(4), None, Precedence.UNKNOWN),  # its claim to be older only casts doubt
        (at(5), None, None, None, Precedence.UNKNOWN),
        (at(5), None, None, at(4), Precedence.ORIGINAL_FIRST),
        (at(3), None, None, at(4), Precedence.UNKNOWN),  # received late is not published late
        (at(5), None, at(4), at(9), Precedence.ORIGINAL_FIRST),
    ],
)
def test_precedence_rests_on_times_that_the_page_cannot_forge(
    seen: datetime | None,
    claimed: datetime | None,
    published: datetime | None,
    received: datetime | None,
    expected: Precedence,
) -> None:
    page = article("page", "x", first_seen=seen, published=claimed)
    assert precedence(page, original("o", "x", published=published, first_seen=received)) is expected


def test_an_archives_date_counts_as_a_capture() -> None:
    page = article("page", "x", first_seen=at(9), captured=at(3))
    assert precedence(page, original("o", "x", published=at(4))) is Precedence.PAGE_FIRST
    assert precedence(page, original("o", "x", published=at(2))) is Precedence.ORIGINAL_FIRST


@pytest.mark.parametrize(
    "publisher", ["The Wall Street Journal", "Barron’s", "Barron's", "marketwatch", "Dow Jones Newswires"]
)
def test_dow_jones_titles_are_ours_by_default(publisher: str) -> None:
    assert is_dow_jones(publisher)
    assert standing(article("p", "x"), original("o", "x", publisher=publisher), ()) is Standing.OURS


@pytest.mark.parametrize(
    "fields",
    [
        {"credit": "Associated Press"},
        {"credit": "AFP"},
        {"copyright": "© 2026 Reuters"},
        {"byline": ("By The Associated Press",)},
        {"text": "LONDON (AP) -- A lock was shut."},
        {"publisher": "Acme News"},
    ],
)
def test_an_agencys_story_and_a_strangers_are_third_party(fields: dict[str, object]) -> None:
    given = {"text": "A lock was shut.", **fields}
    assert standing(article("p", "x"), original("o", **given), ()) is Standing.THIRD_PARTY  # type: ignore[arg-type]


def test_words_that_look_like_agencies_are_not() -> None:
    story = original("o", "The map of Europe, she said.", byline=("Ap Bakker",), credit="Zumalacárregui family")
    assert standing(article("p", "x"), story, ()) is Standing.OURS


@pytest.mark.parametrize("code", ["LBA", "aprs", "AFPR"])
def test_an_agencys_source_code_makes_a_third_partys_story(code: str) -> None:
    assert standing(article("p", "x"), original("o", "x", vendor_source=code), ()) is Standing.THIRD_PARTY


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        ("Copyright 2026 Dow Jones & Company, Inc. All Rights Reserved.", Standing.OURS),
        ("(c) 2026 Barron's", Standing.OURS),
        ("© 2026 Dow Jones and Company", Standing.OURS),
        ("Copyright © 2026. All rights reserved.", Standing.OURS),
        ("For personal, non-commercial use only.", Standing.OURS),
        ("", Standing.OURS),
        ("Copyright 2026 Lindmark Syndicate, Ltd. All rights reserved.", Standing.THIRD_PARTY),
    ],
)
def test_a_notice_that_names_another_makes_a_third_partys_story(notice: str, expected: Standing) -> None:
    assert standing(article("p", "x"), original("o", "x", copyright=notice), ()) is expected


def test_the_holders_of_other_houses_are_as_they_say() -> None:
    story = original("o", "x", publisher="Acme News", copyright="© 2026 Acme Media Group")
    strange = original("o", "x", publisher="Acme News", copyright="© 2026 Lindmark Syndicate")
    silent, told = (Rights(("Acme News",)),), (Rights(("Acme News",), holders=("Acme Media Group",)),)
    assert standing(article("p", "x"), strange, silent) is Standing.OURS  # nobody said whose notice is ours
    assert standing(article("p", "x"), story, told) is Standing.OURS
    assert standing(article("p", "x"), strange, told) is Standing.THIRD_PARTY


def test_a_publisher_may_be_named_by_the_vendors_code() -> None:
    story = original("o", "x", publisher="The Acme News Online Edition", vendor_source="ACMO")
    rights = (Rights(("ACMO",), {"partner.example": ("ACMO",)}),)
    assert standing(article("p", "x"), story, rights) is Standing.OURS
    assert standing(article("p", "x", url="https://partner.example/1"), story, rights) is Standing.LICENSED
    assert standing(article("p", "x"), original("o", "x", vendor_source="OTHR"), rights) is Standing.THIRD_PARTY


def test_a_licensed_host_may_republish_its_publishers_only() -> None:
    rights = (Rights(("MarketWatch", "Barron's"), {"partner.example": ("MarketWatch",)}),)
    page = article("p", "x", url="https://news.partner.example/1")
    assert standing(page, original("o", "x", publisher="MarketWatch"), rights) is Standing.LICENSED
    assert standing(page, original("o", "x", publisher="Barron's"), rights) is Standing.OURS
    lookalike = article("p", "x", url="https://notpartner.example/1")
    assert standing(lookalike, original("o", "x", publisher="MarketWatch"), rights) is Standing.OURS


def test_rights_decide_whose_stories_are_ours() -> None:
    rights = (Rights(("Acme News",)),)
    assert standing(article("p", "x"), original("o", "x", publisher="Acme News"), rights) is Standing.OURS
    assert standing(article("p", "x"), original("o", "x"), rights) is Standing.THIRD_PARTY


def test_the_houses_own_sites_are_licensed() -> None:
    page = article("p", "x", url="https://www.marketwatch.com/story/1")
    assert standing(page, original("o", "x"), ()) is Standing.LICENSED
