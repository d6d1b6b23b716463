"""URLs without end: what leads into a trap is left out, and no newsroom loses a story by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.discover.allowance import Allowance
from crawler.discover.traps import MAX_DATED, MAX_UNDATED, sift, without_session
from crawler.model import Reference

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = "https://post.example"


def undated(*paths: str) -> list[Reference]:
    return [Reference(SITE + path) for path in paths]


ARTICLES = [
    "/2026/03/02/ferry-back-in-service",
    "/2011/11/11/11/ferry-back-in-service",
    "/news/world/europe/2026/mar/02/ferry-back-in-service",
    "/events/2026/03/02/harbour-festival-opens",
    "/story.php?id=48213&section=4",
    "/article/48213",
    "/daily-briefing/2026-03-02",
    "/news/news/ferry",
    "/news/ferry/page/2",
    "/?p=48213",
    "/story?sid=20260302abcdef1234567890",
    "/story?year=2026&month=3&id=55",
    "/a/b/c/d/e/f/g/h/i/j",
]


@pytest.mark.parametrize("path", ARTICLES)
def test_an_articles_address_is_no_trap(path):
    assert [one.url for one in sift(undated(path)).kept] == [SITE + path]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/a/b/a/b/a/b/page", "repetition"),
        ("/news/news/news/news", "repetition"),
        ("/x/a/b/c/d/a/b/c/d/a/b/c/d", "repetition"),
        ("/" + "/".join(f"f{number}" for number in range(40)), "depth"),
        ("/calendar/2031/05/", "calendar"),
        ("/events/2026-03-02", "calendar"),
        ("/agenda/month", "calendar"),
        ("/whats-on?tribe-bar-date=2026-03-02", "calendar"),
        ("/?year=2031&month=5", "calendar"),
        ("/news/page/101", "paging"),
        ("/news?offset=100000", "paging"),
        ("/list?" + "&".join(f"f{number}=1" for number in range(30)), "queries"),
    ],
)
def test_a_traps_address_is_left_out_and_counted_by_its_kind(path, reason):
    sifted = sift(undated(path, "/2026/03/02/ferry"))
    assert [one.url for one in sifted.kept] == [f"{SITE}/2026/03/02/ferry"]
    assert sifted.refused == {reason: 1}
    assert sifted.examples == {reason: SITE + path}


def test_a_calendars_sheet_that_is_dated_as_an_article_is_one():
    reference = Reference(f"{SITE}/events/2026-03-02", published=NOON)
    assert sift([reference]).kept == (reference,)


@pytest.mark.parametrize(
    ("path", "bare"),
    [
        ("/story;jsessionid=8A7F3D?x=1", "/story?x=1"),
        ("/(S(lit3py55t21z5v55vlm25s55))/story", "/story"),
        ("/story?PHPSESSID=0a1b2c3d4e5f&id=7", "/story?id=7"),
        ("/story?id=7&ASPSESSIONIDQQ=ABCD", "/story?id=7"),
        ("/story?sid=7", "/story?sid=7"),
        ("/story?id=7&session_id=", "/story?id=7&session_id="),
        ("/sessions/7?a=%26&b", "/sessions/7?a=%26&b"),
    ],
)
def test_a_sessions_id_is_taken_out_of_an_address(path, bare):
    assert without_session(SITE + path) == SITE + bare


def test_what_a_session_made_many_is_one_again():
    sifted = sift(undated(*(f"/story?id=7&PHPSESSID={number:032x}" for number in range(500))))
    assert [one.url for one in sifted.kept] == [f"{SITE}/story?id=7"]
    assert sifted.refused == {"session": 499}


def test_paging_through_one_address_ends_soon_and_each_address_has_its_own():
    sifted = sift(undated(*(f"/{section}/page/{number}" for section in ("news", "sport") for number in range(1, 90))))
    assert len(sifted.kept) == 40
    assert sifted.refused == {"paging": 138}


def test_filters_of_filters_end_soon_while_numbered_stories_of_a_script_go_on():
    names = [f"a{number}" for number in range(11)]
    filters = [f"/list?{one}=1&{two}=2" for one in names for two in names if one < two]
    stories = [f"/story.php?id={number}" for number in range(1_500)]
    sifted = sift(undated(*filters, *stories))
    assert len(sifted.kept) == 8 + 1_500
    assert sifted.refused == {"queries": len(filters) - 8}


def test_a_news_sitemap_of_a_thousand_articles_a_day_passes_whole():
    week = [
        Reference(f"{SITE}/2026/03/0{day}/story-{number}-of-the-day", published=NOON - timedelta(days=day))
        for day in range(1, 8)
        for number in range(1_000)
    ]
    sifted = sift(week)
    assert sifted.kept == tuple(week)
    assert sifted.refused == {}


def test_of_a_flood_with_dates_the_newest_are_taken():
    flood = [Reference(f"{SITE}/{n}", published=NOON + timedelta(seconds=n * 7 % 20_011)) for n in range(20_011)]
    sifted = sift(flood)
    assert len(sifted.kept) == MAX_DATED
    assert min(one.published for one in sifted.kept) == NOON + timedelta(seconds=20_011 - MAX_DATED)
    assert sifted.refused == {"flood": 20_011 - MAX_DATED}


def test_of_a_flood_without_dates_both_ends_are_taken_for_new_entries_stand_there():
    flood = undated(*(f"/2026/story-{number}/" for number in range(50_000)))
    sifted = sift(flood)
    assert sifted.kept == (*flood[:1_000], *flood[-1_000:])


def test_subdomains_without_end_are_one_site():
    flood = [Reference(f"https://{number}.post.example/story") for number in range(30_000)]
    assert len(sift(flood).kept) == 2_000


def test_forms_without_end_are_bounded_together():
    flood = undated(*(f"/{number:x}-x/y{number:x}/story" for number in range(30_000)))
    assert len(sift(flood).kept) <= MAX_UNDATED


def test_one_sites_flood_takes_nothing_from_another():
    flood = undated(*(f"/story-{number}" for number in range(20_000)))
    other = [Reference(f"https://herald.example/story-{number}") for number in range(300)]
    assert set(other) <= set(sift([*flood, *other]).kept)


def test_a_source_may_bring_so_many_new_pages_within_any_day_and_another_source_as_many():
    allowance = Allowance(100)
    allowance.took("maker", 70, NOON)
    allowance.took("maker", 70, NOON + timedelta(hours=20))
    assert allowance.left("maker", NOON + timedelta(hours=20)) == 0
    assert allowance.left("maker", NOON + timedelta(hours=24)) == 30
    assert allowance.left("maker", NOON + timedelta(hours=44)) == 100
    assert allowance.left("post", NOON) == 100


def test_a_source_that_has_used_up_its_day_brings_what_is_left_and_no_more():
    dated = (Reference(f"{SITE}/d{number}", published=NOON + timedelta(hours=number)) for number in range(50))
    references = [*undated(*(f"/{number}-x" for number in range(50))), *dated]
    kept = sift(references, 10).kept
    assert kept == (*references[:5], *references[45:50], *references[90:])
    assert sift(references, 0).kept == ()


PIECES = st.sampled_from(
    ["/", "a", "b", "7", "2026", "events", "page", "?", "&", "=", ";jsessionid=", "(S(", "é", "%", "id"]
)


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=12))
def test_whatever_a_source_lists_each_entry_is_kept_or_counted(paths: list[str]):
    references = [Reference(f"{SITE}/{path}") for path in paths]
    sifted = sift(references)
    assert len(sifted.kept) + sifted.total == len(references)
