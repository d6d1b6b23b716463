from __future__ import annotations

import pytest

from crawler.extract import extract_html
from crawler.model import Verdict
from tests.extract import pages
from tests.extract.pages import PARAGRAPHS, TEXT, TITLE, URL, page, paragraphs


@pytest.mark.parametrize("markup", pages.MARKUPS)
def test_the_story_is_read_from_every_markup_without_its_furniture(markup: str) -> None:
    found = extract_html(pages.MARKUPS[markup](), URL)
    assert found.verdict is Verdict.ARTICLE
    assert found.title == TITLE
    assert found.text == TEXT


def test_lists_quotes_and_headings_belong_to_the_body() -> None:
    body = (
        f"<article>{paragraphs(*PARAGRAPHS[:2])}<h2>What changes in May</h2><ul><li>No boat before "
        "seven in the morning.</li>"
        "<li>Two boats fewer on Sundays.</li></ul><blockquote>Nobody asked the "
        f"islands.</blockquote>{paragraphs(*PARAGRAPHS[2:])}</article>"
    )
    lines = extract_html(page(body), URL).text.split("\n\n")
    assert lines[2:6] == [
        "What changes in May",
        "No boat before seven in the morning.",
        "Two boats fewer on Sundays.",
        "Nobody asked the islands.",
    ]


def test_captions_and_credits_stand_apart() -> None:
    body = (
        f"<article>{paragraphs(*PARAGRAPHS[:2])}<figure><img src=a.jpg><figcaption>The ferry Alma in dry dock."
        f"</figcaption></figure><p>Ida Holm/Agence Nord/Getty Images</p>{paragraphs(*PARAGRAPHS[2:])}</article>"
    )
    found = extract_html(page(body), URL)
    assert found.text == TEXT
    assert found.captions == ("The ferry Alma in dry dock.", "Ida Holm/Agence Nord/Getty Images")


def test_a_paragraph_torn_at_a_ticker_link_is_one_again() -> None:
    torn = (
        "<p>The parent company Marrow Holding Corp.</p><div class='quote'></div><p>, which owns "
        "60% of the line, declined to comment.</p>"
    )
    found = extract_html(page(f"<article>{paragraphs(*PARAGRAPHS)}{torn}</article>"), URL)
    assert (
        "The parent company Marrow Holding Corp., which owns 60% of the line, declined to comment."
        in found.text.split("\n\n")
    )


def test_traces_of_the_origin_go_to_the_trailer() -> None:
    notice = "Copyright © 2026 Example Wire & Company, Inc. All Rights Reserved. 0123456789abcdef0123456789abcdef"
    contact = "Write to Petra Lund at petra.lund@courier.example"
    found = extract_html(page(f"<article>{paragraphs(*PARAGRAPHS, contact, notice)}</article>"), URL)
    assert found.text == TEXT
    assert found.copyright == notice
    assert found.trailer[:2] == (contact, notice)


def test_the_rest_of_a_story_that_a_script_would_unfold_is_read() -> None:
    body = (
        f'<div class="story-body">{paragraphs(*PARAGRAPHS[:2])}<div class="read-more-body" style="display:none">'
        f"{paragraphs(*PARAGRAPHS[2:])}</div><button>Read more</button></div>"
    )
    assert extract_html(page(body), URL).text == TEXT


def test_a_variant_for_phones_is_read_once() -> None:
    body = f'<div class="wide">{paragraphs(*PARAGRAPHS)}</div><div class="narrow">{paragraphs(*PARAGRAPHS)}</div>'
    assert extract_html(page(f"<div>{body}</div>"), URL).text == TEXT


def test_comments_longer_than_the_story_are_left_out() -> None:
    comments = paragraphs(
        *(f"Reader {n} says that the boats were better when {n} of them ran each hour of the day." for n in range(40))
    )
    body = f'<div class="story">{paragraphs(*PARAGRAPHS)}</div><div class="comments">{comments}</div>'
    assert extract_html(page(body), URL).text == TEXT


def test_links_of_the_body_are_absolute_and_those_of_the_page_are_not_told() -> None:
    linked = (
        '<p>The report, <a href="/reports/7?a=1&amp;b=2">published on Monday</a>, names three '
        "causes for the lack of engineers.</p>"
    )
    found = extract_html(page(f"<article>{paragraphs(*PARAGRAPHS)}{linked}</article>"), URL)
    assert found.hyperlinks == ("https://news.example/reports/7?a=1&b=2",)


def test_at_most_two_hundred_links_are_told() -> None:
    linked = paragraphs(
        *(
            f'Item {n} of the long list is told <a href="/item/{n}">over there</a>, in another place.'
            for n in range(300)
        )
    )
    assert len(extract_html(page(f"<article>{linked}</article>"), URL).hyperlinks) == 200


def test_code_and_a_release_in_pre_are_text() -> None:
    code = "<pre>for (let i = 0; i < n; i++) { total += fares[i].price * (1 - fares[i].discount); }</pre>"
    release = f"<pre>{PARAGRAPHS[0]}\n\n{PARAGRAPHS[1]}</pre>"
    found = extract_html(page(f"<article>{release}{paragraphs(*PARAGRAPHS[2:])}{code}</article>"), URL)
    assert "total += fares[i].price" in found.text
    assert PARAGRAPHS[1] in found.text


