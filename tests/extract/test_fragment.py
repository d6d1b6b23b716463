from __future__ import annotations

from crawler.extract import extract_fragment
from crawler.model import Verdict
from tests.extract.pages import PARAGRAPHS, TEXT, TITLE, URL, paragraphs


def test_all_of_a_feeds_content_is_the_article_but_for_the_feeds_own_additions() -> None:
    content = (
        f'{paragraphs(*PARAGRAPHS)}<div class="sharedaddy"><a href="https://share.example">Share</a></div>'
        f'<p>The post <a href="{URL}">{TITLE}</a> appeared first on <a href="https://news.example">The Courier</a>.</p>'
    )
    found = extract_fragment(content, URL, TITLE)
    assert found.verdict is Verdict.ARTICLE
    assert found.title == TITLE
    assert found.text == TEXT


def test_a_short_note_in_a_feed_keeps_every_sentence() -> None:
    content = (
        "<p>No ferry today.</p><p>The sea is too high, and the crew of the only ship that "
        "could sail is still in Torsund. "
    )
    content += "We will tell you as soon as it is back.</p>"
    found = extract_fragment(content, URL)
    assert found.text.startswith("No ferry today.\n\nThe sea")


def test_bare_text_with_line_breaks_is_paragraphs() -> None:
    assert extract_fragment("<br/><br/>".join(PARAGRAPHS), URL).text == TEXT


def test_an_empty_fragment_is_no_article() -> None:
    assert extract_fragment("", URL).verdict is Verdict.NOT_ARTICLE
