"""What stands at the edges of a story, and what a page's other claims are worth against what it shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.extract import extract_html
from crawler.extract.evidence import Sign, read_signs
from crawler.extract.trailer import find_trailers, is_trailer
from crawler.model import Extraction, Verdict
from tests.extract.pages import PARAGRAPHS, TEXT, TITLE, URL, page, paragraphs

UNDATED = "https://news.example/harbour-ferries"


def read(body: str, head: str = "", url: str = UNDATED, **how: str) -> Extraction:
    return extract_html(page(body, head, **how), url)


def story(*lines: str, after: str = "") -> str:
    return f"<div><h1>{TITLE}</h1>{paragraphs(*lines, *PARAGRAPHS)}{after}</div>"


def test_sentences_beside_the_text_in_the_same_layout_are_left_out() -> None:
    motto = "<p>The paper for people who like to know what the boats are doing, every day of the week.</p>"
    body = f"<div>{motto}<div><h1>{TITLE}</h1><div>{paragraphs(*PARAGRAPHS)}</div></div>{motto}</div>"
    assert read(body).text == TEXT


def test_a_first_paragraph_that_stands_apart_is_kept() -> None:
    body = f"<div><h1>{TITLE}</h1><p>{PARAGRAPHS[0][:115]}.</p><div>{paragraphs(*PARAGRAPHS[1:] * 3)}</div></div>"
    assert read(body).text.startswith(PARAGRAPHS[0][:115])


@pytest.mark.parametrize(
    "line",
    [
        "By Petra Lund | Published March 14, 2026 Print this story | Send it to a friend | Larger type",
        "Published March 14, 2026",
        "By Petra Lund",
        "Written by editorial desk",
    ],
)
def test_a_line_on_author_or_date_above_the_text_is_no_text(line: str) -> None:
    assert read(story(line)).text == TEXT


def test_readers_comments_after_the_text_are_left_out() -> None:
    after = (
        "<p>Reader comments (2) Anonymous: I have taken this ferry for thirty years and nobody ever asked me.</p>"
        "<p>Should the town buy a boat of its own?</p>"
    )
    assert read(story(after=after)).text == TEXT


def test_a_caption_that_ends_in_its_credit_stands_apart() -> None:
    caption = "The ferry Alma in dry dock. Ida Holm/Agence Nord"
    found = read(f"<div><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS[:2], caption, *PARAGRAPHS[2:])}</div>")
    assert found.text == TEXT
    assert found.captions == (caption,)


@pytest.mark.parametrize(
    "line",
    [
        "Write to Petra Lund",
        "Write to Petra Lund and Jonas Weir at",
        "Write to Petra Lund-Holm on",
        "(END) Dow Jones Newswires",
        "(FINISH) Dow Jones Newswires",
        "(THE END) Dow Jones Newswires",
        "Copyright ©2026 Example Wire, Inc. All Rights Reserved.",
    ],
)
def test_a_line_of_origin_is_known_even_mangled(line: str) -> None:
    assert is_trailer(line)


def test_lines_of_origin_are_found_among_paragraphs() -> None:
    texts = [
        PARAGRAPHS[0],
        "Write to Petra Lund at",
        "Copyright Notice",
        "0123456789abcdef0123456789abcdef",
        "Ask for the rights of tenants, and write often.",
        "© 2026 Example Wire",
    ]
    assert find_trailers(texts) == [1, 3, 5] == [place for place, text in enumerate(texts) if is_trailer(text)]


@pytest.mark.parametrize(
    "line",
    [
        "Write to your member of parliament, the group urged its followers.",
        "Residents have the right to appeal, and many will contact a lawyer.",
        "The end of the line is a small harbour in the north.",
    ],
)
def test_a_sentence_is_no_line_of_origin(line: str) -> None:
    assert not is_trailer(line)


def test_the_date_below_a_wires_end_mark_goes_with_it() -> None:
    after = paragraphs("(END) Dow Jones Newswires", "March 14, 2026 09:41 ET")
    found = read(story(after=after))
    assert found.text == TEXT
    assert "March 14, 2026 09:41 ET" in found.trailer


def test_a_short_article_beside_an_offer_is_no_paywall() -> None:
    offer = '<div class="paywall-promo"><p>Courier Plus: fewer ads for 2.99 a month. Try it now.</p></div>'
    head = '<meta property="og:type" content="article">'
    assert read(f"<article>{story(after=offer)}</article>", head).verdict is Verdict.ARTICLE


def test_a_text_that_breaks_off_before_a_nameless_wall_is_one() -> None:
    wall = '<div class="paywall"><p>Weiterlesen mit einem Abonnement.</p></div>'
    cut = f"<article><h1>{TITLE}</h1><p>{PARAGRAPHS[0][:-1]} …</p>{wall}</article>"
    assert read(cut).verdict is Verdict.PAYWALL


def test_a_short_article_among_many_headlines_is_no_listing() -> None:
    links = "".join(
        f'<div><a href="/{n}">Council decides on item number {n} of its long list</a></div>' for n in range(40)
    )
    assert read(f"{story()}<div>{links}</div>").verdict is Verdict.ARTICLE


def test_the_shown_time_outranks_the_day_in_the_url() -> None:
    shown = '<time datetime="2026-03-15T06:30:00Z">March 15, 2026</time>'
    assert read(f"{shown}{story()}", url=URL).published == datetime(2026, 3, 15, 6, 30, tzinfo=UTC)


def test_the_hour_is_taken_from_inside_the_line_that_shows_the_day() -> None:
    shown = '<span class="posted-on">Posted on <time datetime="2026-03-14T06:30:00Z">March 14, 2026</time></span>'
    assert read(f"<h1>{TITLE}</h1>{shown}{paragraphs(*PARAGRAPHS)}").published == datetime(
        2026, 3, 14, 6, 30, tzinfo=UTC
    )


def test_an_empty_time_element_tells_the_time() -> None:
    shown = '<time datetime="2026-03-14T06:30:00Z"></time>'
    assert read(f"<h1>{TITLE}</h1>{shown}{paragraphs(*PARAGRAPHS)}").published == datetime(
        2026, 3, 14, 6, 30, tzinfo=UTC
    )


def test_a_day_shown_in_the_newsrooms_zone_does_not_outrank_the_moment_that_is_claimed() -> None:
    head = '<meta property="article:published_time" content="2026-03-15T02:17:00Z">'
    body = f'<article><h1>{TITLE}</h1><p class="date">March 14, 2026</p>{paragraphs(*PARAGRAPHS)}</article>'
    assert read(body, head).published == datetime(2026, 3, 15, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize(("changed", "day"), [("2026-03-20T09:00:00Z", 20), ("2026-03-25T09:00:00Z", 14), (None, 14)])
def test_a_later_day_under_the_headline_is_the_pages_date_only_if_its_head_knows_of_it(
    changed: str | None, day: int
) -> None:
    head = '<meta property="article:published_time" content="2026-03-14T08:30:00Z">'
    if changed:
        head += f'<meta property="article:modified_time" content="{changed}">'
    found = read(f"<h1>{TITLE}</h1><p class=date>March 20, 2026</p>{paragraphs(*PARAGRAPHS)}", head)
    assert found.published is not None
    assert found.published.day == day


def test_a_day_that_is_labelled_as_that_of_a_change_does_not_become_the_date() -> None:
    head = (
        '<meta property="article:published_time" content="2026-03-14T08:30:00Z">'
        '<meta property="article:modified_time" content="2026-03-20T08:30:00Z">'
    )
    found = read(f"<h1>{TITLE}</h1><p>Updated March 20, 2026</p>{paragraphs(*PARAGRAPHS)}", head)
    assert found.published == datetime(2026, 3, 14, 8, 30, tzinfo=UTC)
    assert found.modified == datetime(2026, 3, 20, 8, 30, tzinfo=UTC)


def test_a_far_off_shown_day_does_not_outrank_the_url() -> None:
    shown = "<p>March 1, 2025</p>"
    assert read(f"{shown}{story()}", url=URL).published == datetime(2026, 3, 14, tzinfo=UTC)


def test_a_claimed_day_gets_its_hour_from_the_page() -> None:
    head = '<meta name="date" content="2026-03-14">'
    shown = '<time datetime="2026-03-14T06:30:00Z">March 14</time>'
    assert read(f"{shown}{story()}", head).published == datetime(2026, 3, 14, 6, 30, tzinfo=UTC)


def test_a_labelled_date_is_read_in_the_middle_of_a_line() -> None:
    line = (
        "By Petra Lund | Published March 14, 2026 Print this story | Send it to a friend | Larger type | Listen to it"
    )
    found = read(story(line))
    assert found.published == datetime(2026, 3, 14, tzinfo=UTC)
    assert found.byline == ("Petra Lund",)


def test_the_papers_own_name_is_no_author() -> None:
    head = (
        '<meta name="author" content="The Lindhaven Courier"><meta property="og:site_name" content="Lindhaven Courier">'
    )
    assert read(story(), head).byline == ()
    assert read(story("By B. Tully"), head).byline == ("B. Tully",)


def test_the_owner_of_a_site_is_its_author() -> None:
    head = '<meta name="author" content="Petra Lund"><meta property="og:site_name" content="Petra Lund">'
    assert read(story(), head).byline == ("Petra Lund",)


def test_a_sentence_on_the_desk_names_nobody() -> None:
    box = '<div class="author-bio"><p>Courier 7’s editorial desk follows trade around the clock.</p></div>'
    assert read(story(after=box)).byline == ()


def test_a_name_alone_beside_the_date_is_the_author() -> None:
    lines = "<div><div>P. Lund</div><div>Mar 14, 2026</div><div>2 min read</div></div>"
    assert read(f"<h1>{TITLE}</h1>{lines}<div>{paragraphs(*PARAGRAPHS)}</div>").byline == ("P. Lund",)


def test_a_page_inside_an_open_nav_is_read() -> None:
    assert read(f"<nav><div>World</div>{story()}").text == TEXT


def test_a_less_than_sign_in_an_attributes_name_does_not_shift_the_page() -> None:
    assert read(f'<article><img alt="x" <img=""><div class="a" <b>{story()}</div></article>').text == TEXT


def test_the_letters_of_a_hash_are_no_name() -> None:
    assert read_signs(' class="block-1a component_bbc4ad583c"') == Sign.NONE
    assert read_signs(' class="ad-300x250"') == read_signs(' id="ad1"') == Sign.FURNITURE


def test_a_sentence_that_begins_as_a_share_button_does_is_text() -> None:
    sentence = "Share this timeline with your crew, so that nobody waits at the quay in vain."
    assert read(story("Share this story", sentence)).text == f"{sentence}\n\n{TEXT}"


def test_an_article_of_one_paragraph_is_found_in_its_wrappers() -> None:
    links = "".join(f'<li><a href="/{n}">Council decides on item {n}</a></li>' for n in range(9))
    body = (
        f"<div><ul>{links}</ul><div><div><h1>{TITLE}</h1></div><div><div><p>{PARAGRAPHS[0]}</p></div></div></div></div>"
    )
    assert read(body).text == PARAGRAPHS[0]


def test_a_box_about_the_author_longer_than_the_story_is_left_out() -> None:
    box = (
        "About the author",
        "Petra Lund writes on ships and trade. " * 12,
        "She lives in Lindhaven with two dogs. " * 12,
    )
    short = f"<h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS, *box)}"
    assert read(f"<div>{short}</div>").text == TEXT
