from __future__ import annotations

from datetime import UTC, datetime

from crawler.extract import extract_text
from crawler.model import Verdict

NOTICE = "Copyright © 2026 Example Wire & Company, Inc. all rights are saved. 0123456789abcdef0123456789abcdef"
PAGE = f"""Pixel Broker

Ferry Line Cuts Sailings as Engineers Run Short

Ferry Line Cuts Sailings as Engineers Run Short
Written by publishing team

LINDHAVEN – One in five winter trips is deleted by the operator of the ferries, as machinists are lacking.

About 14,000 travellers of the northern islands are touched by the step, according to the office for regional transport.

Commuters waited at the quay of Lindhaven on Tuesday.


Ida Holm/Agence Nord/Getty Images

The parent company Marrow Holding corp.

, which possesses 60% in the line, said it had no remark to make at this time.

“A ship is repaired within a week,” the head of the company told residents. “An engineer is not educated within a year.”

An empty ferry in its dock.


Olaf Brandt / Zuma Press

The ministry decides in April about the licence of the route, which the state has subsidised from 1998 on.

write to Petra Lund at and Jonas Weir at

{NOTICE}


About the author

publishing team
"""


def test_a_saved_page_gives_headline_paragraphs_and_captions_without_furniture() -> None:
    found = extract_text(PAGE)
    assert found.verdict is Verdict.ARTICLE
    assert found.title == "Ferry Line Cuts Sailings as Engineers Run Short"
    assert found.site == "Pixel Broker"
    assert found.byline == ()
    assert [part.split()[0] for part in found.text.split("\n\n")] == ["LINDHAVEN", "About", "The", "“A", "The"]
    assert found.captions == (
        "Commuters waited at the quay of Lindhaven on Tuesday. Ida Holm/Agence Nord/Getty Images",
        "An empty ferry in its dock. Olaf Brandt / Zuma Press",
    )


def test_a_torn_paragraph_is_one_again() -> None:
    assert "Marrow Holding corp., which possesses 60% in the line" in extract_text(PAGE).text


def test_traces_of_the_origin_are_kept_apart() -> None:
    found = extract_text(PAGE)
    assert found.copyright == NOTICE
    assert found.trailer == ("write to Petra Lund at and Jonas Weir at", NOTICE)
    assert "write to" not in found.text
    assert "Copyright" not in found.text


def test_byline_and_date_above_the_story_are_read() -> None:
    found = extract_text(
        "Bridge Toll to Rise in May\n\nBy Petra Lund and Jonas Weir\n\nMarch 14, 2026 8:30 am\n\n"
        "The toll on the harbour bridge rises to nine crowns in May, the city council decided on "
        "Tuesday after a debate "
        "of four hours, in which nobody spoke for the drivers."
    )
    assert found.title == "Bridge Toll to Rise in May"
    assert found.byline == ("Petra Lund", "Jonas Weir")
    assert found.published == datetime(2026, 3, 14, 8, 30, tzinfo=UTC)
    assert found.text.startswith("The toll")


def test_lines_that_a_typist_wrapped_are_one_paragraph() -> None:
    found = extract_text(
        "The toll on the harbour bridge rises to nine crowns in May, the council\n"
        "decided on Tuesday after a debate of four hours, in which nobody spoke\n"
        "for the drivers of the islands and their many lorries.\n\n"
        "It is the third rise since the bridge was opened, and the greatest one.\n"
    )
    assert found.title == ""
    assert len(found.text.split("\n\n")) == 2
    assert "council decided" in found.text


def test_a_text_without_headline_keeps_its_first_paragraph() -> None:
    prose = (
        "The council met on Tuesday and decided nothing at all, which surprised nobody in the "
        "town, least of all the mayor, who had gone home."
    )
    assert extract_text(prose).text == prose


def test_a_few_words_are_no_article() -> None:
    assert extract_text("Nothing here").verdict is Verdict.NOT_ARTICLE
    assert extract_text("").verdict is Verdict.NOT_ARTICLE