def test_the_feeds_teaser_tells_which_of_two_texts_is_the_story() -> None:
    other = paragraphs(
        *(f"Day {n} of the regatta brought wind from the west and a new leader of the field." for n in range(30))
    )
    html = page(f"<div><article>{other}</article><article>{paragraphs(*PARAGRAPHS)}</article></div>")
    assert "regatta" in extract_html(html, URL).text
    assert extract_html(html, URL, teaser=PARAGRAPHS[0][:90] + " …").text == TEXT


def test_a_lead_that_stands_apart_under_the_headline_belongs_to_the_text() -> None:
    lead = (
        "Two ships have lain idle since autumn because nobody is there to mend them, and the islands have to pay for "
        "it: with longer days, fuller boats and a timetable that few of them can still rely on."
    )
    top = f"<div class=top><div><h1>{TITLE}</h1></div><p>{lead}</p><div>Listen</div><div>Share</div></div>"
    html = page(f"<main>{top}<div class=story-body>{paragraphs(*PARAGRAPHS)}</div></main>")
    assert extract_html(html, URL).text == f"{lead}\n\n{TEXT}"


def test_a_cell_that_reads_like_the_heading_of_a_closing_section_does_not_end_the_text() -> None:
    cells = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in (("Route", "Recommended sailing"), ("North", "9")))
    html = page(
        f"<article>{paragraphs(*PARAGRAPHS)}<table>{cells}</table>{paragraphs('Response:', PARAGRAPHS[0][:99])}"
    )
    assert extract_html(html, URL).text.endswith(PARAGRAPHS[0][:99])


def test_a_text_in_several_elements_of_one_name_is_whole() -> None:
    offer = '<div class="offers"><a href="/shop/1">Buy a ticket book</a> <a href="/shop/2">Buy a map</a></div>'
    pieces = offer.join(
        f'<div class="articletext">{paragraphs(*part)}</div>' for part in (PARAGRAPHS[:1], PARAGRAPHS[1:])
    )
    assert extract_html(page(f"<main>{pieces}</main>"), URL).text == TEXT


def test_a_box_called_a_card_is_text_unless_it_leads_to_another_page() -> None:
    said = "The timetable for January will be printed in the town hall next week."
    box = f'<div class="card"><p>{said}</p></div>'
    teaser = f'<div class="card"><p><a href="/other">{said}</a></p></div>'
    story = paragraphs(*PARAGRAPHS)
    assert said in extract_html(page(f"<article>{story}{box}{story}</article>"), URL).text
    assert said not in extract_html(page(f"<article>{story}{teaser}{story}</article>"), URL).text


def test_links_that_are_a_sentence_a_heading_or_a_cell_of_the_text_stay_and_headlines_of_others_go() -> None:
    own = (
        'See <a href="/timetable">the whole winter timetable of all the lines to the islands</a>.',
        '<a href="/other/1">Bridge Toll to Rise in May After Years of Delay</a>',
    )
    heading = '<h3><a href="/ships">The ships</a></h3>'
    cells = (
        "<table><tr><td>The Sula has lain idle in the inner port since the third of October.</td>"
        '<td><a href="/ships/sula">Sailing ship register entry</a></td>'
        "<td>The Rona has lain idle at the same quay since the end of that month.</td></tr></table>"
    )
    story = paragraphs(PARAGRAPHS[0], own[0], *PARAGRAPHS[1:3], own[1])
    text = extract_html(page(f"<article>{story}{heading}{paragraphs(*PARAGRAPHS[3:])}{cells}</article>"), URL).text
    assert "See the whole winter timetable of all the lines to the islands." in text
    assert "The ships" in text
    assert "Sailing ship register entry" in text
    assert "Bridge Toll" not in text


def test_a_long_row_of_linked_paragraphs_is_what_the_text_lists_and_a_few_are_other_articles() -> None:
    ships = [f'<a href="/ships/{n}">The ferry of line {n} to the islands</a>' for n in range(6)]
    story = paragraphs(*PARAGRAPHS[:2], *ships, *PARAGRAPHS[2:4], *ships[:2], *PARAGRAPHS[4:])
    text = extract_html(page(f"<article>{story}</article>"), URL).text
    assert text.count("The ferry of line 1 ") == 1
    assert "The ferry of line 5 to the islands" in text


def test_addresses_that_a_text_names_as_its_sources_stay_in_a_list_of_links() -> None:
    sources = "".join(f'<li><a href="https://office.example/{n}">https://office.example/{n}</a></li>' for n in range(5))
    html = page(f"<article>{paragraphs(*PARAGRAPHS)}<ol>{sources}</ol></article>")
    assert "https://office.example/3" in extract_html(html, URL).text


def test_a_linked_heading_belongs_to_the_text_that_stands_under_its_picture() -> None:
    section = '<h2><a href="/ships/1">The two ships that lie idle</a></h2><p>Photo: harbour</p><p>Sold in 1998</p>'
    html = page(f"<article>{paragraphs(*PARAGRAPHS[:2])}{section}{paragraphs(*PARAGRAPHS[2:])}</article>")
    assert "The two ships that lie idle" in extract_html(html, URL).text
