from __future__ import annotations

import pytest

from crawler.extract import extract_html
from crawler.model import Verdict
from tests.extract.pages import FOOTER, PARAGRAPHS, TITLE, URL, json_ld, page, paragraphs

CARDS = "".join(
    f'<div class="tile"><h3><a href="/story/{n}">Council decides on item number {n} of its list</a></h3>'
    f'<p><a href="/story/{n}">What it means for item {n}, and who pays in the end.</a></p></div>'
    for n in range(30)
)


@pytest.mark.parametrize(
    ("html", "verdict"),
    [
        (page(f"<main>{CARDS}</main>", title="Latest news"), Verdict.LISTING),
        (
            page("<h1>404</h1><p>The page you are looking for does not exist.</p>", title="Page not found"),
            Verdict.ERROR_PAGE,
        ),
        (
            page(
                "<h1>Just a moment...</h1><p>Verifying you are human. This may take a few seconds.</p>",
                title="Just a moment...",
            ),
            Verdict.ERROR_PAGE,
        ),
        (
            page(
                f"<article><h1>{TITLE}</h1>{paragraphs(PARAGRAPHS[0])}<div "
                'class="paywall"><p>Subscribe to continue reading</p></div></article>'
            ),
            Verdict.PAYWALL,
        ),
        (
            page(
                f"<article><h1>{TITLE}</h1>{paragraphs(PARAGRAPHS[0])}</article>",
                json_ld(headline=TITLE, isAccessibleForFree=False),
            ),
            Verdict.PAYWALL,
        ),
        (
            "<title>Your privacy</title><main><h1>Before you continue</h1><p>We and our 312 partners "
            "store and use cookies to measure "
            "our audience and to show you personalised advertising.</p><button>Accept all</button></main>",
            Verdict.CONSENT,
        ),
        ("<title>Courier</title><p>Coming soon.</p>", Verdict.NOT_ARTICLE),
        ("", Verdict.NOT_ARTICLE),
        (page(f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS)}</article>{FOOTER}"), Verdict.ARTICLE),
        (
            page(f"<article><h1>{TITLE}</h1>{paragraphs(*PARAGRAPHS * 2, 'Subscribe to continue reading')}</article>"),
            Verdict.ARTICLE,
        ),
    ],
)
def test_a_page_is_told_for_what_it_is(html: str, verdict: Verdict) -> None:
    assert extract_html(html, URL).verdict is verdict


def test_a_whole_story_behind_a_metered_wall_is_an_article() -> None:
    head = json_ld(headline=TITLE, isAccessibleForFree=False)
    text = paragraphs(
        *PARAGRAPHS, *(f"In {place} the boats still run as before." for place in ("Aldby", "Torsund", "Velling"))
    )
    story = f"<article><h1>{TITLE}</h1>{text}{text.replace('boats', 'ships')}</article>"
    assert extract_html(page(story, head), URL).verdict is Verdict.ARTICLE


def test_an_index_of_short_names_is_a_listing() -> None:
    entries = "".join(f'<li><a href="/port/{n}">Port {n}</a></li>' for n in range(60))
    assert extract_html(page(f"<h1>All ports</h1><ul>{entries}</ul>", title="Ports"), URL).verdict is Verdict.LISTING
